"""Children that should have died by now: what became of them is asked again and again until it is known."""

from __future__ import annotations

from bot.domain.effects import LookUpOrder
from bot.domain.order import OrderStatus
from bot.engine.desk import Desk
from bot.engine.record.absence import WITNESSES_APART
from bot.engine.record.book import Order


def look_up_overdue(desk: Desk, account: int, now: int) -> None:
    """Ask the venue for every order of an account that is overdue, and be woken for the next one."""
    for order in list(desk.book.orders.values()):
        if desk.layout.keys[order.position].account != account:
            continue
        overdue = max(order.asked, order.absent_since or 0, _rests_until(order)) + WITNESSES_APART
        if now >= overdue:
            desk.emit(LookUpOrder(account, order.name, now))
            overdue = now + WITNESSES_APART
        desk.timers.set(account, overdue)


def _rests_until(order: Order) -> int:
    """Return when an order that the venue has taken dies by itself, or 0 of one whose end is due already."""
    is_at_rest = order.status is OrderStatus.WORKING and order.cancel_asked is None
    return order.good_until or 0 if is_at_rest else 0
