"""Freeze, kill, flatten, resume and overrides, as the engine carries them out; and instruments that are halted."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.denials import CONTROLS, DenialCode
from bot.domain.effects import (
    CancelOrder,
    EndEpisode,
    EndParent,
    OpenEpisode,
    ParentEnd,
    PlaceOrder,
    RaiseAlarm,
    RecordDenial,
    SetLatch,
    SetOverride,
)
from bot.domain.events import Command, CommandKind, InstrumentStatus, OrderOutcomeUnknown, Restarted
from bot.domain.instrument import TradingState
from bot.domain.latch import Latch, stricter
from bot.domain.scale import NS_PER_HOUR, NS_PER_SECOND
from bot.engine.protection.halts import FLATTEN
from bot.engine.record import checkpoint
from bot.engine.spec import LimitsSpec
from tests.builders import STOP, T0, layout, snapshot, trade
from tests.engine.driver import SLOW_STOP, WIDE, Driver, Trader, engine, long_of

S = NS_PER_SECOND
COST_STOP = SLOW_STOP.replace("collar: 2%", "collar: 2%, order_class: cost")
LATCHES = {
    CommandKind.FREEZE: Latch.FROZEN, CommandKind.KILL: Latch.KILLED, CommandKind.FLATTEN: Latch.FLATTENING,
    CommandKind.RESUME: Latch.OPEN,
}


def say(driver: Driver, seconds: float, kind: CommandKind, *, by: str = "ann", **more: Any) -> None:
    driver.step(Command(T0 + round(seconds * S), 0, kind, "a test", by=by, **more))


def latch(driver: Driver) -> Latch:
    return driver.engine.book.accounts[0].latch


def alarms(driver: Driver) -> list[str]:
    return [alarm.code for alarm in driver.found(RaiseAlarm)]


def selling(*texts: str) -> Trader:
    """A stop that takes 100 s, 25 s under way; everything sold so far is filled."""
    driver = long_of(1_000, *texts)
    driver.step(trade(1, 7_500))
    driver.live_through(1, 25, price=7_500)
    assert 0 < driver.held < 1_000
    return driver


# Which command leads where --------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [None, CommandKind.FREEZE, CommandKind.KILL])
@pytest.mark.parametrize("then", list(LATCHES))
def test_command_shuts_an_account_as_the_table_says(first: CommandKind | None, then: CommandKind) -> None:
    """A freeze never undoes a kill; everything else is what was said last."""
    driver = long_of(1_000, SLOW_STOP)
    if first is not None:
        say(driver, 1, first)
    before = latch(driver)
    say(driver, 2, then)
    expected = stricter(before, Latch.FROZEN) if then is CommandKind.FREEZE else LATCHES[then]
    assert latch(driver) is expected
    assert driver.found(SetLatch)[-1].by == "ann"


@pytest.mark.parametrize("kind", [CommandKind.RESUME, CommandKind.REARM, CommandKind.OVERRIDE])
def test_command_that_opens_something_is_refused_without_a_name(kind: CommandKind) -> None:
    """Who shuts need not sign; who opens answers for it."""
    driver = long_of(1_000, COST_STOP)
    say(driver, 1, CommandKind.KILL, by="")
    more: dict[str, Any] = {"rule": "stop", "control": DenialCode.QUOTE_CROSSED, "until": T0 + 9 * S}
    say(driver, 2, kind, by="", **more)
    assert latch(driver) is Latch.KILLED
    assert alarms(driver)[-1] == "command_refused"
    assert driver.found(SetOverride) == []


# Kill -----------------------------------------------------------------------------------------------------


def test_kill_ends_episodes_and_parents_and_cancels_what_is_out() -> None:
    """One command: nothing of ours works any more, and the record says who wanted it."""
    driver = selling(SLOW_STOP)
    driver.run_timers(until=35)
    out = [order.approved.request.name for order in driver.orders][-1]
    assert out in driver.engine.book.orders
    say(driver, 35, CommandKind.KILL)
    assert [cancel.name for cancel in driver.found(CancelOrder)] == [out]
    assert [end.reason for end in driver.found(EndEpisode)] == ["kill by ann: a test"]
    assert [end.reason for end in driver.found(EndParent)] == [ParentEnd.CANCELED]


def test_kill_of_an_order_whose_outcome_is_unknown_cancels_it_too() -> None:
    """What may be at the venue is cancelled there; it keeps counting until the venue has answered."""
    driver = selling(SLOW_STOP)
    driver.run_timers(until=35)
    name = driver.orders[-1].approved.request.name
    driver.step(OrderOutcomeUnknown(T0 + 35 * S, 0, name, "timeout"))
    working = driver.engine.book.working[0]
    say(driver, 36, CommandKind.KILL)
    assert [cancel.name for cancel in driver.found(CancelOrder)] == [name]
    assert driver.engine.book.working[0] == working > 0


@pytest.mark.parametrize("text", [SLOW_STOP, COST_STOP])
def test_killed_account_sells_no_more_for_the_rule_that_was_cut_short(text: str) -> None:
    """The rule is true still, and fires no second time before a person resumes."""
    driver = selling(text)
    say(driver, 26, CommandKind.KILL)
    left = driver.held
    driver.step(trade(30, 7_400))
    driver.live_through(30, 200, price=7_400)
    assert driver.held == left


def test_killed_account_lets_no_rule_of_the_cost_class_fire() -> None:
    """Profit can wait for a person."""
    driver = long_of(1_000, COST_STOP)
    say(driver, 0.5, CommandKind.KILL)
    driver.step(trade(1, 7_500))
    driver.live_through(1, 60, price=7_500)
    assert driver.orders == [] and driver.found(OpenEpisode) == []
    say(driver, 61, CommandKind.RESUME)
    driver.live_through(61, 200, price=7_500)
    assert driver.held == 0


def test_killed_account_is_still_saved_by_a_rule_of_survival() -> None:
    """Every halt allows reduce-only exits: what becomes true after the kill is acted on."""
    driver = long_of(1_000, SLOW_STOP)
    say(driver, 0.5, CommandKind.KILL)
    driver.step(trade(1, 7_500))
    driver.live_through(1, 130, price=7_500)
    assert driver.held == 0
    assert latch(driver) is Latch.KILLED


def test_kill_survives_a_restart_from_the_checkpoint() -> None:
    """The latch lies in the book: taken up again, the account is as shut as it was."""
    driver = selling(COST_STOP)
    say(driver, 26, CommandKind.KILL)
    left = driver.held
    book = checkpoint.load(checkpoint.dump(driver.engine.book), layout())
    again = Trader(engine(COST_STOP, book=book))
    again.step(Restarted(T0 + 30 * S, "restart"))
    again.step(trade(31, 7_400))
    again.step(snapshot(31, usdt=9_000, btc=left, entry=8_000))
    again.live_through(32, 200, price=7_400)
    assert latch(again) is Latch.KILLED and again.held == left and again.orders == []


def test_resume_lets_a_rule_that_was_cut_short_fire_again() -> None:
    """It is true still, so the rest is sold as if the rule had just come true."""
    driver = selling(COST_STOP)
    say(driver, 26, CommandKind.KILL)
    say(driver, 40, CommandKind.RESUME)
    driver.live_through(40, 160, price=7_500)
    assert driver.held == 0
    assert len(driver.found(OpenEpisode)) == 2


# Flatten --------------------------------------------------------------------------------------------------


class TwoMarkets(Trader):
    """A trader whose orders fill at the price of their own market: 8,000 and 200."""

    def fill(self, order: PlaceOrder, seconds: float, quantity: int | None = None, *, price: float) -> None:
        super().fill(order, seconds, quantity, price=200 if order.approved.request.key.instrument else price)


def flattening(*, over: int = 100 * S) -> TwoMarkets:
    """Two legs, long BTC and short ETH, when the flatten is said."""
    driver = TwoMarkets(engine(STOP, limits=LimitsSpec(
        order_notional_max=WIDE.order_notional_max, order_rate_max=100.0, stale_after=WIDE.stale_after,
        flatten_over=over,
    )))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000, eth=-40_000, eth_entry=200))
    say(driver, 1, CommandKind.FLATTEN)
    return driver


def test_flatten_sells_all_legs_side_by_side_and_ends_killed() -> None:
    """At half time both legs are about half gone; at the end nothing is held and the account stays shut."""
    driver = flattening()
    book = driver.engine.book
    driver.live_through(1, 51, price=8_000)
    assert abs(book.quantity[0] / 1_000 - book.quantity[1] / -40_000) < 0.15
    assert 0.3 < book.quantity[0] / 1_000 < 0.7
    driver.live_through(52, 140, price=8_000)
    assert book.quantity == [0, 0]
    assert [change.latch for change in driver.found(SetLatch)] == [Latch.FLATTENING, Latch.KILLED]
    assert {episode.rule for episode in driver.found(OpenEpisode)} == {FLATTEN}
    assert alarms(driver)[-1] == "account_flat"


def test_flatten_without_a_length_of_time_goes_at_once() -> None:
    """`flatten_over: 0s` is for the day on which every second costs more than the spread."""
    driver = flattening(over=0)
    assert [order.approved.request.quantity for order in driver.orders] == [1_000, 40_000]


def test_flatten_of_a_flat_account_is_over_at_once() -> None:
    """Nothing to do, and shut all the same."""
    driver = long_of(0, STOP)
    say(driver, 1, CommandKind.FLATTEN)
    assert [change.latch for change in driver.found(SetLatch)] == [Latch.FLATTENING, Latch.KILLED]


def test_flatten_is_not_over_while_an_order_may_still_fill() -> None:
    """Somebody else has closed the position; ours is still out, so the account is not called flat yet."""
    driver = long_of(1_000, STOP, limits=LimitsSpec(
        order_notional_max=WIDE.order_notional_max, order_rate_max=100.0, stale_after=WIDE.stale_after, flatten_over=0
    ))
    say(driver, 1, CommandKind.FLATTEN)
    (order,) = driver.orders
    driver.external(2, 1_000, price=8_000)
    assert driver.held == 0 and latch(driver) is Latch.FLATTENING
    driver.fill(order, 3, 0, price=8_000)
    driver.run_timers(until=10)
    assert latch(driver) is Latch.KILLED


def test_flatten_that_was_cut_by_a_restart_goes_on() -> None:
    """The latch says what is to be done; no episode has to survive for it."""
    driver = flattening()
    driver.live_through(1, 30, price=8_000)
    body = checkpoint.dump(driver.engine.book)
    again = TwoMarkets(engine(STOP, book=checkpoint.load(body, layout())))
    again.trades = 1_000
    again.step(Restarted(T0 + 40 * S, "restart"))
    held = driver.engine.book.quantity
    again.step(trade(40, 8_000))
    again.step(trade(40, 200, instrument=1))
    again.step(snapshot(40, usdt=10_000, btc=held[0], entry=8_000, eth=held[1], eth_entry=200))
    again.live_through(41, 240, price=8_000)
    assert again.engine.book.quantity == [0, 0]
    assert latch(again) is Latch.KILLED


def test_resume_in_the_midst_of_a_flatten_keeps_what_is_left() -> None:
    """A person changed his mind: no order goes out for it any more."""
    driver = flattening()
    driver.live_through(1, 30, price=8_000)
    say(driver, 31, CommandKind.RESUME)
    left = list(driver.engine.book.quantity)
    driver.live_through(31, 200, price=8_000)
    assert driver.engine.book.quantity == left
    assert latch(driver) is Latch.OPEN


# Overrides ------------------------------------------------------------------------------------------------


def test_override_ends_by_itself_when_its_time_is_over() -> None:
    """Nobody has to think of it: the engine's own time takes it back, and says so."""
    driver = long_of(1_000, STOP)
    say(driver, 1, CommandKind.OVERRIDE, control=DenialCode.NOTIONAL_ABOVE_MAX, until=T0 + 11 * S)
    assert driver.engine.book.accounts[0].overrides == {"NOTIONAL_ABOVE_MAX": T0 + 11 * S}
    driver.run_timers(until=10.9)
    assert alarms(driver) == ["control_overridden"]
    driver.run_timers(until=11)
    assert driver.engine.book.accounts[0].overrides == {}
    assert alarms(driver) == ["control_overridden", "override_ended"]


