"""The venue pauses an instrument: what it takes meanwhile, what trades, and what everybody is told."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.events import (
    AccountFact,
    InstrumentStatus,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
)
from bot.domain.instrument import TradingState
from bot.domain.order import OrderRequest, Side, TimeInForce
from paper.messages import CancelRequest, SetStatus
from paper.spec import Interruption, VenueSpec
from paper.venue import PaperVenue
from tests.paper.builders import LATENCY, MS, Bench, order, perpetual, start

SELL = order(Side.SELL, "0.4", "9000", name="sell")
REDUCING = replace(SELL, name="reducing", reduce_only=True)
RESTING = order(Side.SELL, "0.4", "11000", name="resting", time_in_force=TimeInForce.POST_ONLY)


def paused(state: TradingState) -> Bench:
    """A long of 1 BTC at 10,000 in a market that has just been paused."""
    bench = Bench(start(5_000, (0, "1", None)))
    bench.price(10_000)
    bench.say(SetStatus(0, state))
    return bench


def kinds(facts: list[AccountFact]) -> list[type]:
    return [type(fact) for fact in facts]


TAKES = [
    (TradingState.TRADING, SELL, None), (TradingState.TRADING, RESTING, None),
    (TradingState.HALTED, SELL, "-4141"), (TradingState.HALTED, REDUCING, "-4141"),
    (TradingState.CANCEL_ONLY, REDUCING, "-4141"), (TradingState.CANCEL_ONLY, RESTING, "-4141"),
    (TradingState.POST_ONLY, REDUCING, "-2010"), (TradingState.POST_ONLY, RESTING, None),
    (TradingState.REDUCE_ONLY, SELL, "-4140"), (TradingState.REDUCE_ONLY, REDUCING, None),
    (TradingState.DELISTING, SELL, "-4140"), (TradingState.DELISTING, REDUCING, None),
]


@pytest.mark.parametrize(("state", "request_", "code"), TAKES)
def test_venue_takes_what_the_state_allows(state: TradingState, request_: OrderRequest, code: str | None) -> None:
    """Each state on both sides: an order that it takes, and one that it refuses, with Binance's code."""
    facts = paused(state).send(request_)
    refused = [fact.code for fact in facts if isinstance(fact, OrderRejected)]
    assert refused == ([] if code is None else [code])
    assert (OrderAccepted in kinds(facts)) is (code is None)


def test_status_is_told_once_a_latency_later_with_the_venues_time() -> None:
    """The same again is no news."""
    bench = paused(TradingState.HALTED)
    assert bench.told[-1] == (bench.now + LATENCY, InstrumentStatus(bench.now + LATENCY, bench.now, 0,
                                                                    TradingState.HALTED))
    assert bench.say(SetStatus(0, TradingState.HALTED)) == []
    assert kinds(bench.say(SetStatus(0, TradingState.TRADING))) == [InstrumentStatus]


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.CANCEL_ONLY])
def test_nothing_trades_or_triggers_in_a_pause_and_the_trigger_is_seen_after_it(state: TradingState) -> None:
    """Prices pass a resting order and a stop; when trading resumes the stop goes, at the price of then."""
    bench = Bench(start(5_000, (0, "1", None)))
    bench.price(10_000)
    bench.send(replace(RESTING, quantity=100))
    bench.send(order(Side.SELL, "1", None, name="stop", trigger="9500", reduce_only=True))
    bench.say(SetStatus(0, state))
    assert bench.price(11_500) == []
    assert bench.price(9_400) == []
    told = bench.say(SetStatus(0, TradingState.TRADING))
    assert kinds(told)[:2] == [InstrumentStatus, OrderTriggered]
    assert [fact.name for fact in told if isinstance(fact, OrderFilled)] == ["stop"]


def test_cancel_is_taken_when_cancel_only_and_not_when_halted() -> None:
    """Halted, the answer is the order as it stands; nothing is pretended."""
    bench = Bench(start(5_000, (0, "1", None)))
    bench.price(10_000)
    bench.send(RESTING)
    bench.say(SetStatus(0, TradingState.HALTED))
    bench.say(CancelRequest(0, "resting"))
    assert kinds(bench.finish()) == [OrderAccepted]
    bench.say(SetStatus(0, TradingState.CANCEL_ONLY))
    bench.say(CancelRequest(0, "resting"))
    assert kinds(bench.finish()) == [OrderEnded]


def test_other_instruments_go_on() -> None:
    """A pause is of one instrument."""
    bench = Bench(start(5_000, (0, "1", None)), instruments=(perpetual(), perpetual(1, "ETH")))
    bench.price(10_000)
    bench.price(200, instrument=1)
    bench.say(SetStatus(0, TradingState.HALTED))
    facts = bench.send(order(Side.BUY, "1", "210", name="eth", instrument=1))
    assert OrderFilled in kinds(facts)


def test_planned_interruption_begins_and_ends_by_itself_and_over_a_restart() -> None:
    """Counted from the first price; a venue that is taken up again in the middle goes on with it."""
    spec = VenueSpec(latency=LATENCY, interruptions=(Interruption(0, TradingState.HALTED, 100 * MS, 500 * MS),))
    bench = Bench(start(5_000, (0, "1", None)), spec=spec)
    bench.price(10_000)
    began = bench.now + 100 * MS
    assert bench.venue.next_wake() == began
    bench.now = began
    assert kinds(bench.price(10_000)) == [InstrumentStatus]
    bench.venue = PaperVenue.restore(spec, bench.instruments, bench.venue.snapshot())
    assert [fact.code for fact in bench.send(SELL) if isinstance(fact, OrderRejected)] == ["-4141"]
    assert bench.venue.next_wake() == began + 500 * MS
    told = bench.finish()
    assert [fact.state for fact in told if isinstance(fact, InstrumentStatus)] == [TradingState.TRADING]
    assert OrderFilled in kinds(bench.send(replace(SELL, name="again")))
