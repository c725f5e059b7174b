"""Several orders in one request: up to 5 new ones, up to 10 cancelled. Each succeeds or fails by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from paper.wire.floor import Call, Floor
from paper.wire.params import Params
from paper.wire.place import batch_answer, submit
from paper.wire.refusals import Refused, malformed, missing, unknown_order
from paper.wire.register import Order, placed_row
from paper.wire.values import Json
from paper.wire.working import cancel_order

NEW_MOST = 5
CANCELLED_MOST = 10


def place(floor: Floor, call: Call) -> Json:
    """Take several new orders: POST /fapi/v1/batchOrders."""
    orders = _list(call.params, "batchOrders", NEW_MOST)
    return [_each(partial(_submit, floor, call.account, each)) for each in orders]


def cancel(floor: Floor, call: Call) -> Json:
    """End several orders of a symbol, by their numbers or by client ids: DELETE /fapi/v1/batchOrders."""
    contract, shelf, params = floor.contracts.asked(call.params), floor.register.shelf(call.account), call.params
    if params.has("orderIdList"):
        found = [shelf.orders.get(_number(each)) for each in _list(params, "orderIdList", CANCELLED_MOST)]
    elif params.has("origClientOrderIdList"):
        names = _list(params, "origClientOrderIdList", CANCELLED_MOST)
        found = [shelf.by_client.get(str(each)) for each in names]
    else:
        raise missing("orderIdList")

    def end(order: Order | None) -> Order:
        if order is None or order.terms.contract is not contract:
            raise unknown_order()
        cancel_order(floor, call.account, order)
        return order

    return [_each(partial(end, order)) for order in found]


def _submit(floor: Floor, account: int, order: object) -> Order:
    return submit(floor, account, _params(order))


def _each(act: Callable[[], Order]) -> Json:
    try:
        return placed_row(act())
    except Refused as refused:
        return batch_answer(refused)


def _list(params: Params, name: str, most: int) -> list[object]:
    try:
        found = msgspec.json.decode(params.text(name))
    except msgspec.DecodeError as error:
        raise malformed(name, "a JSON list") from error
    if not isinstance(found, list) or not 1 <= len(found) <= most:
        raise Refused(-4082, f"Invalid number of batch place orders; at most {most}.")
    return found


def _params(order: object) -> Params:
    if not isinstance(order, Mapping):
        raise malformed("batchOrders", "a JSON list of objects")
    return Params({str(name): _text(value) for name, value in order.items()})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise malformed("orderIdList", "a JSON list of numbers")
    return value
