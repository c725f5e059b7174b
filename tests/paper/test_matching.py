"""Orders against a recorded book and against each other: levels walked, queues kept, fees by tier, both latencies.

The book of most tests, with prices as they are and amounts in coins:

    asks 100.20 x 3, 100.10 x 1, 100.05 x 2        bids 100.00 x 2, 99.90 x 4
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.events import Liquidity, OrderEnded, OrderFilled, OrderRejected
from bot.domain.market import Quote, Trade
from bot.domain.order import OrderStatus, SelfTrade, Side, TimeInForce
from bot.domain.scale import NS_PER_DAY
from paper.messages import SubmitOrder, Wake
from paper.spec import FeeTier, VenueSpec
from tests.paper.builders import LATENCY, MS, Bench, cents, lots, order, perpetual, start, usd

BIDS = (("100.00", 2), ("99.90", 4))
ASKS = (("100.05", 2), ("100.10", 1), ("100.20", 3))
GTC = TimeInForce.GTC


def _bench(accounts: int = 2, spec: VenueSpec | None = None) -> Bench:
    bench = Bench(*(start("1000000", account=account) for account in range(accounts)), spec=spec)
    bench.price("100")
    bench.book(BIDS, ASKS, snapshot=True)
    return bench


def _fills(facts: Sequence[object]) -> list[tuple[str, str, str]]:
    """Name, price and amount of every fill, as a person reads them."""
    return [
        (fact.name, f"{fact.price / 100:.2f}", f"{fact.quantity / 1_000:g}")
        for fact in facts if isinstance(fact, OrderFilled)
    ]


def _ends(facts: Sequence[object]) -> list[tuple[str, OrderStatus]]:
    return [(fact.name, fact.status) for fact in facts if isinstance(fact, OrderEnded)]


# The recorded book -----------------------------------------------------------------------------------------


def test_taker_walks_the_levels_inside_its_limit_and_no_model_is_asked() -> None:
    """Buy 5 up to 100.10: 2 at 100.05, 1 at 100.10, and the other 2 expire."""
    bench = _bench()
    facts = bench.send(order(Side.BUY, 5, "100.10"))
    assert _fills(facts) == [("a1", "100.05", "2"), ("a1", "100.10", "1")]
    assert all(not fact.modelled for fact in facts if isinstance(fact, OrderFilled))
    assert facts[-1] == OrderEnded(facts[-1].now, 0, "a1", OrderStatus.EXPIRED, lots(3))


def test_market_order_walks_the_whole_side_and_its_rest_expires() -> None:
    """A sale of 7 meets 2 and 4; nothing is left for the last one."""
    facts = _bench().send(order(Side.SELL, 7, None))
    assert _fills(facts) == [("a1", "100.00", "2"), ("a1", "99.90", "4")]
    assert _ends(facts) == [("a1", OrderStatus.EXPIRED)]


def test_what_one_client_took_is_not_there_for_the_next() -> None:
    """1.5 of the 2 at 100.05 are gone until the tape states another quantity for the level."""
    bench = _bench()
    bench.send(order(Side.BUY, "1.5", "100.05"))
    assert _fills(bench.send(order(Side.BUY, 2, "100.05", name="b1", account=1))) == [("b1", "100.05", "0.5")]
    bench.book((), (("100.05", 2),))
    assert _fills(bench.send(order(Side.BUY, 1, "100.05", name="b2", account=1))) == []
    bench.book((), (("100.05", "2.5"),))
    assert _fills(bench.send(order(Side.BUY, 1, "100.05", name="b3", account=1))) == [("b3", "100.05", "1")]


def test_void_book_gives_way_to_the_model_and_the_fill_says_so() -> None:
    """Crossed by a misread update, the book is void; the venue still trades, at modelled prices."""
    bench = _bench()
    bench.book((("100.10", 1),))
    facts = bench.send(order(Side.BUY, 1, "101"))
    assert [fact.modelled for fact in facts if isinstance(fact, OrderFilled)] == [True]


def test_market_without_prints_is_priced_by_its_book() -> None:
    """On a tape of books alone positions start and are margined at the middle, 100.02 of 100.00 and 100.05."""
    bench = Bench(start("1000", (0, 1, None)))
    bench.book(BIDS, ASKS, snapshot=True)
    assert bench.venue.is_started(0)
    bench.book((("100.00", 0),), (("100.05", 0), ("100.10", 0)))
    wallet, equity, _ = bench.venue.account_totals(0)
    assert equity - wallet == (10_005 - 10_002) * 1_000 * 1_000


@pytest.mark.parametrize(("amount", "code"), [("4", None), ("4.001", "-5021")])
def test_fill_or_kill_fills_whole_or_is_refused(amount: str, code: str | None) -> None:
    """Up to 100.10 the book holds 3 and another client 1: four can be had, a thousandth more cannot."""
    bench = _bench()
    bench.send(order(Side.SELL, 1, "100.07", name="m1", time_in_force=GTC))
    facts = bench.send(order(Side.BUY, amount, "100.10", name="b1", account=1, time_in_force=TimeInForce.FOK))
    if code is None:
        assert sum(fact.quantity for fact in facts if isinstance(fact, OrderFilled) and fact.account) == lots(4)
    else:
        assert [fact.code for fact in facts if isinstance(fact, OrderRejected)] == [code]


# Resting orders --------------------------------------------------------------------------------------------


def test_post_only_rests_below_the_best_ask_and_is_refused_at_it() -> None:
    """Both sides of the limit: 100.04 rests, 100.05 would take."""
    bench = _bench()
    assert not _ends(bench.send(order(Side.BUY, 1, "100.04", time_in_force=TimeInForce.POST_ONLY)))
    (refused,) = bench.send(order(Side.BUY, 1, "100.05", name="a2", time_in_force=TimeInForce.POST_ONLY))
    assert isinstance(refused, OrderRejected) and refused.code == "-5022"


def test_resting_order_waits_for_those_ahead_of_it() -> None:
    """Behind 2 at 100.00: a print of 1.5 passes them by, the next 1.5 fills 1, the third of 1 fills 1 more."""
    bench = _bench()
    bench.send(order(Side.BUY, 3, "100.00", time_in_force=GTC))
    printed = [_fills(bench.price("100.00", quantity=amount)) for amount in ("1.5", "1.5", "1")]
    assert printed == [[], [("a1", "100.00", "1")], [("a1", "100.00", "1")]]


def test_cancellations_shorten_the_queue_only_when_less_is_shown_than_is_ahead() -> None:
    """Behind 2: grown to 9 and shrunk to 3, still 2 ahead; shrunk to 0.5, half a coin is ahead."""
    bench = _bench()
    bench.send(order(Side.BUY, 3, "100.00", time_in_force=GTC))
    for shown in (9, 3):
        bench.book((("100.00", shown),))
    assert _fills(bench.price("100.00", quantity="2")) == []
    bench = _bench()
    bench.send(order(Side.BUY, 3, "100.00", time_in_force=GTC))
    bench.book((("100.00", "0.5"),))
    assert _fills(bench.price("100.00", quantity="1")) == [("a1", "100.00", "0.5")]


def test_two_orders_at_one_price_share_what_passes_their_common_queue() -> None:
    """2 ahead of both: a print of 4.5 gives 1.5 to the older and 1 to the younger."""
    bench = _bench()
    bench.send(order(Side.BUY, "1.5", "100.00", time_in_force=GTC))
    bench.send(order(Side.BUY, "1.5", "100.00", name="b1", account=1, time_in_force=GTC))
    assert _fills(bench.price("100.00", quantity="4.5")) == [("a1", "100.00", "1.5"), ("b1", "100.00", "1")]


def test_print_of_a_buyer_does_not_fill_a_resting_buy() -> None:
    """The tape says who took: a buyer at our bid's price met somebody else's offer."""
    bench = _bench()
    bench.send(order(Side.BUY, 1, "100.02", time_in_force=GTC))
    bench.now += MS
    for side, filled in ((1, []), (-1, [("a1", "100.02", "0.4")])):
        assert _fills(bench.say(Trade(bench.now, bench.now, 0, cents("100.02"), lots("0.4"), side))) == filled


def test_print_through_a_resting_order_fills_at_most_its_quantity_on_a_book_tape() -> None:
    """Somebody sold 0.3 at 99.95: our bid of 100.00 would have met him first, and no more than him."""
    bench = _bench()
    bench.send(order(Side.BUY, 3, "100.00", time_in_force=GTC))
    assert _fills(bench.price("99.95", quantity="0.3")) == [("a1", "100.00", "0.3")]


def test_resting_order_fills_when_the_book_comes_to_it() -> None:
    """Asks of 0.7 at 99.98 meet our bid of 99.99: it fills 0.7 there as maker, and they are gone for others."""
    bench = _bench()
    bench.send(order(Side.BUY, 3, "99.99", time_in_force=GTC))
    facts = bench.book((("100.00", 0),), (("99.98", "0.7"),))
    assert _fills(facts) == [("a1", "99.99", "0.7")]
    assert [fact.liquidity for fact in facts if isinstance(fact, OrderFilled)] == [Liquidity.MAKER]
    assert _fills(bench.send(order(Side.BUY, 1, "99.98", name="b1", account=1))) == []


@pytest.mark.parametrize(("limit", "filled"), [("100.00", "1"), ("99.99", None), ("99.98", "1")])
def test_queue_on_a_tape_of_quotes_is_known_at_the_best_price(limit: str, filled: str | None) -> None:
    """Best bid 99.99 x 2: above it nobody waits; at it a print of 1 passes those ahead; below it nobody knows."""
    bench = Bench(start("1000"))
    bench.price("100.01")
    bench.say(Quote(bench.now, bench.now, 0, cents("99.99"), lots(2), cents("100.02"), lots(2)))
    bench.send(order(Side.BUY, 1, limit, time_in_force=GTC))
    assert _fills(bench.price(limit, quantity="1")) == ([] if filled is None else [("a1", limit, filled)])


# Clients with each other -----------------------------------------------------------------------------------


def test_crossing_order_fills_another_clients_resting_one_between_the_levels() -> None:
    """Ours at 100.07 stands between 100.05 and 100.10: 2, then ours, then 1 of the book's; both sides are told."""
    bench = _bench()
    bench.send(order(Side.SELL, 1, "100.07", name="m1", time_in_force=GTC))
    facts = bench.send(order(Side.BUY, 4, "100.10", name="b1", account=1))
    assert _fills(facts) == [
        ("b1", "100.05", "2"), ("m1", "100.07", "1"), ("b1", "100.07", "1"), ("b1", "100.10", "1"),
    ]
    assert bench.venue.positions(0)[0].quantity == -lots(1)
    assert bench.venue.positions(1)[0].quantity == lots(4)


