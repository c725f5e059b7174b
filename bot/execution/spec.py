"""What a rule's ``execute:`` block says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_SECOND
from bot.domain.units import Duration, Ratio


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

    algo: Algo = field(
        default=Algo.NOW, metadata={"doc": "The curve along which the sale comes due: all at once, or evenly in time."}
    )
    over: Duration = field(default=0, metadata={"doc": "How long the sale may take; twap needs it."})
    slice: Duration | None = field(
        default=None, metadata={"doc": "Time between two orders; else a sixtieth of `over`, at least 5 s."}
    )
    participation_max: Ratio | None = field(
        default=None, metadata={"doc": "Our share of all volume at most; the margin class may have to relax it."}
    )
    collar: Ratio | None = field(
        default=None, metadata={"doc": "How far from the mark to sell; else what the limits allow."}
    )
    tactic: Tactic = field(
        default=Tactic.TAKER,
        metadata={"doc": "taker: an immediate-or-cancel limit at the collar. ladder: the collar widens in steps."},
    )
    order_class: OrderClass = field(
        default=OrderClass.MARGIN, metadata={"doc": "margin: survival, may relax. cost: participation and collar hold."}
    )

    def __post_init__(self) -> None:
        if self.algo is Algo.TWAP and self.over <= 0:
            raise ValueError("over: twap needs a length of time, such as `over: 10m`")
        if self.algo is Algo.NOW and self.over:
            raise ValueError("over: has no meaning with `algo: now`; leave it out, or say `algo: twap`")
        if self.slice is not None and not 0 < self.slice <= self.over:
            raise ValueError("slice: must be above 0 and not longer than `over`")
        for name, ratio in (("participation_max", self.participation_max), ("collar", self.collar)):
            if ratio is not None and not 0 < ratio < 1:
                raise ValueError(f"{name}: must be above 0% and below 100%, was {ratio:.2%}")

    @property
    def interval(self) -> int:
        """Length of one slice, ns."""
        if self.slice is not None:
            return self.slice
        return max(5 * NS_PER_SECOND, self.over // 60)
