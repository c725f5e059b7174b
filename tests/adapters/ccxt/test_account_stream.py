"""The user stream decoded: orders, fills once, cash, warnings, and what must be asked for."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.account_stream import ALIASES_MAX, AccountDecoder, Attention, Told, Wanted
from bot.adapters.ccxt.failures import DecodeFailed
from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.events import (
    CashMoved,
    FillOrigin,
    LiquidationStage,
    Liquidity,
    MarginCall,
    OpenOrderGone,
    OpenOrderSeen,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
)
from bot.domain.open_order import OpenOrder
from bot.domain.order import OrderStatus, Side
from bot.domain.scale import NS_PER_MS
from tests.adapters.ccxt.samples import (
    NAME,
    NOW,
    STOP,
    account_decoder,
    account_update,
    conditional_update,
    fixture,
    order_update,
)

STAMP = 1_765_431_097_031 * NS_PER_MS
KEY = PositionKey(0, 0, PositionSide.NET, MarginMode.CROSS)


def told(message: object) -> list[Told]:
    return account_decoder().decode(NOW, message)


def test_fill_of_ours_is_booked_by_its_trade() -> None:
    """Price, quantity and fee of this very trade, not the order's sums; its id names the symbol, too."""
    assert told(order_update()) == [
        OrderFilled(
            NOW, STAMP, 0, NAME, "BTCUSDT:12345678", KEY, Side.SELL, 991_012, 4, 1_982_024, Liquidity.TAKER,
            FillOrigin.OURS, False,
        )
    ]


def test_fill_that_completes_the_order_ends_it() -> None:
    """The last fill says how much there was altogether."""
    found = told(order_update(X="FILLED", l="0.010", z="0.014", m=True))
    assert isinstance(found[0], OrderFilled)
    assert (found[0].quantity, found[0].liquidity) == (10, Liquidity.MAKER)
    assert found[1:] == [OrderEnded(NOW, 0, NAME, OrderStatus.FILLED, 14)]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"x": "NEW", "X": "NEW", "l": "0", "z": "0", "L": "0", "t": 0}, [OrderAccepted(NOW, 0, NAME)]),
        (
            {"x": "CANCELED", "X": "CANCELED", "l": "0", "L": "0", "t": 0},
            [OrderEnded(NOW, 0, NAME, OrderStatus.CANCELED, 4)],
        ),
        (
            {"x": "EXPIRED", "X": "EXPIRED", "l": "0", "z": "0", "L": "0", "t": 0},
            [OrderEnded(NOW, 0, NAME, OrderStatus.EXPIRED, 0)],
        ),
        (
            {"x": "EXPIRED", "X": "EXPIRED_IN_MATCH", "l": "0", "z": "0", "L": "0"},
            [OrderEnded(NOW, 0, NAME, OrderStatus.EXPIRED, 0)],
        ),
        (
            {"x": "REJECTED", "X": "REJECTED", "l": "0", "z": "0", "L": "0"},
            [OrderRejected(NOW, 0, NAME, "refused", "the matching engine refused it")],
        ),
        ({"x": "AMENDMENT", "X": "NEW", "l": "0"}, []),
        ({"s": "XYZUSDT"}, []),
    ],
)
def test_order_update_of_each_state_is_its_fact(changed: dict[str, Any], expected: list[Told]) -> None:
    """Accepted, cancelled, expired, refused; a change of another kind is nothing to us."""
    assert told(order_update(**changed)) == expected


@pytest.mark.parametrize(
    ("identity", "origin", "stages"),
    [
        ("autoclose-1234567890", FillOrigin.LIQUIDATION, 1),
        ("adl_autoclose", FillOrigin.ADL, 0),
        ("adl_autoclose-123", FillOrigin.ADL, 0),
        ("settlement_autoclose-9999", FillOrigin.EXTERNAL, 0),
        ("delivery_autoclose-9999", FillOrigin.EXTERNAL, 0),
        ("web_abc", FillOrigin.EXTERNAL, 0),
        ("x-cvBPrNm9abc", FillOrigin.EXTERNAL, 0),
        ("pen100sn000001000", FillOrigin.EXTERNAL, 0),       # our marker, another account
        (NAME, FillOrigin.OURS, 0),
    ],
)
def test_fill_of_others_says_whose_it_was(identity: str, origin: FillOrigin, stages: int) -> None:
    """Liquidations and ADL go by the venue's own prefixes; what nobody claims is a person's or another bot's."""
    found = told(order_update(c=identity, x="CALCULATED"))
    fills = [each for each in found if isinstance(each, OrderFilled)]
    assert [fill.origin for fill in fills] == [origin]
    assert sum(isinstance(each, LiquidationStage) for each in found) == stages


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("order_update_adl.json", [OrderFilled]),
        ("order_update_calculated.json", [OrderFilled, LiquidationStage, OpenOrderGone]),
        ("order_update_calculated_pending.json", []),
        ("order_update_insurance.json", [OrderFilled, LiquidationStage]),
        ("ws_futures_order_update_liquidation.json", [OrderFilled, LiquidationStage, OpenOrderGone]),
        ("ws_futures_order_update_liquidation_zero_qty.json", [OpenOrderGone]),
        ("ws_futures_order_update_adl_filled.json", [OrderFilled, OpenOrderGone]),
        ("ws_futures_order_update_settlement.json", [OrderFilled, OpenOrderGone]),
        ("ws_futures_order_update_trade_reduce_only_qty.json", [OrderFilled, OpenOrderGone]),
        ("order_update_new.json", [OpenOrderSeen]),
        ("account_update.json", []),
        ("trade_lite.json", []),
    ],
)
def test_stream_of_the_pages_own_samples_is_read(path: str, kinds: list[type]) -> None:
    """What the venue's pages and captures show, null fields and all."""
    assert [type(each) for each in told(fixture(path))] == kinds


