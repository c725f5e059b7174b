"""Where a resting order stands in the queue of its price.

    arrives          behind all that is shown at its price then
    print at it      the printed quantity passes those ahead first, and what is left of it fills the order
    fewer are shown  nobody knows who left: those behind us, as long as there are any, so that the quantity ahead
                     shrinks only to what is still shown
    print through it nobody is ahead any more

What is shown comes from the tape's book, else from its quotes when the order stands at their price or better.
Where nothing is known of the queue, ``ahead`` is None and a print at the price counts as ours, until a quantity
is shown: then the order stands behind all of it.
"""

from __future__ import annotations

from bot.domain.order import OrderRequest, Side
from paper.state import Market, Order


def shown(market: Market, request: OrderRequest) -> int | None:
    """Return what others show at the order's price, or None when the tape does not say."""
    limit = request.limit_price
    if limit is None:
        return None
    if market.book is not None and market.book.is_known:
        return market.book.own(request.side).queued(limit)
    best, quantity = (
        (market.bid, market.bid_quantity) if request.side is Side.BUY else (market.ask, market.ask_quantity)
    )
    if best == 0 or (best - limit) * request.side.sign > 0:
        return None
    return quantity if best == limit else 0


def refresh(market: Market, order: Order) -> None:
    """Bring the order's place up to date with what is shown now."""
    there = shown(market, order.request)
    if there is not None:
        order.ahead = there if order.ahead is None else min(order.ahead, there)


def advance(order: Order, passed: int) -> None:
    """Move the order up by a quantity that traded ahead of it."""
    if order.ahead is not None:
        order.ahead = max(0, order.ahead - passed)
