"""Which columns of a file mean what: told from its first lines, never from its name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bot.adapters.tapes.blocks import read_blocks
from bot.adapters.tapes.source import TapeKind
from bot.domain.errors import InputError, Unsupported
from bot.domain.scale import NS_PER_MS, NS_PER_SECOND

_NUMBER_START = re.compile(rb"\s*[-+.]?[0-9]")
_STAMP = re.compile(rb"[0-9]{1,19}")
_SPAN_ROWS = 1_000                   # bars looked at for the length of one; a hole or two cannot outvote them
_STAMP_NAMES = ("ts_ms", "open_time_ms", "open_time", "timestamp", "time", "date")
_CANDLE_NAMES = ("open", "high", "low", "close", "volume")
_TRADE_NAMES = ("agg_trade_id", "price", "quantity", "transact_time", "is_buyer_maker")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in a row, columns counted from 0.

    ``prices`` are open, high, low, close of candles, the one price of trades. ``trade_id`` and ``maker``
    are None for candles; ``flags`` are all columns of true or false. ``stamp_ns`` is the unit of the stamps
    in ns, ``span`` the length of a bar in ns, None for trades.
    """

    kind: TapeKind
    name: str
    columns: int
    has_header: bool
    stamp: int
    prices: tuple[int, ...]
    quantity: int
    trade_id: int | None = None
    maker: int | None = None
    flags: tuple[int, ...] = ()
    stamp_ns: int = NS_PER_MS
    span: int | None = None


def sniff(path: Path, kind: TapeKind | None) -> Layout:
    """Return the layout of the file at ``path``.

    Candles: any order of columns with a header, else ``ts,open,high,low,close,volume`` or the 12 columns of
    Binance klines. Trades: Binance aggTrades, 7 columns (futures) or 8 (spot), with or without header.
    Stamps are seconds, ms, us or ns by their magnitude, one unit per file. Raises InputError when the file
    is not what ``kind`` says or has no row, Unsupported when its columns are none of these.
    """
    head = next(read_blocks(path), None)
    lines = [line for line in head.text.split(b"\n") if line.strip()] if head is not None else []
    if not lines:
        raise InputError(f"tape {path}: is empty; give a file with rows")
    has_header = _NUMBER_START.match(lines[0]) is None
    layout = _named(path, lines[0]) if has_header else _nameless(path, lines[0])
    if kind is not None and kind is not layout.kind:
        raise InputError(
            f"tape {path}: holds {layout.kind.value} ({layout.name}), was named {kind.value}; "
            f"write @{layout.kind.value} or leave the kind out"
        )
    return _timed(path, layout, lines[1:] if has_header else lines)


def _named(path: Path, line: bytes) -> Layout:
    names = [name.strip(b' "').decode("ascii", "replace").lower() for name in line.split(b",")]
    at = {name: column for column, name in enumerate(names)}
    stamp = next((at[name] for name in _STAMP_NAMES if name in at), None)
    if stamp is not None and all(name in at for name in _CANDLE_NAMES):
        *prices, volume = (at[name] for name in _CANDLE_NAMES)
        return Layout(TapeKind.CANDLES, "candles CSV", len(names), True, stamp, tuple(prices), volume)
    if all(name in at for name in _TRADE_NAMES):
        trade_id, price, quantity, stamp, maker = (at[name] for name in _TRADE_NAMES)
        flags = tuple(sorted(column for name, column in at.items() if name.startswith("is_")))
        return Layout(
            TapeKind.TRADES, "Binance aggTrades", len(names), True, stamp, (price,), quantity,
            trade_id, maker, flags,
        )
    raise Unsupported(
        f"tape {path}: no known layout has these columns, was {','.join(names)[:120]!r}; this version reads "
        f"candles (ts_ms,{','.join(_CANDLE_NAMES)}), Binance klines and Binance aggTrades"
    )


def _nameless(path: Path, line: bytes) -> Layout:
    fields = [field.strip().lower() for field in line.split(b",")]
    is_flag = [field in (b"true", b"false") for field in fields]
    if len(fields) in (6, 12) and not any(is_flag):
        name = "candles CSV" if len(fields) == 6 else "Binance klines"
        return Layout(TapeKind.CANDLES, name, len(fields), False, 0, (1, 2, 3, 4), 5)
    if len(fields) in (7, 8) and is_flag == [False] * 6 + [True] * (len(fields) - 6):
        return Layout(
            TapeKind.TRADES, "Binance aggTrades", len(fields), False, 5, (1,), 2,
            0, 6, tuple(range(6, len(fields))),
        )
    raise Unsupported(
        f"tape {path}: no known layout has {len(fields)} columns like the first row, was {line[:120]!r}; "
        "this version reads candles (6 columns), Binance klines (12) and Binance aggTrades (7 or 8)"
    )


def _timed(path: Path, layout: Layout, lines: list[bytes]) -> Layout:
    stamps = []
    for line in lines[:_SPAN_ROWS]:
        fields = line.split(b",")
        if len(fields) == layout.columns and _STAMP.fullmatch(fields[layout.stamp].strip()):
            stamps.append(int(fields[layout.stamp]))
    if not stamps:
        raise Unsupported(
            f"tape {path}: no row has an integer stamp in column {layout.stamp + 1}, first row was "
            f"{(lines or [b''])[0][:120]!r}; convert the stamps to ms since 1970 UTC"
        )
    unit = _unit_ns(stamps[0])
    span = _span(path, stamps) * unit if layout.kind is TapeKind.CANDLES else None
    return Layout(
        layout.kind, layout.name, layout.columns, layout.has_header, layout.stamp, layout.prices,
        layout.quantity, layout.trade_id, layout.maker, layout.flags, unit, span,
    )


def _unit_ns(stamp: int) -> int:
    """A stamp between 2001 and 2286 has 10 digits in seconds, 13 in ms, 16 in us, 19 in ns."""
    if stamp < 10**11:
        return NS_PER_SECOND
    if stamp < 10**14:
        return NS_PER_MS
    if stamp < 10**17:
        return 1_000
    return 1


def _span(path: Path, stamps: list[int]) -> int:
    """The commonest step between bars, the shorter one on a draw: holes make steps longer, never shorter."""
    steps = Counter(
        later - earlier for earlier, later in pairwise(stamps) if later > earlier
    )
    if not steps:
        raise InputError(f"tape {path}: the length of a bar cannot be told from one row; give two bars or more")
    return max(steps, key=lambda step: (steps[step], -step))
