"""Answers of Bybit and OKX as somebody recorded them, through ccxt's own parsers and ours: never driven, but read."""

from __future__ import annotations

import asyncio
import json
import tarfile
from typing import Any

import pytest

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.names import PLAIN
from bot.adapters.ccxt.replies import BrokenReply
from bot.adapters.ccxt.unified import orders
from bot.adapters.ccxt.unified.account import balances_of, read_account
from bot.adapters.ccxt.unified.habits import Total, habits_of
from bot.app.markets import make_instrument
from bot.domain.account import MarginMode
from bot.domain.events import FillOrigin, Liquidity, OrderFilled
from bot.domain.order import Side
from bot.domain.scale import cash_text, to_text
from tests.adapters.ccxt.unified.test_rehearsal import client
from tests.shared_data import shared

NOW = 1_795_286_880_000_000_000
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
INSTRUMENTS = {
    symbol: make_instrument(index, symbol, price_digits=2, quantity_digits=3)
    for index, symbol in enumerate((BTC, ETH))
}
VIEW = AccountView(0, "pen", PLAIN, INSTRUMENTS, lambda _: MarginMode.CROSS)


def recorded(exchange_id: str, page: str) -> Any:
    """Return a recorded answer; skip the test where there is none."""
    path = shared(f"data/api_fixtures/nautilus/{exchange_id}.tar.gz")
    with tarfile.open(path) as archive:
        found = archive.extractfile(f"{exchange_id}/test_data/{page}.json")
        assert found is not None
        return json.loads(found.read())


def answered(exchange_id: str, answers: dict[str, Any], method: str, *arguments: Any) -> Any:
    """Return what ccxt's unified method makes of recorded answers, each given to the addresses that have its key."""
    import ccxt.pro

    async def ask() -> Any:
        exchange = client(type("Client", (getattr(ccxt.pro, exchange_id),), {}))
        names = {"bybit": ("BTCUSDT", "ETHUSDT"), "okx": ("BTC-USDT-SWAP", "ETH-USDT-SWAP")}[exchange_id]
        (listed,) = exchange.markets.values()
        exchange.set_markets([
            {**listed, "id": name, "symbol": symbol, "base": symbol[:3], "baseId": symbol[:3]}
            for name, symbol in zip(names, INSTRUMENTS, strict=True)
        ])

        async def fetch(url: str, *rest: Any) -> Any:
            del rest
            return next((body for part, body in answers.items() if part in url), {})

        exchange.fetch = fetch
        try:
            return await getattr(exchange, method)(*arguments)
        finally:
            await exchange.close()

    return asyncio.run(ask())


def test_recorded_positions_of_bybit_are_held_as_they_say() -> None:
    """Long half a BTC at 50,000, short five ETH at 3,000; the wallet is ccxt's total, unrealised profit not in it."""
    rows = answered("bybit", {"position/list": recorded("bybit", "http_get_positions")}, "fetch_positions")
    balance = answered("bybit", {"wallet-balance": recorded("bybit", "http_get_wallet_balance")}, "fetch_balance")
    read = read_account(balance, rows, VIEW, Total.WALLET, now=NOW, taken=NOW)
    assert [(report.key.instrument, report.quantity, cash_text(report.entry_value))
            for report in read.snapshot.positions] == [(0, 500, "25000"), (1, -5_000, "-15000")]
    wallet = {each.asset: cash_text(each.amount) for each in read.snapshot.balances}
    assert wallet["USDT"] == "1000.5"
    assert habits_of("bybit").cash is Total.WALLET


def test_recorded_executions_of_bybit_are_fills_with_their_fees_and_sides() -> None:
    """The exchange's own number of each, maker or taker, in base coins."""
    rows = answered("bybit", {"execution/list": recorded("bybit", "http_get_executions")}, "fetch_my_trades", BTC)
    fills = [
        fact for row in rows if row["symbol"] in INSTRUMENTS
        for fact in orders.facts_of_trade(row, INSTRUMENTS[row["symbol"]], VIEW, now=NOW, name="order 1")
    ]
    first = fills[0]
    assert isinstance(first, OrderFilled)
    assert (first.trade_id, first.side, to_text(first.quantity, 3), to_text(first.price, 2)) == (
        f"{BTC}:e0cbe81d-0f18-5866-9415-cf319b5dab3b", Side.BUY, "0.1", "50000"
    )
    assert (cash_text(first.fee), first.liquidity, first.origin) == ("0.015", Liquidity.MAKER, FillOrigin.EXTERNAL)


def test_recorded_open_orders_of_bybit_wait_for_no_trigger() -> None:
    """A trigger of "0" is none, and what is attached to an order is not its own."""
    answer = recorded("bybit", "http_get_orders_realtime")
    rows = answered("bybit", {"order/realtime": answer}, "fetch_open_orders", ETH)
    found = [
        orders.open_order_of(row, INSTRUMENTS[ETH], VIEW, habits_of("bybit"), is_stop=False)
        for row in rows if row["symbol"] == ETH
    ]
    assert len(found) >= 2
    first = next(order for order in found if order.venue_id == "open-order-1")
    assert (first.name, first.side, first.leaves, first.trigger_price) == ("client-open-1", Side.BUY, 10, None)


def test_recorded_balance_of_okx_is_read_from_its_own_page() -> None:
    """Cash, not ccxt's total, which is equity there."""
    balance = answered("okx", {"account/balance": recorded("okx", "http_get_account_balance")}, "fetch_balance")
    cash = habits_of("okx").cash
    assert cash is not None
    assert balance["total"]["USDT"] == pytest.approx(99.89469657)
    assert [(each.asset, cash_text(each.amount)) for each in balances_of(balance, [], cash)] == [("USDT", "94.4261299")]


def test_recorded_position_of_okx_in_hedge_mode_and_isolated_is_refused() -> None:
    """It says both of itself, and neither is read as if it were the other."""
    rows = answered("okx", {"account/positions": recorded("okx", "http_get_positions")}, "fetch_positions")
    assert rows[0]["hedged"] is True and rows[0]["marginMode"] == "isolated"
    with pytest.raises(BrokenReply, match="alone"):
        read_account({"total": {"USDT": 1.0}}, rows, VIEW, Total.WALLET, now=NOW, taken=NOW)


def test_recorded_stop_of_okx_is_known_by_the_name_that_ccxt_does_not_read() -> None:
    """Its client id is in another field than an order's."""
    rows = answered(
        "okx", {"orders-algo-pending": recorded("okx", "http_get_orders_algo_pending")}, "fetch_open_orders", BTC, None,
        None, {"trigger": True},
    )
    assert orders.identity_of(rows[0], habits_of("okx")) == "client_algo_1"
    stop = orders.open_order_of(rows[0], INSTRUMENTS[BTC], VIEW, habits_of("okx"), is_stop=True)
    assert (stop.venue_id, stop.side, stop.leaves) == (f"{orders.STOP}123456789", Side.BUY, 1_000)
    assert stop.trigger_price is not None and to_text(stop.trigger_price, 2) == "40000"
