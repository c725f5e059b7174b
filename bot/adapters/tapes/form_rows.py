"""The rows of a form as facts, in file order, one file or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.adapters.tapes import facts, rows
from bot.adapters.tapes.blocks import read_blocks
from bot.adapters.tapes.facts import Row, gathered
from bot.adapters.tapes.faults import FaultReason, TapeFaults
from bot.adapters.tapes.forms import FormAt, find_form
from bot.adapters.tapes.guard import Guard
from bot.adapters.tapes.markets import Markets
from bot.adapters.tapes.rows import BadRow
from bot.adapters.tapes.source import TapeKind, files_of
from bot.domain.errors import InputError
from bot.domain.market import BookUpdate, MarketEvent

# Two trades without a number may well be equal; two equal changes of a book do no harm.
_SEEN_MAX = 10_000                   # rows of one moment looked at for repetition
_MAY_REPEAT = (TapeKind.TRADES, TapeKind.BOOK)


def read_form(path: Path, first: FormAt, markets: Markets, faults: TapeFaults) -> Iterator[MarketEvent]:
    """Yield the facts of the rows; ``now`` is when the recorder received them, where the file says it.

    Rows must be in time order. Raises InputError when a file of the folder has another form.
    """
    reader = _FormReader(first, markets, faults)
    files = files_of(path)
    for file in files:
        if len(files) > 1:
            faults.file = file.name
            reader.turn_to(find_form(file, first.form.kind), file)
        found = reader.facts(file)
        yield from _messages(found) if first.form.decode is facts.book_change else found


def _messages(changes: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
    held: BookUpdate | None = None
    for change in changes:
        if not isinstance(change, BookUpdate):
            continue
        both = gathered(held, change) if held is not None else change
        if both is None and held is not None:
            yield held
        held = change if both is None else both
    if held is not None:
        yield held


class _FormReader:
    """Remembers of the past the time, the rows of that very time, and the last prices."""

    def __init__(self, form_at: FormAt, markets: Markets, faults: TapeFaults) -> None:
        self._form_at = form_at
        self._markets = markets
        self._faults = faults
        self._guard = Guard()
        self._now = 0
        self._seen: set[str] = set()     # at ``_now``

    def turn_to(self, form_at: FormAt | None, path: Path) -> None:
        if form_at is None or form_at.form is not self._form_at.form:
            raise InputError(f"tape {path}: is not {self._form_at.form.name} as the files before; keep them apart")
        self._form_at = form_at

    def facts(self, path: Path) -> Iterator[MarketEvent]:
        header_due = self._form_at.has_header
        for block in read_blocks(path):
            for line, text in enumerate(block.text.decode("latin-1").split("\n"), block.line):
                if not text.strip():
                    continue
                if header_due:
                    header_due = False
                    continue
                try:
                    found = self._row(text)
                except BadRow as bad:
                    self._faults.add(line, bad.reason, text)
                else:
                    yield from found

    def _row(self, text: str) -> tuple[MarketEvent, ...]:
        at, form = self._form_at.at, self._form_at.form
        fields = [field.strip(' "') for field in text.split(",")]
        if len(fields) != self._form_at.columns:
            raise BadRow(FaultReason.COLUMNS_WRONG)
        symbol = at.get("symbol")
        target = self._markets.find("" if symbol is None else fields[symbol])
        if target is None:
            return ()
        stamp = rows.time_of(fields[at["stamp"]])
        received = at.get("received")
        now = stamp if received is None or not fields[received] else rows.time_of(fields[received])
        if now < self._now:
            raise BadRow(FaultReason.STAMP_BACKWARDS)
        number = at.get("id")
        key = fields[number] if number is not None else "" if form.kind in _MAY_REPEAT else text
        if now == self._now and key in self._seen:
            raise BadRow(FaultReason.DUPLICATE)
        found = form.decode(Row(at, fields, target, now=now, stamp=stamp))
        for fact in found:
            self._guard.check(fact)
        if now != self._now:
            self._now = now
            self._seen.clear()
        if key and len(self._seen) < _SEEN_MAX:
            self._seen.add(key)
        return found
