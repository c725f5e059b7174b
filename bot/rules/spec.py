"""What a rule file says: ``rules:`` by name, each with its condition, remedy and way of selling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import ClassVar

from bot.domain.goal import Goal, GoalKind, HedgeTerms, Lacking
from bot.domain.order import OrderClass
from bot.domain.units import Duration, Money, Place, Ratio, SourceText
from bot.execution.spec import ExecutionSpec
from bot.rules.language.typed import Scope

NOWHERE = Place("", 0, 0)
NAME_LENGTH_MAX = 60                 # a table of fires has to show it
_TARGETS = {
    kind.value: kind
    for kind in (
        GoalKind.LIQUIDATION_DISTANCE, GoalKind.LEVERAGE, GoalKind.MARGIN_RATIO,
        GoalKind.GROSS_NOTIONAL, GoalKind.NET_NOTIONAL,
    )
}


@dataclass(frozen=True, slots=True)
class Close:
    """Let the whole position out: a long is sold, a short is bought back."""

    tag: ClassVar[str] = "close"

    @property
    def goal(self) -> Goal:
        return Goal(GoalKind.FLAT)


@dataclass(frozen=True, slots=True)
class Reduce:
    """Let out a share of the position as it is when the rule fires, long or short; in whole lots, rounded up."""

    tag: ClassVar[str] = "reduce"

    share: Ratio = field(metadata={"doc": "How much of the position is sold; what is kept is fixed at the fire."})

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(
                f"share: must be above 0% and below 100%, was {self.share * 100:g}%; to sell all of it, say `do: close`"
            )

    @property
    def goal(self) -> Goal:
        return Goal(GoalKind.REDUCE, self.share)


@dataclass(frozen=True, slots=True)
class DeleverageTo:
    """Exactly one of the five."""

    liquidation_distance: Ratio | None = field(
        default=None, metadata={"doc": "How far the market may then still move before liquidation."}
    )
    leverage: Decimal | None = field(default=None, metadata={"doc": "Gross notional over equity, a multiple."})
    margin_ratio: Ratio | None = field(
        default=None, metadata={"doc": "Maintenance margin over equity; 100% is liquidation."}
    )
    gross_notional: Money | None = field(
        default=None, metadata={"doc": "Value of all positions at mark, longs and shorts added."}
    )
    net_notional: Money | None = field(
        default=None, metadata={"doc": "Longs less shorts at mark, whichever is more; only the heavier side is sold."}
    )
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __post_init__(self) -> None:
        given = [value for value in self._values() if value is not None]
        if len(given) != 1:
            raise ValueError(f"to: needs exactly one of {', '.join(_TARGETS)}, had {len(given)}")
        amount = given[0].amount if isinstance(given[0], Money) else given[0]
        if amount <= 0:
            raise ValueError(f"to: must be above 0, was {given[0]}; to sell everything, say `do: close`")

    def _values(self) -> tuple[float | Decimal | Money | None, ...]:
        return (
            self.liquidation_distance, self.leverage, self.margin_ratio, self.gross_notional, self.net_notional
        )

    @property
    def goal(self) -> Goal:
        """What is to be reached, whichever of them is stated."""
        kind, value = next(
            (kind, value) for kind, value in zip(_TARGETS.values(), self._values(), strict=True) if value is not None
        )
        if isinstance(value, Money):
            return Goal(kind, float(value.amount), value.currency)
        return Goal(kind, float(value))


@dataclass(frozen=True, slots=True)
class Deleverage:
    """Make the cheapest cuts that bring the account to a distance, a leverage, a margin ratio or an exposure."""

    tag: ClassVar[str] = "deleverage"

    to: DeleverageTo = field(metadata={"doc": "What is to be reached."})

    @property
    def goal(self) -> Goal:
        return self.to.goal


@dataclass(frozen=True, slots=True)
class HedgeDelta:
    """Trade one instrument until the net delta of its underlying is inside a band; positions may be added to."""

    tag: ClassVar[str] = "hedge_delta"

    with_: str = field(
        metadata={"doc": "The instrument to trade, a symbol of the account's; what it is traded in is the underlying."}
    )
    band: Money = field(
        metadata={"doc": "How large the net delta may be, long or short, in the underlying or the quote currency."}
    )
    to: Money | None = field(
        default=None,
        metadata={"doc": "How much of it a hedge leaves, at most the band; else the band: as little as has to trade."},
    )
    lacking: Lacking = field(
        default=Lacking.CUT,
        metadata={
            "doc": "Where margin or a reducer forbids the hedge. cut: positions that make the delta are let out as far."
            " tell: a person is told, and it is left."
        },
    )
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.band.amount <= 0:
            raise ValueError(f"band: must be above 0, was {self.band}; write how large the net delta may be")
        if self.to is None:
            return
        if self.to.currency != self.band.currency:
            raise ValueError(f"to: must be in the currency of the band, {self.band.currency}, was {self.to}")
        if not 0 <= self.to.amount <= self.band.amount:
            raise ValueError(
                f"to: must lie inside the band, from 0 to {self.band}, was {self.to}; leave it out for the band's edge"
            )

    @property
    def goal(self) -> Goal:
        left = self.band if self.to is None else self.to
        terms = HedgeTerms(self.with_, float(left.amount), self.lacking)
        return Goal(GoalKind.NET_DELTA, float(self.band.amount), self.band.currency, terms)


class Which(Enum):
    """Which of other people's orders are cancelled."""

    OPENING = "opening"              # those that could open or add to a position
    ALL = "all"                      # those that close and reduce as well


