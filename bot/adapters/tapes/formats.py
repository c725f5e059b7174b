"""The door to all tapes: which format a file has, and its facts in time order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.tapes.bars import IndexBar, MarkBar
from bot.adapters.tapes.candles import read_candles
from bot.adapters.tapes.captures import is_capture, read_capture
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.form_rows import read_form
from bot.adapters.tapes.forms import FormAt, find_form, hinted_kind
from bot.adapters.tapes.kinds import BY_CODE, TapeFact, types_of
from bot.adapters.tapes.layout import Layout, sniff
from bot.adapters.tapes.markets import Markets, OneMarket
from bot.adapters.tapes.packed import Header, read_header, read_packed
from bot.adapters.tapes.source import BAR_KINDS, TapeArgument, TapeKind, files_of
from bot.adapters.tapes.trades import read_trades
from bot.domain.errors import ContractError, InputError, Unsupported
from bot.domain.instrument import Instrument
from bot.domain.market import Candle


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture of a venue's streams."""

    name: str = "websocket capture"


Format = Layout | FormAt | Capture | Header
BAR_TYPES: tuple[type, ...] = (Candle, MarkBar, IndexBar)


def detect(path: Path, kind: TapeKind | None) -> Format:
    """Return the format of the file, or of the first file of the folder, at ``path``.

    Raises InputError when it cannot be read or is not what ``kind`` says, Unsupported when no format fits.
    """
    first = files_of(path)[0]
    header = read_header(first)
    if header is not None:
        if first != path:
            raise InputError(f"tape {path}: is a folder of Penstock tapes; name one, or import them into one")
        return header
    if is_capture(first):
        return Capture()
    if (kind or hinted_kind(first)) is TapeKind.FUNDING:
        form = find_form(first, TapeKind.FUNDING)
        if form is not None:
            return form
    try:
        return sniff(first, kind)
    except Unsupported:
        form = find_form(first, kind)
        if form is None:
            raise
        return form


def format_name(found: Format) -> str:
    """Return a format in words."""
    match found:
        case FormAt():
            return found.form.name
        case Header():
            return "Penstock tape"
    return found.name


def read_facts(
    path: Path, found: Layout | FormAt | Capture, markets: Markets, faults: TapeFaults
) -> Iterator[TapeFact]:
    """Yield the facts of all markets that are wanted, of a file that may hold several."""
    match found:
        case FormAt():
            return read_form(path, found, markets, faults)  # type: ignore[return-value]  # all of them are facts
        case Capture():
            return read_capture(path, markets, faults)  # type: ignore[return-value]
    raise ContractError(f"tape {path}: a file of columns holds one market, was asked for several")


def read_tape(
    argument: TapeArgument, market: str, instrument: Instrument, faults: TapeFaults | None = None
) -> list[Iterator[TapeFact]]:
    """Return the tape's facts of the market it calls ``market`` for ``instrument``: streams, each in time order.

    One stream, but for a Penstock tape with bars among other facts: a bar is walked while the facts inside it
    go on. Only facts of the argument's kind, when it has one.
    """
    faults = TapeFaults() if faults is None else faults
    found = detect(argument.path, argument.kind)
    wanted = types_of(argument.kind)
    if isinstance(found, Layout):
        read = read_candles if found.kind in BAR_KINDS else read_trades
        return [read(TapeArgument(argument.symbol, found.kind, argument.path), instrument, faults)]
    markets = OneMarket(market, instrument)
    if isinstance(found, Header):
        present = wanted & {BY_CODE[code].fact for code in found.codes if code in BY_CODE}
        bars = [frozenset([bar]) for bar in BAR_TYPES if bar in present]
        rest = present - frozenset(BAR_TYPES)
        return [read_packed(argument.path, markets.target, types, faults) for types in (*bars, rest) if types]
    facts = read_facts(argument.path, found, markets, faults)
    return [facts if argument.kind is None else (fact for fact in facts if type(fact) in wanted)]
