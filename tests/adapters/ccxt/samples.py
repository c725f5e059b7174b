"""Instruments, an account and messages for the tests of decoding."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

from bot.adapters.ccxt.account_stream import AccountDecoder
from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.decode import MarketDecoder, target_of
from bot.adapters.ccxt.names import PLAIN
from bot.domain.account import MarginMode
from bot.domain.instrument import Filters, Instrument, InstrumentKind
from tests.shared_data import shared

MARKER = "pen"
NAME = "pen000sn000001000"           # of account 0, instrument 0, a sell
STOP = "pen000sni00004001"
NOW = 1_765_431_100_000_000_000


def instrument(index: int, base: str, *, price_digits: int, quantity_digits: int) -> Instrument:
    """Return a USDT perpetual whose scales are fine enough for what was recorded."""
    return Instrument(
        index=index, symbol=f"{base}/USDT:USDT", underlying=base, kind=InstrumentKind.LINEAR, base=base, quote="USDT",
        settle="USDT", price_digits=price_digits, quantity_digits=quantity_digits,
        filters=Filters(1, 1, 1, 10**12, 0),
    )


BTC = instrument(0, "BTC", price_digits=2, quantity_digits=3)
ETH = instrument(1, "ETH", price_digits=2, quantity_digits=3)
BNB = instrument(2, "BNB", price_digits=4, quantity_digits=2)
DOGE = instrument(3, "DOGE", price_digits=5, quantity_digits=0)
MARKETS = {f"{each.base}USDT": each for each in (BTC, ETH, BNB, DOGE)}


def market_decoder() -> MarketDecoder:
    return MarketDecoder({symbol: target_of(each) for symbol, each in MARKETS.items()})


def account_decoder() -> AccountDecoder:
    return AccountDecoder(AccountView(0, MARKER, PLAIN, MARKETS, lambda _: MarginMode.CROSS))


def recorded(count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the first lines of a recorded stream: when each was received, ns, and what it says."""
    with gzip.open(shared("data/l2_trades/binance_usdm_btcusdt_20240808_raw-ws.gz"), "rt") as lines:
        for _, line in zip(range(count), lines, strict=False):
            received, _, body = line.partition(" ")
            yield int(received), json.loads(body)


def fixture(path: str) -> Any:
    """Return one of nautilus's samples of Binance's own pages and streams, by how its path ends."""
    archive_of = "binance_integration" if path.startswith(("ws_", "http_")) else "binance"
    packed = shared(f"data/api_fixtures/nautilus/{archive_of}.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        member = archive.extractfile(next(each for each in archive.getnames() if each.endswith(path)))
        assert member is not None
        return json.load(member)


def order_update(**changed: Any) -> dict[str, Any]:
    """Return an ORDER_TRADE_UPDATE of a fill of ours, some fields of its order changed."""
    order = {
        "s": "BTCUSDT", "c": NAME, "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.014", "p": "9910.00",
        "ap": "9910.12", "sp": "0", "x": "TRADE", "X": "PARTIALLY_FILLED", "i": 8886774, "l": "0.004", "z": "0.004",
        "L": "9910.12", "N": "USDT", "n": "0.01982024", "T": 1_765_431_097_031, "t": 12345678, "b": "0", "a": "0",
        "m": False, "R": True, "wt": "CONTRACT_PRICE", "ot": "LIMIT", "ps": "BOTH", "cp": False, "rp": "-5.67",
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": 1_765_431_097_031, "E": 1_765_431_097_033, "o": order | changed}


def conditional_update(**changed: Any) -> dict[str, Any]:
    """Return an ALGO_UPDATE of a stop of ours, some fields changed."""
    order = {
        "caid": STOP, "aid": 1000000033225453, "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT", "S": "SELL",
        "ps": "BOTH", "f": "GTC", "q": "0.038", "X": "NEW", "ai": "", "tp": "9000", "p": "0", "V": "EXPIRE_MAKER",
        "wt": "MARK_PRICE", "pm": "NONE", "cp": False, "pP": False, "R": True, "tt": 0, "gtd": 0,
    }
    return {"e": "ALGO_UPDATE", "T": 1_765_431_097_031, "E": 1_765_431_097_037, "o": order | changed}


def account_update(reason: str, **balance: Any) -> dict[str, Any]:
    """Return an ACCOUNT_UPDATE of one asset."""
    row = {"a": "USDT", "wb": "1000.5", "cw": "1000.5", "bc": "50.12345678"} | balance
    change = {"m": reason, "B": [row], "P": []}
    return {"e": "ACCOUNT_UPDATE", "T": 1_765_431_097_031, "E": 1_765_431_097_031, "a": change}