@pytest.mark.parametrize("ahead", [0, -S, NS_PER_HOUR + 1, None])
def test_override_without_an_end_in_the_next_hour_is_refused(ahead: int | None) -> None:
    """At most `override_max`, and never from now to now."""
    driver = long_of(1_000, STOP)
    until = None if ahead is None else T0 + S + ahead
    say(driver, 1, CommandKind.OVERRIDE, control=DenialCode.NOTIONAL_ABOVE_MAX, until=until)
    assert alarms(driver) == ["command_refused"]
    assert driver.engine.book.accounts[0].overrides == {}


@pytest.mark.parametrize("control", [None, *(code for code, each in CONTROLS.items() if not each.is_overridable)])
def test_override_of_what_never_rests_is_refused(control: DenialCode | None) -> None:
    """No person may let an order flip a position, go without a collar, or pass a kill."""
    driver = long_of(1_000, STOP)
    say(driver, 1, CommandKind.OVERRIDE, control=control, until=T0 + 5 * S)
    assert alarms(driver) == ["command_refused"]


# Halted instruments and the pace --------------------------------------------------------------------------


def status(driver: Driver, seconds: float, state: TradingState) -> None:
    now = T0 + round(seconds * S)
    driver.step(InstrumentStatus(now, now, 0, state))


