"""The register of orders: what became of each, how one ends, and what a client is told of it."""

from __future__ import annotations

import msgspec

from bot.domain.events import (
    FillOrigin,
    OpenOrderGone,
    OpenOrderSeen,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderTriggered,
)
from bot.domain.instrument import TradingState
from bot.domain.open_order import OpenOrder
from bot.domain.order import OrderStatus
from paper.exchange import Exchange
from paper.state import Account, Execution, Order

ENDED_KEPT = 10_000                  # look-ups after a restart reach minutes back, not days


def end(exchange: Exchange, account: Account, order: Order, status: OrderStatus) -> None:
    """End an order that rests, waits or has just been triggered, and say so.

    The venue remembers the last 10,000 of each account.
    """
    order.status = status
    account.resting.pop(order.request.name, None)
    account.conditional.pop(order.request.name, None)
    account.ended[order.request.name] = msgspec.Raw(msgspec.json.encode(order))
    if len(account.ended) > ENDED_KEPT:
        del account.ended[next(iter(account.ended))]
    _report_end(exchange, account, order)


def cancel(exchange: Exchange, account: Account, name: str) -> None:
    """End a resting or waiting order; an ended one is told again as it ended."""
    order = open_order(account, name)
    if order is not None:
        _cancel(exchange, account, order)
        return
    ended = _ended(account, name)
    if ended is None:
        exchange.report(OrderNotFound(exchange.told, account.index, name))
    else:
        _report_end(exchange, account, ended)


def cancel_by_id(exchange: Exchange, account: Account, venue_id: str) -> None:
    """End the open order that the venue calls so, whoever placed it."""
    for order in open_orders(account):
        if str(order.number) == venue_id:
            _cancel(exchange, account, order)
            return
    exchange.report(OpenOrderGone(exchange.told, account.index, venue_id))


def _cancel(exchange: Exchange, account: Account, order: Order) -> None:
    if exchange.markets[order.request.key.instrument].state is TradingState.HALTED:
        report_open(exchange, account, order)        # it is not taken; the order is there still
    else:
        end(exchange, account, order, OrderStatus.CANCELED)


def expire(exchange: Exchange, account: Account, name: str) -> None:
    """End a good-till-date order that still rests or waits."""
    order = open_order(account, name)
    if order is not None:
        end(exchange, account, order, OrderStatus.EXPIRED)


def look_up(exchange: Exchange, account: Account, name: str) -> None:
    """Tell all that is known of an order: every fill again, and whether it rests or how it ended."""
    order = open_order(account, name) or _ended(account, name)
    if order is None:
        exchange.report(OrderNotFound(exchange.told, account.index, name))
        return
    if order.status.can_fill:
        exchange.report(OrderAccepted(exchange.told, account.index, name))
    if order.is_triggered:
        exchange.report(OrderTriggered(exchange.told, account.index, name))
    for execution in order.executions:
        report_fill(exchange, account, order, execution)
    if not order.status.can_fill:
        _report_end(exchange, account, order)


def arrived_since(account: Account, moment: int) -> list[str]:
    """Return the names of the client's orders that arrived at ``moment`` (ns) or later, in the order of arrival."""
    found = open_orders(account)
    found += (msgspec.json.decode(raw, type=Order) for raw in account.ended.values())
    late = [order for order in found if order.arrived >= moment and not order.is_outside]
    return [order.request.name for order in sorted(late, key=lambda order: (order.arrived, order.rank))]


def report_open(exchange: Exchange, account: Account, order: Order) -> None:
    """Tell the account of an order that was taken; of an outsider's again when what it leaves has changed."""
    if order.is_outside:
        exchange.tell(account, OpenOrderSeen(exchange.told, account.index, listed(order)))
    else:
        exchange.report(OrderAccepted(exchange.told, account.index, order.request.name))


def report_trigger(exchange: Exchange, account: Account, order: Order) -> None:
    """Tell the account that an order waits no more."""
    if order.is_outside:
        exchange.tell(account, OpenOrderSeen(exchange.told, account.index, listed(order)))
    else:
        exchange.report(OrderTriggered(exchange.told, account.index, order.request.name))


def report_fill(exchange: Exchange, account: Account, order: Order, execution: Execution) -> None:
    """Tell the account of one trade of an order; of an outsider's as what it is, unasked."""
    fill = OrderFilled(
        now=exchange.told,
        stamp=execution.stamp,
        account=account.index,
        name=order.request.name,
        trade_id=execution.trade_id,
        key=order.request.key,
        side=order.request.side,
        price=execution.price,
        quantity=execution.quantity,
        fee=execution.fee,
        liquidity=execution.liquidity,
        origin=FillOrigin.EXTERNAL if order.is_outside else FillOrigin.OURS,
        modelled=execution.modelled,
    )
    if not order.is_outside:
        exchange.report(fill)
        return
    exchange.tell(account, fill)
    if order.leaves:
        report_open(exchange, account, order)


def listed(order: Order) -> OpenOrder:
    """Return an open order as the venue lists it."""
    request = order.request
    return OpenOrder(
        venue_id=str(order.number),
        name=request.name,
        key=request.key,
        side=request.side,
        leaves=order.leaves,
        limit_price=request.limit_price,
        trigger_price=None if order.is_triggered else request.trigger_price,
        reduce_only=request.reduce_only,
    )


def open_orders(account: Account) -> list[Order]:
    """Return what rests, then what waits for its trigger."""
    return [*account.resting.values(), *account.conditional.values()]


def open_order(account: Account, name: str) -> Order | None:
    """Return the order of that name that rests or waits for its trigger, or None."""
    return account.resting.get(name) or account.conditional.get(name)


def _ended(account: Account, name: str) -> Order | None:
    raw = account.ended.get(name)
    return None if raw is None else msgspec.json.decode(raw, type=Order)


def _report_end(exchange: Exchange, account: Account, order: Order) -> None:
    if order.is_outside:
        exchange.tell(account, OpenOrderGone(exchange.told, account.index, str(order.number)))
        return
    exchange.report(OrderEnded(exchange.told, account.index, order.request.name, order.status, order.filled))
