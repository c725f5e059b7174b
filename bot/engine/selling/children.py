"""From a quantity and a price to an order: named, put through the gate, recorded either way."""

from __future__ import annotations

import msgspec

from bot.domain.denials import Denied
from bot.domain.effects import PlaceOrder, RaiseAlarm, RecordDenial
from bot.domain.names import child_name
from bot.domain.order import OrderClass, OrderRequest, TimeInForce
from bot.engine.controls.sizes import survival_sent
from bot.engine.deciding.duties import class_of
from bot.engine.desk import Desk
from bot.engine.gate import Gate
from bot.engine.record.book import Parent


class Ask(msgspec.Struct, frozen=True):
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
            reduce_only=not parent.is_hedge,
            order_class=class_of(parent),
            good_until=ask.good_until,
        )
        verdict = self.gate.judge(request, now)
        if isinstance(verdict, Denied):
            is_news = parent.denied != verdict.code.name     # asked again each second, told of once
            desk.emit(RecordDenial(request, verdict.code, verdict.detail, now))
            if is_news:
                desk.emit(RaiseAlarm("order_denied", f"{verdict.code.name}: {verdict.detail}", now))
            return False
        desk.emit(PlaceOrder(verdict, parent.name, parent.next_child, now))
        self._tell_of_pace(request, now)
        return True

    def _tell_of_pace(self, request: OrderRequest, now: int) -> None:
        """Tell a person once an hour that survival sends more than anything else might; it goes on (C6)."""
        most = self.desk.limits.orders_per_hour_max
        sent = survival_sent(self.desk.book.accounts[request.key.account], now)
        if request.order_class is OrderClass.MARGIN and sent == most:
            name = self.desk.layout.accounts[request.key.account].name
            detail = f"{name}: {sent} orders of the margin class in this hour, as many as others may; it goes on"
            self.desk.emit(RaiseAlarm("orders_above_max", detail, now))
