"""The stops that rest at the venue, as the book keeps them: from sending until they are triggered or have ended.

A stop that waits reserves nothing: it counts as *working* only from its trigger on, when it becomes an ordinary order
of the same name in ``Book.orders``. Its names come from a line of its own per position, reserved like all others.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.order import OrderStatus, Side


@dataclass(slots=True)
class Stop:
    """One reduce-only stop, a market order at its trigger; it waits for the venue's mark."""

    name: str
    position: int
    side: Side
    quantity: int
    trigger_price: int
    sent: int
    asked: int                       # when the venue was last asked about it, by sending it or after
    status: OrderStatus = OrderStatus.SENDING
    absent_since: int | None = None  # when one witness first said that it is not there
    cancel_asked: int | None = None  # when

    @property
    def is_seen(self) -> bool:
        """True when the venue has it by its own last word, and was not asked to end it."""
        return self.status is OrderStatus.WORKING and self.absent_since is None and self.cancel_asked is None


@dataclass(slots=True)
class StopLine:
    """Where the names of one position's stops come from, and how placing them goes."""

    parent: str | None = None        # the name that its stops are children of
    next_child: int = 0
    failures: int = 0                # refused, denied or lost, in a row
    failed_at: int = 0
