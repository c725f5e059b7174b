"""Conditional orders: which price sends them, what they become, and how they end unsent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.copying import replace
from bot.domain.events import LiquidationStage, OrderAccepted, OrderEnded, OrderFilled, OrderRejected, OrderTriggered
from bot.domain.market import MarkPrice
from bot.domain.order import OrderStatus, Side, TimeInForce, TriggerBy, TriggerKind
from bot.domain.scale import NS_PER_SECOND
from paper.messages import CancelRequest, QueryOrder
from paper.venue import PaperVenue
from tests.paper.builders import MS, Bench, cents, lots, order, perpetual, start

STOP, TAKE = TriggerKind.STOP, TriggerKind.TAKE_PROFIT
GTC = TimeInForce.GTC


def _bench(amount: str = "1", balance: str = "1000") -> Bench:
    bench = Bench(start(balance, (0, amount, "100")))
    bench.price("100")
    return bench


def _kinds(facts: Sequence[object]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def _mark(bench: Bench, price: str) -> list[object]:
    bench.now += MS
    return list(bench.say(MarkPrice(bench.now, bench.now, 0, cents(price))))


@pytest.mark.parametrize(
    ("side", "kind", "short_of", "at"),
    [
        (Side.SELL, STOP, "95.01", "95"), (Side.SELL, TAKE, "104.99", "105"),
        (Side.BUY, STOP, "104.99", "105"), (Side.BUY, TAKE, "95.01", "95"),
    ],
)
def test_conditional_order_is_sent_at_its_trigger_and_not_a_unit_before(
    side: Side, kind: TriggerKind, short_of: str, at: str
) -> None:
    """Stops go against the position and take-profits with it, on either side."""
    bench = _bench("1" if side is Side.SELL else "-1")
    bench.send(order(side, 1, None, trigger=at, trigger_kind=kind, reduce_only=True))
    assert bench.price(short_of) == []
    facts = bench.price(at)
    assert _kinds(facts) == ["OrderTriggered", "OrderFilled", "OrderEnded"]
    assert bench.venue.positions(0) == ()


def test_mark_triggered_stop_does_not_hear_the_last_price_once_there_are_marks() -> None:
    """A wick in the prints passes it by; the mark sends it, at the market of the prints."""
    bench = _bench()
    _mark(bench, "100")
    bench.send(order(Side.SELL, 1, None, trigger="95", reduce_only=True))
    assert bench.price("90") == [] and bench.price("99") == []
    triggered, filled, _ = _mark(bench, "94.99")
    assert isinstance(triggered, OrderTriggered) and triggered.name == "a1"
    assert isinstance(filled, OrderFilled) and cents("98") < filled.price < cents("99")


def test_last_triggered_stop_does_not_hear_the_mark() -> None:
    """The mark may fall below it; only a print sends it."""
    bench = _bench()
    _mark(bench, "100")
    bench.send(order(Side.SELL, 1, None, trigger="95", trigger_by=TriggerBy.LAST, reduce_only=True))
    assert _mark(bench, "94") == []
    assert _kinds(bench.price("95"))[0] == "OrderTriggered"


def test_triggered_limit_order_rests_where_the_market_does_not_reach_it() -> None:
    """A stop-limit at 95 / 96: the market fell to 94, so it rests at 96 and fills when the tape comes back."""
    bench = _bench()
    bench.send(order(Side.SELL, 1, "96", trigger="95", time_in_force=GTC, reduce_only=True))
    assert _kinds(bench.price("94")) == ["OrderTriggered"]
    bench.say(QueryOrder(0, "a1"))
    assert _kinds(bench.finish()) == ["OrderAccepted", "OrderTriggered"]
    (fill, _) = bench.price("96.01")
    assert isinstance(fill, OrderFilled) and fill.price == cents("96")


@pytest.mark.parametrize(("trigger", "code"), [("99.99", None), ("100", "-2021"), ("100.01", "-2021")])
def test_stop_that_would_be_sent_at_once_is_refused(trigger: str, code: str | None) -> None:
    """A sell stop at or above the present mark is no stop."""
    (fact,) = _bench().send(order(Side.SELL, 1, None, trigger=trigger, reduce_only=True))
    assert (fact.code if isinstance(fact, OrderRejected) else None) == code
    assert isinstance(fact, OrderAccepted) is (code is None)


def test_stop_larger_than_the_position_closes_it_and_never_flips_it() -> None:
    """Made for 5, the position is 1 by then: one is sold and the rest expires."""
    bench = _bench()
    bench.send(order(Side.SELL, 5, None, trigger="95", reduce_only=True))
    facts = bench.price("95")
    assert [fact.quantity for fact in facts if isinstance(fact, OrderFilled)] == [lots(1)]
    assert isinstance(facts[-1], OrderEnded) and facts[-1].status is OrderStatus.EXPIRED
    assert bench.venue.positions(0) == ()


def test_waiting_reducers_end_with_the_position() -> None:
    """Stop and take-profit on one position: when one has closed it, the other expires unsent."""
    bench = _bench()
    bench.send(order(Side.SELL, 1, None, trigger="95", reduce_only=True))
    bench.send(order(Side.SELL, 1, None, name="a2", trigger="105", trigger_kind=TAKE, reduce_only=True))
    facts = bench.price("105")
    assert [(fact.name, fact.status) for fact in facts if isinstance(fact, OrderEnded)] == [
        ("a2", OrderStatus.FILLED), ("a1", OrderStatus.EXPIRED),
    ]


def test_stop_passed_first_is_sent_first() -> None:
    """A fall to 90 passes 97 before 95, whichever is older; the second finds nothing left and expires."""
    bench = _bench()
    for name, trigger in (("a1", "95"), ("a2", "97")):
        bench.send(order(Side.SELL, 1, None, name=name, trigger=trigger, reduce_only=True))
    facts = bench.price("90")
    assert [fact.name for fact in facts if isinstance(fact, OrderTriggered)] == ["a2"]
    assert [fact.name for fact in facts if isinstance(fact, OrderFilled)] == ["a2"]


def test_stop_inside_the_liquidation_price_sells_before_the_venue_does() -> None:
    """10x long: liquidated near 90; a fall from 100 to 91 that a stop at 95 meets is no liquidation."""
    with_stop, without = _bench("10", "100"), _bench("10", "100")
    with_stop.send(order(Side.SELL, 10, None, trigger="95", reduce_only=True))
    assert not [fact for fact in with_stop.price("90.3") if isinstance(fact, LiquidationStage)]
    assert [fact for fact in without.price("90.3") if isinstance(fact, LiquidationStage)]
    assert with_stop.venue.account_totals(0)[0] > 0


def test_opening_stop_that_the_account_cannot_pay_when_it_is_sent_expires() -> None:
    """No margin is held for it while it waits; sent, it is judged like any order, and it was accepted once."""
    bench = Bench(start("1"))
    bench.price("100")
    bench.send(order(Side.BUY, 100, None, trigger="105"))
    facts = bench.price("105")
    assert _kinds(facts) == ["OrderTriggered", "OrderEnded"]
    assert isinstance(facts[1], OrderEnded) and (facts[1].status, facts[1].filled) == (OrderStatus.EXPIRED, 0)


def test_waiting_order_can_be_cancelled_and_dies_at_its_date() -> None:
    """It has the life of any open order before it is sent."""
    bench = _bench()
    bench.send(order(Side.SELL, 1, None, trigger="95", reduce_only=True))
    bench.say(CancelRequest(0, "a1"))
    (ended,) = bench.finish()
    assert isinstance(ended, OrderEnded) and ended.status is OrderStatus.CANCELED
    until = bench.now + NS_PER_SECOND
    bench.send(
        replace(order(Side.SELL, 1, "90", name="a2", trigger="95", reduce_only=True), time_in_force=TimeInForce.GTD,
                good_until=until)
    )
    (ended,) = bench.finish()
    assert isinstance(ended, OrderEnded) and (ended.name, ended.status) == ("a2", OrderStatus.EXPIRED)
    assert bench.now == until and _kinds(bench.price("90")) == []


def test_waiting_order_survives_a_restart() -> None:
    """The stop is at the venue: a killed and restored venue still sends it."""
    bench = _bench()
    bench.send(order(Side.SELL, 1, None, trigger="95", reduce_only=True))
    bench.venue = PaperVenue.restore(bench.spec, bench.instruments, bench.venue.snapshot())
    assert _kinds(bench.price("95")) == ["OrderTriggered", "OrderFilled", "OrderEnded"]


def test_liquidation_cancels_waiting_orders() -> None:
    """The venue clears the account's orders before it takes the position."""
    bench = _bench("10", "100")
    bench.send(order(Side.SELL, 10, None, trigger="80", reduce_only=True))
    facts = bench.price("90.2")
    assert [(fact.name, fact.status) for fact in facts if isinstance(fact, OrderEnded)] == [
        ("a1", OrderStatus.CANCELED)
    ]


def test_waiting_orders_have_a_limit_of_their_own() -> None:
    """Two may wait; a third is refused, while ordinary orders are counted apart."""
    bench = Bench(start("1000", (0, "1", "100")), instruments=(perpetual(conditional_orders_max=2, orders_max=1),))
    bench.price("100")
    said = [
        bench.send(order(Side.SELL, 1, None, name=f"a{number}", trigger="95", reduce_only=True))[0]
        for number in range(3)
    ]
    assert [fact.code if isinstance(fact, OrderRejected) else None for fact in said] == [None, None, "-4045"]
    resting = [bench.send(order(Side.SELL, 1, "110", name=f"b{number}", time_in_force=GTC))[0] for number in range(2)]
    assert [fact.code if isinstance(fact, OrderRejected) else None for fact in resting] == [None, "-2025"]
