"""What drawdowns are counted from outlives a restart, and is not kept where no rule reads it."""

from __future__ import annotations

import pytest

from bot.domain.effects import MarkBest, MarkHighWater, OpenEpisode
from bot.domain.events import Restarted
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from bot.engine.record import checkpoint
from bot.rules.language.typed import ReadingRef
from tests.builders import GUARD, T0, fill, snapshot, trade
from tests.engine.driver import Driver, engine

DRAWDOWN = """
rules:
  drawdown_guard:
    for_each: account
    when: account.drawdown > 20%
    do: {deleverage: {to: {leverage: 1}}}
    execute: {algo: now}
"""
TRAILING = """
rules:
  trailing_stop:
    for_each: position
    when: position.drawdown > 5%
    do: close
    execute: {algo: now}
"""


def held(*texts: str) -> Driver:
    """1 BTC at 8,000 on 2,000 USDT, that has been up to 8,400."""
    driver = Driver(engine(*texts))
    for event in (trade(0, 8_000.0), snapshot(1, usdt=2_000.0, btc=1_000, entry=8_000.0), trade(2, 8_400.0)):
        driver.step(event)
    return driver


@pytest.mark.parametrize(("text", "price", "fires"), [
    (DRAWDOWN, 7_920.01, False), (DRAWDOWN, 7_919.99, True), (TRAILING, 8_000.0, False), (TRAILING, 7_999.99, True),
])
def test_drawdown_rule_fires_just_past_its_limit(text: str, price: float, fires: bool) -> None:
    """A fifth of the 2,400 at the high is 480; a twentieth of the 8,000 of entry is 400 below the best mark."""
    driver = held(text)
    driver.step(trade(3, price))
    assert bool(driver.found(OpenEpisode)) is fires


@pytest.mark.parametrize(("text", "price"), [(DRAWDOWN, 7_919.99), (TRAILING, 7_999.99)])
def test_drawdown_after_a_restart_is_counted_from_the_mark_before_it(text: str, price: float) -> None:
    """The book brings the high along: the fall from before the restart still counts."""
    before = held(text).engine.book
    after = Driver(engine(text, book=checkpoint.load(checkpoint.dump(before), before.layout)))
    after.engine.warm(trade(3, 8_390.0))
    after.step(Restarted(T0 + 4 * NS_PER_SECOND, "test"))
    after.step(snapshot(5, usdt=2_000.0, btc=1_000, entry=8_000.0))
    assert not after.found(OpenEpisode)
    after.step(trade(6, price))
    assert after.found(OpenEpisode)


def test_old_prices_of_a_restart_raise_no_mark() -> None:
    """What is told to catch up is no equity of today's account, and nothing is decided by it."""
    before = held(DRAWDOWN, TRAILING).engine.book
    after = engine(DRAWDOWN, TRAILING, book=checkpoint.load(checkpoint.dump(before), before.layout))
    for second in range(3, 9):
        after.warm(trade(second, 9_000.0))
    assert after.readings.peaks.best_mark[0] == 840_000
    assert (after.book.best_mark[0], after.book.accounts[0].high_water) == (840_000, 2_400 * CASH_UNIT)
    assert after.desk.out == []


def test_marks_are_told_in_steps_of_five_basis_points() -> None:
    """At most 5 bps of a mark are lost by a restart, and a rising market does not fill the journal."""
    driver = held(TRAILING)
    told = len(driver.found(MarkBest))
    driver.step(trade(3, 8_404.19))                  # 4.99 bps above 8,400
    assert len(driver.found(MarkBest)) == told
    driver.step(trade(4, 8_404.20))
    assert [mark.price for mark in driver.found(MarkBest)][told:] == [840_420]


def test_position_opened_again_has_a_best_mark_of_its_own() -> None:
    """The high of an earlier position is no loss of the next one."""
    driver = held(TRAILING)
    driver.step(trade(3, 7_990.0))
    (order,) = driver.orders
    driver.step(fill(order, 4, 1_000, 7_990.0))
    driver.step(snapshot(5, usdt=1_990.0, btc=1_000, entry=7_990.0))
    assert driver.engine.book.best_mark[0] == 799_000
    driver.engine.watch.look_again(0)
    assert driver.engine.readings.value(ReadingRef("position.drawdown"), position=0, account=0) == 0.0


def test_marks_are_not_kept_for_rules_that_read_none() -> None:
    """The journal of a plain guard holds nothing of drawdowns."""
    driver = held(GUARD)
    assert not driver.found(MarkBest) and not driver.found(MarkHighWater)
