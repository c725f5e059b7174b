"""Plug-ins inside the engine: they are read like any measure, and their failures stay theirs."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.plugins import load_plugin
from bot.domain.effects import Effect, Goal, GoalKind, OpenEpisode, RaiseAlarm
from bot.domain.events import Reloaded
from bot.domain.market import FundingRate, Trade
from bot.domain.scale import NS_PER_HOUR, NS_PER_SECOND
from bot.domain.units import Place, SourceText
from bot.rules.bound_plugins import bind_plugins
from bot.rules.language.typed import Scope
from bot.rules.plugins import require_number
from bot.rules.ruleset import RuleSet, make_rule
from bot.rules.spec import Close, RuleSpec
from tests.builders import BTC, ETH, STRATEGIES, T0, snapshot, trade
from tests.engine.driver import Trader, engine
from tests.engine.plugged import HEAD, plugged, plugins, rules, take
from tests.engine.plugin_desk import (
    ASKING,
    LOSS,
    alarms,
    answer,
    fires,
    holding,
    loss,
)
from tests.engine.test_wide import made, storm

# The example that comes with the program -------------------------------------------------------------------


def carrying(rate: int, *, usdt: float = 4_000, btc: int = 1_000) -> Trader:
    """The bundled example with a position bought at 8,000 and a funding rate, 10^-8."""
    bound = bind_plugins([load_plugin(STRATEGIES / "plugins" / "carry.py")], [BTC, ETH])
    driver = Trader(engine())
    take(driver.engine, rules(bound, (STRATEGIES / "plugins" / "carry_stop.yaml").read_text(encoding="utf-8")))
    holding(driver, usdt=usdt, btc=btc)
    now = T0 + 5 * NS_PER_SECOND
    driver.step(FundingRate(now, now, 0, rate, now + 100 * NS_PER_HOUR))
    for seconds, price in ((10, 8_000.5), (300, 8_001), (620, 8_000.5)):
        driver.step(trade(seconds, price))
    return driver


@pytest.mark.parametrize(
    ("rate", "usdt", "btc", "expected"),
    [
        # 8,000 x 9 bps x 3 is 21.6 a day, 54 bps of 4,000; at 8 bps it is 48 bps of it
        (90_000, 4_000, 1_000, [Goal(GoalKind.REDUCE, 0.5)]),
        (80_000, 4_000, 1_000, []),
        (90_000, 4_000, -1_000, []),                         # a short receives them
        (-90_000, 4_000, -1_000, [Goal(GoalKind.REDUCE, 0.5)]),
        (90_000, 6_000, 1_000, []),                          # the same position in a larger account
        (900_000, 33_000, 1_000, [Goal(GoalKind.FLAT)]),     # 65 bps a day, and less than a quarter of equity
    ],
)
def test_bundled_plugin_fires_on_a_costly_carry_and_not_on_a_bearable_one(
    rate: int, usdt: float, btc: int, expected: list[Goal]
) -> None:
    """Half goes while the position is large, all of it when it is small, nothing while its carry is bearable."""
    driver = carrying(rate, usdt=usdt, btc=btc)
    assert [fire.goal for fire in driver.found(OpenEpisode)] == expected
    assert alarms(driver) == []


def test_bundled_plugin_without_a_funding_rate_neither_fires_nor_fails() -> None:
    """What is not known is no reason to sell, and none to blame the plug-in."""
    bound = bind_plugins([load_plugin(STRATEGIES / "plugins" / "carry.py")], [BTC, ETH])
    driver = Trader(engine())
    take(driver.engine, rules(bound, (STRATEGIES / "plugins" / "carry_stop.yaml").read_text(encoding="utf-8")))
    holding(driver)
    driver.step(trade(700, 8_100))
    assert fires(driver) == [] and alarms(driver) == []


def test_fire_by_a_plugin_shows_its_reading() -> None:
    """A decision that cannot be explained is none; 54.003 bps at a price of 8,000.5."""
    (fire,) = carrying(90_000).found(OpenEpisode)
    (reading,) = fire.readings
    assert reading.text == "plugin.daily_carry" and reading.unit == "ratio"
    assert reading.value == pytest.approx(8_000.5 * 0.0009 * 3 / 4_000.5, rel=1e-12)


# Measures --------------------------------------------------------------------------------------------------


def test_measure_at_its_limit_does_not_fire_and_past_it_does(tmp_path: Path) -> None:
    """5 % of 8,000 is 400."""
    driver = holding(plugged(tmp_path, loss("return x"), LOSS))
    driver.step(trade(10, 7_600))
    assert fires(driver) == []
    driver.step(trade(11, 7_599))
    assert fires(driver) == ["loss"]


def test_measure_of_an_account_moves_with_every_position_of_it(tmp_path: Path) -> None:
    """A rule on the BTC position sees what ETH does to the account that its plug-in reads."""
    source = loss("return 1.0 - x / 10_000", inputs='("account.equity",)', of="account")
    driver = plugged(tmp_path, source, LOSS)
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=10_000, btc=100, entry=8_000, eth=20_000, eth_entry=200))
    driver.step(trade(10, 175.1, instrument=1))              # 498 lost
    assert fires(driver) == []
    driver.step(trade(11, 174.9, instrument=1))              # 502 lost
    assert fires(driver) == ["loss", "loss"]


def test_measure_that_reads_another_market_moves_with_it(tmp_path: Path) -> None:
    """The rule is of a BTC position; only ETH trades."""
    source = loss("return 1.0 - x / 200", inputs="('market(\"ETH/USDT:USDT\").mark_price',)")
    driver = plugged(tmp_path, source, LOSS)
    driver.step(trade(0, 200, instrument=1))
    holding(driver)
    driver.step(trade(10, 191, instrument=1))
    assert fires(driver) == []
    driver.step(trade(11, 189, instrument=1))
    assert fires(driver) == ["loss"]


def test_measure_of_a_market_is_read_for_the_market_of_the_position(tmp_path: Path) -> None:
    """ETH falling is nothing to a rule on the BTC position."""
    source = loss("return 1.0 - x / 8_000", inputs='("market.mark_price",)', of="market")
    driver = holding(plugged(tmp_path, source, LOSS))
    driver.step(trade(10, 100, instrument=1))
    assert fires(driver) == []
    driver.step(trade(11, 7_590))
    assert fires(driver) == ["loss"]


def test_window_over_a_plugin_looks_back(tmp_path: Path) -> None:
    """A plug-in's measure is a reading like any other."""
    text = LOSS.replace("plugin.loss > 5%", "max(plugin.loss, 1m) > 5% and plugin.loss < 1%")
    driver = holding(plugged(tmp_path, loss("return x"), text))
    for seconds, price in ((60, 8_001), (70, 7_500), (80, 7_990)):
        assert fires(driver) == []
        driver.step(trade(seconds, price))
    assert fires(driver) == ["loss"]


