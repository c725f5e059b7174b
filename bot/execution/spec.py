"""What a rule's ``execute:`` block says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_SECOND


class Algo(Enum):
    """The curve along which a quantity comes due."""

    NOW = "now"
    TWAP = "twap"


class Tactic(Enum):
    """How a due quantity becomes orders."""

    TAKER = "taker"                  # an IOC limit at the collar
    LADDER = "ladder"                # the same, and the collar widens in journaled steps


@dataclass(frozen=True, slots=True)
class ExecutionSpec:
    """Ratios are fractions, times nanoseconds.

    ``collar`` None means the limit of the order's class. ``slice`` None means a sixtieth of ``over``, at
    least 5 s: finer would only pay the taker's minimum more often.
    """

    algo: Algo = Algo.NOW
    over: int = 0
    slice: int | None = None
    participation_max: float | None = None
    collar: float | None = None
    tactic: Tactic = Tactic.TAKER
    order_class: OrderClass = OrderClass.MARGIN

    @property
    def interval(self) -> int:
        """Length of one slice, ns."""
        if self.slice is not None:
            return self.slice
        return max(5 * NS_PER_SECOND, self.over // 60)
