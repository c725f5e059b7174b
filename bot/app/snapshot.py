"""One look at a run while it goes on: what the live view draws. Made by the drivers, read by nobody else.

Ratios are fractions, prices and quantities floats in quote and base units, positions signed: they are for
the eye. None means not available; a distance of None means no position.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class DecisionKind(Enum):
    """What a line tells of; NOTE is shown on a terminal only."""

    FIRED = "fired"
    PARENT_OPENED = "parent_opened"
    PARENT_RESIZED = "parent_resized"
    PARENT_ENDED = "parent_ended"
    LIQUIDATED = "liquidated"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that happened, in words. ``number`` counts up over the run, from any start; ``ts`` is ns UTC."""

    number: int
    ts: int
    kind: DecisionKind
    text: str


@dataclass(frozen=True, slots=True)
class Level:
    """A distance to liquidation at which something happens: ``guard``, ``emergency``, ``floor``."""

    name: str
    distance: float


@dataclass(frozen=True, slots=True)
class MarketView:
    """One market of an account; ``change`` is since the start of the run."""

    symbol: str
    mark: float | None
    change: float | None
    quantity: float


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account. ``markets`` and ``levels`` stay in one order over a run, so that nothing jumps."""

    name: str
    currency: str
    equity: float | None
    equity_start: float | None
    margin_ratio: float | None
    distance: float | None
    levels: tuple[Level, ...]
    markets: tuple[MarketView, ...]
    is_liquidated: bool = False


@dataclass(frozen=True, slots=True)
class ParentView:
    """A parent order at work."""

    symbol: str
    side: str
    algo: str
    filled: float
    quantity: float
    average: float | None
    collar: float | None


@dataclass(frozen=True, slots=True)
class ProgressSnapshot:
    """The run at ``now`` (ns UTC of the market). ``decisions`` are at least those since the last snapshot,
    oldest first; the earlier ones may be repeated. ``tape_fraction`` is None for a tape without a known end.
    """

    now: int
    tape_fraction: float | None
    accounts: tuple[AccountView, ...]
    parents: tuple[ParentView, ...]
    decisions: tuple[Decision, ...]
