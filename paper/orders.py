"""The register of orders: what became of each, how one ends, and what a client is told of it."""

from __future__ import annotations

import msgspec

from bot.domain.events import FillOrigin, OrderAccepted, OrderEnded, OrderFilled, OrderNotFound, OrderTriggered
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
        end(exchange, account, order, OrderStatus.CANCELED)
        return
    ended = _ended(account, name)
    if ended is None:
        exchange.report(OrderNotFound(exchange.told, account.index, name))
    else:
        _report_end(exchange, account, ended)


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
    """Return the names of the orders that arrived at ``moment`` (ns) or later, in the order in which they did."""
    found = [*account.resting.values(), *account.conditional.values()]
    found += (msgspec.json.decode(raw, type=Order) for raw in account.ended.values())
    late = [order for order in found if order.arrived >= moment]
    return [order.request.name for order in sorted(late, key=lambda order: (order.arrived, order.rank))]


def report_fill(exchange: Exchange, account: Account, order: Order, execution: Execution) -> None:
    """Tell the account of one trade of its order."""
    exchange.report(
        OrderFilled(
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
            origin=FillOrigin.OURS,
            modelled=execution.modelled,
        )
    )


def open_order(account: Account, name: str) -> Order | None:
    """Return the order of that name that rests or waits for its trigger, or None."""
    return account.resting.get(name) or account.conditional.get(name)


def _ended(account: Account, name: str) -> Order | None:
    raw = account.ended.get(name)
    return None if raw is None else msgspec.json.decode(raw, type=Order)


def _report_end(exchange: Exchange, account: Account, order: Order) -> None:
    exchange.report(OrderEnded(exchange.told, account.index, order.request.name, order.status, order.filled))
