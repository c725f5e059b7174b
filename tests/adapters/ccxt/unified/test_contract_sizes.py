"""Contracts that are not one coin: amounts go out in contracts and come in as coins, and nothing else knows of them."""

from __future__ import annotations

import asyncio
import json
import tarfile
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import ccxt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt import probe
from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.instruments import instrument_of
from bot.adapters.ccxt.names import PLAIN
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.unified import orders, prices
from bot.adapters.ccxt.unified.account import read_account
from bot.adapters.ccxt.unified.habits import Total, habits_of
from bot.adapters.ccxt.unified.history import read_day
from bot.adapters.ccxt.unified.numbers import amount, amount_out
from bot.adapters.ccxt.unified.orders import Arts
from bot.app.markets import make_instrument
from bot.domain.account import MarginMode, PositionKey
from bot.domain.copying import replace
from bot.domain.errors import InputError, Unsupported
from bot.domain.events import OrderEnded, OrderFilled
from bot.domain.instrument import Instrument
from bot.domain.market import BookUpdate, Trade
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_MS, to_decimal
from paper.wire.contracts import wire_symbol
from tests.adapters.ccxt.unified.test_unified_pages import ABLE
from tests.shared_data import shared

SYMBOL = "BTC/USDT:USDT"
NOW_MS = 1_795_286_880_000
NOW = NOW_MS * NS_PER_MS
SIZES = ("1", "0.001", "0.01", "10", "1000")
LOT = Decimal("0.01")                # coins; what is asked for below are 2.5 of them


def market(size: str, **more: Any) -> dict[str, Any]:
    """Return a market of ccxt's: lots of 0.01 coins, at least 0.02 and at most 5,000, in contracts of so many coins."""
    unit = Decimal(size)
    return {
        "symbol": SYMBOL, "base": "BTC", "quote": "USDT", "settle": "USDT", "swap": True, "linear": True,
        "contractSize": float(size), "precision": {"price": 0.1, "amount": float(LOT / unit)},
        "limits": {"amount": {"min": float(2 * LOT / unit), "max": float(5_000 / unit)}, "cost": {"min": 5}},
        "info": {}, "active": True,
    } | more


def contract(size: str) -> Instrument:
    return instrument_of(market(size), 0)


def view_of(instrument: Instrument) -> AccountView:
    return AccountView(0, "pen", PLAIN, {SYMBOL: instrument}, lambda _: MarginMode.CROSS)


def in_contracts(coins: str, size: str) -> float:
    """Return so many coins as the exchange writes them."""
    return float(Decimal(coins) / Decimal(size))


@pytest.mark.parametrize("size", SIZES)
def test_market_in_contracts_is_the_market_in_coins(size: str) -> None:
    """Scales, filters and worth are those of coins: margin, limits of the gate, rules and reports see no contract."""
    found, plain = contract(size), contract("1")
    assert found.venue_unit == Decimal(size) and found.contract_size == 1
    assert replace(found, venue_unit=Decimal(1)) == plain
    assert to_decimal(found.filters.lot, found.quantity_digits) == LOT
    half = 50 * 10 ** (found.quantity_digits - 2)
    assert found.notional(price=60_000 * 10**found.price_digits, quantity=half) == 30_000 * CASH_UNIT


@pytest.mark.parametrize("size", SIZES)
def test_order_goes_out_in_contracts_and_everything_about_it_comes_back_in_coins(size: str) -> None:
    """2.5 coins are asked for as 2.5 / size; its row, its trade, what it leaves and the position are coins again."""
    instrument = contract(size)
    view, two_and_a_half = view_of(instrument), 250 * 10 ** (instrument.quantity_digits - 2)
    request = OrderRequest(
        name="pen000sn000001000", key=PositionKey(0, 0), side=Side.SELL, quantity=two_and_a_half,
        limit_price=60_000 * 10**instrument.price_digits, time_in_force=TimeInForce.IOC, reduce_only=True,
        order_class=OrderClass.MARGIN,
    )
    asked = orders.place(request, instrument, view, Arts(ABLE, habits_of("okx")))
    sent = in_contracts("2.5", size)
    assert asked[3] == sent
    row = {
        "id": "1", "symbol": SYMBOL, "side": "sell", "status": "closed", "amount": sent, "filled": sent,
        "price": 60_000.0, "remaining": sent, "timestamp": NOW_MS, "clientOrderId": request.name,
    }
    (ended,) = orders.facts_of_order(row, instrument, view, now=NOW, name=request.name)
    assert isinstance(ended, OrderEnded) and ended.filled == two_and_a_half
    (fill,) = orders.facts_of_trade(row, instrument, view, now=NOW, name=request.name)
    assert isinstance(fill, OrderFilled) and fill.quantity == two_and_a_half
    assert orders.open_order_of(row, instrument, view, habits_of("okx"), is_stop=False).leaves == two_and_a_half
    position = {"symbol": SYMBOL, "contracts": sent, "side": "short", "entryPrice": 60_000.0, "marginMode": "cross"}
    read = read_account({"total": {"USDT": 1.0}}, [position], view, Total.WALLET, now=NOW, taken=NOW)
    (held,) = read.snapshot.positions
    assert (held.quantity, held.entry_value) == (-two_and_a_half, -150_000 * CASH_UNIT)


