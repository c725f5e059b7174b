"""Unified rows and pages as facts: exact numbers, contracts that are no coins, and what is refused, not guessed."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.names import PLAIN
from bot.adapters.ccxt.replies import BrokenReply
from bot.adapters.ccxt.unified import orders, prices
from bot.adapters.ccxt.unified.account import balances_of, read_account
from bot.adapters.ccxt.unified.habits import HABITS, CashPage, Total, habits_of
from bot.adapters.ccxt.unified.numbers import amount, amount_out, as_float
from bot.adapters.ccxt.unified.orders import Arts
from bot.adapters.ccxt.unified.rehearsal import Abilities, StopWay
from bot.adapters.ccxt.unified.terms import joined
from bot.app.markets import make_instrument
from bot.domain.account import MarginMode, PositionKey
from bot.domain.copying import replace
from bot.domain.errors import InputError, Unsupported
from bot.domain.events import FillOrigin, Liquidity, OrderAccepted, OrderEnded, OrderFilled, OrderRejected
from bot.domain.instrument import Instrument
from bot.domain.market import BookUpdate, FundingRate, IndexPrice, MarkPrice, Quote
from bot.domain.order import OrderClass, OrderRequest, OrderStatus, Side, TimeInForce, TriggerKind
from bot.domain.scale import CASH_UNIT, NS_PER_MS, to_text
from bot.risk.brackets import tier_table_from
from tests.shared_data import shared

NOW_MS = 1_795_286_880_000
NOW = NOW_MS * NS_PER_MS
SYMBOL = "BTC/USDT:USDT"
COINS = make_instrument(0, SYMBOL, price_digits=2, quantity_digits=3)
CONTRACTS = replace(make_instrument(0, SYMBOL, price_digits=2, quantity_digits=3), venue_unit=Decimal("0.01"))
STOP = StopWay("stopLossPrice", "takeProfitPrice", False, {"triggerBy": "MarkPrice"}, True)
ABLE = Abilities(True, True, None, ("fetch_orders",), True, False, STOP, ())
ARTS = Arts(ABLE, habits_of("bybit"))


def view_of(instrument: Instrument) -> AccountView:
    """Return the view of an account that trades one market."""
    return AccountView(0, "pen", PLAIN, {SYMBOL: instrument}, lambda _: MarginMode.CROSS)


def request(**more: Any) -> OrderRequest:
    """Return a sale of 10 units at 59,000, immediate or cancel, reduce-only."""
    asked: dict[str, Any] = {
        "name": "pen000sn000001000", "key": PositionKey(0, 0), "side": Side.SELL, "quantity": 10,
        "limit_price": 59_000_00, "time_in_force": TimeInForce.IOC, "reduce_only": True,
        "order_class": OrderClass.MARGIN,
    }
    return OrderRequest(**(asked | more))


def position(**more: Any) -> dict[str, Any]:
    """Return a row of the page of positions: long 5 at 60,000."""
    return {
        "symbol": SYMBOL, "contracts": 5.0, "side": "long", "entryPrice": 60_000.0, "marginMode": "cross",
        "unrealizedPnl": -10.0,
    } | more


# Out ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, {"timeInForce": "IOC"}),
        ({"time_in_force": TimeInForce.FOK}, {"timeInForce": "FOK"}),
        ({"time_in_force": TimeInForce.POST_ONLY}, {"postOnly": True}),
        ({"time_in_force": TimeInForce.GTC}, {}),
        ({"time_in_force": TimeInForce.GTD}, {}),
    ],
    ids=["immediate or cancel", "fill or kill", "post-only", "rests", "rests, and we end it"],
)
def test_order_is_asked_for_in_contracts_with_its_name_and_reduce_only(
    more: dict[str, Any], said: dict[str, Any]
) -> None:
    """Ten tenths of a contract are one contract, whatever a contract holds."""
    asked = orders.place(request(**more), CONTRACTS, view_of(CONTRACTS), ARTS)
    name = {"clientOrderId": "pen000sn000001000", "reduceOnly": True}
    assert asked == (SYMBOL, "limit", "sell", 1.0, 59_000.0, name | said)


@pytest.mark.parametrize(
    ("side", "kind", "direction"),
    [
        (Side.SELL, TriggerKind.STOP, "descending"), (Side.BUY, TriggerKind.STOP, "ascending"),
        (Side.SELL, TriggerKind.TAKE_PROFIT, "ascending"), (Side.BUY, TriggerKind.TAKE_PROFIT, "descending"),
    ],
)
def test_stop_says_which_way_the_price_goes_where_it_must(side: Side, kind: TriggerKind, direction: str) -> None:
    """A stop that waits for the wrong side fires at once, or never."""
    way = StopWay("triggerPrice", "triggerPrice", True, {}, False)
    asked = orders.place(
        request(side=side, limit_price=None, trigger_price=55_000_00, trigger_kind=kind), COINS, view_of(COINS),
        Arts(replace(ABLE, stop=way), habits_of("")),
    )
    assert asked[:2] == (SYMBOL, "market") and asked[4] is None
    assert (asked[5]["triggerPrice"], asked[5]["triggerDirection"]) == (55_000.0, direction)


def test_stop_states_a_price_where_a_market_order_needs_one() -> None:
    """ccxt leaves its own slippage around the price that it is given: that is the trigger."""
    stop = request(limit_price=None, trigger_price=55_000_00)
    assert orders.place(stop, COINS, view_of(COINS), Arts(ABLE, habits_of("hyperliquid")))[4] == 55_000.0


def test_stop_has_its_name_where_the_exchange_keeps_names_of_stops() -> None:
    """OKX calls a stop's name otherwise, going out and coming in; ccxt reads only the name of orders."""
    habits = habits_of("okx")
    stop = request(limit_price=None, trigger_price=55_000_00)
    parameters = orders.place(stop, COINS, view_of(COINS), Arts(ABLE, habits))[5]
    assert parameters["algoClOrdId"] == stop.name and "clientOrderId" not in parameters
    assert orders.identity_of({"clientOrderId": "", "info": {"algoClOrdId": stop.name}}, habits) == stop.name
    assert orders.identity_of({"clientOrderId": "own", "info": {}}, habits) == "own"


