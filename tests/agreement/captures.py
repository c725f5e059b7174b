"""Recorded websocket captures read in two ways: by the program, and here by nothing but JSON and dicts."""

from __future__ import annotations

import gzip
import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from bot.adapters.tapes.captures import read_capture
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.markets import OneMarket
from bot.domain.instrument import Filters, Instrument, InstrumentKind
from bot.domain.market import BookUpdate, Trade
from tests.shared_data import shared

Levels = dict[int, int]


@dataclass(frozen=True, slots=True)
class Capture:
    """One file: what the venue calls its market, its kind and scales."""

    file: str
    market: str
    kind: InstrumentKind
    price_digits: int
    quantity_digits: int

    def path(self) -> Path:
        return shared(f"data/l2_trades/{self.file}_20240808_raw-ws.gz")

    def instrument(self) -> Instrument:
        is_inverse = self.kind is InstrumentKind.INVERSE
        quote, settle = ("USD", "BTC") if is_inverse else ("USDT", "USDT")
        return Instrument(
            index=0, symbol=f"BTC/{quote}:{settle}", underlying="BTC", kind=self.kind, base="BTC", quote=quote,
            settle=settle, price_digits=self.price_digits, quantity_digits=self.quantity_digits,
            contract_size=Decimal(100 if is_inverse else 1),
            filters=Filters(tick=1, lot=1, quantity_min=1, quantity_max=10**12, notional_min=0),
        )

    def facts(self, faults: TapeFaults) -> Iterator[BookUpdate | Trade]:
        """Yield the book and the trades as the program reads them."""
        for fact in read_capture(self.path(), OneMarket(self.market, self.instrument()), faults):
            if isinstance(fact, BookUpdate | Trade):
                yield fact


CAPTURES = (
    Capture("binance_usdm_btcusdt", "BTCUSDT", InstrumentKind.LINEAR, 2, 3),
    Capture("binance_cm_btcusd_perp", "BTCUSD_PERP", InstrumentKind.INVERSE, 1, 0),
    Capture("binance_spot_btcusdt", "BTCUSDT", InstrumentKind.LINEAR, 2, 5),
)


@dataclass(slots=True)
class Raw:
    """The messages of a capture: the snapshot's sides, those of each change by its last number, and the quotes."""

    snapshot: tuple[int, Levels, Levels] = (0, {}, {})
    changes: dict[int, tuple[Levels, Levels]] = field(default_factory=dict)
    quote_numbers: list[int] = field(default_factory=list)
    quotes: list[tuple[int, int, int, int]] = field(default_factory=list)      # bid, its quantity, ask, its quantity

    def quote_at(self, number: int) -> tuple[int, int, int, int] | None:
        """Return what was best after the change of that number; None where the capture does not tell."""
        place = bisect_right(self.quote_numbers, number)
        return self.quotes[place - 1] if 0 < place < len(self.quotes) else None


@lru_cache(1)
def read_raw(capture: Capture) -> Raw:
    """Return the messages of a capture at its scales; kept for the next test, so not to be changed."""
    def price(text: str) -> int:
        return int(Decimal(text).scaleb(capture.price_digits))

    def quantity(text: str) -> int:
        return round(Decimal(text).scaleb(capture.quantity_digits))     # spot has remains of finer lots

    def levels(rows: list[list[str]]) -> Levels:
        return {price(row[0]): quantity(row[1]) for row in rows}

    raw = Raw()
    with gzip.open(capture.path(), "rt") as lines:
        for line in lines:
            message = json.loads(line.split(" ", 1)[1])
            if "lastUpdateId" in message:
                raw.snapshot = (message["lastUpdateId"], levels(message["bids"]), levels(message["asks"]))
            elif "@depth" in message["stream"]:
                body = message["data"]
                raw.changes[body["u"]] = (levels(body["b"]), levels(body["a"]))
            elif "@bookTicker" in message["stream"]:
                body = message["data"]
                raw.quote_numbers.append(body["u"])
                raw.quotes.append((price(body["b"]), quantity(body["B"]), price(body["a"]), quantity(body["A"])))
    return raw
