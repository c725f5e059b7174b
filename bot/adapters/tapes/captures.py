"""Raw websocket captures: a line is when it was received, if the recorder wrote that, and a message as it came.

    1723161255030314667 {"stream": ...}      ns, us, ms or s since 1970
    1626992741.06217: {"stream": ...}        the same with decimals and a colon
    2024-08-08T23:54:15.030Z {...}           a date
    {"stream": ...}                          nothing: the venue's own time counts
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bot.adapters.tapes import rows
from bot.adapters.tapes.blocks import read_blocks
from bot.adapters.tapes.book_sequence import BookSequence
from bot.adapters.tapes.faults import FaultReason, TapeFaults
from bot.adapters.tapes.guard import Guard
from bot.adapters.tapes.layout import head_lines
from bot.adapters.tapes.markets import Markets
from bot.adapters.tapes.messages import DECODERS, Message, read_envelope
from bot.adapters.tapes.rows import BadRow
from bot.adapters.tapes.source import files_of
from bot.domain.market import BookUpdate, MarketEvent
from bot.domain.scale import NS_PER_MINUTE

_HEAD_LINES = 20                     # a recorder writes a line or two of its own first
# Streams of one connection overtake each other by milliseconds; a minute is another recording.
_BACKWARDS_MAX = NS_PER_MINUTE
_NUMBERED = frozenset({"trade", "aggTrade", "bookTicker"})
_TRADE_STREAMS = frozenset({"trade", "aggTrade"})


def is_capture(path: Path) -> bool:
    """Return whether the first lines hold a venue's messages."""
    for line in head_lines(path)[:_HEAD_LINES]:
        try:
            _, parsed = _split(line.decode("utf-8", "replace"))
            if any(message.name in DECODERS for message in read_envelope(parsed)):
                return True
        except (BadRow, KeyError, TypeError):
            continue
    return False


def read_capture(path: Path, markets: Markets, faults: TapeFaults) -> Iterator[MarketEvent]:
    """Yield the facts in the order in which they were received; books by the rule of ``book_sequence``.

    ``now`` is when the line was received, else the venue's time, and never earlier than the line before.
    """
    reader = _CaptureReader(markets, faults)
    files = files_of(path)
    for file in files:
        faults.file = file.name if len(files) > 1 else ""
        for block in read_blocks(file):
            for line, text in enumerate(block.text.decode("utf-8", "replace").split("\n"), block.line):
                if text and not text.isspace():
                    yield from reader.facts(line, text)
    reader.end()


def _split(text: str) -> tuple[int | None, Any]:
    """Return when a line was received and its JSON; raises BadRow."""
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start < 0:
        raise BadRow(FaultReason.MESSAGE_INVALID)
    words = text[:start].rstrip(": ").split()
    try:
        return rows.time_of(words[-1]) if words else None, msgspec.json.decode(text[start:])
    except msgspec.DecodeError:
        raise BadRow(FaultReason.MESSAGE_INVALID) from None


class _CaptureReader:
    """Remembers the time, each book's last number, the numbers of trades and quotes, and the last prices."""

    def __init__(self, markets: Markets, faults: TapeFaults) -> None:
        self._markets = markets
        self._faults = faults
        self._guard = Guard()
        self._now = 0
        self._market = ""                                # of the last message that named one
        self._is_alone = True                            # no other was named so far
        self._books: dict[int, BookSequence] = {}
        self._numbers: dict[tuple[int, str], int] = {}
        self._trade_stream: dict[int, str] = {}          # trades and aggregate trades are the same trades twice

    def facts(self, line: int, text: str) -> list[MarketEvent]:
        """Return the facts of one line, none when it is bad."""
        found: list[MarketEvent] = []
        try:
            received, parsed = _split(text)
            for message in read_envelope(parsed):
                found += self._take(message, received)
        except BadRow as bad:
            self._faults.add(line, bad.reason, text)
        except (KeyError, TypeError, ValueError, IndexError):    # what its kind should have is not there
            self._faults.add(line, FaultReason.MESSAGE_INVALID, text)
        return found

    def end(self) -> None:
        """Tell the faults what became of the books."""
        for book in self._books.values():
            book.end()
            self._faults.book_gaps += book.gaps
            self._faults.count(FaultReason.BOOK_UNANCHORED, book.dropped)
            self._faults.count(FaultReason.DUPLICATE, book.repeated)

    def _take(self, message: Message, received: int | None) -> tuple[MarketEvent, ...]:
        decode = DECODERS.get(message.name)
        if decode is None:
            raise BadRow(FaultReason.NO_FACT)
        target = self._markets.find(self._market_of(message))
        if target is None:
            return ()
        now, stamp = self._time(message, received)
        self._refuse_repetition(message, target.instrument)
        found = decode(message, target, now, stamp)
        for fact in found:
            self._guard.check(fact)
        self._now = now
        fact = found[0]
        if isinstance(fact, BookUpdate):
            book = self._books.setdefault(target.instrument, BookSequence())
            return book.snapshot(fact) if fact.is_snapshot else book.change(fact)
        return found

    def _market_of(self, message: Message) -> str:
        if message.market:
            self._is_alone = self._is_alone and self._market in ("", message.market)
            self._market = message.market
        elif not self._is_alone or not self._market:     # the REST snapshot of spot has no name
            raise BadRow(FaultReason.SYMBOL_MISSING)
        return self._market

    def _time(self, message: Message, received: int | None) -> tuple[int, int]:
        stamp = message.stamp if message.stamp is not None else received if received is not None else self._now
        now = received if received is not None else stamp
        if not now:
            raise BadRow(FaultReason.STAMP_MISSING)
        if now < self._now - _BACKWARDS_MAX:
            raise BadRow(FaultReason.STAMP_BACKWARDS)
        return rows.plausible(max(now, self._now)), rows.plausible(stamp)

    def _refuse_repetition(self, message: Message, instrument: int) -> None:
        name = message.name
        if name in _TRADE_STREAMS and self._trade_stream.setdefault(instrument, name) != name:
            raise BadRow(FaultReason.NO_FACT)
        if name in _NUMBERED and message.number:
            if message.number <= self._numbers.get((instrument, name), 0):
                raise BadRow(FaultReason.DUPLICATE)
            self._numbers[instrument, name] = message.number
