"""What a rule file says: ``rules:`` by name, each with its condition, remedy and way of selling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import ClassVar

from bot.domain.effects import Goal, GoalKind
from bot.domain.units import Duration, Ratio, SourceText
from bot.execution.spec import ExecutionSpec
from bot.rules.language.typed import Scope


@dataclass(frozen=True, slots=True)
class Close:
    """Sell the position, all of it."""

    tag: ClassVar[str] = "close"

    @property
    def goal(self) -> Goal:
        return Goal(GoalKind.FLAT)


@dataclass(frozen=True, slots=True)
class DeleverageTo:
    """Exactly one of the three."""

    liquidation_distance: Ratio | None = field(
        default=None, metadata={"doc": "How far the market may then still move before liquidation."}
    )
    leverage: Decimal | None = field(default=None, metadata={"doc": "Gross notional over equity, a multiple."})
    margin_ratio: Ratio | None = field(
        default=None, metadata={"doc": "Maintenance margin over equity; 100% is liquidation."}
    )

    def __post_init__(self) -> None:
        given = [value for value in (self.liquidation_distance, self.leverage, self.margin_ratio) if value is not None]
        if len(given) != 1:
            raise ValueError(
                f"to: needs exactly one of liquidation_distance, leverage, margin_ratio, had {len(given)}"
            )
        if given[0] <= 0:
            raise ValueError(f"to: must be above 0, was {given[0]}; to sell everything, say `do: close`")


@dataclass(frozen=True, slots=True)
class Deleverage:
    """Make the cheapest cuts that bring the account to a distance, a leverage or a margin ratio."""

    tag: ClassVar[str] = "deleverage"

    to: DeleverageTo = field(metadata={"doc": "What is to be reached."})

    @property
    def goal(self) -> Goal:
        if self.to.liquidation_distance is not None:
            return Goal(GoalKind.LIQUIDATION_DISTANCE, self.to.liquidation_distance)
        if self.to.leverage is not None:
            return Goal(GoalKind.LEVERAGE, float(self.to.leverage))
        return Goal(GoalKind.MARGIN_RATIO, self.to.margin_ratio)


Remedy = Close | Deleverage


class Until(Enum):
    """How long a rule that fired keeps to its goal."""

    GOAL = "goal"                    # until it is reached once, by selling or by recovery
    CLEAR = "clear"                  # until the rule is cleared: whatever is lost again is sold again


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule. ``hold`` is how long the condition must last; without ``clear`` it re-arms by itself."""

    for_each: Scope = field(metadata={"doc": "What the rule looks at: every one of these has its own state."})
    when: SourceText = field(
        metadata={"doc": "The condition, such as `position.loss_ratio > 8%`; `penstock check` explains what is wrong."}
    )
    do: Remedy = field(metadata={"doc": "What to do when it fires."})
    hold: Duration = field(default=0, metadata={"doc": "How long the condition must be true without a break."})
    confirm: SourceText | None = field(
        default=None, metadata={"doc": "A second condition that must be true as well at the moment of firing."}
    )
    clear: SourceText | None = field(
        default=None, metadata={"doc": "The condition that arms the rule again; without it, `when` false for `hold`."}
    )
    until: Until = field(
        default=Until.GOAL,
        metadata={"doc": "Reach the goal once, or keep to it until the rule is cleared."},
    )
    cooldown: Duration = field(
        default=0, metadata={"doc": "The least time between two fires for one account or position."}
    )
    max_fires: int | None = field(
        default=None, metadata={"doc": "How often it may fire for one account or position."}
    )
    latch: bool = field(default=False, metadata={"doc": "Fire once, then stay off until an operator re-arms it."})
    execute: ExecutionSpec = field(default_factory=ExecutionSpec, metadata={"doc": "How to sell."})

    def __post_init__(self) -> None:
        if self.max_fires is not None and self.max_fires < 1:
            raise ValueError(f"max_fires: must be at least 1, was {self.max_fires}; leave the rule out instead")
        if self.latch and self.max_fires is not None:
            raise ValueError(f"max_fires: latch is once already, was {self.max_fires}; leave out one of them")
        if isinstance(self.do, Deleverage) and self.for_each is not Scope.ACCOUNT:
            raise ValueError("do: deleverage acts on an account; say `for_each: account`, or `do: close`")
        if isinstance(self.do, Close) and self.for_each is not Scope.POSITION:
            raise ValueError("do: close acts on a position; say `for_each: position`, or `do: deleverage`")


@dataclass(frozen=True, slots=True)
class RuleBook:
    """One strategy file."""

    rules: Mapping[str, RuleSpec] = field(metadata={"doc": "The rules, by a name of your choice."})
