"""Reconciling is repeatable, and nothing that is no loss looks like one."""

from __future__ import annotations

from bot.domain.copying import replace
from bot.domain.effects import OpenEpisode, OpenParent, RaiseAlarm
from bot.domain.events import CashMoved, FundingPaid, Restarted
from bot.domain.scale import CASH_UNIT
from bot.engine.record import checkpoint
from tests.builders import KEY, STOP, T0, snapshot, trade
from tests.engine.driver import Trader, engine, long_of

S = 10**9
DRAWDOWN = """
rules:
  guard:
    for_each: account
    when: account.drawdown > 10%
    do: {deleverage: {to: {leverage: 1}}}
    execute: {algo: now}
"""


def restarted(driver: Trader, seconds: float) -> Trader:
    """What a killed process comes back as, before the venue has said anything."""
    again = Trader(engine(STOP, book=checkpoint.load(checkpoint.dump(driver.engine.book), driver.engine.layout)))
    again.step(Restarted(T0 + round(seconds * S), "test"))
    again.step(trade(seconds, 8_000))
    return again


def test_snapshot_told_twice_changes_nothing_the_second_time() -> None:
    """The same word gives the same book and no effect: polling is free of consequences (I14)."""
    driver = long_of(100, STOP)
    word = snapshot(5, usdt=9_000, btc=80, entry=8_000)
    driver.step(word)
    book = checkpoint.load(checkpoint.dump(driver.engine.book), driver.engine.layout)
    assert list(driver.step(replace(word, now=T0 + 6 * S))) == []
    book.now, book.seq = driver.engine.book.now, driver.engine.book.seq
    assert checkpoint.dump(driver.engine.book) == checkpoint.dump(book)


def test_two_restarts_ask_and_decide_alike() -> None:
    """From one book and one word of the venue come the same effects, name by name (I14)."""
    driver = long_of(100, STOP)
    driver.step(trade(1, 7_000))
    lives = [restarted(driver, 10), restarted(driver, 10)]
    for life in lives:
        life.step(snapshot(11, usdt=10_000, btc=100, entry=8_000))
        life.step(trade(12, 7_000))
    assert lives[0].effects == lives[1].effects != []


def test_difference_that_nobody_explains_is_adopted_and_told() -> None:
    """The venue is right about what is; a person learns of it (I15)."""
    driver = long_of(100, STOP)
    driver.step(snapshot(5, usdt=10_000, btc=-30, entry=8_000))
    assert driver.held == -30
    assert "position_differs" in [alarm.code for alarm in driver.found(RaiseAlarm)]


def test_withdrawal_deposit_funding_and_restart_fire_no_drawdown_rule() -> None:
    """Money that comes and goes is neither profit nor loss, whichever of word and snapshot comes first (I33)."""
    driver = long_of(100, DRAWDOWN)
    driver.step(trade(1, 8_001))
    driver.step(CashMoved(T0 + 2 * S, T0 + 2 * S, 0, "USDT", -5_000 * CASH_UNIT, "withdrawal", 1))
    driver.step(snapshot(3, usdt=2_000, btc=100, entry=8_000))                   # 3,000 more have left, untold
    driver.step(trade(4, 8_000))
    driver.step(CashMoved(T0 + 5 * S, T0 + 2 * S + 5, 0, "USDT", -3_000 * CASH_UNIT, "withdrawal", 2))
    driver.step(FundingPaid(T0 + 6 * S, T0 + 6 * S, 0, KEY, CASH_UNIT, 3))
    driver.step(trade(7, 8_001))
    assert driver.found(OpenEpisode) == []
    driver.step(trade(8, 5_000))                                                 # 300 of 2,000 lost: that is one
    assert len(driver.found(OpenEpisode)) == 1


def test_trigger_told_again_by_every_price_opens_one_parent() -> None:
    """However often a condition holds, a position has one parent (I4)."""
    driver = long_of(100, STOP)
    for number in range(20):
        driver.step(trade(1 + number / 10, 7_500 - number))
    assert len(driver.found(OpenParent)) == 1