def test_order_is_asked_for_by_the_name_in_the_numbers_place_where_that_is_the_way() -> None:
    """Gate takes our text as the number of an order."""
    assert orders.by_name("t-a", "text", Arts(ABLE, habits_of("gate")), is_stop=False) == ("t-a", {})
    assert orders.by_name("a", "clientOrderId", Arts(ABLE, habits_of("okx")), is_stop=False) == (
        None, {"clientOrderId": "a"}
    )


def test_market_order_without_a_trigger_is_never_made() -> None:
    """An uncollared order can sell at any price; nobody asks ccxt for one."""
    with pytest.raises(Unsupported):
        orders.place(request(limit_price=None), COINS, view_of(COINS), ARTS)


@given(units=st.integers(1, 10**14), digits=st.integers(0, 8))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_number_that_goes_out_as_a_float_comes_back_as_itself(units: int, digits: int) -> None:
    """Up to fifteen digits, the text that ccxt makes of it is ours."""
    instrument = replace(COINS, quantity_digits=digits)
    assert amount({"x": amount_out(units, instrument)}, "x", instrument) == units


def test_number_of_more_digits_than_a_float_holds_is_refused() -> None:
    """Rounded without a word it would be another order."""
    with pytest.raises(ValueError, match="more digits"):
        as_float(12_345_678_901_234_567_891, 8)


# In -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "kind", "status"),
    [
        ({"status": "open"}, OrderAccepted, None),
        ({"status": None}, OrderAccepted, None),
        ({"status": "closed", "filled": 1.0, "amount": 1.0}, OrderEnded, OrderStatus.FILLED),
        ({"status": "closed", "filled": 0.4, "amount": 1.0}, OrderEnded, OrderStatus.CANCELED),
        ({"status": "canceled", "filled": 0.4, "amount": 1.0}, OrderEnded, OrderStatus.CANCELED),
        ({"status": "expired", "filled": 0.0, "amount": 1.0}, OrderEnded, OrderStatus.EXPIRED),
        ({"status": "rejected"}, OrderRejected, None),
    ],
)
def test_row_of_an_order_says_its_state_and_no_more(
    row: dict[str, Any], kind: type, status: OrderStatus | None
) -> None:
    """Closed is filled only when all of it was; a sparse row says that the order is there."""
    (fact,) = orders.facts_of_order(row, CONTRACTS, view_of(CONTRACTS), now=NOW, name="a")
    assert isinstance(fact, kind)
    assert status is None or (isinstance(fact, OrderEnded) and fact.status is status)