def test_at_one_price_the_older_quantity_goes_first() -> None:
    """Behind the 2 shown at 100.05: a buy of 3 takes those 2, then 1 of ours."""
    bench = _bench()
    bench.send(order(Side.SELL, 2, "100.05", name="m1", time_in_force=GTC))
    facts = bench.send(order(Side.BUY, 3, "100.05", name="b1", account=1))
    assert _fills(facts) == [("b1", "100.05", "2"), ("m1", "100.05", "1"), ("b1", "100.05", "1")]


def test_client_in_front_of_the_modelled_market_is_met_first() -> None:
    """Without a book: an offer inside the modelled spread trades before the model's depth."""
    bench = Bench(start("100000", account=0), start("100000", account=1), instruments=(perpetual(),))
    bench.price("1000")
    bench.send(order(Side.SELL, 1, "1000.04", name="m1", time_in_force=TimeInForce.POST_ONLY))
    facts = bench.send(order(Side.BUY, 2, "1010", name="b1", account=1))
    assert _fills(facts)[:2] == [("m1", "1000.04", "1"), ("b1", "1000.04", "1")]
    assert [fact.modelled for fact in facts if isinstance(fact, OrderFilled)] == [False, False, True]


@pytest.mark.parametrize(
    ("mode", "fills", "ends"),
    [
        (SelfTrade.ALLOW, [("m1", "100.02", "1"), ("a1", "100.02", "1"), ("a1", "100.05", "1")],
         [("m1", OrderStatus.FILLED), ("a1", OrderStatus.FILLED)]),
        (SelfTrade.EXPIRE_MAKER, [("a1", "100.05", "2")],
         [("m1", OrderStatus.EXPIRED), ("a1", OrderStatus.FILLED)]),
        (SelfTrade.EXPIRE_TAKER, [], [("a1", OrderStatus.EXPIRED)]),
        (SelfTrade.EXPIRE_BOTH, [], [("m1", OrderStatus.EXPIRED), ("a1", OrderStatus.EXPIRED)]),
    ],
)
def test_own_resting_order_is_treated_as_the_arriving_one_asks(
    mode: SelfTrade, fills: list[tuple[str, str, str]], ends: list[tuple[str, OrderStatus]]
) -> None:
    """A buy of 2 meets the account's own offer of 1 at 100.02 before the book."""
    bench = _bench()
    bench.send(order(Side.SELL, 1, "100.02", name="m1", time_in_force=GTC))
    facts = bench.send(order(Side.BUY, 2, "100.10", self_trade=mode))
    assert (_fills(facts), _ends(facts)) == (fills, ends)


