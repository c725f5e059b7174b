"""Which columns of candles and of Binance's trades mean what: told from the file's first lines.

Only where columns cannot tell (a mark price has the columns of a candle) do the names of the file and its
folders count, or the kind that the user wrote.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from bot.adapters.tapes.blocks import read_blocks
from bot.adapters.tapes.source import BAR_KINDS, TapeKind, files_of
from bot.adapters.tapes.stamps import TEXT_STAMP, is_date, moment, unit_ns
from bot.domain.errors import InputError, Unsupported
from bot.domain.scale import NS_PER_MS

_NUMBER_START = re.compile(rb"\s*[-+.]?[0-9]")
_STAMP = re.compile(rb"[0-9]{1,19}")
_SPAN_ROWS = 1_000                   # bars looked at for the length of one; a hole or two cannot outvote them
_STAMP_NAMES = ("ts_ms", "ts_ns", "open_time_ms", "open_time", "timestamp", "time", "date")
_CANDLE_NAMES = ("open", "high", "low", "close", "volume")
_TRADE_NAMES = {
    "id": ("agg_trade_id", "trade_id", "id"),
    "price": ("price",),
    "quantity": ("quantity", "qty"),
    "stamp": ("transact_time", "time", "timestamp"),
    "maker": ("is_buyer_maker", "buyer_maker"),
}
_FOLDER_HINTS = {"markPriceKlines": TapeKind.MARK, "indexPriceKlines": TapeKind.INDEX}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in a row, columns counted from 0.

    ``prices`` are open, high, low, close of candles, the one price of trades. ``trade_id`` and ``maker``
    are None for candles; ``flags`` are all columns of true or false. ``stamp_ns`` is the unit of the stamps
    in ns, TEXT_STAMP when they are dates, ``span`` the length of a bar in ns, None for trades.
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
    Binance klines; of the mark or the index price when ``kind`` says so, or a folder named as Binance names it.
    Trades: Binance aggTrades, 7 columns (futures) or 8 (spot), and trades, 6 or 7, with or without header.
    Stamps are seconds, ms, us or ns by their magnitude or dates, one way per file. Raises InputError when the
    file is not what ``kind`` says or has no row, Unsupported when its columns are none of these.
    """
    lines = head_lines(path)
    has_header = _NUMBER_START.match(lines[0]) is None
    layout = _named(path, lines[0]) if has_header else _nameless(path, lines[0])
    if "premiumIndexKlines" in path.parts:
        raise Unsupported(f"tape {path}: the premium index is no price of ours; give the tapes of mark and index")
    if layout.kind is TapeKind.CANDLES:
        hinted = next((_FOLDER_HINTS[part] for part in path.parts if part in _FOLDER_HINTS), layout.kind)
        layout = replace(layout, kind=kind if kind in BAR_KINDS else hinted)
    if kind is not None and kind is not layout.kind:
        raise InputError(
            f"tape {path}: holds {layout.kind.value} ({layout.name}), was named {kind.value}; "
            f"write @{layout.kind.value} or leave the kind out"
        )
    return _timed(path, layout, lines[1:] if has_header else lines)


def head_lines(path: Path) -> list[bytes]:
    """Return the lines at the beginning of the file that are not blank; raises InputError when there is none."""
    for head in read_blocks(files_of(path)[0]):
        lines = [line for line in head.text.split(b"\n") if line.strip()]
        if lines:
            return lines
    raise InputError(f"tape {path}: is empty; give a file with rows")


def column_names(line: bytes) -> list[str]:
    """Return the names in a header, in lower case."""
    return [name.strip(b' "').decode("ascii", "replace").lower() for name in line.split(b",")]


def _named(path: Path, line: bytes) -> Layout:
    names = column_names(line)
    at = {name: column for column, name in enumerate(names)}
    stamp = next((at[name] for name in _STAMP_NAMES if name in at), None)
    if stamp is not None and all(name in at for name in _CANDLE_NAMES):
        *prices, volume = (at[name] for name in _CANDLE_NAMES)
        return Layout(TapeKind.CANDLES, "candles CSV", len(names), True, stamp, tuple(prices), volume)
    found = {role: next((at[name] for name in known if name in at), None) for role, known in _TRADE_NAMES.items()}
    trade = [column for column in found.values() if column is not None]
    if len(trade) == len(found):
        trade_id, price, quantity, stamp, maker = trade
        flags = tuple(sorted(column for name, column in at.items() if name.startswith("is_") or column == maker))
        return Layout(
            TapeKind.TRADES, "Binance aggTrades" if "agg_trade_id" in at else "Binance trades", len(names), True, stamp,
            (price,), quantity, trade_id, maker, flags,
        )
    raise Unsupported(
        f"tape {path}: no known layout has these columns, was {','.join(names)[:120]!r}; candles are "
        f"ts_ms,{','.join(_CANDLE_NAMES)}; docs/tapes.md lists every other kind"
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
    if len(fields) in (6, 7) and is_flag == [False] * 5 + [True] * (len(fields) - 5):
        return Layout(
            TapeKind.TRADES, "Binance trades", len(fields), False, 4, (1,), 2, 0, 5, tuple(range(5, len(fields))),
        )
    raise Unsupported(
        f"tape {path}: no known layout has {len(fields)} columns like the first row, was {line[:120]!r}; "
        "without a header there are candles (6), Binance klines (12), aggTrades (7 or 8) and trades (6 or 7)"
    )


def _timed(path: Path, layout: Layout, lines: list[bytes]) -> Layout:
    stamps: list[int] = []
    dates: list[int] = []
    for line in lines[:_SPAN_ROWS]:
        fields = line.split(b",")
        if len(fields) == layout.columns:
            stamp = fields[layout.stamp].strip()
            if _STAMP.fullmatch(stamp):
                stamps.append(int(stamp))
            elif is_date(text := stamp.decode("latin-1")):
                with suppress(ValueError):
                    dates.append(moment(text))
    if not stamps and not dates:
        raise Unsupported(
            f"tape {path}: no row has a stamp in column {layout.stamp + 1}, first row was "
            f"{(lines or [b''])[0][:120]!r}; write stamps as ms since 1970 UTC, or as 2020-03-12T10:44:00Z"
        )
    unit = unit_ns(stamps[0]) if stamps else TEXT_STAMP
    if layout.kind not in BAR_KINDS:
        return replace(layout, stamp_ns=unit)
    span = _span(path, stamps) * unit if stamps else _span(path, dates)
    return replace(layout, stamp_ns=unit, span=span)


def _span(path: Path, stamps: list[int]) -> int:
    """The commonest step between bars, the shorter one on a draw: holes make steps longer, never shorter."""
    steps = Counter(
        later - earlier for earlier, later in pairwise(stamps) if later > earlier
    )
    if not steps:
        raise InputError(f"tape {path}: the length of a bar cannot be told from one row; give two bars or more")
    return max(steps, key=lambda step: (steps[step], -step))