@pytest.mark.parametrize(
    "row", [{"status": "closed", "filled": None}, {"status": "odd"}], ids=["filled is not said", "a word of tomorrow"]
)
def test_row_of_an_order_that_does_not_say_enough_is_no_end(row: dict[str, Any]) -> None:
    """An order counts as working until its end and what it filled are both told."""
    with pytest.raises(BrokenReply):
        list(orders.facts_of_order(row, COINS, view_of(COINS), now=NOW, name="a"))


def trade(**more: Any) -> dict[str, Any]:
    """Return a row of the account's trades: 3 contracts sold at 59,000."""
    return {
        "symbol": SYMBOL, "id": "t1", "order": "o1", "timestamp": NOW_MS, "side": "sell", "price": 59_000.0,
        "amount": 3.0, "takerOrMaker": "maker", "fee": {"cost": 0.35, "currency": "USDT"},
    } | more


def test_trade_is_a_fill_in_contracts_with_the_fee_of_its_own_currency() -> None:
    """A fee in another coin changes that coin's balance, not the cost of this fill."""
    (fill,) = orders.facts_of_trade(trade(), CONTRACTS, view_of(CONTRACTS), now=NOW, name="a stranger's")
    assert isinstance(fill, OrderFilled)
    assert (fill.quantity, fill.price, fill.fee) == (30, 59_000_00, 35_000_000)
    assert (fill.liquidity, fill.origin, fill.stamp) == (Liquidity.MAKER, FillOrigin.EXTERNAL, NOW)
    other = trade(fee=None, fees=[{"cost": 1.0, "currency": "BNB"}, {"cost": -0.1, "currency": "USDT"}])
    (fill,) = orders.facts_of_trade(other, CONTRACTS, view_of(CONTRACTS), now=NOW, name="a")
    assert isinstance(fill, OrderFilled) and fill.fee == -10_000_000


def test_trade_that_the_exchange_calls_a_liquidation_is_told_as_one() -> None:
    """By its own word in the row: a stage of liquidation goes with the fill, worth contracts times their size."""
    row = trade(info={"execType": "BustTrade"})
    fill, stage = orders.facts_of_trade(row, CONTRACTS, view_of(CONTRACTS), now=NOW, name="x")
    assert isinstance(fill, OrderFilled) and fill.origin is FillOrigin.LIQUIDATION
    assert getattr(stage, "notional", 0) == 3 * 59_000 * CASH_UNIT // 100


@pytest.mark.parametrize(
    "more", [{"id": None}, {"timestamp": None}, {"price": 0.0}, {"amount": 0.05}, {"amount": 0.0}],
    ids=["no number", "no time", "no price", "finer than a lot", "nothing"],
)
def test_trade_that_could_be_counted_wrongly_is_refused(more: dict[str, Any]) -> None:
    """A fill without a number of its own could be booked twice; one of a wrong size is worse."""
    with pytest.raises(BrokenReply):
        list(orders.facts_of_trade(trade(**more), CONTRACTS, view_of(CONTRACTS), now=NOW, name="a"))


def test_positions_are_signed_contracts_entered_at_their_value() -> None:
    """Five contracts of a hundredth of a coin at 60,000 are 3,000 of cash, short or long."""
    for side, sign in (("long", 1), ("short", -1)):
        read = read_account(
            {"total": {"USDT": 1_000.0}}, [position(side=side)], view_of(CONTRACTS), Total.WALLET, now=NOW, taken=NOW
        )
        (report,) = read.snapshot.positions
        assert (report.quantity, report.entry_value) == (sign * 50, sign * 3_000 * CASH_UNIT)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([position(), position(side="short")], "twice"),
        ([position(side=None)], "long or short"),
        ([position(entryPrice=None)], "number"),
        ([position(marginMode="isolated")], "alone"),
        ([position(contracts=None)], "contracts"),
    ],
    ids=["two legs", "no side", "no entry", "isolated", "no size"],
)
def test_page_of_positions_that_cannot_be_read_whole_is_no_word_on_the_account(
    rows: list[dict[str, Any]], said: str
) -> None:
    """Half a page would be a smaller position than there is."""
    with pytest.raises(BrokenReply, match=said):
        read_account({"total": {"USDT": 1.0}}, rows, view_of(CONTRACTS), Total.WALLET, now=NOW, taken=NOW)


