"""Orders at the venue: what fills at what price and fee, and how orders end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.errors import ContractError, Unsupported
from bot.domain.events import (
    AccountSnapshot,
    FillOrigin,
    Liquidity,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
)
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.market import Candle, CandlePoint
from bot.domain.order import OrderStatus, Side, TimeInForce
from bot.domain.scale import NS_PER_SECOND
from paper import orders
from paper.messages import CancelRequest, QueryAccount, QueryOrder, SubmitOrder, Wake
from tests.paper.builders import LATENCY, MS, Bench, cents, lots, order, perpetual, start, usd

KEY = PositionKey(0, 0)


def _bench(
    balance: str = "10000", *positions: tuple[int, str, str | None], instrument: Instrument | None = None
) -> Bench:
    bench = Bench(start(balance, *positions), instruments=(instrument or perpetual(),))
    bench.price("100")
    return bench


def _fills(facts: Sequence[object]) -> list[OrderFilled]:
    return [fact for fact in facts if isinstance(fact, OrderFilled)]


# Fills ----------------------------------------------------------------------------------------------------


def test_immediate_order_fills_one_latency_later_and_reports_another_later() -> None:
    """Sent at t, matched at t + latency against the price of then, known at t + 2 latencies."""
    bench = _bench()
    sent = bench.now
    assert bench.say(SubmitOrder(order(Side.BUY, "1", "210"))) == []
    assert bench.venue.next_wake() == sent + LATENCY
    bench.price("200")
    bench.now = sent + LATENCY
    accepted, filled, ended = bench.say(Wake())
    assert isinstance(accepted, OrderAccepted) and accepted.now == sent + 2 * LATENCY
    assert isinstance(filled, OrderFilled) and filled.now == sent + 2 * LATENCY
    assert filled.stamp == sent + LATENCY
    assert cents("200") < filled.price < cents("201")
    assert ended == OrderEnded(sent + 2 * LATENCY, 0, "a1", OrderStatus.FILLED, lots(1))
    assert bench.venue.next_wake() is None


def test_order_that_was_due_before_a_quiet_print_meets_the_price_before_it() -> None:
    """A driver that forgot to wake the venue changes nothing: the order fills at the price of its arrival."""
    bench = _bench()
    bench.say(SubmitOrder(order(Side.BUY, "1", "120")))
    bench.now += LATENCY
    (filled,) = _fills(bench.price("101"))
    assert cents("100") < filled.price < cents("101")
    assert filled.stamp == bench.now - MS


def test_driver_that_wakes_late_gets_answers_no_earlier_than_now() -> None:
    """A venue that was looked at late does not answer into the past."""
    bench = _bench()
    bench.say(SubmitOrder(order(Side.BUY, "1", "101")))
    bench.now += 10 * LATENCY
    answers = bench.venue.handle(bench.now, Wake())
    assert [at for at, _ in answers] == [bench.now] * 3
    assert all(at == fact.now for at, fact in answers)


def test_fill_changes_wallet_by_profit_less_fee_and_position_by_average_cost() -> None:
    """Buy 2, buy 1 dearer, sell 2: every number of the account by hand from the fills' own prices."""
    bench = _bench()
    wallet, entry = usd("10000"), 0
    orders = ("a1", Side.BUY, "2", "110"), ("a2", Side.BUY, "1", "110"), ("a3", Side.SELL, "2", "80")
    for name, side, amount, limit in orders:
        (fill,) = _fills(bench.send(order(side, amount, limit, name=name)))
        value = fill.price * fill.quantity * 1_000       # cents x thousandths in 10^-8
        fee = -(-value * 5 // 10_000)                    # taker 5 bps, rounded up
        assert (fill.fee, fill.liquidity, fill.origin, fill.modelled) == (fee, Liquidity.TAKER, FillOrigin.OURS, True)
        wallet -= fee
        if side is Side.BUY:
            entry += value
        else:
            share = entry * 2 // 3
            wallet += value - share
            entry -= share
    (held,) = bench.venue.positions(0)
    assert (held.key, held.quantity, held.entry_value) == (KEY, lots(1), entry)
    assert bench.venue.account_totals(0)[:2] == (wallet, wallet + 100 * usd(1) - entry)


def test_fill_through_zero_closes_and_opens_the_other_side() -> None:
    """Long 1 from 100, sell 3 at p: realised p - 100 on one, short 2 from p."""
    bench = _bench("10000", (0, "1", "100"))
    (fill,) = _fills(bench.send(order(Side.SELL, "3", "80")))
    (held,) = bench.venue.positions(0)
    assert (held.quantity, held.entry_value) == (-lots(2), -2 * fill.price * 1_000_000)
    assert bench.venue.account_totals(0)[0] == usd("10000") + (fill.price - cents(100)) * 1_000_000 - fill.fee


def test_immediate_order_with_room_for_a_part_fills_it_and_expires() -> None:
    """What fits inside the limit fills; the rest expires, and the end tells the filled total."""
    bench = _bench("10000000")
    facts = bench.send(order(Side.BUY, "100000", "100.20"))
    (fill,) = _fills(facts)
    assert 0 < fill.quantity < lots(100_000) and fill.price <= cents("100.20")
    assert facts[-1] == OrderEnded(facts[-1].now, 0, "a1", OrderStatus.EXPIRED, fill.quantity)


def test_part_that_fits_is_whole_lots() -> None:
    """The venue trades in lots: what fits is rounded down to them."""
    bench = _bench("10000000", instrument=perpetual(lot=7_000, quantity_min=7_000))
    (fill,) = _fills(bench.send(order(Side.BUY, "70000", "100.20")))
    assert fill.quantity % 7_000 == 0 and fill.quantity < lots(70_000)


def test_fill_in_a_wide_bar_is_at_the_limit_and_never_a_unit_beyond() -> None:
    """Half of a 10.00 range from 90.01 is 95.01: a limit there fills there, whatever floats make of the ratio."""
    bench = _bench()
    bench.price("90.01")
    for width in (10, 10, 10, 10, 10, 1_000):
        bench.say(Candle(bench.now, NS_PER_SECOND, 0, 9_001, 9_001, 9_001 - width, 9_001, 0))
    (fill,) = _fills(bench.send(order(Side.BUY, "0.1", "95.01")))
    assert fill.price == cents("95.01")


def test_immediate_order_beyond_the_market_expires_unfilled() -> None:
    """A limit that nobody meets is taken and expires with nothing."""
    bench = _bench()
    accepted, ended = bench.send(order(Side.BUY, "1", "99"))
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(ended, OrderEnded) and (ended.status, ended.filled) == (OrderStatus.EXPIRED, 0)


def test_order_before_the_first_price_expires() -> None:
    """There is no market yet."""
    bench = Bench(start("10000"))
    assert isinstance(bench.send(order(Side.BUY, "1", "99"))[-1], OrderEnded)


def test_reduce_only_larger_than_the_position_is_cut_to_it() -> None:
    """Asked to sell 5 of 1: one is sold, the rest expires, nothing flips."""
    bench = _bench("10000", (0, "1", "100"))
    request = order(Side.SELL, "5", "80", reduce_only=True)
    facts = bench.send(request)
    assert [fill.quantity for fill in _fills(facts)] == [lots(1)]
    assert facts[-1] == OrderEnded(facts[-1].now, 0, "a1", OrderStatus.EXPIRED, lots(1))
    assert bench.venue.positions(0) == ()
    assert request.quantity == lots(5)


def test_slices_in_one_second_get_no_better_price_than_one_order() -> None:
    """Ten tenths within a second average what the whole would have, to a rounding of a cent each."""
    whole = _fills(_bench("10000000").send(order(Side.BUY, "1000", "150")))[0].price
    bench = _bench("10000000")
    prices = [
        _fills(bench.send(order(Side.BUY, "100", "150", name=f"a{slice_}")))[0].price for slice_ in range(10)
    ]
    assert sum(prices) / 10 == pytest.approx(whole, abs=1.5)


# Resting orders -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("printed", "filled"), [("99.01", "0"), ("99", "0.4"), ("98.99", "1")])
def test_resting_order_fills_as_maker_when_the_tape_reaches_its_price(printed: str, filled: str) -> None:
    """Above it nothing; at it the printed quantity; through it all, at our own price and the maker's fee."""
    bench = _bench()
    bench.send(order(Side.BUY, "1", "99", time_in_force=TimeInForce.GTC))
    fills = _fills(bench.price(printed, quantity="0.4"))
    assert sum(fill.quantity for fill in fills) == lots(filled)
    for fill in fills:
        assert (fill.price, fill.liquidity) == (cents(99), Liquidity.MAKER)
        assert fill.fee == -(-fill.price * fill.quantity * 1_000 * 2 // 10_000)


def test_resting_order_at_a_repeated_price_goes_on_filling() -> None:
    """Two prints of 0.4 at our price fill 0.8; the third ends the order."""
    bench = _bench()
    bench.send(order(Side.BUY, "1", "99", time_in_force=TimeInForce.GTC))
    quantities = [_fills(bench.price("99", quantity="0.4"))[0].quantity for _ in range(3)]
    assert quantities == [lots("0.4"), lots("0.4"), lots("0.2")]
    assert isinstance(bench.told[-1][1], OrderEnded)


def test_resting_orders_fill_best_price_first_then_oldest() -> None:
    """A print through all of them meets the higher bid first, then the older of two equal ones."""
    bench = _bench()
    for name, limit in (("b1", "98"), ("b2", "99"), ("b3", "98")):
        bench.send(order(Side.BUY, "1", limit, name=name, time_in_force=TimeInForce.GTC))
    assert [fill.name for fill in _fills(bench.price("97"))] == ["b2", "b1", "b3"]


def test_resting_orders_at_one_price_share_what_is_printed() -> None:
    """A print of 0.4 at the price of two orders fills 0.3 of the older and 0.1 of the younger, in whole lots."""
    bench = _bench(instrument=perpetual(lot=100, quantity_min=100))
    for name in ("b1", "b2"):
        bench.send(order(Side.BUY, "0.3", "99", name=name, time_in_force=TimeInForce.GTC))
    fills = _fills(bench.price("99", quantity="0.499"))
    assert [(fill.name, fill.quantity) for fill in fills] == [("b1", lots("0.3")), ("b2", lots("0.1"))]


def test_resting_order_at_a_candle_point_fills_whole() -> None:
    """A point of a candle has no quantity: reaching the price is enough."""
    bench = _bench()
    bench.send(order(Side.BUY, "1", "99", time_in_force=TimeInForce.GTC))
    bench.now += MS
    (fill, _) = bench.say(CandlePoint(bench.now, bench.now, 0, cents(99), 0))
    assert isinstance(fill, OrderFilled) and fill.quantity == lots(1)


def test_resting_reducers_end_when_the_position_is_gone() -> None:
    """Two take-profits on one position: the first closes it, the second expires and never flips it."""
    bench = _bench("10000", (0, "1", "100"))
    for name in ("a1", "a2"):
        bench.send(order(Side.SELL, "1", "105", name=name, time_in_force=TimeInForce.GTC, reduce_only=True))
    facts = bench.price("106")
    assert [fill.name for fill in _fills(facts)] == ["a1"]
    assert [(fact.name, fact.status) for fact in facts if isinstance(fact, OrderEnded)] == [
        ("a1", OrderStatus.FILLED), ("a2", OrderStatus.EXPIRED),
    ]
    assert bench.venue.net_quantity(0) == 0


def test_good_till_date_order_dies_at_its_date() -> None:
    """A second before it rests; at its date it expires, unasked."""
    bench = _bench()
    until = bench.now + 10 * NS_PER_SECOND
    bench.send(order(Side.BUY, "1", "90", time_in_force=TimeInForce.GTD, good_until=until))
    assert bench.venue.next_wake() == until
    bench.now = until - 1
    assert bench.say(Wake()) == []
    bench.now = until
    assert bench.say(Wake()) == [OrderEnded(until + LATENCY, 0, "a1", OrderStatus.EXPIRED, 0)]


def test_cancel_ends_a_resting_order_and_repeats_an_ended_one() -> None:
    """Cancelling twice tells the same end twice; a name that never came is not found."""
    bench = _bench()
    bench.send(order(Side.BUY, "1", "90", time_in_force=TimeInForce.GTC))
    for _ in range(2):
        bench.say(CancelRequest(0, "a1"))
        (ended,) = bench.finish()
        assert isinstance(ended, OrderEnded) and (ended.status, ended.filled) == (OrderStatus.CANCELED, 0)
    bench.say(CancelRequest(0, "zz"))
    assert isinstance(bench.finish()[0], OrderNotFound)


# Look-ups -------------------------------------------------------------------------------------------------


def test_look_up_tells_the_fills_again_with_the_same_trade_ids() -> None:
    """After a crash a look-up gives back what was missed, recognisable as the same trades."""
    bench = _bench()
    told = bench.send(order(Side.BUY, "1", "101"))
    bench.say(QueryOrder(0, "a1"))
    again = bench.finish()
    assert [(fill.trade_id, fill.stamp, fill.price, fill.quantity, fill.fee) for fill in _fills(again)] == [
        (fill.trade_id, fill.stamp, fill.price, fill.quantity, fill.fee) for fill in _fills(told)
    ]
    assert isinstance(again[-1], OrderEnded) and again[-1].status is OrderStatus.FILLED


def test_look_up_of_a_resting_order_says_that_it_was_accepted() -> None:
    """It still works, with what it has filled so far."""
    bench = _bench()
    bench.send(order(Side.BUY, "1", "99", time_in_force=TimeInForce.GTC))
    bench.price("99", quantity="0.4")
    bench.say(QueryOrder(0, "a1"))
    accepted, fill = bench.finish()
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(fill, OrderFilled) and fill.quantity == lots("0.4")


def test_look_up_that_overtakes_nothing_is_not_found() -> None:
    """An order that was never handed in, and one that was refused, are not found."""
    bench = _bench()
    bench.send(order(Side.BUY, "0.001", "90", name="a9"))
    for name in ("zz", "a9"):
        bench.say(QueryOrder(0, name))
        assert isinstance(bench.finish()[0], OrderNotFound)


def test_ended_orders_are_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue's memory is bounded: the oldest ended order goes first, and its look-up finds nothing."""
    monkeypatch.setattr(orders, "ENDED_KEPT", 2)
    bench = _bench()
    for name in ("a1", "a2", "a3"):
        bench.send(order(Side.BUY, "1", "90", name=name))
    found = []
    for name in ("a1", "a2", "a3"):
        bench.say(QueryOrder(0, name))
        found.append(type(bench.finish()[-1]))
    assert found == [OrderNotFound, OrderEnded, OrderEnded]


def test_snapshot_holds_balance_and_positions_as_of_when_it_was_taken() -> None:
    """Asked at t, taken at t + latency, told at t + 2 latencies."""
    bench = _bench("10000", (0, "-2", "110"))
    asked = bench.now
    bench.say(QueryAccount(0))
    (told,) = bench.finish()
    assert isinstance(told, AccountSnapshot)
    assert (told.taken, told.now) == (asked + LATENCY, asked + 2 * LATENCY)
    assert [(balance.asset, balance.amount) for balance in told.balances] == [("USDT", usd("10000"))]
    assert [(held.quantity, held.entry_value) for held in told.positions] == [(-lots(2), -usd("220"))]


def test_fill_in_the_same_nanosecond_as_a_snapshot_is_told_apart_from_it() -> None:
    """A fill is in a snapshot exactly when its stamp is no later than the snapshot's."""
    bench = _bench()
    bench.say(SubmitOrder(order(Side.BUY, "1", "101", name="a1")))
    bench.say(QueryAccount(0))
    bench.say(SubmitOrder(order(Side.BUY, "1", "101", name="a2")))
    bench.say(QueryAccount(0))
    facts = bench.finish()
    before, after = _fills(facts)
    first, second = [fact for fact in facts if isinstance(fact, AccountSnapshot)]
    assert before.stamp <= first.taken < after.stamp <= second.taken
    assert [snapshot.positions[0].quantity for snapshot in (first, second)] == [lots(1), lots(2)]


# What it starts with --------------------------------------------------------------------------------------


def test_starting_position_without_an_entry_begins_at_the_first_price() -> None:
    """`first` means the first price that is printed; until then the account has not begun."""
    bench = Bench(start("10000", (0, "1.5", None)))
    assert (bench.venue.is_started(0), bench.venue.net_quantity(0)) == (False, lots("1.5"))
    bench.price("123.45")
    (held,) = bench.venue.positions(0)
    assert (bench.venue.is_started(0), held.entry_value) == (True, cents("123.45") * lots("1.5") * 1_000)


@pytest.mark.parametrize("kind", [InstrumentKind.OPTION, InstrumentKind.SPOT])
def test_instruments_that_are_not_simulated_yet_are_refused_at_once(kind: InstrumentKind) -> None:
    """Better no venue than one that counts an inverse contract as a linear one."""
    with pytest.raises(Unsupported, match=kind.value):
        Bench(start("10000"), instruments=(replace(perpetual(), kind=kind),))


def test_price_of_zero_is_a_fault_of_the_tape() -> None:
    """The venue does not liquidate anybody on a price that cannot be."""
    with pytest.raises(ContractError, match="above 0, was 0"):
        _bench().price("0")
