"""An unmodified ccxt trades on the wire: real HTTP, real sockets, signatures checked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.wire.builders import account, run, serving, steer
from tests.wire.clients import ccxt_client

SYMBOL = "BTC/USDT:USDT"


def test_ccxt_loads_markets_with_the_venues_filters_and_tiers() -> None:
    """ccxt reads ticks, lots, notional and the tiers with their deduction out of our pages as out of the venue's."""
    async def scenario() -> None:
        async with serving() as server, ccxt_client(server.port) as client:
            await client.load_markets()
            market = client.market(SYMBOL)
            assert market["precision"]["price"] == 0.1 and market["precision"]["amount"] == 0.001
            assert market["limits"]["cost"]["min"] == 100 and market["limits"]["market"]["max"] == 120
            tiers = await client.fetch_leverage_tiers([SYMBOL])
            assert [float(tier["info"]["cum"]) for tier in tiers[SYMBOL][:3]] == [0.0, 50.0, 950.0]

    run(scenario)


def test_ccxt_places_queries_and_cancels_a_limit_order() -> None:
    """The order is found by its number and by the client's id, and both ways say the same."""
    async def scenario() -> None:
        async with serving() as server, ccxt_client(server.port) as client:
            placed = await client.create_order(SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": "mine-1"})
            assert (placed["status"], placed["clientOrderId"]) == ("open", "mine-1")
            by_client = await client.fetch_order(None, SYMBOL, {"clientOrderId": "mine-1"})
            assert by_client["id"] == placed["id"]
            assert [each["id"] for each in await client.fetch_open_orders(SYMBOL)] == [placed["id"]]
            assert (await client.cancel_order(placed["id"], SYMBOL))["status"] == "canceled"
            assert await client.fetch_open_orders(SYMBOL) == []

    run(scenario)


def test_ccxt_market_order_fills_and_shows_in_position_balance_and_trades() -> None:
    """One purchase is told the same by the order, the position, the trades and the balance."""
    async def scenario() -> None:
        async with serving() as server, ccxt_client(server.port) as client:
            order = await client.create_order(SYMBOL, "market", "buy", 0.05)
            assert (order["status"], order["filled"]) == ("closed", 0.05)
            (position,) = await client.fetch_positions([SYMBOL])
            assert (position["side"], position["contracts"]) == ("long", 0.05)
            (trade,) = await client.fetch_my_trades(SYMBOL)
            assert trade["price"] == order["average"] == position["entryPrice"]
            balance = await client.fetch_balance()
            wallet = float(balance["info"]["totalWalletBalance"])
            assert wallet == pytest.approx(10_000 - trade["fee"]["cost"], abs=1e-8)

    run(scenario)


CONDITIONAL: dict[str, tuple[str, float | None, dict[str, Any]]] = {
    "stop": ("limit", 54_900.0, {"stopLossPrice": 55_000}),
    "stop_market": ("market", None, {"stopLossPrice": 55_000}),
    "take_profit": ("limit", 65_100.0, {"takeProfitPrice": 65_000}),
    "take_profit_market": ("market", None, {"takeProfitPrice": 65_000}),
    "trailing_stop_market": ("market", None, {"trailingPercent": 1.5, "trailingTriggerPrice": 61_000}),
}


def test_ccxt_places_queries_and_cancels_every_conditional_order() -> None:
    """All five kinds go by the algo endpoints, and only there are they found."""
    async def scenario() -> None:
        async with serving(account(btc=50)) as server, ccxt_client(server.port) as client:
            for kind, (form, price, params) in CONDITIONAL.items():
                placed = await client.create_order(SYMBOL, form, "sell", 0.01, price, {**params, "reduceOnly": True})
                found = await client.fetch_order(placed["id"], SYMBOL, {"trigger": True})
                assert (found["info"]["orderType"].lower(), found["status"]) == (kind, "open")
                assert await client.fetch_open_orders(SYMBOL) == []
                assert len(await client.fetch_open_orders(SYMBOL, params={"trigger": True})) == 1
                await client.cancel_order(placed["id"], SYMBOL, {"trigger": True})
                gone = await client.fetch_order(placed["id"], SYMBOL, {"trigger": True})
                assert gone["status"] == "canceled"

    run(scenario)


async def seen(watch: Callable[[], Awaitable[Any]], is_it: Callable[[Any], bool]) -> Any:
    """Watch until what is told is what we wait for."""
    while not is_it(found := await watch()):
        pass
    return found


async def until_awaited(client: Any, *kinds: str) -> None:
    """Wait until somebody waits for messages of these kinds: ccxt drops what nobody waits for."""
    def is_awaited(kind: str) -> bool:
        return any(kind in each for socket in client.clients.values() for each in socket.futures)

    while not all(is_awaited(kind) for kind in kinds):
        await asyncio.sleep(0.02)


def test_ccxt_streams_follow_the_market() -> None:
    """Book, trades, best prices, mark, bars and ticker all tell of the same trade."""
    async def scenario() -> None:
        async with serving() as server, ccxt_client(server.port) as client:
            await client.load_markets()
            book = await client.watch_order_book(SYMBOL)
            assert book["bids"][0][0] < 60_000 < book["asks"][0][0]
            watches = [asyncio.ensure_future(each) for each in (
                seen(lambda: client.watch_trades(SYMBOL), lambda found: found[-1]["price"] == 60_100),
                seen(lambda: client.watch_order_book(SYMBOL), lambda found: found["bids"][0][0] > 60_050),
                seen(lambda: client.watch_bids_asks([SYMBOL]), lambda found: found[SYMBOL]["bid"] > 60_050),
                seen(lambda: client.watch_mark_price(SYMBOL), lambda found: found["markPrice"] == 60_100),
                seen(lambda: client.watch_ohlcv(SYMBOL), lambda found: found[-1][4] == 60_100),
                seen(lambda: client.watch_ticker(SYMBOL), lambda found: found["last"] == 60_100),
            )]
            while len(server.exchange.floor.hub.wanted) < len(watches):
                await asyncio.sleep(0.02)
            steer(server, "60100.0")
            await asyncio.gather(*watches)

    run(scenario)


def test_ccxt_user_stream_tells_of_orders_trades_balance_and_position() -> None:
    """What an order does reaches the four private watches without asking."""
    async def scenario() -> None:
        async with serving() as server, ccxt_client(server.port) as client:
            await client.load_markets()
            orders = asyncio.ensure_future(client.watch_orders(SYMBOL))
            trades = asyncio.ensure_future(client.watch_my_trades(SYMBOL))
            balance = asyncio.ensure_future(client.watch_balance())
            while not any(each.account == 0 for each in server.exchange.floor.hub.connections.values()):
                await asyncio.sleep(0.02)
            await until_awaited(client, "orders", "myTrades", ":balance")
            placed = await client.create_order(SYMBOL, "market", "buy", 0.02)
            assert (await orders)[-1]["id"] == placed["id"]
            assert (await trades)[-1]["amount"] == 0.02
            assert (await balance)["USDT"]["total"] < 10_000
            positions = asyncio.ensure_future(
                seen(lambda: client.watch_positions([SYMBOL]), lambda found: found[-1]["contracts"] == 0.01)
            )
            await until_awaited(client, ":positions")
            await client.create_order(SYMBOL, "market", "sell", 0.01, None, {"reduceOnly": True})
            await positions

    run(scenario)


def test_ccxt_places_and_cancels_over_the_websocket_api() -> None:
    """Plain and conditional orders are placed and cancelled by socket, and seen over HTTP."""
    async def scenario() -> None:
        async with serving(account(btc=50)) as server, ccxt_client(server.port) as client:
            await client.load_markets()
            placed = await client.create_order_ws(SYMBOL, "limit", "buy", 0.01, 59_000)
            assert (await client.fetch_order(placed["id"], SYMBOL))["status"] == "open"
            assert (await client.fetch_order_ws(placed["id"], SYMBOL))["price"] == 59_000
            assert (await client.edit_order(placed["id"], SYMBOL, "limit", "buy", 0.01, 58_000))["price"] == 58_000
            await client.cancel_order_ws(placed["id"], SYMBOL)
            assert (await client.fetch_order(placed["id"], SYMBOL))["status"] == "canceled"
            stop = await client.create_order_ws(
                SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": 55_000, "reduceOnly": True}
            )
            assert (await client.fetch_order(stop["id"], SYMBOL, {"trigger": True}))["status"] == "open"

    run(scenario)