def test_measure_is_called_only_when_an_input_has_changed(tmp_path: Path) -> None:
    """A failure is counted per input, so the same price over and over is one failure."""
    driver = holding(plugged(tmp_path, loss("return 1 / 0"), LOSS))
    for seconds in range(1, 9):
        driver.step(trade(seconds, 7_900))
        driver.step(trade(seconds + 0.5, 150 + seconds, instrument=1))
    assert alarms(driver) == ["plugin_failed", "plugin_failed"]      # at 8,000 and at 7,900


@pytest.mark.parametrize(
    "body",
    ["return 1 / 0", "return (1 + x) * 1e308 * 1e308", "return (1 + x) * 1e308 * 1e308 * 0", "return 10 ** 400",
     "return 'x'", "return True", "return (x,)", "raise ValueError('no')", "assert x < 0", "return unknown",
     "return loss(x)"],
    ids=["exception", "infinite", "not a number", "too large", "text", "truth", "tuple", "raised", "assertion",
         "undefined name", "calls itself as a measure"],
)
def test_measure_that_fails_is_unavailable_and_after_three_times_off_with_an_alarm(tmp_path: Path, body: str) -> None:
    """No rule acts on it, the first and second failure are told, and at the third it is not called any more."""
    driver = holding(plugged(tmp_path, loss(body), LOSS))
    driver.step(trade(1, 7_000))
    assert alarms(driver) == ["plugin_failed"] * 2
    driver.step(trade(2, 6_900))
    assert alarms(driver) == ["plugin_failed", "plugin_failed", "plugin_disabled"]
    for seconds in range(3, 9):
        driver.step(trade(seconds, 6_900 + seconds))
    assert len(alarms(driver)) == 3
    assert fires(driver) == []


