"""What a rule's ``execute:`` block says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_SECOND
from bot.domain.units import Duration, FilePath, Ratio

PATIENCE_MIN = 10 * NS_PER_SECOND    # a queue needs a moment
PATIENCE_MAX = 120 * NS_PER_SECOND   # a schedule of a day is not an hour behind for the sake of half a spread


class Algo(Enum):
    """The curve along which a quantity comes due."""

    NOW = "now"
    TWAP = "twap"
    VWAP = "vwap"


class Tactic(Enum):
    """How a due quantity becomes orders."""

    TAKER = "taker"                  # an IOC limit at the collar
    PASSIVE = "passive"              # joins the best price on its own side, and takes when it falls behind
    LADDER = "ladder"                # the same, and the collar widens in journaled steps


@dataclass(frozen=True, slots=True)
class ExecutionSpec:
    """Ratios are fractions, times nanoseconds.

    ``collar`` None means the limit of the order's class. ``slice`` None means a sixtieth of ``over``, at
    least 5 s: finer would only pay the taker's minimum more often.
    """

    algo: Algo = field(
        default=Algo.NOW,
        metadata={
            "doc": "The curve along which the sale comes due: all at once, evenly in time, or as others usually trade."
        },
    )
    over: Duration = field(default=0, metadata={"doc": "How long the sale may take; twap and vwap need it."})
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
        metadata={
            "doc": "taker: an immediate-or-cancel limit at the collar. ladder: the collar widens in steps. passive: "
            "joins the best price on its own side, post-only, and takes what is overdue."
        },
    )
    patience: Duration | None = field(
        default=None, metadata={"doc": "How long a passive sale may be behind its curve; else 2 slices, 10 s to 2 min."}
    )
    budget: Ratio | None = field(
        default=None,
        metadata={"doc": "What all fills may lose against the arrival price; else slippage_budget of the limits."},
    )
    history: FilePath | None = field(
        default=None,
        metadata={
            "doc": "Recorded candles or trades of at least 5 days before the start, for vwap: how much is traded in"
            " each minute of the day."
        },
    )
    order_class: OrderClass = field(
        default=OrderClass.MARGIN, metadata={"doc": "margin: survival, may relax. cost: participation and collar hold."}
    )

    def __post_init__(self) -> None:
        if self.algo is not Algo.NOW and self.over <= 0:
            raise ValueError(f"over: {self.algo.value} needs a length of time, such as `over: 10m`")
        if self.history is not None and self.algo is not Algo.VWAP:
            raise ValueError("history: has a meaning with `algo: vwap` only; leave it out")
        if self.patience is not None and (self.tactic is not Tactic.PASSIVE or self.patience <= 0):
            raise ValueError("patience: must be above 0, and has a meaning with `tactic: passive` only")
        if self.algo is Algo.NOW and self.over:
            raise ValueError("over: has no meaning with `algo: now`; leave it out, or say `algo: twap`")
        if self.slice is not None and not 0 < self.slice <= self.over:
            raise ValueError("slice: must be above 0 and not longer than `over`")
        ratios = (("participation_max", self.participation_max), ("collar", self.collar), ("budget", self.budget))
        for name, ratio in ratios:
            if ratio is not None and not 0 < ratio < 1:
                raise ValueError(f"{name}: must be above 0% and below 100%, was {ratio:.2%}")

    @property
    def interval(self) -> int:
        """Length of one slice, ns."""
        if self.slice is not None:
            return self.slice
        return max(5 * NS_PER_SECOND, self.over // 60)

    @property
    def patience_or_default(self) -> int:
        """How long a passive sale may be behind its curve, ns."""
        if self.patience is not None:
            return self.patience
        return min(max(2 * self.interval, PATIENCE_MIN), PATIENCE_MAX)
