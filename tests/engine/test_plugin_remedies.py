"""Remedies of plug-ins: what they are asked with, what comes of their answer, and of none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.effects import Goal, GoalKind, OpenEpisode
from bot.domain.events import Restarted
from bot.domain.scale import NS_PER_SECOND
from bot.engine.record import checkpoint
from tests.builders import T0, snapshot, trade
from tests.engine.driver import Trader, engine
from tests.engine.plugged import plugged, plugins, rules, take
from tests.engine.plugin_desk import (
    ASKING,
    alarms,
    answer,
    fires,
    holding,
)


def asked(folder: Path, body: str, *, inputs: str = '("position.loss_ratio",)') -> Trader:
    """A driver whose rule has fired and asked the remedy of ``body``."""
    driver = holding(plugged(folder, answer(body, inputs=inputs), ASKING))
    driver.step(trade(10, 7_000))
    assert fires(driver) == ["ask"]
    return driver


def test_remedy_decides_the_goal_by_its_readings_at_the_fire(tmp_path: Path) -> None:
    """The loss is 12.5 % at the fire; half of the position is sold, and no more."""
    driver = asked(tmp_path, "return reduce(x * 4)")
    assert [fire.goal for fire in driver.found(OpenEpisode)] == [Goal(GoalKind.REDUCE, 0.5)]
    driver.fill_all(11, price=7_000)
    assert driver.held == 500
    assert alarms(driver) == []


@pytest.mark.parametrize(
    "body",
    ["return 1 / 0", "return None", "return 0.5", "return reduce(1.0)", "return reduce(0.0)", "return reduce(-0.5)",
     "return reduce(1e308 * 1e308)", "return to_leverage(2)", "return close"],
    ids=["exception", "nothing", "number", "all", "none", "negative", "infinite", "an account's goal", "no call"],
)
def test_remedy_that_gives_no_goal_gives_way_to_otherwise(tmp_path: Path, body: str) -> None:
    """A rule that fires never does nothing: it closes, and says why."""
    driver = asked(tmp_path, body)
    assert [fire.goal for fire in driver.found(OpenEpisode)] == [Goal(GoalKind.FLAT)]
    assert alarms(driver) == ["plugin_failed", "plugin_otherwise"]
    driver.fill_all(11, price=7_000)
    assert driver.held == 0


def test_remedy_without_a_reading_gives_way_to_otherwise_without_being_called(tmp_path: Path) -> None:
    """There is no funding rate, so there is nothing to ask; that is no failure of the plug-in."""
    driver = asked(tmp_path, "return reduce(0.5)", inputs='("market.funding_rate",)')
    assert [fire.goal for fire in driver.found(OpenEpisode)] == [Goal(GoalKind.FLAT)]
    assert alarms(driver) == ["plugin_otherwise"]


def test_remedy_reads_the_account_as_it_is_at_the_fire(tmp_path: Path) -> None:
    """No condition reads equity here, so nobody else keeps it current: 10,000 at the start, 9,000 at the fire."""
    driver = asked(tmp_path, "return reduce(x / 20_000)", inputs='("account.equity",)')
    assert [fire.goal for fire in driver.found(OpenEpisode)] == [Goal(GoalKind.REDUCE, 0.45)]


def test_remedy_that_failed_three_times_is_off(tmp_path: Path) -> None:
    """The fourth fire does not ask any more; it still does what otherwise says."""
    driver = holding(plugged(tmp_path, answer("return 1 / 0"), ASKING.replace("close", "{reduce: 10%}")))
    for number in range(4):
        driver.step(trade(10 + 10 * number, 7_000))
        driver.fill_all(12 + 10 * number, price=7_000)
        driver.step(trade(15 + 10 * number, 7_900))
    assert fires(driver) == ["ask"] * 4
    counted = [code for code in alarms(driver) if code != "plugin_otherwise"]
    assert counted == ["plugin_failed", "plugin_failed", "plugin_disabled"]
    assert alarms(driver).count("plugin_otherwise") == 4


def test_remedy_of_an_account_gives_the_account_a_goal(tmp_path: Path) -> None:
    """20 sigma of 15 minutes, but no less than 20 %: a goal that a rule alone cannot say."""
    source = (
        '@remedy("by_sigma", of="account", meaning="...", inputs=("account.sigma(15m)",))\n'
        "def by_sigma(sigma):\n    return to_liquidation_distance(max(20 * sigma, 0.2))\n"
    )
    text = (
        "rules:\n  guard:\n    for_each: account\n    when: account.liquidation_distance < 6%\n"
        "    do: {plugin: {remedy: by_sigma, otherwise: {deleverage: {to: {liquidation_distance: 30%}}}}}\n"
        "    execute: {algo: now}\n"
    )
    driver = holding(plugged(tmp_path, source, text), usdt=800)
    driver.step(trade(10, 7_600))
    (fire,) = driver.found(OpenEpisode)
    assert fire.goal == Goal(GoalKind.LIQUIDATION_DISTANCE, 0.2) and alarms(driver) == []


def test_restart_keeps_to_what_a_remedy_answered_and_does_not_ask_again(tmp_path: Path) -> None:
    """The goal is in the record: a plug-in that would say otherwise today has no voice in it."""
    before = asked(tmp_path, "return reduce(0.5)").engine.book
    driver = Trader(engine(book=checkpoint.load(checkpoint.dump(before), before.layout)))
    take(driver.engine, rules(plugins(tmp_path, answer("return close()")), ASKING))
    driver.step(Restarted(T0 + 20 * NS_PER_SECOND, "test"))
    driver.step(snapshot(21, usdt=10_000, btc=1_000, entry=8_000))
    driver.step(trade(22, 6_900))
    assert fires(driver) == [] and alarms(driver) == []
    (episode,) = driver.engine.book.episodes.values()
    assert episode.goal == Goal(GoalKind.REDUCE, 0.5) and episode.keeps == {0: 500}
