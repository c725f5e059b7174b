"""The venue's margin call as a reading: it stands from the venue's word until its grace is over, by time alone."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import OpenEpisode, RaiseAlarm, ScopeElement, TriggerState
from bot.domain.events import MarginCall, Restarted
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.measures.layout import MARGIN_CALL_GRACE, Layout
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.engine.record.margin_calls import is_standing
from bot.rules.language.typed import ReadingRef
from tests.builders import T0, layout, snapshot, trade
from tests.engine.driver import Driver, Trader, engine

RULE = """
rules:
  heed:
    for_each: account
    when: account.margin_call > 0
    do: {deleverage: {to: {leverage: 1}}}
    execute: {algo: now}
"""
GONE = RULE.replace("account.margin_call > 0", "account.margin_call == 0 and account.leverage > 2")
WORST = RULE.replace("account.margin_call", "portfolio.margin_call")
READING = ReadingRef("account.margin_call")


def call(seconds: float, *, told: float | None = None) -> MarginCall:
    """The venue's word of a moment, told then or later."""
    moment = T0 + round(seconds * NS_PER_SECOND)
    return MarginCall(moment if told is None else T0 + round(told * NS_PER_SECOND), moment, 0)


def long(*texts: str, shape: Layout | None = None) -> Trader:
    """1 BTC at 8,000 with 2,700 behind it: leverage 3, and no call yet."""
    driver = Trader(engine(*texts, shape=shape))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=2_700, btc=1_000, entry=8_000))
    return driver


def standing(driver: Driver) -> float | None:
    """What the rules read."""
    return driver.engine.readings.column_of(READING)[0]


def test_margin_call_that_never_came_reads_nought() -> None:
    """No call is no news, and no hole either: the rule is false, not unavailable."""
    driver = long(RULE)
    assert standing(driver) == 0.0
    driver.run_timers(until=600)
    assert not driver.found(OpenEpisode)


def test_margin_call_before_any_price_is_known_all_the_same() -> None:
    """It is the venue's word and needs no mark of ours."""
    driver = Driver(engine(RULE))
    driver.step(call(0))
    assert standing(driver) == 1.0


def test_margin_call_fires_its_rule_at_once_and_sells() -> None:
    """The rule needs no price to come after the call: 1 BTC at 2,700 becomes a leverage of 1."""
    driver = long(RULE)
    driver.step(call(10))
    assert [fire.why for fire in driver.found(OpenEpisode)] == ["account.margin_call 1 > 0"]
    driver.fill_all(11, price=8_000)
    assert driver.held * 8 <= 2_700


def test_margin_call_stands_until_its_grace_is_over_and_not_a_nanosecond_longer() -> None:
    """Five minutes after 10 s is 310 s: just before it the call stands, at it it does not, with no price in between."""
    driver = long(RULE)
    driver.step(call(10))
    driver.run_timers(until=309.999999)
    assert is_standing(driver.engine.layout, driver.engine.book, 0)
    driver.run_timers(until=310)
    assert driver.engine.book.now == T0 + 10 * NS_PER_SECOND + MARGIN_CALL_GRACE
    assert not is_standing(driver.engine.layout, driver.engine.book, 0)
    assert standing(driver) == 0.0


def test_margin_call_that_is_over_fires_what_waited_for_its_end() -> None:
    """Time alone makes the condition true; nobody sends a price at that moment."""
    assert long(GONE).found(OpenEpisode), "without a call it is true from the start"
    waiting = Trader(engine(GONE))
    waiting.step(trade(0, 8_000))
    waiting.step(call(0))
    waiting.step(snapshot(1, usdt=2_700, btc=1_000, entry=8_000))
    waiting.run_timers(until=299)
    assert not waiting.found(OpenEpisode)
    waiting.run_timers(until=300)
    assert [fire.now for fire in waiting.found(OpenEpisode)] == [T0 + 300 * NS_PER_SECOND]