def test_measure_of_a_flat_position_is_not_asked_for(tmp_path: Path) -> None:
    """ETH is tradable and not held: there is nothing to measure, and nothing to divide by."""
    driver = holding(plugged(tmp_path, loss("return 0.01 / x", inputs='("position.amount",)'), LOSS))
    driver.step(trade(1, 200, instrument=1))
    driver.step(snapshot(2, usdt=10_000, btc=1_000, entry=8_000))
    assert alarms(driver) == []


def test_measure_that_says_none_is_unavailable_without_an_alarm(tmp_path: Path) -> None:
    """None is the way to say that there is no answer; it is no failure however often it is said."""
    driver = holding(plugged(tmp_path, loss("return None if x < 0.1 else x"), LOSS))
    for seconds in range(1, 9):
        driver.step(trade(seconds, 7_500 - seconds))
    assert fires(driver) == [] and alarms(driver) == []
    driver.step(trade(10, 7_100))
    assert fires(driver) == ["loss"]


def test_measure_that_failed_twice_is_heard_when_it_has_an_answer(tmp_path: Path) -> None:
    """Two failures are forgiven; only the third is the last."""
    driver = holding(plugged(tmp_path, loss("return x / (x > 0.02)"), LOSS))
    driver.step(trade(1, 7_900))
    assert alarms(driver) == ["plugin_failed"] * 2
    driver.step(trade(2, 7_500))
    assert fires(driver) == ["loss"]


def test_alarm_of_a_plugin_says_where_and_what_and_no_address(tmp_path: Path) -> None:
    """A person finds the line; two runs say the same, wherever they were started and whatever memory held."""
    source = "def other(x):\n    return x\n\n\n" + loss("raise ValueError(f'{other}')")
    driver = holding(plugged(tmp_path, source, LOSS))
    (alarm,) = [alarm for alarm in driver.found(RaiseAlarm) if alarm.code == "plugin_failed"]
    assert alarm.detail.startswith("plugin0.py:7: plugin.loss failed for the 1. of 3 times, ValueError: <function oth")
    assert "0x.." in alarm.detail and str(tmp_path) not in alarm.detail


def test_reload_gives_a_disabled_measure_another_chance(tmp_path: Path) -> None:
    """Who has corrected the plug-in sends SIGHUP, and need not stop the run."""
    driver = holding(plugged(tmp_path, loss("return 1 / 0"), LOSS))
    for seconds in (1, 2, 3):
        driver.step(trade(seconds, 8_000 - seconds))
    assert alarms(driver)[-1] == "plugin_disabled"
    take(driver.engine, rules(plugins(tmp_path, loss("return x")), LOSS))
    driver.step(Reloaded(T0 + 4 * NS_PER_SECOND, "other"))
    driver.step(trade(5, 7_500))
    assert fires(driver) == ["loss"] and len(alarms(driver)) == 3


def test_reload_of_the_same_plugin_counts_its_failures_anew(tmp_path: Path) -> None:
    """A reload is a person's word that it may be tried again."""
    driver = holding(plugged(tmp_path, loss("return 1 / 0"), LOSS))
    for seconds in (1, 2, 3):
        driver.step(trade(seconds, 8_000 - seconds))
    take(driver.engine, rules(plugins(tmp_path, loss("return 1 / 0")), LOSS))
    driver.step(Reloaded(T0 + 4 * NS_PER_SECOND, "same"))
    assert alarms(driver)[3:] == ["plugin_failed"]


def test_plugin_that_a_reload_replaced_is_not_called_beside_the_new_one(tmp_path: Path) -> None:
    """Two files with one name are two readings, and only the newer is worked out."""
    driver = holding(plugged(tmp_path, loss("return 1 / 0"), LOSS))
    take(driver.engine, rules(plugins(tmp_path, loss("return 2 / 0")), LOSS))
    driver.step(Reloaded(T0 + NS_PER_SECOND, "other"))
    assert alarms(driver) == ["plugin_failed"] * 2
    driver.step(trade(2, 7_999))
    assert alarms(driver) == ["plugin_failed"] * 3


