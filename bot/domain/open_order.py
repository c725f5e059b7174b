"""Orders that are open at the venue, whoever sent them, and the wish to have one cancelled that is not ours."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.account import PositionKey, PositionSide
from bot.domain.order import Side

_CLOSING = {PositionSide.LONG: Side.SELL, PositionSide.SHORT: Side.BUY}


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that rests, or waits for its trigger, as the venue states it; prices in price units.

    ``venue_id`` is the venue's own name of it, ``name`` the client's. ``leaves`` is unsigned; ``limit_price`` is None
    for a market order that waits, ``trigger_price`` for one that waits no more.
    """

    venue_id: str
    name: str
    key: PositionKey
    side: Side
    leaves: int
    limit_price: int | None
    trigger_price: int | None
    reduce_only: bool

    @property
    def closes_only(self) -> bool:
        """True when it can never open: it says so, or its side is the one that closes its leg."""
        return self.reduce_only or self.side is _CLOSING.get(self.key.side)


@dataclass(frozen=True, slots=True)
class CancelForeignOrder:
    """Have an order cancelled that is not ours, by the venue's own id; ``why`` is for the record."""

    account: int
    order: OpenOrder
    why: str
    now: int


def opening(orders: list[OpenOrder], *, held: int) -> list[OpenOrder]:
    """Return those of one position's orders that could make it larger than ``held`` (signed), in their order.

    Those of one side count together, as they may all fill: |held + buys| > |held|, or |held - sells| > |held|. What
    can only close is never one of them, but counts up to what is held: it makes room for the others to turn it round.
    """
    found: list[OpenOrder] = []
    for side in Side:
        own = [order for order in orders if order.side is side]
        able = [order for order in own if not order.closes_only]
        closing = min(sum(order.leaves for order in own if order.closes_only), max(0, -held * side.sign))
        total = closing + sum(order.leaves for order in able)
        if abs(held + side.sign * total) > abs(held):
            found += able
    return [order for order in orders if order in found]