# Fees and latencies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("traded", "days", "bps"),
    [("9.99", 1, 5), ("10", 0, 5), ("10", 1, 3), ("10", 30, 3), ("10", 31, 5)],
)
def test_fees_are_of_the_tier_reached_in_the_thirty_days_before_today(traded: str, days: int, bps: int) -> None:
    """A tier of 3 bps from 1,000 quote units on: today's volume does not count yet, that of 31 days ago no more."""
    bench = Bench(start("1000000"), spec=VenueSpec(latency=LATENCY, fee_tiers=(FeeTier(1_000, 0.0001, 0.0003),)))
    bench.price("100")
    bench.book((("99", 900),), (("100", 900),), snapshot=True)
    bench.send(order(Side.BUY, traded, "100"))
    bench.now += days * NS_PER_DAY
    (fee,) = [fact.fee for fact in bench.send(order(Side.BUY, 1, "100", name="a2")) if isinstance(fact, OrderFilled)]
    assert fee == usd(100) * bps // 10_000


def test_reports_take_their_own_time() -> None:
    """Orders arrive after 50 ms; what the venue says takes 200."""
    bench = _bench(spec=VenueSpec(latency=LATENCY, report_latency=4 * LATENCY))
    sent = bench.now
    bench.say(SubmitOrder(order(Side.BUY, 1, "100.05")))
    bench.now += LATENCY
    assert {fact.now for fact in bench.say(Wake())} == {sent + 5 * LATENCY}
