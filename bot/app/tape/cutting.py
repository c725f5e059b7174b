"""A stretch of a tape that can be replayed by itself: its book begins with a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.adapters.tapes.kinds import TapeFact
from bot.adapters.tapes.rows import BadRow, date
from bot.domain.errors import InputError
from bot.domain.market import BookUpdate


def read_time(flag: str, text: str | None) -> int | None:
    """Return a time written as 2020-03-12T10:44:00Z, UTC when it has no zone; raises InputError."""
    if text is None:
        return None
    try:
        return date(text)
    except BadRow:
        raise InputError(f"{flag}: is no time, was {text!r}; write 2020-03-12T10:44:00Z") from None


def cut(facts: Iterable[TapeFact], start: int | None, end: int | None) -> Iterator[TapeFact]:
    """Yield the facts from ``start`` to before ``end``; the changes of a book before it become one snapshot at it."""
    book: _Book | None = None
    for fact in facts:
        if end is not None and fact.now >= end:
            return
        if start is not None and fact.now < start:
            if isinstance(fact, BookUpdate):
                book = _Book() if book is None else book
                book.fold(fact)
            continue
        if book is not None and start is not None:
            snapshot = book.snapshot(start)
            book = None
            if snapshot is not None:
                yield snapshot
        yield fact


class _Book:
    """The levels of a book, price -> quantity."""

    def __init__(self) -> None:
        self._last: BookUpdate | None = None
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}

    def fold(self, update: BookUpdate) -> None:
        if update.is_snapshot:
            self._bids.clear()
            self._asks.clear()
        elif self._last is None:
            return                       # nobody knows the rest of the book
        for side, changes in ((self._bids, update.bids), (self._asks, update.asks)):
            for price, quantity in changes:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)
        self._last = update

    def snapshot(self, now: int) -> BookUpdate | None:
        if self._last is None:
            return None
        return BookUpdate(
            now, self._last.stamp, self._last.instrument, tuple(sorted(self._bids.items(), reverse=True)),
            tuple(sorted(self._asks.items())), True, 0, self._last.last,
        )