def test_halted_instrument_keeps_the_intent_and_sends_it_once_when_trading_goes_on() -> None:
    """One denial, one alarm, silence; then what is due by then is judged anew and sent, and never twice."""
    driver = long_of(1_000, STOP)
    status(driver, 0.5, TradingState.HALTED)
    driver.step(trade(1, 7_500))
    driver.run_timers(until=60)
    driver.step(trade(60, 7_400))
    assert driver.orders == []
    assert [denial.code for denial in driver.found(RecordDenial)] == [DenialCode.INSTRUMENT_HALTED]
    assert alarms(driver).count("order_denied") == 1
    status(driver, 61, TradingState.TRADING)
    driver.run_timers(until=70)
    assert [order.approved.request.quantity for order in driver.orders] == [1_000]
    assert alarms(driver).count("instrument_status") == 2


def test_survival_beyond_the_hourly_count_goes_on_and_a_person_is_told_once() -> None:
    """The cap of the other classes is a page for this one."""
    limits = LimitsSpec(
        order_notional_max=WIDE.order_notional_max, order_rate_max=100.0, stale_after=WIDE.stale_after,
        orders_per_hour_max=3,
    )
    driver = long_of(1_000, SLOW_STOP, limits=limits)
    driver.step(trade(1, 7_500))
    driver.live_through(1, 130, price=7_500)
    assert driver.held == 0 and len(driver.orders) > 3
    assert alarms(driver).count("orders_above_max") == 1


def test_cost_class_beyond_the_hourly_count_waits_for_the_next_hour() -> None:
    """Three orders, then none until the clock strikes; the sale is whole in the end."""
    limits = LimitsSpec(
        order_notional_max=WIDE.order_notional_max, order_rate_max=100.0, stale_after=WIDE.stale_after,
        orders_per_hour_max=3,
    )
    driver = long_of(1_000, COST_STOP, limits=limits)
    driver.step(trade(1, 7_500))
    driver.live_through(1, 130, price=7_500)
    assert len(driver.orders) == 3 and driver.held > 0
    assert {denial.code for denial in driver.found(RecordDenial)} == {DenialCode.CHILDREN_ABOVE_MAX}
    assert alarms(driver).count("order_denied") == 1
    assert len(driver.found(RecordDenial)) <= 3        # once a minute
    driver.step(trade(3_600, 7_500))
    driver.live_through(3_600, 3_660, price=7_500)
    assert driver.held == 0
