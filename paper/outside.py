"""What others than its client have resting in an account from the start: a person, or another program."""

from __future__ import annotations

from bot.domain.account import PositionKey
from bot.domain.order import OrderClass, OrderRequest, TimeInForce
from paper.spec import AccountStart, OrderStart


def starting_order(start: AccountStart, number: int, order: OrderStart) -> OrderRequest:
    """Return the order as it will be sent, under a name that is no client's of ours."""
    return OrderRequest(
        name=f"outside-{number}",
        key=PositionKey(start.account, order.instrument, order.leg, start.mode_of(order.instrument)),
        side=order.side,
        quantity=order.quantity,
        limit_price=order.limit_price,
        time_in_force=TimeInForce.GTC,
        reduce_only=order.reduce_only,
        order_class=OrderClass.OPERATOR,
    )
