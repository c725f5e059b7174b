"""Fold what the venue tells of a parent whose fire was lost with its process. Called by ``fold`` alone."""

from __future__ import annotations

from bot.domain.events import OrderFilled
from bot.engine.record.book import Book, LostParent, Reservation


def lose_parent(book: Book, reservation: Reservation, *, now: int) -> None:
    """Give up the reservation of a parent that may have begun and that no record knows; remember what is heard of it.

    What an earlier one sold, for which nothing was planned yet, is not forgotten: the process may die twice.
    """
    del book.reservations[reservation.parent]
    position = book.layout.position(reservation.key)
    book.reserved_for[position] = None
    older = book.lost.get(position)
    lost = book.lost[position] = LostParent(reservation.parent, position, reservation.side, now)
    if older is not None and older.filled and older.side is lost.side:
        lost.heard, lost.filled = older.heard, older.filled


def credit_lost(book: Book, fact: OrderFilled) -> None:
    """Count a fill of ours that no parent is credited with, where it is one of a lost parent's."""
    lost = book.lost.get(book.layout.position(fact.key))
    if lost is not None and fact.name.startswith(lost.parent):
        lost.filled += fact.quantity
