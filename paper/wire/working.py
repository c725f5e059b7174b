"""Orders that were sent: cancel, query, list. Conditional ones have endpoints of their own (``paper.wire.algo``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from paper.adl import NAME_PREFIX as DELEVERAGED
from paper.liquidation import NAME_PREFIX as LIQUIDATED
from paper.messages import CancelRequest
from paper.wire.contracts import Contract
from paper.wire.floor import Call, Floor
from paper.wire.params import Params
from paper.wire.refusals import Refused, missing, no_such_order, unknown_order
from paper.wire.register import Algo, Order, order_row, placed_row, trade_row
from paper.wire.values import Json

DONE_ALL = "The operation of cancel all open order is done."
TRADES_MOST = 1_000
Numbered = TypeVar("Numbered", Order, Algo)


def cancel(floor: Floor, call: Call) -> Json:
    """End an open order."""
    order = wanted(floor, call, unknown_order())
    cancel_order(floor, call.account, order)
    return placed_row(order)


def cancel_order(floor: Floor, account: int, order: Order) -> None:
    """End an open order; refuse when it is not open any more."""
    if not order.is_open:
        raise unknown_order()
    floor.tell(CancelRequest(account, order.core))


def cancel_all(floor: Floor, call: Call) -> Json:
    """End all open orders of a symbol; conditional ones stay."""
    end_all(floor, call.account, floor.contracts.asked(call.params))
    return {"code": 200, "msg": DONE_ALL}


def end_all(floor: Floor, account: int, contract: Contract) -> None:
    """End the account's open orders of a contract."""
    for order in [*floor.register.shelf(account).open.values()]:
        if order.terms.contract is contract and order.is_open:
            floor.tell(CancelRequest(account, order.core))


def query(floor: Floor, call: Call) -> Json:
    """Show an order, whatever has become of it."""
    return order_row(wanted(floor, call, no_such_order()))


def query_open(floor: Floor, call: Call) -> Json:
    """Show an order that is open."""
    order = wanted(floor, call, no_such_order())
    if not order.is_open:
        raise no_such_order()
    return order_row(order)


def list_open(floor: Floor, call: Call) -> Json:
    """Show all open orders, of one symbol or of all."""
    contracts = floor.contracts.asked_or_all(call.params)
    return [
        order_row(order) for order in floor.register.shelf(call.account).open.values()
        if order.terms.contract in contracts
    ]


def list_all(floor: Floor, call: Call) -> Json:
    """Show the orders of a symbol, from an order id or a time on, oldest first."""
    orders = floor.register.shelf(call.account).orders.values()
    return [order_row(order) for order in page_of(orders, "orderId", floor, call.params)]


def page_of(
    numbered: Iterable[Numbered], number_name: str, floor: Floor, params: Params
) -> list[Numbered]:
    """Return what is asked for of a symbol: the first ones from a number or a time on, else the last ones."""
    contract = floor.contracts.asked(params)
    start, end = params.moment("startTime", 0), params.moment("endTime", floor.now)
    first = params.whole_or(number_name, 0)
    found = [
        each for each in numbered
        if each.terms.contract is contract and each.number >= first and start <= each.created <= end
    ]
    limit = params.limit(500, 1_000)
    return found[:limit] if first or start else found[-limit:]


def list_trades(floor: Floor, call: Call) -> Json:
    """Show the account's trades of a symbol, oldest first: of an order, from a trade id, or from a time on."""
    contract, params = floor.contracts.asked(call.params), call.params
    start, end = params.moment("startTime", 0), params.moment("endTime", floor.now)
    first, only = params.whole_or("fromId", 0), params.whole_or("orderId", 0)
    found = [
        (fill.number, trade_row(order, fill))
        for order in floor.register.shelf(call.account).orders.values()
        if order.terms.contract is contract and (not only or order.number == only)
        for fill in order.fills
        if fill.number >= first and start <= fill.at <= end
    ]
    found.sort(key=lambda pair: pair[0])
    limit = params.limit(500, TRADES_MOST)
    chosen = found[:limit] if first or start else found[-limit:]
    return [row for _, row in chosen]


def list_forced(floor: Floor, call: Call) -> Json:
    """Show the venue's own orders against the account: liquidation and ADL."""
    contracts = floor.contracts.asked_or_all(call.params)
    kinds = {"LIQUIDATION": (LIQUIDATED,), "ADL": (DELEVERAGED,)}
    prefixes = kinds.get(call.params.text_or("autoCloseType", ""), (LIQUIDATED, DELEVERAGED))
    found = [
        order_row(order) for order in floor.register.shelf(call.account).orders.values()
        if order.terms.contract in contracts and order.core.startswith(prefixes)
    ]
    return found[-call.params.limit(50, 100):]


def wanted(floor: Floor, call: Call, unknown: Refused) -> Order:
    """Return the order that is named by its number or by the client's id."""
    contract, shelf = floor.contracts.asked(call.params), floor.register.shelf(call.account)
    found = _by_either(shelf.orders, shelf.by_client, call.params)
    if found is None or found.terms.contract is not contract:
        raise unknown
    return found


def _by_either(orders: dict[int, Order], by_client: dict[str, Order], params: Params) -> Order | None:
    if params.has("orderId"):
        return orders.get(params.whole("orderId"))
    if params.has("origClientOrderId"):
        return by_client.get(params.text("origClientOrderId"))
    raise missing("origClientOrderId")
