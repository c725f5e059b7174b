"""The venue's margin calls: until when one stands.

A call stands from the venue's word on, and falls when the account's ``margin_call_grace`` has passed without
another: the venue repeats it while the account is near liquidation, and never says that it is over.
"""

from __future__ import annotations

from bot.domain.events import MarginCall
from bot.engine.measures.layout import Layout
from bot.engine.record.book import Book


def called_at(fact: MarginCall) -> int:
    """Return the time, ns, that a call is of: the venue's, and never later than ours."""
    return min(fact.stamp, fact.now)


def stands_until(layout: Layout, book: Book, account: int) -> int | None:
    """Return the end, ns, of an account's newest margin call, passed or not; None when there never was one."""
    called = book.accounts[account].margin_called
    return None if called is None else called + layout.accounts[account].margin_call_grace


def is_standing(layout: Layout, book: Book, account: int) -> bool:
    """True while an account's margin call stands, at the book's time; at its end it does no more."""
    end = stands_until(layout, book, account)
    return end is not None and book.now < end
