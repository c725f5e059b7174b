"""Our replies and events against recorded ones: every field that other clients' fixtures have, with its JSON type.

The fixtures are those of nautilus_trader's and gocryptotrader's tests, recorded at the venue or taken from its pages.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.market import ForcedTrade, FundingRate
from bot.domain.scale import CASH_UNIT
from tests.shared_data import shared
from tests.wire.builders import BTC, SECOND, Bench, account, same_shape

NAUTILUS = "data/api_fixtures/nautilus/binance.tar.gz"
NAUTILUS_OLDER = "data/api_fixtures/nautilus/binance_integration.tar.gz"
GOCRYPTOTRADER = "data/api_fixtures/gocryptotrader/binance_http.json.gz"
FUTURES = "binance/test_data/futures/"
REPLIES = "binance/resources/http_responses/http_futures_"

# What a fixture has and ours does not, and why.
EXCEPTIONS = {
    ".type: missing": "of algo orders the venue's page says orderType, which is what ours has",
    ".st: missing": "symbol type, added to public streams in 2026; no client reads it",
    ".ps: missing": "pair of a public stream, as .st",
}


def packed(archive: str, name: str) -> Any:
    """Return one JSON file of an archive."""
    with tarfile.open(shared(archive)) as opened:
        found = opened.extractfile(name)
        assert found is not None
        return json.load(found)


def faults(ours: Any, theirs: Any) -> list[str]:
    """Return where the shapes differ, but for what is excepted."""
    return [each for each in same_shape(ours, theirs) if not any(known in each for known in EXCEPTIONS)]


def traded() -> Bench:
    """A bench with a position, an open order, a stop and trades."""
    bench = Bench.make(account(btc=100))
    bench.exchange.market(bench.now, FundingRate(bench.now, bench.now, 0, CASH_UNIT // 1_000, bench.now + SECOND))
    bench.wait(1)
    bench.exchange.market(bench.now, FundingRate(bench.now, bench.now, 0, CASH_UNIT // 1_000, bench.now + 60 * SECOND))
    bench.order("BUY", "0.010")
    bench.order("BUY", "0.010", "59000")
    bench.good(
        "POST", "/fapi/v1/algoOrder", symbol=BTC, side="SELL", type="STOP_MARKET", algoType="CONDITIONAL",
        triggerPrice="55000", quantity="0.1", reduceOnly="true",
    )
    return bench


SIGNED: dict[str, tuple[str, str, str, dict[str, object]]] = {
    "account v2": (NAUTILUS, FUTURES + "http_json/account_info_v2.json", "/fapi/v2/account", {}),
    "balance": (NAUTILUS, FUTURES + "http_json/balance.json", "/fapi/v2/balance", {}),
    "algo orders": (NAUTILUS, FUTURES + "http_json/open_algo_orders.json", "/fapi/v1/openAlgoOrders", {}),
    "position v2": (NAUTILUS, FUTURES + "http_json/position_risk.json", "/fapi/v2/positionRisk", {}),
    "position one way": (NAUTILUS_OLDER, REPLIES + "account_positions_one_way.json", "/fapi/v2/positionRisk", {}),
    "position side": (NAUTILUS_OLDER, REPLIES + "account_position_side_dual.json", "/fapi/v1/positionSide/dual", {}),
    "symbol config": (NAUTILUS_OLDER, REPLIES + "account_symbol_config.json", "/fapi/v1/symbolConfig", {}),
    "trades": (NAUTILUS_OLDER, REPLIES + "account_trades.json", "/fapi/v1/userTrades", {"symbol": BTC}),
    "commission": (
        NAUTILUS_OLDER, REPLIES + "wallet_commission_rate_btcusdt.json", "/fapi/v1/commissionRate", {"symbol": BTC},
    ),
}


@pytest.mark.parametrize(("archive", "name", "path", "params"), SIGNED.values(), ids=SIGNED)
def test_signed_reply_has_every_recorded_field(archive: str, name: str, path: str, params: dict[str, object]) -> None:
    """A client that reads the venue's reply finds the same in ours."""
    assert faults(traded().get(path, **params), packed(archive, name)) == []


def test_order_reply_has_every_recorded_field() -> None:
    """The page of one order."""
    bench = traded()
    (order,) = bench.get("/fapi/v1/openOrders")
    assert faults(order, packed(NAUTILUS, FUTURES + "http_json/order_response.json")) == []


PUBLIC: dict[str, tuple[str, dict[str, object]]] = {
    "agg_trades": ("aggTrades", {"symbol": BTC}), "book_ticker": ("ticker/bookTicker", {"symbol": BTC}),
    "depth": ("depth", {"symbol": BTC}), "exchange_info": ("exchangeInfo", {}),
    "klines": ("klines", {"symbol": BTC, "interval": "1m"}),
    "mark_price_klines": ("markPriceKlines", {"symbol": BTC, "interval": "1m"}),
    "open_interest": ("openInterest", {"symbol": BTC}), "premium_index": ("premiumIndex", {"symbol": BTC}),
    "ticker_24hr": ("ticker/24hr", {"symbol": BTC}), "ticker_price": ("ticker/price", {"symbol": BTC}),
    "trades": ("trades", {"symbol": BTC}), "funding_rate": ("fundingRate", {"symbol": BTC}),
}


