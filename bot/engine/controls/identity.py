"""Which order it is: its name is reserved and new, and it is not another one sent twice (C9)."""

from __future__ import annotations

from bot.domain.denials import DenialCode, Denied
from bot.domain.names import NAME_LENGTH_MAX, child_name, parent_of
from bot.domain.scale import NS_PER_SECOND
from bot.engine.controls.case import Case


def name(case: Case) -> Denied | None:
    """The name must lie in a durable reservation and be new (I6, I8)."""
    name = case.request.name
    parent = parent_of(name)
    reservation = case.book.reservations.get(parent)
    if len(name) > NAME_LENGTH_MAX or reservation is None or name >= child_name(parent, reservation.end):
        return Denied(DenialCode.NAME_NOT_RESERVED, f"order {name}: its name was not reserved")
    if reservation.key != case.request.key or reservation.side is not case.request.side:
        return Denied(DenialCode.NAME_NOT_RESERVED, f"order {name}: its name is reserved for another order")
    known = case.book.parents.get(parent)
    line = case.book.stop_lines[case.position]
    next_child = line.next_child if line.parent == parent else 0 if known is None else known.next_child
    if name < child_name(parent, next_child) or name in case.book.orders:
        return Denied(DenialCode.NAME_REUSED, f"order {name}: an order of this name was sent before")
    return None


def duplicate(case: Case) -> Denied | None:
    """The slices of one parent may look alike; two parents that ask for the same at once are one too many."""
    last = case.book.last_sent[case.position]
    request = case.request
    if case.is_survival or last is None or case.now - last.at >= case.limits.duplicate_window:
        return None
    same = (last.side, last.quantity, last.price) == (request.side, request.quantity, request.limit_price)
    if not same or last.parent == parent_of(request.name):
        return None
    return case.deny(
        DenialCode.ORDER_DUPLICATED,
        f"{last.parent} sent the same {(case.now - last.at) / NS_PER_SECOND:g} s ago",
    )
