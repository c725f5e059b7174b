"""The life of a rule's instance: the table of ``bot.rules.triggers`` row by row, then in a running engine."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import PositionReport
from bot.domain.effects import EndEpisode, MoveTrigger, OpenEpisode, TriggerState
from bot.domain.events import AccountSnapshot, Event, Restarted, Timer
from bot.domain.market import IndexPrice, MarkPrice
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.record.book import Book
from bot.rules.triggers import IDLE, Conditions, Trigger, advance, deadline, rearm
from tests.builders import (
    BTC,
    ETH_KEY,
    GUARD,
    KEY,
    STOP,
    T0,
    ended,
    snapshot,
    trade,
)
from tests.engine.driver import Driver, engine

S = NS_PER_SECOND
HOLD = 10 * S
INACTIVE, PENDING, SUSPENDED, FIRING, CLEARING, LATCHED = TriggerState

# (name, from, conditions (when, clear or "-" for no clear:), hold, at, to, fires); times in seconds
ROWS: list[tuple[str, Trigger, tuple[bool | None, bool | str | None], int, int, Trigger, bool]] = [
    ("inactive, true, no hold", IDLE, (True, "-"), 0, 5, Trigger(FIRING, 5 * S), True),
    ("inactive, true, hold", IDLE, (True, "-"), HOLD, 5, Trigger(PENDING, 5 * S), False),
    ("inactive, false", IDLE, (False, "-"), 0, 5, IDLE, False),
    ("inactive, unavailable", IDLE, (None, "-"), 0, 5, IDLE, False),
    ("inactive, true and cleared too", IDLE, (True, True), 0, 5, Trigger(FIRING, 5 * S), True),

    ("pending, true, just before", Trigger(PENDING, 5 * S), (True, "-"), HOLD, 14, Trigger(PENDING, 5 * S), False),
    ("pending, true, hold served", Trigger(PENDING, 5 * S), (True, "-"), HOLD, 15, Trigger(FIRING, 15 * S), True),
    ("pending, true, partly served before", Trigger(PENDING, 5 * S, 4 * S), (True, "-"), HOLD, 11,
     Trigger(FIRING, 11 * S), True),
    ("pending, true, one second short of it", Trigger(PENDING, 5 * S, 4 * S), (True, "-"), HOLD, 10,
     Trigger(PENDING, 5 * S, 4 * S), False),
    ("pending, true, after a restart", Trigger(PENDING, 5 * S), (True, "-"), 0, 6, Trigger(FIRING, 6 * S), True),
    ("pending, false", Trigger(PENDING, 5 * S), (False, "-"), HOLD, 30, Trigger(INACTIVE, 30 * S), False),
    ("pending, unavailable", Trigger(PENDING, 5 * S), (None, "-"), HOLD, 9, Trigger(SUSPENDED, 9 * S, 4 * S), False),
    ("pending, unavailable, twice", Trigger(PENDING, 5 * S, 3 * S), (None, "-"), HOLD, 9,
     Trigger(SUSPENDED, 9 * S, 7 * S), False),

    ("suspended, unavailable, long", Trigger(SUSPENDED, 9 * S, 4 * S), (None, "-"), HOLD, 900,
     Trigger(SUSPENDED, 9 * S, 4 * S), False),
    ("suspended, true, goes on", Trigger(SUSPENDED, 9 * S, 4 * S), (True, "-"), HOLD, 50,
     Trigger(PENDING, 50 * S, 4 * S), False),
    ("suspended, true, after a restart", Trigger(SUSPENDED, 9 * S, 4 * S), (True, "-"), 0, 50,
     Trigger(FIRING, 50 * S), True),
    ("suspended, false", Trigger(SUSPENDED, 9 * S, 4 * S), (False, "-"), HOLD, 50, Trigger(INACTIVE, 50 * S), False),

    ("firing, cleared", Trigger(FIRING, 5 * S), (False, True), HOLD, 9, Trigger(INACTIVE, 9 * S), False),
    ("firing, cleared though still true", Trigger(FIRING, 5 * S), (True, True), HOLD, 9, Trigger(INACTIVE, 9 * S),
     False),
    ("firing, false, not cleared", Trigger(FIRING, 5 * S), (False, False), HOLD, 99, Trigger(FIRING, 5 * S), False),
    ("firing, clear unavailable", Trigger(FIRING, 5 * S), (False, None), HOLD, 99, Trigger(FIRING, 5 * S), False),
    ("firing, true again", Trigger(FIRING, 5 * S), (True, False), HOLD, 99, Trigger(FIRING, 5 * S), False),
    ("firing, false, no clear", Trigger(FIRING, 5 * S), (False, "-"), HOLD, 9, Trigger(CLEARING, 9 * S), False),
    ("firing, false, no clear, no hold", Trigger(FIRING, 5 * S), (False, "-"), 0, 9, Trigger(INACTIVE, 9 * S), False),
    ("firing, unavailable, no clear", Trigger(FIRING, 5 * S), (None, "-"), 0, 9, Trigger(FIRING, 5 * S), False),
    ("firing, still true", Trigger(FIRING, 5 * S), (True, "-"), 0, 9, Trigger(FIRING, 5 * S), False),

    ("clearing, true", Trigger(CLEARING, 9 * S), (True, "-"), HOLD, 12, Trigger(FIRING, 12 * S), False),
    ("clearing, false, just before", Trigger(CLEARING, 9 * S), (False, "-"), HOLD, 18, Trigger(CLEARING, 9 * S), False),
    ("clearing, false, hold served", Trigger(CLEARING, 9 * S), (False, "-"), HOLD, 19, Trigger(INACTIVE, 19 * S),
     False),
    ("clearing, unavailable", Trigger(CLEARING, 9 * S), (None, "-"), HOLD, 99, Trigger(CLEARING, 9 * S), False),
]


def conditions(when: bool | None, clear: bool | str | None) -> Conditions:
    if isinstance(clear, str):
        return Conditions(when=when, clear=when, has_clear=False)
    return Conditions(when=when, clear=clear, has_clear=True)


@pytest.mark.parametrize(
    ("before", "truth", "hold", "at", "after", "fires"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_trigger_moves_as_its_table_says(
    before: Trigger, truth: tuple[bool | None, bool | str | None], hold: int, at: int, after: Trigger, fires: bool
) -> None:
    """Each row of the table in the module, and each condition that leaves a state as it is."""
    assert advance(before, conditions(*truth), hold=hold, now=at * S) == (after, fires)


TRUTHS = st.sampled_from([True, False, None])


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    state=st.sampled_from(TriggerState), since=st.integers(0, 50), held=st.integers(0, 9),
    when=TRUTHS, clear=st.one_of(TRUTHS, st.just("-")), hold=st.integers(0, 20), later=st.integers(0, 50),
)
def test_trigger_looked_at_twice_in_one_instant_moves_once(
    state: TriggerState, since: int, held: int, when: bool | None, clear: bool | str | None, hold: int, later: int
) -> None:
    """Level-triggered: a second look at the same conditions changes nothing and fires nothing."""
    truth = conditions(when, clear)
    if truth.when is True and truth.clear is True and truth.has_clear:
        return                       # both true is refused by `penstock check`; it would fire at every look
    first, _ = advance(Trigger(state, since, held), truth, hold=hold, now=since + later)
    second, fires = advance(first, truth, hold=hold, now=since + later)
    assert second == first or (state is SUSPENDED and second.state is FIRING)
    assert not fires or state is SUSPENDED


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    state=st.sampled_from(TriggerState), when=st.sampled_from([False, None]), clear=st.one_of(TRUTHS, st.just("-")),
    hold=st.integers(0, 20), later=st.integers(0, 50),
)
def test_trigger_never_fires_on_anything_but_true(
    state: TriggerState, when: bool | None, clear: bool | str | None, hold: int, later: int
) -> None:
    """Neither false nor unavailable fires a rule, from any state."""
    _, fires = advance(Trigger(state, 0, 5), conditions(when, clear), hold=hold, now=later)
    assert not fires


def test_deadline_is_when_the_hold_is_served_and_nowhere_else() -> None:
    """Only a trigger that waits for time has to be looked at when nothing else happens."""
    assert deadline(Trigger(PENDING, 5 * S, 4 * S), HOLD) == 11 * S
    assert deadline(Trigger(CLEARING, 5 * S), HOLD) == 15 * S
    for state in (INACTIVE, SUSPENDED, FIRING, LATCHED):
        assert deadline(Trigger(state, 5 * S), HOLD) is None


@pytest.mark.parametrize("state", list(TriggerState))
def test_rearm_makes_any_trigger_ready_again(state: TriggerState) -> None:
    """What a trigger looked at is gone: whatever comes in its place is judged from the beginning."""
    assert rearm(Trigger(state, 5, 3), 9).state is INACTIVE


# In an engine ---------------------------------------------------------------------------------------------

HELD_STOP = STOP.replace("do: close", "hold: 10s\n    do: close")


def moves(driver: Driver) -> list[TriggerState]:
    return [effect.state for effect in driver.found(MoveTrigger)]


def fires(driver: Driver) -> list[int]:
    """Seconds at which an episode was opened."""
    return [(effect.now - T0) // S for effect in driver.found(OpenEpisode)]


def stopped(*texts: str, btc: int = 100) -> Driver:
    """A driver over a long bought at 8,000, at a price of 8,000."""
    driver = Driver(engine(*texts))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=btc, entry=8_000))
    return driver


def test_engine_when_a_rule_is_never_true_opens_nothing() -> None:
    """Without a breach there is no episode, no parent and no order, only reserved names."""
    driver = stopped(STOP, GUARD)
    for second in range(1, 100):
        driver.step(trade(second, 8_000 + (second % 7) * 10))
    assert moves(driver) == []
    assert not driver.engine.book.episodes
    assert not driver.engine.book.parents


def test_engine_with_a_hold_fires_by_timer_when_it_is_served() -> None:
    """A breach that lasts needs no further price to be acted on: the engine asks to be woken."""
    driver = stopped(HELD_STOP)
    driver.step(trade(1, 7_500))
    assert driver.wake == T0 + 11 * S
    driver.step(Timer(T0 + 11 * S - 1))
    assert fires(driver) == []
    driver.step(Timer(T0 + 11 * S))
    assert fires(driver) == [11]


def test_engine_with_a_hold_that_is_interrupted_starts_anew() -> None:
    """Nine seconds of breach, a moment of none, and nine more are not ten seconds of breach."""
    driver = stopped(HELD_STOP)
    for second, price in ((1, 7_500), (10, 7_900), (11, 7_500)):
        driver.step(trade(second, price))
    driver.run_timers(until=20)
    assert fires(driver) == []
    driver.run_timers(until=21)
    assert fires(driver) == [21]


def test_engine_while_a_reading_is_missing_serves_no_hold() -> None:
    """A hold stands still while a reading is unavailable, and goes on from there when it is back."""
    driver = stopped(
        """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5% and market.index_price < 100_000 USDT
    hold: 10s
    do: close