def test_order_of_somebody_else_is_open_until_it_is_not() -> None:
    """A person's order may have to be cancelled in an emergency: seen, with what it leaves, and gone."""
    resting = order_update(x="NEW", X="NEW", l="0", z="0", L="0", t=0, c="web_1", q="0.014", p="9910.00", R=False)
    order = OpenOrder("8886774", "web_1", KEY, Side.SELL, 14, 991_000, None, False)
    assert told(resting) == [OpenOrderSeen(NOW, 0, order)]
    partly = told(order_update(c="web_1", R=False))
    assert [type(each) for each in partly] == [OrderFilled, OpenOrderSeen]
    assert isinstance(partly[1], OpenOrderSeen)
    assert partly[1].order.leaves == 10
    assert told(order_update(x="CANCELED", X="CANCELED", l="0", c="web_1")) == [OpenOrderGone(NOW, 0, "8886774")]


def test_stop_of_somebody_else_waits_under_an_id_of_its_own() -> None:
    """Conditional orders have numbers of their own: the id says which page an order is on."""
    number = "algo1000000033225453"
    stop = OpenOrder(number, "web_1", KEY, Side.SELL, 38, None, 900_000, True)
    assert told(conditional_update(caid="web_1")) == [OpenOrderSeen(NOW, 0, stop)]
    for state in ("TRIGGERED", "CANCELED", "EXPIRED", "FINISHED", "REJECTED"):
        assert told(conditional_update(caid="web_1", X=state)) == [OpenOrderGone(NOW, 0, number)]


def test_fee_in_another_coin_is_left_to_the_snapshot() -> None:
    """A fee in BNB is no cash of the settlement currency, and says that the account must be read."""
    found = told(order_update(N="BNB", n="0.001"))
    assert isinstance(found[0], OrderFilled)
    assert found[0].fee == 0
    assert found[1:] == [Attention(NOW, 0, Wanted.ACCOUNT, "a fee was paid in BNB")]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, [OrderAccepted(NOW, 0, STOP)]),
        ({"X": "TRIGGERING"}, []),
        ({"X": "TRIGGERED", "ai": "88"}, [OrderTriggered(NOW, 0, STOP)]),
        ({"X": "FINISHED", "ai": "88", "aq": "0.038"}, [OrderEnded(NOW, 0, STOP, OrderStatus.FILLED, 38)]),
        ({"X": "FINISHED", "ai": "88", "aq": "0.030"}, [OrderEnded(NOW, 0, STOP, OrderStatus.EXPIRED, 30)]),
        ({"X": "CANCELED"}, [OrderEnded(NOW, 0, STOP, OrderStatus.CANCELED, 0)]),
        ({"X": "EXPIRED"}, [OrderEnded(NOW, 0, STOP, OrderStatus.EXPIRED, 0)]),
        ({"X": "REJECTED", "rm": "no"}, [OrderRejected(NOW, 0, STOP, "conditional_rejected", "no")]),
        ({"s": "XYZUSDT"}, []),
    ],
)
def test_conditional_update_of_each_state_is_its_fact(changed: dict[str, Any], expected: list[Told]) -> None:
    """A stop rests, is triggered, ends; one that was triggered and filled only in part has ended short."""
    assert told(conditional_update(**changed)) == expected


def test_triggered_stop_keeps_its_name_under_the_venues_order() -> None:
    """The order that a stop becomes may have another client id: its fills are the stop's all the same."""
    decoder = account_decoder()
    decoder.decode(NOW, conditional_update(X="TRIGGERED", ai="88"))
    found = decoder.decode(NOW, order_update(i=88, c="x_venue_made_this"))
    assert isinstance(found[0], OrderFilled)
    assert (found[0].name, found[0].origin) == (STOP, FillOrigin.OURS)


