"""What the book knows of open orders that are not ours, and which of them an emergency or a rule wants gone."""

from __future__ import annotations

from bot.domain.account import PositionKey
from bot.domain.goal import Goal, GoalKind
from bot.domain.names import parse_name
from bot.domain.open_order import OpenOrder, opening
from bot.engine.record.book import Book, Episode


def foreign_orders(book: Book, marker: str, account: int) -> list[OpenOrder]:
    """Return the open orders of an account that do not bear our names, as the venue listed them."""
    return [order for order in book.accounts[account].open_orders.values() if parse_name(marker, order.name) is None]


def opening_of(book: Book, orders: list[OpenOrder]) -> list[OpenOrder]:
    """Return those of an account's orders that could make a position larger."""
    by_key: dict[PositionKey, list[OpenOrder]] = {}
    for order in orders:
        by_key.setdefault(order.key, []).append(order)
    found: list[OpenOrder] = []
    for key, own in by_key.items():
        position = book.layout.position_index.get(key)
        found += opening(own, held=0 if position is None else book.quantity[position])
    return found


def wanted_gone(book: Book, marker: str, episode: Episode) -> list[OpenOrder]:
    """Return the orders that an episode whose goal is to cancel has left: of its account, or of its market."""
    orders = foreign_orders(book, marker, episode.element.account)
    key = episode.element.key
    found = orders if episode.goal.kind is GoalKind.CANCEL_ALL else opening_of(book, orders)
    return [order for order in found if key is None or order.key.instrument == key.instrument]


def is_of_cancels(goal: Goal) -> bool:
    """True of a goal that is about other people's orders, and sells nothing."""
    return goal.kind in (GoalKind.CANCEL_OPENING, GoalKind.CANCEL_ALL)