@pytest.mark.parametrize(("name", "asked"), PUBLIC.items(), ids=PUBLIC)
def test_public_reply_has_every_recorded_field(name: str, asked: tuple[str, dict[str, object]]) -> None:
    """Market data as it was recorded."""
    path, params = asked
    ours = traded().public(f"/fapi/v1/{path}", **params)
    assert ours
    assert faults(ours, packed(NAUTILUS_OLDER, f"{REPLIES}market_{name}.json")) == []


@pytest.mark.parametrize("path", ["exchangeInfo", "depth", "premiumIndex", "ticker/24hr", "openInterest", "time"])
def test_public_reply_has_every_field_of_another_recording(path: str) -> None:
    """The same pages as another project recorded them, some years later."""
    with gzip.open(shared(GOCRYPTOTRADER)) as opened:
        recorded = json.load(opened)["routes"][f"/fapi/v1/{path}"]["GET"]
    theirs = [each["data"] for each in recorded if isinstance(each["data"], dict) and "code" not in each["data"]][-1]
    params = {} if path in ("exchangeInfo", "time") else {"symbol": BTC}
    assert faults(traded().public(f"/fapi/v1/{path}", **params), theirs) == []


STREAMS = {
    "agg_trade_stream": "btcusdt@aggTrade", "book_ticker_stream": "btcusdt@bookTicker",
    "depth_update_stream": "btcusdt@depth@100ms", "kline_stream_open": "btcusdt@kline_1m",
    "liquidation_stream": "btcusdt@forceOrder", "mark_price_stream": "btcusdt@markPrice@1s",
    "ticker_stream": "btcusdt@ticker", "trade_stream": "btcusdt@trade",
}


@pytest.mark.parametrize(("name", "stream"), STREAMS.items(), ids=STREAMS)
def test_public_event_has_every_recorded_field(name: str, stream: str) -> None:
    """What is pushed, as it was recorded."""
    bench = traded()
    listener = bench.listen(stream)
    bench.wait(0.1)
    bench.trade("60100.0")
    bench.exchange.market(bench.now, ForcedTrade(bench.now, bench.now, 0, 6_010_000, 100, -1))
    bench.wait(3)
    assert faults(listener.events()[0], packed(NAUTILUS, f"{FUTURES}market_data_json/{name}.json")) == []


def fill(bench: Bench) -> None:
    bench.order("BUY", "0.010")


def trail(bench: Bench) -> None:
    """Send an order that was a trailing stop."""
    bench.good(
        "POST", "/fapi/v1/algoOrder", symbol=BTC, side="SELL", type="TRAILING_STOP_MARKET", algoType="CONDITIONAL",
        callbackRate="1.0", quantity="0.05", reduceOnly="true",
    )
    bench.trade("59000.0")


def cancel_stop(bench: Bench) -> None:
    bench.good("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)


def ruin(bench: Bench) -> None:
    """Let the price fall until the account is closed out."""
    bench.good("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)
    bench.order("BUY", "2.000")
    bench.trade("54000.0")


def any_event(event: Any) -> bool:
    return bool(event)


USER: dict[str, tuple[str, Callable[[Bench], None], str, Callable[[Any], bool]]] = {
    "account_update": ("account_update", fill, "ACCOUNT_UPDATE", any_event),
    "order_update_trade": ("order_update_trade", fill, "ORDER_TRADE_UPDATE", lambda each: each["o"]["x"] == "TRADE"),
    "order_update_new": ("order_update_new", trail, "ORDER_TRADE_UPDATE", lambda each: each["o"]["x"] == "NEW"),
    "trade_lite": ("trade_lite", fill, "TRADE_LITE", any_event),
    "algo_update_canceled": ("algo_update_canceled", cancel_stop, "ALGO_UPDATE", any_event),
    "order_update_calculated": (
        "order_update_calculated", ruin, "ORDER_TRADE_UPDATE", lambda each: each["o"]["x"] == "CALCULATED",
    ),
}


@pytest.mark.parametrize(("name", "act", "kind", "is_it"), USER.values(), ids=USER)
def test_user_event_has_every_recorded_field(
    name: str, act: Callable[[Bench], None], kind: str, is_it: Callable[[Any], bool]
) -> None:
    """What is pushed to an account, as it was recorded."""
    bench = traded()
    listener = bench.user_stream()
    act(bench)
    event = next(each for each in listener.events() if each["e"] == kind and is_it(each))
    assert faults(event, packed(NAUTILUS, f"{FUTURES}user_data_json/{name}.json")) == []