def test_aliases_are_kept_only_so_many() -> None:
    """A limit on everything that is remembered."""
    decoder = account_decoder()
    for number in range(ALIASES_MAX + 1):
        decoder.note_alias(str(number), STOP)
    assert decoder.name_of({"i": 0, "c": "x"}) == "x"
    assert decoder.name_of({"i": 1, "c": "x"}) == STOP


@pytest.mark.parametrize("reason", ["DEPOSIT", "WITHDRAW", "ASSET_TRANSFER", "ADMIN_DEPOSIT"])
def test_cash_that_moved_is_counted_once(reason: str) -> None:
    """A repeated message is no second deposit; another one of the same amount is, by its new balance."""
    decoder = account_decoder()
    moved = CashMoved(NOW, STAMP, 0, "USDT", 5_012_345_678, reason.lower())
    assert decoder.decode(NOW, account_update(reason)) == [moved]
    assert decoder.decode(NOW, account_update(reason)) == []
    assert decoder.decode(NOW, account_update(reason, wb="1050.6")) == [moved]
    assert decoder.decode(NOW, account_update(reason, bc="0")) == []


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (account_update("FUNDING_FEE"), Wanted.FUNDING),
        (account_update("MARGIN_TRANSFER"), Wanted.ACCOUNT),
        (account_update("AUTO_EXCHANGE"), Wanted.ACCOUNT),
        ({"e": "ACCOUNT_CONFIG_UPDATE", "E": 1, "T": 1, "ac": {"s": "BTCUSDT", "l": 25}}, Wanted.ACCOUNT),
        ({"e": "listenKeyExpired", "E": 1_765_431_097_031, "listenKey": "x"}, Wanted.STREAM),
        ({"e": "CONDITIONAL_ORDER_TRIGGER_REJECT", "T": 1, "or": {"s": "BTCUSDT", "i": 1, "r": "no"}}, Wanted.ORDERS),
    ],
)
def test_stream_that_does_not_say_enough_asks_for_it(message: dict[str, Any], wanted: Wanted) -> None:
    """What ccxt passes over in silence is a question here."""
    found = told(message)
    assert [type(each) for each in found] == [Attention]
    assert isinstance(found[0], Attention)
    assert found[0].wanted is wanted


def test_margin_call_is_one() -> None:
    """The venue's own warning, at its own time."""
    call = {"e": "MARGIN_CALL", "E": 1_765_431_097_031, "cw": "3.16812045", "p": [{"s": "ETHUSDT", "ps": "LONG"}]}
    assert told(call) == [MarginCall(NOW, STAMP, 0)]


@pytest.mark.parametrize(
    "message",
    [
        order_update(L="NaN"), order_update(L="0"), order_update(l="-1"), order_update(l="0.0001"),
        order_update(q=None, l=None), order_update(T="x"), order_update(T=1), order_update(ps="NONE"),
        order_update(S="HOLD"), order_update(c=None), order_update(n="much"), order_update(t=None),
        conditional_update(caid=None), conditional_update(aq="x", X="FINISHED"),
        account_update("DEPOSIT", bc="x"), account_update("DEPOSIT", a=None),
        {"e": "ACCOUNT_UPDATE", "T": 1_765_431_097_031}, {"e": "MARGIN_CALL"}, {"e": "ORDER_TRADE_UPDATE", "o": 1},
        [], "x", None, 3,
    ],
)
def test_stream_message_that_is_broken_is_a_failure(message: object) -> None:
    """A fill finer than the scale is refused as well: rounding it would lose track of the position."""
    assert [type(each) for each in told(message)] == [DecodeFailed]


_ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["0", "NaN", "-1", "1e400", "0.001", "FILLED", "NEW"]) | st.lists(st.integers(), max_size=2)
)


@given(data=st.data(), message=st.sampled_from([order_update(), conditional_update(X="FINISHED", aq="0.038", ai="1")]))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_stream_of_any_broken_copy_never_raises_and_books_no_nonsense(
    data: st.DataObject, message: dict[str, Any]
) -> None:
    """Any field may be anything: a fill that comes out has a price and a quantity above zero."""
    broken = copy.deepcopy(message)
    for key in data.draw(st.lists(st.sampled_from(sorted(broken["o"])), min_size=1, max_size=3, unique=True)):
        if data.draw(st.booleans()):
            broken["o"][key] = data.draw(_ANYTHING)
        else:
            del broken["o"][key]
    decoder: AccountDecoder = account_decoder()
    for each in decoder.decode(NOW, broken):
        if isinstance(each, OrderFilled):
            assert each.price > 0 and each.quantity > 0
        if isinstance(each, OrderEnded):
            assert each.filled >= 0