def test_position_in_a_market_that_is_not_configured_is_a_stray_and_a_flat_one_is_none() -> None:
    """Nobody guards it, so somebody is told."""
    other = position(symbol="ETH/USDT:USDT")
    read = read_account(
        {"total": {"USDT": 1.0}}, [other, position(contracts=0.0, side=None)], view_of(CONTRACTS), Total.WALLET,
        now=NOW, taken=NOW,
    )
    assert read.snapshot.positions == () and read.strays == ("ETH/USDT:USDT 5.0",)


def test_cash_is_what_ccxts_total_is_by_its_meaning_or_what_the_exchanges_page_says() -> None:
    """The same 990 of equity: with 10 lost on paper the wallet is 1,000, unless 990 was the wallet."""
    balance = {
        "total": {"USDT": 990.0, "BTC": None},
        "info": {"data": [{"currency": "USDT", "accountEquity": "990", "unrealisedPNL": "-10"}]},
    }
    rows = [position()]
    assert [each.amount for each in balances_of(balance, rows, Total.WALLET)] == [990 * CASH_UNIT]
    assert [each.amount for each in balances_of(balance, rows, Total.EQUITY)] == [1_000 * CASH_UNIT]
    page = HABITS["kucoinfutures"].cash
    assert isinstance(page, CashPage)
    assert [(each.asset, each.amount) for each in balances_of(balance, rows, page)] == [("USDT", 1_000 * CASH_UNIT)]
    with pytest.raises(BrokenReply, match="another type"):
        balances_of({"total": {}, "info": {"data": {"unified": True}}}, rows, page)
    with pytest.raises(BrokenReply, match="no currency"):
        balances_of({"total": {}}, rows, Total.WALLET)


# Prices ---------------------------------------------------------------------------------------------------


def test_ticker_gives_mark_and_index_as_old_as_they_are() -> None:
    """By their own time; without one as old as the question, and never younger than now."""
    row = {"timestamp": NOW_MS - 3_000, "markPrice": 60_000.5, "indexPrice": 60_001.0}
    assert list(prices.of_ticker(row, COINS, now=NOW, asked=NOW)) == [
        MarkPrice(NOW, NOW - 3_000 * NS_PER_MS, 0, 60_000_50), IndexPrice(NOW, NOW - 3_000 * NS_PER_MS, 0, 60_001_00),
    ]
    (mark,) = prices.of_ticker({"markPrice": 60_000.0, "timestamp": None}, COINS, now=NOW, asked=NOW - 7)
    assert mark.stamp == NOW - 7
    (mark,) = prices.of_ticker({"markPrice": 60_000.0, "timestamp": NOW_MS + 5_000}, COINS, now=NOW, asked=NOW)
    assert mark.stamp == NOW
    assert list(prices.of_ticker({"last": 60_000.0}, COINS, now=NOW, asked=NOW)) == []


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "x"])
def test_mark_that_is_no_price_is_refused(value: object) -> None:
    """No rule acts on a mark of zero."""
    with pytest.raises(BrokenReply):
        list(prices.of_ticker({"markPrice": value}, COINS, now=NOW, asked=NOW))


