"""Builders for the tape tests: hand-made files and the instrument they are read for."""

from __future__ import annotations

import gzip
import zipfile
from decimal import Decimal
from pathlib import Path

from bot.adapters.tapes.source import TapeArgument
from bot.domain.instrument import Filters, Instrument, InstrumentKind

MINUTE_NS = 60 * 10**9
START_MS = 1_583_971_200_000         # 2020-03-12 00:00 UTC
START_NS = START_MS * 10**6

CANDLE_HEADER = "ts_ms,open,high,low,close,volume"
TRADE_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"

# Five bars by hand: rise, fall, wick, flat, fall.
FIVE_BARS = (
    "100.0,103.0,99.0,102.0,5.5",
    "102.0,102.5,98.0,98.5,7.0",
    "98.5,99.0,80.0,97.0,40.25",
    "97.0,97.0,97.0,97.0,0",
    "97.0,97.5,91.0,92.0,12.0",
)
FIVE_TRADES = (
    "11,100.5,2.000,50,51,{0},true",
    "12,100.4,0.500,52,52,{0},false",
    "13,100.6,1.250,53,55,{1},true",
    "14,99.9,3.000,56,56,{2},true",
    "15,100.0,0.001,57,57,{2},false",
)


def instrument(*, price_digits: int = 2, quantity_digits: int = 3, index: int = 0) -> Instrument:
    """A linear perpetual at the given scales."""
    filters = Filters(tick=1, lot=1, quantity_min=1, quantity_max=10**12, notional_min=0)
    return Instrument(
        index, "BTC/USDT:USDT", "BTC", InstrumentKind.LINEAR, "BTC", "USDT", "USDT",
        price_digits, quantity_digits, filters, Decimal(1),
    )


def candle_lines(bars: tuple[str, ...] = FIVE_BARS, *, step_ms: int = 60_000) -> list[str]:
    """The bars with stamps one minute apart."""
    return [f"{START_MS + number * step_ms},{bar}" for number, bar in enumerate(bars)]


def trade_lines() -> list[str]:
    """Five trades, two pairs of them at one stamp each."""
    stamps = (START_MS, START_MS + 7, START_MS + 60_000)
    return [line.format(*stamps) for line in FIVE_TRADES]


def text_of(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def write(path: Path, lines: list[str]) -> TapeArgument:
    """Write the lines as a plain file and name it as a tape."""
    path.write_bytes(text_of(lines))
    return TapeArgument(None, None, path)


def write_gzip(path: Path, lines: list[str]) -> TapeArgument:
    path.write_bytes(gzip.compress(text_of(lines)))
    return TapeArgument(None, None, path)


def write_zip(path: Path, lines: list[str], *more_names: str) -> TapeArgument:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("tape.csv", *more_names):
            archive.writestr(name, text_of(lines))
    return TapeArgument(None, None, path)
