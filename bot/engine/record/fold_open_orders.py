"""Fold what the venue tells of open orders besides our own. Part of ``bot.engine.record.fold``, called from there only.

The book keeps the venue's list: a snapshot replaces it, what is told between two changes it. What comes late, numbered
before what was already taken, would bring back an order that is gone: it is left out, and a snapshot is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.domain.events import AccountSnapshot, OpenOrderGone, OpenOrderSeen
from bot.domain.open_order import CancelForeignOrder
from bot.engine.record.book import AccountBook, Book
from bot.engine.record.heard import hear


def is_late(account: AccountBook, fact: OpenOrderSeen | OpenOrderGone) -> bool:
    """True of what the list is newer than; nothing is where the venue counts nothing."""
    return 0 < fact.number <= account.orders_through


def take_list(account: AccountBook, fact: AccountSnapshot) -> None:
    """Take all orders that a snapshot lists, unless it lists none or something newer was told since."""
    if fact.orders is None or 0 < fact.number < account.orders_through:
        return
    account.orders_through = max(account.orders_through, fact.number)
    account.open_orders = {order.venue_id: order for order in fact.orders}
    account.cancels_asked = {
        venue_id: at for venue_id, at in account.cancels_asked.items() if venue_id in account.open_orders
    }


def _seen(book: Book, fact: OpenOrderSeen) -> None:
    account = book.accounts[fact.account]
    if hear(account, fact.number) and not is_late(account, fact):
        account.orders_through = max(account.orders_through, fact.number)
        account.open_orders[fact.order.venue_id] = fact.order


def _gone(book: Book, fact: OpenOrderGone) -> None:
    account = book.accounts[fact.account]
    if hear(account, fact.number) and not is_late(account, fact):
        account.orders_through = max(account.orders_through, fact.number)
        account.open_orders.pop(fact.venue_id, None)
        account.cancels_asked.pop(fact.venue_id, None)


def _cancel_foreign_order(book: Book, effect: CancelForeignOrder) -> None:
    """Note that it was asked; the order is open until the venue has said that it is not."""
    account = book.accounts[effect.account]
    account.sends.append(effect.now)
    account.cancels_asked[effect.order.venue_id] = effect.now


OPEN_ORDER_FOLDERS: dict[type, Callable[[Book, Any], None]] = {
    OpenOrderSeen: _seen,
    OpenOrderGone: _gone,
    CancelForeignOrder: _cancel_foreign_order,
}
