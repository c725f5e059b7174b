"""What others do in an account beside its client: told unasked, listed, and ended by the venue's own id."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.errors import InputError
from bot.domain.events import (
    AccountFact,
    AccountSnapshot,
    FillOrigin,
    OpenOrderGone,
    OpenOrderSeen,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
)
from bot.domain.order import OrderRequest, Side, TimeInForce
from paper.messages import CancelById, CancelRequest, QueryAccount, QueryHistory, SubmitOutside
from paper.spec import OrderStart
from paper.venue import PaperVenue
from tests.paper.builders import LATENCY, Bench, cents, lots, order, start


def outside(bench: Bench, request: OrderRequest) -> list[AccountFact]:
    """Let somebody place an order at the venue's page, and let it arrive."""
    bench.say(SubmitOutside(request))
    return bench.finish()


def buy(amount: str = "0.4", limit: str = "9900", name: str = "web") -> OrderRequest:
    return order(Side.BUY, amount, limit, name=name, time_in_force=TimeInForce.GTC)


def begun(*orders: OrderStart) -> Bench:
    """A long of 1 BTC at 10,000 with much cash."""
    bench = Bench(replace(start(5_000, (0, "1", None)), orders=orders))
    bench.price(10_000)
    return bench


def listing(bench: Bench) -> AccountSnapshot:
    bench.say(QueryAccount(0))
    (snapshot,) = [fact for fact in bench.finish() if isinstance(fact, AccountSnapshot)]
    return snapshot


def test_outside_order_is_told_unasked_from_its_coming_to_its_end() -> None:
    """Seen, filled from outside, seen with less, filled again, gone: each under the account's next number."""
    bench = begun()
    (seen,) = outside(bench, buy())
    assert isinstance(seen, OpenOrderSeen)
    told = [seen, *bench.price(9_900, quantity="0.1"), *bench.price(9_899)]
    assert (seen.order.side, seen.order.leaves, seen.order.limit_price, seen.order.name) == (
        Side.BUY, lots("0.4"), cents(9_900), "web"
    )
    assert [type(fact) for fact in told] == [
        OpenOrderSeen, OrderFilled, OpenOrderSeen, OrderFilled, OpenOrderGone
    ]
    assert [getattr(fact, "number", None) for fact in told] == [1, 2, 3, 4, 5]
    fills = [fact for fact in told if isinstance(fact, OrderFilled)]
    assert {fill.origin for fill in fills} == {FillOrigin.EXTERNAL}
    assert [fact.order.leaves for fact in told if isinstance(fact, OpenOrderSeen)] == [lots("0.4"), lots("0.3")]
    assert bench.venue.positions(0)[0].quantity == lots("1.4")


def test_snapshot_lists_every_open_order_whoever_placed_it() -> None:
    """What rests and what waits, the client's own too, with ids that differ."""
    bench = begun()
    outside(bench, buy())
    bench.send(order(Side.SELL, "1", "10500", name="ours", time_in_force=TimeInForce.GTC, reduce_only=True))
    bench.send(order(Side.SELL, "1", None, name="stop", trigger="9000", reduce_only=True))
    listed = listing(bench).orders
    assert listed is not None
    assert [(each.name, each.reduce_only, each.trigger_price) for each in listed] == [
        ("web", False, None), ("ours", True, None), ("stop", True, cents(9_000))
    ]
    assert len({each.venue_id for each in listed}) == 3


def test_cancel_by_id_ends_an_order_whoever_placed_it() -> None:
    """The outsider's is told gone, our own ended by its name; of one that is not there the venue says so."""
    bench = begun()
    (seen,) = outside(bench, buy())
    assert isinstance(seen, OpenOrderSeen)
    bench.say(CancelById(0, seen.order.venue_id))
    assert bench.finish() == [OpenOrderGone(bench.now + LATENCY, 0, seen.order.venue_id, 2)]
    bench.send(order(Side.SELL, "1", "10500", name="ours", time_in_force=TimeInForce.GTC))
    (own,) = listing(bench).orders or ()
    bench.say(CancelById(0, own.venue_id))
    assert [type(fact) for fact in bench.finish()] == [OrderEnded]
    bench.say(CancelById(0, "77"))
    assert bench.finish() == [OpenOrderGone(bench.now + LATENCY, 0, "77")]
    assert listing(bench).orders == ()


def test_outsider_may_cancel_and_the_client_learns_of_it() -> None:
    """A person takes the order back at the venue's page."""
    bench = begun()
    outside(bench, buy())
    bench.say(CancelRequest(0, "web"))
    assert [type(fact) for fact in bench.finish()] == [OpenOrderGone]


def test_history_tells_outsiders_orders_again_by_number_and_not_by_name() -> None:
    """What was missed comes again once; orders of outsiders are none of the client's own."""
    bench = begun()
    outside(bench, buy())
    bench.send(order(Side.SELL, "1", "10500", name="ours", time_in_force=TimeInForce.GTC))
    bench.say(QueryHistory(0, 0, 0))
    again = bench.finish()
    assert [type(fact) for fact in again] == [OpenOrderSeen, OrderAccepted]
    bench.say(QueryHistory(0, 1, 0))
    assert [type(fact) for fact in bench.finish()] == [OrderAccepted]


def test_refused_outside_order_is_told_to_nobody() -> None:
    """It is the person's own affair."""
    bench = begun()
    assert outside(bench, buy(amount="900")) == []
    assert listing(bench).orders == ()


def test_reduce_only_order_of_an_outsider_goes_with_the_position() -> None:
    """The venue ends it when there is nothing left to reduce, and says so."""
    bench = begun()
    outside(bench, replace(order(Side.SELL, "1", "11000", name="web", time_in_force=TimeInForce.GTC), reduce_only=True))
    told = bench.send(order(Side.SELL, "1", "9000", name="ours"))
    assert OpenOrderGone in [type(fact) for fact in told]


def test_orders_that_rest_from_the_start_come_with_the_first_price() -> None:
    """They are told like any other, and survive the venue's own restart as outsiders'."""
    bench = begun(OrderStart(0, Side.BUY, lots("0.4"), cents(9_000)))
    seen = [fact for _, fact in bench.told if isinstance(fact, OpenOrderSeen)]
    assert [(each.order.name, each.number) for each in seen] == [("outside-1", 1)]
    bench.venue = PaperVenue.restore(bench.spec, bench.instruments, bench.venue.snapshot())
    told = bench.price(8_999)
    assert [type(fact) for fact in told] == [OrderFilled, OpenOrderGone]


def test_order_that_cannot_rest_from_the_start_is_the_users_mistake() -> None:
    """More than the account can pay for: said when the market begins, with what the venue says."""
    bench = Bench(replace(start(100), orders=(OrderStart(0, Side.BUY, lots("1"), cents(9_000)),)))
    with pytest.raises(InputError, match=r"refuses the buy order in BTC/USDT:USDT .* -2019 Margin is insufficient"):
        bench.price(10_000)
