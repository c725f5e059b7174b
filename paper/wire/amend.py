"""A resting limit order with another price or quantity: PUT /fapi/v1/order.

The order keeps its number and its client id. At the core venue it is a new one, so it loses its place in the queue
whatever is changed; the venue's page leaves it its place where only the quantity falls. When the change is refused
the order stays as it was, at the end of its queue.

Source: Binance USDⓈ-M futures API, "Modify Order", read 2026-11.
"""

from __future__ import annotations

from bot.domain.copying import replace
from bot.domain.order import OrderRequest
from paper.messages import CancelRequest, SubmitOrder
from paper.wire.floor import Call, Floor
from paper.wire.place import BAD_SIDE, SIDES, read_price, read_quantity, require_taken
from paper.wire.refusals import Refused, answer_of, no_such_order
from paper.wire.register import Order, placed_row
from paper.wire.values import Json
from paper.wire.working import cancel_order, wanted


def amend(floor: Floor, call: Call) -> Json:
    """Change an open limit order; one that has filled as much as it is to be is ended."""
    order = wanted(floor, call, no_such_order())
    resting = floor.account(call.account).resting.get(order.core)
    if not order.is_open or resting is None:
        raise no_such_order()
    params, contract = call.params, order.terms.contract
    if params.one_of("side", SIDES, BAD_SIDE) is not resting.request.side:
        raise answer_of(BAD_SIDE)
    price, quantity = read_price(contract, params, "price"), read_quantity(contract, params)
    if (price, quantity) == (order.terms.price, order.terms.quantity):
        raise Refused(-5027, "No need to modify the order.")
    if quantity <= order.filled:
        cancel_order(floor, call.account, order)
        return placed_row(order)
    before, terms = replace(resting.request, quantity=resting.leaves), order.terms
    floor.register.rename(order, None)       # so that the end of its old self is nobody's
    floor.tell(CancelRequest(call.account, resting.request.name))
    order.terms = replace(terms, price=price, quantity=quantity)
    order.updated = floor.now
    try:
        _send(floor, order, replace(before, limit_price=price, quantity=quantity - order.filled), "AMENDMENT")
    except Refused:
        order.terms = terms
        _restore(floor, call.account, order, before)
        raise
    return placed_row(order)


def _restore(floor: Floor, account: int, order: Order, before: OrderRequest) -> None:
    """Send an order again as it was; a post-only one that would take by now has expired."""
    try:
        _send(floor, order, before, "")
    except Refused:
        floor.reports.turn(account, order, "EXPIRED", now=floor.now)


def _send(floor: Floor, order: Order, request: OrderRequest, accepted_as: str) -> None:
    """Send an order to the core venue under a new name; ``accepted_as`` is what its stream calls that."""
    name = floor.next_name()
    floor.register.rename(order, name)
    order.accepted_as = accepted_as
    require_taken(floor.tell(SubmitOrder(replace(request, name=name))), name)
