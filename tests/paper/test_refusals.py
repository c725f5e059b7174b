"""Which orders the venue refuses, and with which of Binance's codes: both sides of every limit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.errors import ContractError
from bot.domain.events import OrderRejected
from bot.domain.instrument import Instrument
from bot.domain.order import OrderRequest, Side, TimeInForce, TriggerKind
from paper.messages import QueryAccount
from tests.paper.builders import Bench, lots, order, perpetual, start


def _bench(
    balance: str = "10000", *positions: tuple[int, str, str | None], instrument: Instrument | None = None
) -> Bench:
    bench = Bench(start(balance, *positions), instruments=(instrument or perpetual(),))
    bench.price("100")
    return bench


def _code(bench: Bench, request: OrderRequest) -> str | None:
    """Return the code of the refusal, or None when the order was taken."""
    for fact in bench.send(request):
        if isinstance(fact, OrderRejected):
            return fact.code
    return None


@pytest.mark.parametrize(
    ("limit", "code"), [("99.50", None), ("99.40", "-4014"), ("0.50", None), ("0.25", "-4013")]
)
def test_price_filter_takes_multiples_of_the_tick_only(limit: str, code: str | None) -> None:
    """With a tick of 0.50, 99.50 is a price, 99.40 is none, and 0.25 is below the least."""
    bench = _bench(instrument=perpetual(tick=50, notional_min=0))
    assert _code(bench, order(Side.BUY, "1", limit)) == code


@pytest.mark.parametrize(
    ("amount", "code"),
    [("0.020", None), ("0.010", "-4004"), ("0.025", "-4023"), ("5.000", None), ("5.010", "-4005")],
)
def test_lot_filter_takes_quantities_between_its_ends_only(amount: str, code: str | None) -> None:
    """Lot 0.010 from 0.020 to 5: each end and a step beyond it."""
    bench = _bench(instrument=perpetual(lot=10, quantity_min=20, quantity_max=5_000, notional_min=0))
    assert _code(bench, order(Side.BUY, amount, "99")) == code


@pytest.mark.parametrize(("amount", "code"), [("0.050", None), ("0.049", "-4164")])
def test_notional_filter_refuses_less_than_its_minimum(amount: str, code: str | None) -> None:
    """Five dollars at 100 are 0.05 coins; a thousandth less is refused."""
    assert _code(_bench(), order(Side.BUY, amount, "100")) == code


def test_notional_filter_lets_reduce_only_orders_through() -> None:
    """Dust can always be closed: the minimum does not bind reduce-only orders."""
    bench = _bench("10000", (0, "1", "100"))
    assert _code(bench, order(Side.SELL, "0.001", "90", reduce_only=True)) is None


@pytest.mark.parametrize(("amount", "code"), [("2000", None), ("2000.001", "-2019")])
def test_margin_for_an_opening_order_must_be_there(amount: str, code: str | None) -> None:
    """10,000 at 20x carry 200,000: two thousand coins at 100, and not one more."""
    assert _code(_bench(), order(Side.BUY, amount, "100", time_in_force=TimeInForce.GTC)) == code


def test_margin_of_resting_orders_is_taken() -> None:
    """Two orders of 60 % each do not fit, whichever fills."""
    bench = _bench()
    first = order(Side.BUY, "1200", "99", name="a1", time_in_force=TimeInForce.GTC)
    second = order(Side.BUY, "1200", "99", name="a2", time_in_force=TimeInForce.GTC)
    assert _code(bench, first) is None
    assert _code(bench, second) == "-2019"


def test_margin_for_a_closing_order_is_not_asked() -> None:
    """A position with less equity than its initial margin can be closed by an order without reduce-only."""
    bench = _bench("560", (0, "110", "100"))
    bench.price("99")
    assert _code(bench, order(Side.SELL, "110", "90")) is None


@pytest.mark.parametrize(
    ("held", "side", "code"),
    [("1", Side.SELL, None), ("1", Side.BUY, "-2022"), ("-1", Side.BUY, None), ("-1", Side.SELL, "-2022")],
)
def test_reduce_only_on_the_wrong_side_is_refused(held: str, side: Side, code: str | None) -> None:
    """Only the side that closes the position is reducing."""
    bench = _bench("10000", (0, held, "100"))
    assert _code(bench, order(side, "0.5", "100", reduce_only=True)) == code


def test_reduce_only_without_a_position_is_refused() -> None:
    """There is nothing to reduce."""
    assert _code(_bench(), order(Side.SELL, "1", "90", reduce_only=True)) == "-2022"


def test_name_that_rests_or_ended_is_refused_and_counted() -> None:
    """The same name twice is refused whether the first still rests or is over, and the attempt is on record."""
    bench = _bench()
    resting = order(Side.BUY, "1", "90", name="a1", time_in_force=TimeInForce.GTC)
    ended = order(Side.BUY, "1", "101", name="a2")
    assert _code(bench, resting) is None
    assert _code(bench, ended) is None
    assert _code(bench, resting) == "-4116"
    assert _code(bench, ended) == "-4116"
    assert bench.venue.names_reused == 2
    assert bench.venue.net_quantity(0) == lots("1")


def test_name_of_a_refused_order_is_free() -> None:
    """The venue never had the refused one."""
    bench = _bench()
    assert _code(bench, order(Side.BUY, "0.001", "90")) == "-4164"
    assert _code(bench, order(Side.BUY, "1", "90")) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"limit_price": None, "time_in_force": TimeInForce.POST_ONLY}, "-1102"),
        ({"name": "a b"}, "-4015"),
        ({"time_in_force": TimeInForce.GTD}, "-1102"),
        ({"key": PositionKey(0, 1)}, "-1121"),
        ({"key": PositionKey(0, 0, PositionSide.LONG)}, "-4061"),
        ({"key": PositionKey(0, 0, PositionSide.NET, MarginMode.ISOLATED)}, "-4061"),
    ],
)
def test_order_that_the_venue_does_not_know_how_to_take_is_refused(change: dict[str, object], code: str) -> None:
    """Post-only without a price, a bad name, no date, a wrong symbol, leg or margin mode: each has the venue's code."""
    request = replace(order(Side.BUY, "1", "99"), **change)      # type: ignore[arg-type]
    assert _code(_bench(), request) == code


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (order(Side.BUY, 1, "104.99"), None),
        (order(Side.BUY, 1, "105"), None),
        (order(Side.BUY, 1, "105.01"), "-4016"),
        (order(Side.BUY, 1, "90", time_in_force=TimeInForce.GTC), None),
        (order(Side.SELL, 1, "95"), None),
        (order(Side.SELL, 1, "94.99"), "-4024"),
        (order(Side.SELL, 1, "110", time_in_force=TimeInForce.GTC), None),
        (order(Side.BUY, 1, "150", time_in_force=TimeInForce.GTC), "-4016"),
        (order(Side.SELL, 1, "150", time_in_force=TimeInForce.GTC), None),
        (order(Side.SELL, 1, "150.01", time_in_force=TimeInForce.GTC), "-4002"),
        (order(Side.SELL, 1, None, trigger="150.01", trigger_kind=TriggerKind.TAKE_PROFIT), "-4007"),
        (order(Side.SELL, 1, None, trigger="0"), "-4006"),
        (order(Side.BUY, 3, None), None),
        (order(Side.BUY, "3.001", None), "-4005"),
        (order(Side.BUY, "2.501", None), "-4023"),
        (order(Side.BUY, "2.501", "100.50"), None),
        (order(Side.BUY, 1, "100.50", name="x" * 36), None),
        (order(Side.BUY, 1, "100.50", name="x" * 37), "-4015"),
        (order(Side.BUY, 1, "100.50", name=""), "-4015"),
        (order(Side.BUY, 1, "100.50", name=".A:/z-_9"), None),
        (order(Side.BUY, 1, "100.50", name="a\n"), "-4015"),
    ],
)
def test_order_is_held_to_every_filter_of_its_kind(request_: OrderRequest, code: str | None) -> None:
    """Band of 5 % about a mark of 100, prices to 150, market orders to 3 in steps of 0.5: both sides of each."""
    filters = {"price_max": 15_000, "market_lot": 500, "market_quantity_max": 3_000}
    instrument = perpetual(**filters)
    banded = replace(instrument.filters, price_up=Decimal("1.05"), price_down=Decimal("0.95"))
    bench = Bench(start("10000"), instruments=(replace(instrument, filters=banded),))
    bench.price("100")
    assert _code(bench, request_) == code