"""
    )
    engine_ = driver.engine
    driver.step(IndexPrice(T0 + S, T0 + S, 0, 750_000))
    driver.step(trade(1, 7_500))
    driver.run_timers(until=5)
    engine_.market.index[0] = None
    driver.step(trade(5, 7_501))
    assert moves(driver)[-1] is SUSPENDED
    driver.run_timers(until=100)
    later = T0 + 100 * S
    driver.step(IndexPrice(later, later, 0, 750_000))
    driver.step(trade(100, 7_500))
    driver.run_timers(until=105.9)
    assert fires(driver) == []
    driver.run_timers(until=106)
    assert fires(driver) == [106]


@pytest.mark.parametrize("prices_first", [True, False], ids=["price first", "snapshot first"])
def test_engine_restarted_inside_a_breach_acts_without_the_hold(prices_first: bool) -> None:
    """Who was away cannot know how long it has lasted; whichever of price and snapshot comes first."""
    driver = Driver(engine(HELD_STOP))
    driver.step(Restarted(T0, "test"))
    steps: list[Event] = [trade(1, 7_500), snapshot(1, usdt=10_000, btc=100, entry=8_000)]
    for event in steps if prices_first else reversed(steps):
        driver.step(event)
    assert fires(driver) == [1]


def test_engine_restarted_outside_a_breach_waits_for_the_hold_later() -> None:
    """Only the first decision is hurried: the next breach is held as always."""
    driver = Driver(engine(HELD_STOP))
    driver.step(Restarted(T0, "test"))
    driver.step(trade(1, 8_000))
    driver.step(snapshot(1, usdt=10_000, btc=100, entry=8_000))
    driver.step(trade(2, 7_500))
    assert fires(driver) == []


def test_engine_restarted_while_pending_keeps_no_stale_timer() -> None:
    """A book taken up with a hold half served fires at once after a restart."""
    first = stopped(HELD_STOP)
    first.step(trade(1, 7_500))
    second = Driver(engine(HELD_STOP, book=first.engine.book))
    second.step(Restarted(T0 + 3 * S, "test"))
    second.step(trade(3, 7_500))
    second.step(snapshot(3, usdt=10_000, btc=100, entry=8_000))
    assert fires(second) == [3]


def test_engine_while_an_episode_lives_opens_no_second_one_of_its_rule() -> None:
    """A rule that becomes true again before its goal is reached goes on with what it has begun."""
    driver = stopped(STOP)
    for second, price in ((1, 7_500), (2, 7_900), (3, 7_400), (4, 7_950), (5, 7_000)):
        driver.step(trade(second, price))
    assert moves(driver) == [FIRING, INACTIVE, FIRING, INACTIVE, FIRING]
    assert fires(driver) == [1]


def test_engine_each_position_has_its_own_trigger() -> None:
    """Two positions do not share one count of fires."""
    driver = Driver(engine(STOP))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=10_000, btc=100, entry=8_000, eth=1_000, eth_entry=200))
    driver.step(trade(1, 7_500))
    driver.step(trade(2, 180, instrument=1))
    assert [effect.element.key for effect in driver.found(OpenEpisode)] == [KEY, ETH_KEY]


WITH_CLEAR = STOP.replace("do: close", "clear: position.loss_ratio < 2%\n    hold: 5s\n    do: close")


@pytest.mark.parametrize("text", [STOP, HELD_STOP, WITH_CLEAR], ids=["plain", "hold", "clear"])
def test_engine_when_a_stopped_position_is_opened_again_guards_it_anew(text: str) -> None:
    """A stop ends with its position: one bought later, even at once and already at a loss, has its own."""
    driver = stopped(text)
    driver.step(trade(1, 7_500))
    driver.run_timers(until=12)
    driver.step(snapshot(13, usdt=9_950))
    driver.step(snapshot(14, usdt=9_950, btc=100, entry=8_000))
    driver.run_timers(until=30)
    assert len(fires(driver)) == 2


@pytest.mark.parametrize("text", [STOP, WITH_CLEAR], ids=["plain", "clear"])
def test_engine_when_a_position_changes_sign_ends_its_episode_and_guards_the_new_one(text: str) -> None:
    """Somebody turned the long into a short: the stop of the long has nothing left to do, the short has its own."""
    driver = stopped(text)
    driver.step(trade(1, 7_500))
    driver.run_timers(until=7)
    assert len(fires(driver)) == 1
    driver.step(reversed_snapshot(7.5))
    driver.step(ended(driver.orders[-1], 8, 0))
    assert [effect.episode for effect in driver.found(EndEpisode)] == [1]
    driver.step(trade(9, 8_000))
    driver.run_timers(until=20)
    assert len(fires(driver)) == 2
    assert {order.approved.request.side.value for order in driver.orders[-1:]} == {"buy"}


def reversed_snapshot(seconds: float) -> AccountSnapshot:
    """The venue holds a short of 0.1 BTC entered at 7,500."""
    long = snapshot(seconds, usdt=10_000, btc=100, entry=7_500)
    report = long.positions[0]
    short = PositionReport(report.key, -report.quantity, -report.entry_value)
    return AccountSnapshot(long.now, long.taken, 0, long.balances, (short,))


def test_engine_position_rule_on_account_readings_sees_every_price() -> None:
    """A rule about a position may look at its account; then each price that moves the account is looked at."""
    driver = stopped(
        """
