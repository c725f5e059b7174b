"""Open orders at Binance as the engine lists them, whoever sent them: from the pages and from the stream.

Conditional orders count from numbers of their own, which may be those of ordinary ones: they are told apart by what
stands before the number in the venue's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.replies import Row
from bot.domain.instrument import Instrument
from bot.domain.open_order import OpenOrder
from bot.domain.order import Side
from bot.domain.scale import to_fixed

CONDITIONAL = "algo"                 # before the number of a conditional order


def of_pages(orders: Sequence[Row], conditionals: Sequence[Row], view: AccountView) -> Iterator[OpenOrder]:
    """Yield the orders of both pages that are in configured markets; raises what reading a wrong shape raises."""
    for row in orders:
        instrument = view.instruments.get(str(row["symbol"]))
        if instrument is not None:
            leaves = _quantity(row["origQty"], instrument) - _quantity(row["executedQty"], instrument)
            yield _open(row, view, instrument, str(row["orderId"]), str(row["clientOrderId"]), leaves)
    for row in conditionals:
        instrument = view.instruments.get(str(row["symbol"]))
        if instrument is not None:
            leaves = _quantity(row["quantity"], instrument)
            identity = str(row["clientAlgoId"])
            yield _open(row, view, instrument, f"{CONDITIONAL}{row['algoId']}", identity, leaves)


def of_event(order: Row, view: AccountView, instrument: Instrument) -> OpenOrder:
    """Return the open order of an ORDER_TRADE_UPDATE; raises as above."""
    leaves = _quantity(order["q"], instrument) - _quantity(order["z"], instrument)
    return _open(_long(order), view, instrument, str(order["i"]), str(order["c"]), leaves)


def of_conditional_event(order: Row, view: AccountView, instrument: Instrument) -> OpenOrder:
    """Return the waiting order of an ALGO_UPDATE; raises as above."""
    leaves = _quantity(order["q"], instrument)
    row = _long(order) | {"triggerPrice": order["tp"]}
    return _open(row, view, instrument, f"{CONDITIONAL}{order['aid']}", str(order["caid"]), leaves)


def _long(order: Row) -> dict[str, Any]:
    """Return an event's order by the pages' names."""
    return {
        "side": order["S"], "positionSide": order["ps"], "price": order["p"], "reduceOnly": order["R"],
        "closePosition": order.get("cp", False),
    }


def _open(
    row: Row, view: AccountView, instrument: Instrument, venue_id: str, identity: str, leaves: int
) -> OpenOrder:
    price = to_fixed(str(row["price"]), instrument.price_digits)
    trigger = to_fixed(str(row.get("triggerPrice") or "0"), instrument.price_digits)
    return OpenOrder(
        venue_id=venue_id,
        name=view.name_of(identity),
        key=view.key(instrument, str(row["positionSide"])),
        side=Side(str(row["side"]).lower()),
        leaves=leaves,
        limit_price=price or None,
        trigger_price=trigger or None,
        reduce_only=row["reduceOnly"] is True or row.get("closePosition") is True,
    )


def _quantity(value: object, instrument: Instrument) -> int:
    return to_fixed(str(value), instrument.quantity_digits)