def test_market_order_is_refused_when_the_best_price_lies_outside_the_band() -> None:
    """The mark is 100 and the best offer 106: nobody may buy at the market there; at 104 one may, up to 105."""
    instrument = perpetual()
    banded = replace(instrument, filters=replace(instrument.filters, price_up=Decimal("1.05")))
    bench = Bench(start("10000"), instruments=(banded,))
    bench.price("100")
    bench.book((("99", 1),), (("106", 1),), snapshot=True)
    assert _code(bench, order(Side.BUY, 1, None)) == "-4131"
    bench.book((), (("104", 1), ("105", 1), ("106", 5)))
    assert _code(bench, order(Side.BUY, 4, None, name="a2")) is None
    assert bench.venue.net_quantity(0) == lots(2)


def test_message_for_an_unknown_account_is_our_own_bug() -> None:
    """Credentials lead to an account; a message without one cannot have been sent."""
    with pytest.raises(ContractError, match="no account 7"):
        _bench().say(QueryAccount(7))


@pytest.mark.parametrize(("limit", "code"), [("100", None), ("101", "-5022")])
def test_post_only_that_would_take_is_refused(limit: str, code: str | None) -> None:
    """Below the other side it rests; at or beyond it the venue refuses it."""
    bench = _bench()
    assert _code(bench, order(Side.BUY, "1", limit, time_in_force=TimeInForce.POST_ONLY)) == code
    assert bench.venue.net_quantity(0) == 0
