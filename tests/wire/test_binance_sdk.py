"""Binance's present SDK for USD-M, unmodified: its models state every field's type, and it says where one differs."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.wire.builders import BTC, KEY, SECRET, account, run, serving, steer

SDK = "binance_sdk_derivatives_trading_usds_futures"
pytest.importorskip(SDK, reason=f"{SDK.replace('_', '-')} is not installed")
ALGO: dict[str, dict[str, float]] = {
    "STOP": {"trigger_price": 55_000.0, "price": 54_900.0},
    "STOP_MARKET": {"trigger_price": 55_000.0},
    "TAKE_PROFIT": {"trigger_price": 65_000.0, "price": 65_100.0},
    "TAKE_PROFIT_MARKET": {"trigger_price": 65_000.0},
    "TRAILING_STOP_MARKET": {"callback_rate": 1.0},
}
PUBLIC: dict[str, dict[str, str]] = {
    "exchange_information": {}, "check_server_time": {}, "order_book": {"symbol": BTC}, "mark_price": {"symbol": BTC},
    "recent_trades_list": {"symbol": BTC}, "compressed_aggregate_trades_list": {"symbol": BTC},
    "kline_candlestick_data": {"symbol": BTC, "interval": "1m"}, "symbol_price_ticker": {"symbol": BTC},
    "ticker24hr_price_change_statistics": {"symbol": BTC}, "symbol_order_book_ticker": {"symbol": BTC},
    "open_interest": {"symbol": BTC}, "get_funding_rate_history": {"symbol": BTC},
}
PRIVATE: dict[str, dict[str, str]] = {
    "account_information_v3": {}, "account_information_v2": {}, "futures_account_balance_v3": {},
    "futures_account_balance_v2": {}, "position_information_v3": {}, "position_information_v2": {},
    "account_trade_list": {"symbol": BTC}, "all_orders": {"symbol": BTC}, "query_all_algo_orders": {"symbol": BTC},
    "notional_and_leverage_brackets": {"symbol": BTC}, "symbol_configuration": {"symbol": BTC},
    "futures_account_configuration": {}, "user_commission_rate": {"symbol": BTC}, "get_income_history": {},
    "get_current_position_mode": {}, "query_user_rate_limit": {}, "users_force_orders": {},
    "start_user_data_stream": {}, "keepalive_user_data_stream": {}, "cancel_all_open_orders": {"symbol": BTC},
    "cancel_all_algo_open_orders": {"symbol": BTC},
}


def client_at(port: int) -> Any:
    """The SDK's client, with its three addresses on this machine."""
    from binance_common.configuration import (
        ConfigurationRestAPI,
        ConfigurationWebSocketAPI,
        ConfigurationWebSocketStreams,
    )
    from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
        DerivativesTradingUsdsFutures,
    )

    at = f"127.0.0.1:{port}"
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(api_key=KEY, api_secret=SECRET, base_path=f"http://{at}", retries=0),
        config_ws_api=ConfigurationWebSocketAPI(api_key=KEY, api_secret=SECRET, stream_url=f"ws://{at}/ws-fapi/v1"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"ws://{at}"),
    )


def trade(port: int) -> None:
    """Place, change, query and cancel every kind of order; read every page that the SDK knows and ours has."""
    api = client_at(port).rest_api
    try:
        placed = api.new_order(
            symbol=BTC, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=59_000.0
        ).data()
        assert api.query_order(symbol=BTC, order_id=placed.order_id).data().status == "NEW"
        changed = api.modify_order(symbol=BTC, side="BUY", quantity=0.01, price=58_000.0, order_id=placed.order_id)
        assert changed.data().price == "58000.00"
        assert len(api.current_all_open_orders().data()) == 1
        assert api.cancel_order(symbol=BTC, order_id=placed.order_id).data().status == "CANCELED"
        bought = api.new_order(symbol=BTC, side="BUY", type="MARKET", quantity=0.01, new_order_resp_type="RESULT")
        assert bought.data().executed_qty == "0.010"
        for kind, more in ALGO.items():
            stop = api.new_algo_order(
                algo_type="CONDITIONAL", symbol=BTC, side="SELL", type=kind, quantity=0.01, reduce_only="true", **more
            ).data()
            assert api.query_algo_order(algo_id=stop.algo_id).data().order_type == kind
            api.cancel_algo_order(algo_id=stop.algo_id)
        for name, asked in {**PUBLIC, **PRIVATE}.items():
            assert getattr(api, name)(**asked).data() is not None, name
    finally:
        api._session.close()


def test_binance_sdk_trades_and_finds_every_field_of_its_declared_type(caplog: pytest.LogCaptureFixture) -> None:
    """It logs a warning for each reply that its own models do not fit: there is none."""
    async def scenario() -> None:
        async with serving(account(btc=50)) as server:
            await asyncio.to_thread(trade, server.port)

    with caplog.at_level(logging.WARNING):
        run(scenario)
    assert [record.getMessage() for record in caplog.records if "declared types" in record.getMessage()] == []


@pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float' is deprecated:DeprecationWarning")
def test_binance_sdk_follows_streams_and_trades_over_the_websocket_api() -> None:
    """Public streams, the user stream by its listen key, and an order by socket."""
    async def scenario() -> None:
        async with serving() as server:
            client = client_at(server.port)
            heard: list[str] = []
            streams = await client.websocket_streams.create_connection()
            for stream in (
                await streams.aggregate_trade_streams(symbol="btcusdt"),
                await streams.mark_price_stream(symbol="btcusdt"),
                await streams.diff_book_depth_streams(symbol="btcusdt"),
            ):
                stream.on("message", lambda message: heard.append(message.e))
            key = (await asyncio.to_thread(client.rest_api.start_user_data_stream)).data().listen_key
            user = await streams.user_data(key)
            user.on("message", lambda message: heard.append(type(message.actual_instance).__name__))
            while len(server.exchange.floor.hub.wanted) < 3:
                await asyncio.sleep(0.02)
            api = await client.websocket_api.create_connection()
            order = await api.new_order(
                symbol=BTC, side="BUY", type="MARKET", quantity=0.01, new_order_resp_type="RESULT"
            )
            assert order.data().result.status == "FILLED"
            steer(server, "60100.0")
            wanted = {"aggTrade", "markPriceUpdate", "depthUpdate", "OrderTradeUpdate", "AccountUpdate"}
            while not wanted <= set(heard):
                await asyncio.sleep(0.02)
            await streams.close_connection(close_session=True)
            await api.close_connection(close_session=True)
            client.rest_api._session.close()

    run(scenario)