@dataclass(frozen=True, slots=True)
class CancelOrders:
    """Cancel orders that are not ours: of the account, or of the position's market. Our own and our stops stay."""

    tag: ClassVar[str] = "cancel_orders"

    which: Which = field(
        default=Which.OPENING,
        metadata={"doc": "opening: those that could open or add to a position. all: the person's exits as well."},
    )

    @property
    def goal(self) -> Goal:
        return Goal(GoalKind.CANCEL_OPENING if self.which is Which.OPENING else GoalKind.CANCEL_ALL)


@dataclass(frozen=True, slots=True)
class AskPlugin:
    """Let a Python plug-in say what is to be reached, when the rule fires."""

    tag: ClassVar[str] = "plugin"

    remedy: str = field(metadata={"doc": "The name of a remedy that a file under `plugins:` declares."})
    otherwise: Close | Reduce | Deleverage = field(
        metadata={"doc": "What to do instead when the plug-in fails, is switched off, or lacks a reading."}
    )
    place: Place = field(default=NOWHERE, compare=False, repr=False)

    @property
    def goal(self) -> Goal:
        return self.otherwise.goal


Remedy = Close | Reduce | Deleverage | HedgeDelta | CancelOrders | AskPlugin


class Until(Enum):
    """How long a rule that fired keeps to its goal."""

    GOAL = "goal"                    # until it is reached once, by selling or by recovery
    CLEAR = "clear"                  # until the rule is cleared: whatever is lost again is sold again


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule. ``hold`` is how long the condition must last; without ``clear`` it re-arms by itself."""

    for_each: Scope = field(
        metadata={
            "doc": "What the rule looks at: every one of these has its own state. `portfolio` is one, all accounts"
            " together: `deleverage` then acts on every account that misses its goal when the rule fires, so that the"
            " worst one meets it."
        }
    )
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
    until: Until | None = field(
        default=None,
        metadata={
            "doc": "goal: reach it once. clear: keep to it until the rule is cleared. Else clear for a hedge, and goal."
        },
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
        if isinstance(self.do, HedgeDelta):
            self._require_hedge()
        elif self.execute.order_class not in (OrderClass.MARGIN, OrderClass.COST):
            raise ValueError(
                f"execute: order_class of a rule is margin or cost, was {self.execute.order_class.value}; write "
                "cost where a late sale costs money only, else leave it out"
            )
        if self.latch and self.max_fires is not None:
            raise ValueError(f"max_fires: latch is once already, was {self.max_fires}; leave out one of them")
        plain = self.plain_remedy
        if isinstance(plain, Deleverage) and self.for_each is Scope.POSITION:
            raise ValueError("do: deleverage acts on an account; say `for_each: account`, or `do: close`")
        if isinstance(plain, Deleverage) and plain.goal.currency is not None and self.for_each is Scope.PORTFOLIO:
            raise ValueError(
                f"do: {plain.goal.kind.value} is one account's, and money of the portfolio is a sum; "
                "say `for_each: account`"
            )
        if isinstance(self.do, AskPlugin) and self.for_each is Scope.PORTFOLIO:
            raise ValueError("do: plugin acts on an account or position; say `for_each: account`, or `do: deleverage`")
        if isinstance(plain, CancelOrders) and self.for_each is Scope.PORTFOLIO:
            raise ValueError("do: cancel_orders acts on an account or position; say `for_each: account`")
        if isinstance(plain, Close | Reduce) and self.for_each is not Scope.POSITION:
            raise ValueError(
                f"do: {plain.tag} acts on a position; say `for_each: position`, or `do: deleverage`"
            )

    def _require_hedge(self) -> None:
        if self.for_each is not Scope.ACCOUNT:
            raise ValueError("do: hedge_delta acts on an account; say `for_each: account`")
        if self.execute.order_class not in (OrderClass.MARGIN, OrderClass.HEDGE):
            raise ValueError(
                f"execute: order_class of a hedge is its own, was {self.execute.order_class.value}; leave it out"
            )

    @property
    def until_or_default(self) -> Until:
        """How long the rule keeps to its goal; a delta comes back, so a hedge is not done when it is made."""
        if self.until is not None:
            return self.until
        return Until.CLEAR if isinstance(self.do, HedgeDelta) else Until.GOAL

    @property
    def plain_remedy(self) -> Close | Reduce | Deleverage | HedgeDelta | CancelOrders:
        """What the rule does without any plug-in's help."""
        return self.do.otherwise if isinstance(self.do, AskPlugin) else self.do


@dataclass(frozen=True, slots=True)
class RuleBook:
    """One strategy file."""

    rules: Mapping[str, RuleSpec] = field(metadata={"doc": "The rules, by a name of your choice."})

    def __post_init__(self) -> None:
        for name in self.rules:
            if not name.isprintable() or len(name) > NAME_LENGTH_MAX:
                raise ValueError(
                    f"rules: a name is one line of at most {NAME_LENGTH_MAX} characters, was "
                    f"{name[:NAME_LENGTH_MAX]!r}; shorten it"
                )