rules:
  stop:
    for_each: position
    when: account.liquidation_distance < 6%
    do: close
"""
    )
    driver.step(snapshot(1, usdt=100, btc=100, entry=8_000))
    driver.step(trade(2, 7_400))
    assert fires(driver) == [2]


def test_engine_rule_on_the_last_price_sees_trades_though_marks_come_too() -> None:
    """Where the venue sends marks, trades still move the last price, and rules about it."""
    driver = stopped(
        f"""
rules:
  stop:
    for_each: position
    when: market("{BTC}").last_price < 7_000 USDT
    do: close
"""
    )
    driver.step(MarkPrice(T0 + S, T0 + S, 0, 800_000))
    driver.step(trade(2, 6_900))
    assert fires(driver) == [2]


def test_engine_rule_that_needs_no_price_waits_for_one_to_plan() -> None:
    """A rule may fire before there is a mark; nothing is planned or sent until there is."""
    driver = Driver(
        engine("rules:\n  stop:\n    for_each: position\n    when: position.side > 0\n    do: close\n")
    )
    driver.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    assert len(fires(driver)) == 1
    assert driver.orders == []
    driver.step(trade(1, 8_000))
    assert [order.approved.request.quantity for order in driver.orders] == [100]


def test_book_of_a_fresh_engine_has_no_triggers() -> None:
    """A trigger that never moved is not stored: 1,000 idle rules cost nothing in a checkpoint."""
    made: Engine = engine(STOP)
    assert made.book.triggers == Book.empty(made.layout).triggers == {}