@pytest.mark.parametrize("size", SIZES)
def test_books_and_trades_of_others_come_in_as_coins(size: str) -> None:
    """Depth and volume are compared with what we hold and sell."""
    instrument = contract(size)
    coin = 10**instrument.quantity_digits
    level = [60_000.0, in_contracts("3", size)]
    row = {"bids": [level], "asks": [[60_001.0, in_contracts("0.5", size)]], "timestamp": NOW_MS}
    facts = prices.of_book(row, instrument, now=NOW, asked=NOW)
    book = next(fact for fact in facts if isinstance(fact, BookUpdate))
    assert (book.bids[0][1], book.asks[0][1]) == (3 * coin, coin // 2)
    trade = {"price": 60_000.0, "amount": in_contracts("7", size), "side": "buy", "timestamp": NOW_MS}
    assert prices.of_trade(trade, instrument, now=NOW).quantity == 7 * coin


@given(size=st.sampled_from(SIZES), lots=st.integers(1, 10**8))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_quantity_that_goes_out_in_contracts_comes_back_as_itself(size: str, lots: int) -> None:
    """Whatever number of lots, and whatever a contract holds."""
    instrument = contract(size)
    quantity = lots * instrument.filters.lot
    assert amount({"x": amount_out(quantity, instrument)}, "x", instrument) == quantity


def test_quantity_that_is_no_amount_of_the_exchanges_is_refused() -> None:
    """A third of a coin has no end in contracts of three: it would be rounded without a word."""
    with pytest.raises(ValueError, match="no amount in contracts of 3"):
        amount_out(1, replace(make_instrument(0, SYMBOL, price_digits=2, quantity_digits=0), venue_unit=Decimal(3)))


@pytest.mark.parametrize(("exchange_id", "coins"), [("okx", "12"), ("gate", "0.12")])
def test_candles_of_the_last_day_are_in_the_unit_that_the_exchange_writes_them_in(exchange_id: str, coins: str) -> None:
    """OKX writes volume in coins though it counts contracts; Gate writes contracts, here of 0.01."""
    instrument = contract("0.01")

    async def ask(method: str, *_: object) -> list[list[float]]:
        return [[NOW_MS - 120_000, 1.0, 1.0, 1.0, 60_000.0, 12.0]] if method == "fetch_ohlcv" else []

    connection = SimpleNamespace(
        ask=ask, access=SimpleNamespace(exchange_id=exchange_id), exchange=SimpleNamespace(has={"fetchOHLCV": True}),
    )
    markets = Markets((instrument,), (SYMBOL,), (), ())
    (traded,) = asyncio.run(read_day(cast("Connection", connection), markets, now=NOW))
    assert isinstance(traded, Trade)
    assert to_decimal(traded.quantity, instrument.quantity_digits) == Decimal(coins)


def test_okxs_recorded_contracts_are_of_a_hundredth_bitcoin_and_a_tenth_ether() -> None:
    """Its list as somebody recorded it, through ccxt's own parser: a lot is a hundredth of a contract."""
    with tarfile.open(shared("data/api_fixtures/nautilus/okx.tar.gz")) as archive:
        page = archive.extractfile("okx/test_data/http_get_instruments_swap.json")
        assert page is not None
        rows = json.loads(page.read())["data"]
    parsed = [ccxt.okx().parse_market(row) for row in rows]
    found = {each["symbol"]: instrument_of(each, 0) for each in parsed if each["linear"]}
    told = {
        symbol: (each.venue_unit.normalize(), to_decimal(each.filters.lot, each.quantity_digits).normalize())
        for symbol, each in found.items()
    }
    assert told == {
        "BTC/USDT:USDT": (Decimal("0.01"), Decimal("0.0001")), "ETH/USDT:USDT": (Decimal("0.1"), Decimal("0.001")),
    }


def test_binance_by_its_own_pages_has_no_contracts_and_refuses_one_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its quantities are coins: should ccxt ever say otherwise, nothing is guessed."""
    async def listed(_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {SYMBOL: market("10", id="BTCUSDT")}

    monkeypatch.setattr(probe, "list_markets", listed)
    with pytest.raises(InputError, match="BTC/USDT:USDT is traded in contracts of 10 BTC"):
        asyncio.run(probe.read_markets(cast("Connection", SimpleNamespace()), [SYMBOL]))


@pytest.mark.parametrize("more", [{"contract_size": Decimal(10)}, {"venue_unit": Decimal("0.001")}])
def test_paper_exchange_on_the_wire_refuses_to_list_contracts(more: dict[str, Any]) -> None:
    """It speaks Binance's protocol, in which an amount is coins."""
    with pytest.raises(Unsupported, match="BTC/USDT:USDT: binanceusdm counts coins"):
        wire_symbol(replace(make_instrument(0, SYMBOL, price_digits=2, quantity_digits=3), **more))
