"""Clients that nobody here wrote, unmodified: ccxt without asyncio, ccxt for Node, Binance's own Python connector."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import ccxt
import pytest

from tests.wire.builders import BTC, KEY, SECRET, account, run, serving, steer
from tests.wire.clients import OPTIONS, point

SYMBOL = "BTC/USDT:USDT"
NODE = Path(__file__).parent / "node"
KINDS = ["STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]
CONDITIONAL: list[tuple[str, float | None, dict[str, Any]]] = [
    ("limit", 54_900.0, {"stopLossPrice": 55_000}),
    ("market", None, {"stopLossPrice": 55_000}),
    ("limit", 65_100.0, {"takeProfitPrice": 65_000}),
    ("market", None, {"takeProfitPrice": 65_000}),
    ("market", None, {"trailingPercent": 1.5, "trailingTriggerPrice": 61_000}),
]


def trade_with_ccxt(port: int) -> None:
    """Load, read, place, query and cancel every kind of order with ccxt's plain client."""
    client = point(ccxt.binanceusdm(OPTIONS), port)
    try:
        client.load_markets()
        placed = client.create_order(SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": "mine"})
        assert client.fetch_order(None, SYMBOL, {"clientOrderId": "mine"})["id"] == placed["id"]
        assert client.cancel_order(placed["id"], SYMBOL)["status"] == "canceled"
        assert client.create_order(SYMBOL, "market", "buy", 0.05)["filled"] == 0.05
        kinds = []
        for form, price, params in CONDITIONAL:
            stop = client.create_order(SYMBOL, form, "sell", 0.01, price, {**params, "reduceOnly": True})
            kinds.append(client.fetch_order(stop["id"], SYMBOL, {"trigger": True})["info"]["orderType"])
            client.cancel_order(stop["id"], SYMBOL, {"trigger": True})
        assert kinds == KINDS
        assert client.fetch_positions([SYMBOL])[0]["contracts"] == 0.05
        assert 9_990 < client.fetch_balance()["USDT"]["total"] < 10_000
        assert client.fetch_open_orders(SYMBOL, params={"trigger": True}) == []
    finally:
        client.session.close()


def test_ccxt_without_asyncio_trades() -> None:
    """The plain client, over another HTTP library."""
    async def scenario() -> None:
        async with serving() as server:
            await asyncio.to_thread(trade_with_ccxt, server.port)

    run(scenario)


def test_ccxt_for_node_trades_and_follows_streams() -> None:
    """Another language, another HTTP and WebSocket stack, the same exchange."""
    if shutil.which("node") is None or not (NODE / "node_modules" / "ccxt").exists():
        pytest.skip("ccxt for Node is not installed: npm install --prefix tests/wire/node")

    async def scenario() -> None:
        async with serving() as server:
            at = f"127.0.0.1:{server.port}"
            addresses = {
                "rest": f"http://{at}", "ws": f"ws://{at}/ws", "ws_api": f"ws://{at}/ws-fapi/v1", "key": KEY,
                "secret": SECRET,
            }
            process = await asyncio.create_subprocess_exec(
                "node", str(NODE / "trade.mjs"), json.dumps(addresses),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )
            out, error = await process.communicate()
            assert process.returncode == 0, error.decode()
            seen = json.loads(out)
            assert seen["markets"] == [SYMBOL, "ETH/USDT:USDT"]
            assert seen["best"][0] < 60_000 < seen["best"][1]
            assert (seen["watched"], seen["queried"], seen["cancelled"]) == ("from-node", "open", "canceled")
            assert seen["kinds"] == [[kind, "open"] for kind in KINDS]
            assert (seen["filled"], seen["trade"], seen["position"]) == (0.05, 0.05, 0.05)
            assert 9_990 < seen["balance"] < 10_000

    run(scenario)


def trade_with_connector(port: int) -> None:
    """Load, read, place, query and cancel with Binance's connector; conditional kinds go by its signed request."""
    from binance.error import ClientError
    from binance.um_futures import UMFutures

    client = UMFutures(key=KEY, secret=SECRET, base_url=f"http://127.0.0.1:{port}", show_limit_usage=True)
    try:
        assert [each["symbol"] for each in client.exchange_info()["data"]["symbols"]] == [BTC, "ETHUSDT"]
        placed = client.new_order(
            symbol=BTC, side="BUY", type="LIMIT", quantity=0.01, price=59000, timeInForce="GTC", newClientOrderId="mine"
        )
        assert placed["limit_usage"]["x-mbx-order-count-10s"] == "1"
        number = placed["data"]["orderId"]
        assert client.query_order(symbol=BTC, origClientOrderId="mine")["data"]["orderId"] == number
        assert client.cancel_order(symbol=BTC, orderId=number)["data"]["status"] == "CANCELED"
        bought = client.new_order(symbol=BTC, side="BUY", type="MARKET", quantity=0.05, newOrderRespType="RESULT")
        assert bought["data"]["executedQty"] == "0.050"
        with pytest.raises(ClientError) as caught:
            client.new_order(symbol=BTC, side="SELL", type="STOP_MARKET", quantity=0.05, stopPrice=55000)
        assert (caught.value.status_code, caught.value.error_code) == (400, -4120)
        for kind, more in {
            "STOP": {"triggerPrice": 55000, "price": 54900}, "STOP_MARKET": {"triggerPrice": 55000},
            "TAKE_PROFIT": {"triggerPrice": 65000, "price": 65100}, "TAKE_PROFIT_MARKET": {"triggerPrice": 65000},
            "TRAILING_STOP_MARKET": {"callbackRate": 1.5},
        }.items():
            asked = {"symbol": BTC, "side": "SELL", "type": kind, "quantity": 0.05, "algoType": "CONDITIONAL"}
            stop = client.sign_request("POST", "/fapi/v1/algoOrder", {**asked, **more, "reduceOnly": "true"})["data"]
            assert client.sign_request("GET", "/fapi/v1/algoOrder", {"algoId": stop["algoId"]})["data"] == stop
            ended = client.sign_request("DELETE", "/fapi/v1/algoOrder", {"algoId": stop["algoId"]})["data"]
            assert ended["code"] == "200"
        orders = [{"symbol": BTC, "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "59000",
                   "timeInForce": "GTC"}] * 2
        batch = client.new_batch_order(orders)["data"]
        assert [each["status"] for each in batch] == ["NEW", "NEW"]
        assert client.cancel_open_orders(symbol=BTC)["data"]["code"] == 200
        assert client.get_position_risk(symbol=BTC)["data"][0]["positionAmt"] == "0.050"
        assert client.account()["data"]["positions"][0]["symbol"] == BTC
        assert len(client.get_account_trades(symbol=BTC)["data"]) == 1
        assert client.leverage_brackets(symbol=BTC)["data"][0]["brackets"][1]["cum"] == 50
    finally:
        client.session.close()


def test_binance_connector_trades() -> None:
    """Binance's own client for Python, which sends all parameters of a POST in the query."""
    pytest.importorskip("binance.um_futures", reason="binance-futures-connector is not installed")

    async def scenario() -> None:
        async with serving(account()) as server:
            await asyncio.to_thread(trade_with_connector, server.port)

    run(scenario)


def test_binance_connector_follows_public_and_user_streams() -> None:
    """Its WebSocket client subscribes to a listen key as to a stream."""
    pytest.importorskip("binance.um_futures", reason="binance-futures-connector is not installed")
    from binance.um_futures import UMFutures
    from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient

    heard: list[Any] = []
    arrived = threading.Event()

    def on_message(_: object, text: str) -> None:
        heard.append(json.loads(text))
        if {"aggTrade", "ORDER_TRADE_UPDATE", "markPriceUpdate"} <= {each.get("e") for each in heard}:
            arrived.set()

    def follow(port: int) -> None:
        client = UMFutures(key=KEY, secret=SECRET, base_url=f"http://127.0.0.1:{port}")
        stream = UMFuturesWebsocketClient(stream_url=f"ws://127.0.0.1:{port}", on_message=on_message)
        try:
            stream.agg_trade(BTC)
            stream.mark_price(BTC, 1)
            stream.user_data(client.new_listen_key()["listenKey"])
            while sum("result" in each for each in heard) < 3:
                arrived.wait(0.02)
            client.new_order(symbol=BTC, side="BUY", type="MARKET", quantity=0.05)
            assert arrived.wait(60), [each.get("e") for each in heard]
        finally:
            stream.stop()
            stream.socket_manager.ws.shutdown()      # its own close forgets the socket
            client.session.close()

    async def scenario() -> None:
        async with serving() as server:
            steer(server, "60000.0")
            await asyncio.to_thread(follow, server.port)

    run(scenario)