def test_margin_call_that_is_repeated_stands_longer() -> None:
    """Every repeat begins the grace anew, and a person is told once."""
    driver = long(RULE)
    for seconds in (10, 200, 400):
        driver.step(call(seconds))
    driver.run_timers(until=699)
    assert standing(driver) == 1.0
    driver.run_timers(until=700)
    assert standing(driver) == 0.0
    assert [alarm.code for alarm in driver.found(RaiseAlarm)].count("margin_call") == 1
    driver.step(call(800))
    assert [alarm.code for alarm in driver.found(RaiseAlarm)].count("margin_call") == 2


@pytest.mark.parametrize(("told", "stands"), [(309.9, 1.0), (310.0, 0.0)])
def test_margin_call_that_was_long_on_its_way_is_as_old_as_the_venue_says(told: float, stands: float) -> None:
    """A call of 10 s that comes after its grace is no warning of now; one that comes just before it is."""
    driver = long(RULE)
    driver.step(call(10, told=told))
    assert standing(driver) == stands
    assert len(driver.found(OpenEpisode)) == int(stands)
    assert [alarm.code for alarm in driver.found(RaiseAlarm)].count("margin_call") == int(stands)


def test_margin_call_stamped_by_a_fast_clock_counts_from_our_time() -> None:
    """A venue whose clock is an hour ahead does not keep the account called for an hour."""
    driver = long(RULE)
    driver.step(call(3_600, told=10))
    driver.run_timers(until=310)
    assert standing(driver) == 0.0


def test_older_margin_call_after_a_newer_one_shortens_nothing() -> None:
    """Reports may come out of order; the newest call counts."""
    driver = long(RULE)
    driver.step(call(100))
    driver.step(call(20, told=101))
    driver.run_timers(until=399)
    assert standing(driver) == 1.0


def test_margin_call_stands_as_long_as_the_account_says() -> None:
    """The grace is a setting of the account."""
    shape = layout()
    brief = replace(shape, accounts=(replace(shape.accounts[0], margin_call_grace=NS_PER_MINUTE),))
    driver = long(RULE, shape=brief)
    driver.step(call(10))
    driver.run_timers(until=69)
    assert standing(driver) == 1.0
    driver.run_timers(until=70)
    assert standing(driver) == 0.0


def test_margin_call_of_one_account_is_one_of_the_portfolio() -> None:
    """The worst account counts: its call stands for all, and ends for all without a price."""
    shape = layout()
    both = replace(shape, accounts=(shape.accounts[0], replace(shape.accounts[0], name="other")))
    driver = long(WORST, shape=both)
    driver.step(replace(call(10), account=1))
    assert [fire.element.account for fire in driver.found(OpenEpisode)] == [0]
    driver.fill_all(11, price=8_000)
    driver.run_timers(until=309)
    key = ("heed", ScopeElement(0))
    assert driver.engine.book.triggers[key].state is TriggerState.FIRING
    driver.run_timers(until=311)
    assert driver.engine.book.triggers[key].state is TriggerState.INACTIVE


def test_margin_call_survives_a_restart() -> None:
    """By the checkpoint and by the record: the restarted engine knows the call, and when it ends."""
    driver = long(RULE)
    driver.step(call(10))
    book = driver.engine.book
    again = checkpoint.load(checkpoint.dump(book), book.layout)
    assert again.accounts[0].margin_called == book.accounts[0].margin_called == T0 + 10 * NS_PER_SECOND
    folded = Book.empty(book.layout)
    fold(folded, call(10))
    assert folded.accounts[0].margin_called == again.accounts[0].margin_called

    reborn = Trader(engine(RULE, book=again))
    reborn.step(Restarted(T0 + 20 * NS_PER_SECOND, "restart"))
    reborn.step(trade(21, 8_000))
    reborn.step(snapshot(22, usdt=2_700, btc=1_000, entry=8_000))
    assert standing(reborn) == 1.0
    reborn.run_timers(until=310)
    assert standing(reborn) == 0.0