def test_book_gives_its_best_and_all_levels_and_a_crossed_one_nothing() -> None:
    """Levels of no quantity are none; an empty side is no price."""
    book = {"timestamp": None, "bids": [[59_999.0, 1.0], [59_998.0, 0.0]], "asks": [[60_000.0, 2.0]]}
    assert list(prices.of_book(book, COINS, now=NOW, asked=NOW)) == [
        Quote(NOW, NOW, 0, 59_999_00, 1_000, 60_000_00, 2_000),
        BookUpdate(NOW, NOW, 0, ((59_999_00, 1_000),), ((60_000_00, 2_000),), True),
    ]
    quote, _ = prices.of_book(book | {"asks": []}, COINS, now=NOW, asked=NOW)
    assert isinstance(quote, Quote) and (quote.ask, quote.ask_quantity) == (0, 0)
    with pytest.raises(BrokenReply, match="crossed"):
        list(prices.of_book(book | {"asks": [[59_999.0, 1.0]]}, COINS, now=NOW, asked=NOW))


def test_funding_is_told_only_with_a_time_that_is_to_come() -> None:
    """Some say when the last one was; a rate without its hour is none."""
    due = NOW_MS + 3_600_000
    assert list(prices.of_funding({"fundingRate": 0.0001, "fundingTimestamp": due}, COINS, now=NOW, asked=NOW)) == [
        FundingRate(NOW, NOW, 0, 10_000, due * NS_PER_MS)
    ]
    for row in ({"fundingRate": 0.0001}, {"fundingRate": 0.0001, "fundingTimestamp": NOW_MS}, {"fundingRate": None}):
        assert list(prices.of_funding(row, COINS, now=NOW, asked=NOW)) == []


# Brackets -------------------------------------------------------------------------------------------------


def bracket(floor: float, cap: float | None, rate: float) -> dict[str, Any]:
    """Return a bracket as ccxt gives it."""
    return {"minNotional": floor, "maxNotional": cap, "maintenanceMarginRate": rate, "maxLeverage": 10}


def test_brackets_in_contracts_become_cash_and_small_steps_between_them_are_closed() -> None:
    """Counted in lots, the second begins one lot above the first; the deduction follows from floors and rates."""
    rows = joined([bracket(500.01, None, 0.006), bracket(0, 500, 0.004)], 600.0)
    table = tier_table_from(rows, where=SYMBOL, source="", as_of="2026-11-21")
    assert [to_text(tier.floor, 8) for tier in table.tiers] == ["0", "300000"]
    assert [to_text(tier.cum, 8) for tier in table.tiers] == ["0", "600"]


def test_brackets_that_leave_a_gap_are_refused() -> None:
    """What lies between them would have no margin."""
    rows = joined([bracket(0, 500, 0.004), bracket(600, None, 0.006)], 1.0)
    with pytest.raises(InputError, match="follow on one another"):
        tier_table_from(rows, where=SYMBOL, source="", as_of="2026-11-21")


# Recorded -------------------------------------------------------------------------------------------------


def test_recorded_trades_of_hyperliquid_are_fills_through_ccxts_own_parser() -> None:
    """Its own row, parsed by the class that would parse it live: size, price, and a fee with the builder's share."""
    import ccxt.pro

    path = shared("data/api_fixtures/ccxt/ccxt_excerpts.json")
    raw = json.loads(path.read_text(encoding="utf-8"))["hyperliquid"]["fetchMyTrades"][0]["httpResponse"][0]
    symbol = "HYPE/USDC:USDC"
    instrument = make_instrument(0, symbol, price_digits=4, quantity_digits=2)

    async def parsed() -> Any:
        exchange = ccxt.pro.hyperliquid()
        market = exchange.safe_market_structure({
            "id": "HYPE", "symbol": symbol, "base": "HYPE", "quote": "USDC", "settle": "USDC", "type": "swap",
            "swap": True, "contract": True, "linear": True, "contractSize": 1.0, "baseId": "159", "info": {},
            "precision": {"amount": 0.01, "price": 0.001},
        })
        await exchange.close()
        return exchange.parse_trade(raw, market)

    view = AccountView(0, "pen", PLAIN, {symbol: instrument}, lambda _: MarginMode.CROSS)
    (fill,) = orders.facts_of_trade(asyncio.run(parsed()), instrument, view, now=NOW, name="order 314848230306")
    assert isinstance(fill, OrderFilled)
    assert (fill.side, to_text(fill.quantity, 2), to_text(fill.price, 4)) == (Side.BUY, "0.73", "33.209")
    assert fill.trade_id == f"{symbol}:882779857052503"
    assert fill.fee == 1_532_000