def test_plugin_that_a_reload_took_away_is_never_called_again(tmp_path: Path) -> None:
    """Its column may live on; its code may not."""
    driver = holding(plugged(tmp_path, loss("return 1 / 0"), LOSS))
    take(driver.engine, rules(plugins(tmp_path), LOSS.replace("plugin.loss", "position.loss_ratio")))
    driver.step(Reloaded(T0 + NS_PER_SECOND, "other"))
    for seconds in (2, 3, 4):
        driver.step(trade(seconds, 8_000 - seconds))
    assert alarms(driver) == ["plugin_failed"]


def test_plugin_is_not_called_for_prices_that_a_restart_catches_up_with(tmp_path: Path) -> None:
    """They met another book, and an alarm of yesterday would come a second time."""
    source = loss("return 1 / 0", inputs='("market.mark_price",)', of="market")
    driver = plugged(tmp_path, source, LOSS)
    for seconds in range(5):
        driver.engine.warm(trade(seconds, 8_000 + seconds))
    driver.step(trade(10, 8_100))
    assert alarms(driver) == ["plugin_failed"]


def test_measure_in_a_wide_book_says_what_the_same_sum_in_a_rule_says(tmp_path: Path) -> None:
    """Seventy positions are taken by column; a plug-in's column is written as late and as often as any."""
    wide = made(())
    symbols = [instrument.symbol for instrument in wide.layout.instruments]
    source = (
        '@measure("mix", of="position", unit="ratio", meaning="...", '
        "inputs=('position.loss_ratio', 'account.leverage', 'market(\"C3/USDT:USDT\").mark_price'))\n"
        "def mix(loss, leverage, price):\n    return loss * leverage * price / 200\n"
    )
    (tmp_path / "mix.py").write_text(HEAD + source, encoding="utf-8")
    bound = bind_plugins([load_plugin(tmp_path / "mix.py")], symbols)
    in_words = 'position.loss_ratio * account.leverage * market("C3/USDT:USDT").mark_price / 200 USDT * 1 C3 > 1%'
    specs = [
        RuleSpec(Scope.POSITION, SourceText(text, Place("test", 1, 1)), Close())
        for text in ("plugin.mix > 1%", in_words)
    ]
    take(wide, RuleSet(tuple(make_rule(f"r{n}", spec, symbols, bound) for n, spec in enumerate(specs)), bound))
    rows = [row for _, row in storm(wide, 200)]
    now = wide.book.now
    for index in range(len(symbols)):
        wide.step(Trade(now, now, index, 15_000, 1_000, -1))                 # now every position has a mark
    for number, price in enumerate((20_000, 9_000, 29_000, 12_000)):     # too close together for a minute to end
        wide.step(Trade(now + number, now, 3, price, 1_000, -1))
        rows.append(list(wide.watch.position_bits))
    assert list(wide.watch.wide) == [1]
    assert {bits & 3 for row in rows for bits in row} >= {0, 1}, "the storm must make truths differ"
    assert [[bits & 3 for bits in row] for row in rows] == [[bits >> 2 & 3 for bits in row] for row in rows]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=3), st.lists(st.floats())))
def test_measure_is_a_finite_float_or_unavailable_whatever_comes_back(found: object) -> None:
    """Nothing else ever reaches a condition."""
    try:
        number = require_number(found)
    except (ValueError, OverflowError):
        return
    assert number is None or (type(number) is float and isfinite(number) and number == found)


def test_same_events_and_the_same_plugin_give_the_same_effects(tmp_path: Path) -> None:
    """Failures, alarms and goals included."""

    source = loss("return x / (x < 0.04)") + answer("return reduce(0.5)")

    def run() -> list[Effect]:
        driver = holding(plugged(tmp_path, source, LOSS + ASKING[7:]))
        for seconds in range(1, 60):
            driver.step(trade(seconds, 8_000 - 13 * seconds % 700))
        return driver.effects

    first = run()
    assert first and run() == first
