"""Re-fold: the newest checkpoint, then every later fact and effect, decided nothing anew."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.effects import Effect
from bot.domain.events import AccountFact
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.fold import fold


def refold(layout: Layout, base: bytes | None, record: Iterable[tuple[int, AccountFact | Effect]]) -> Book:
    """Return the book after folding ``record`` on top of a checkpoint, or of nothing.

    ``record`` holds only what came after the checkpoint, in order.
    """
    book = Book.empty(layout) if base is None else checkpoint.load(base, layout)
    for seq, item in record:
        fold(book, item)
        book.seq = max(book.seq, seq)
        book.now = max(book.now, getattr(item, "now", book.now))
    return book
