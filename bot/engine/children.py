"""From a quantity and a price to an order: named, put through the gate, recorded either way."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.denials import Denied
from bot.domain.effects import PlaceOrder, RaiseAlarm, RecordDenial
from bot.domain.names import child_name
from bot.domain.order import OrderRequest, TimeInForce
from bot.engine.book import Parent
from bot.engine.desk import Desk
from bot.engine.duties import class_of
from bot.engine.gate import Gate


@dataclass(frozen=True, slots=True)
class Ask:
    """What a child is to do; ``good_until`` makes it rest, post-only, until then (ns)."""

    quantity: int
    limit_price: int
    good_until: int | None = None


class Children:
    """Sends the children of one engine's parents."""

    def __init__(self, desk: Desk, gate: Gate) -> None:
        self.desk = desk
        self.gate = gate

    def place(self, parent: Parent, ask: Ask, now: int) -> bool:
        """Put one child through the gate; return whether it passed."""
        desk = self.desk
        request = OrderRequest(
            name=child_name(parent.name, parent.next_child),
            key=desk.layout.keys[parent.position],
            side=parent.side,
            quantity=ask.quantity,
            limit_price=ask.limit_price,
            time_in_force=TimeInForce.IOC if ask.good_until is None else TimeInForce.POST_ONLY,
            reduce_only=True,
            order_class=class_of(parent),
            good_until=ask.good_until,
        )
        verdict = self.gate.judge(request, now)
        if isinstance(verdict, Denied):
            desk.emit(RecordDenial(request, verdict.code, verdict.detail, now))
            desk.emit(RaiseAlarm("order_denied", verdict.detail, now))
            return False
        desk.emit(PlaceOrder(verdict, parent.name, parent.next_child, now))
        return True
