"""What one level of distance, margin ratio or leverage means in the two others, for a position alone.

For a position of value V in a bracket of rate m with deduction c (maintenance M = m V - c), equity E:

    margin ratio r = M / E        leverage L = V / E
    a fall of x liquidates a long:   E - V x = m V (1 - x) - c,   x = (E - M) / (V (1 - m))
    a rise of x liquidates a short:  E - V x = m V (1 + x) - c,   x = (E - M) / (V (1 + m))

so with mu = M / V the ratio r means a distance of mu (1/r - 1) / (1 - m) for a long, / (1 + m) for a short,
and a leverage of r / mu. The formulas hold while the move stays inside the bracket; the code walks on
through the others, by ``bot.risk.margin.distances_of``.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.effects import GoalKind
from bot.domain.errors import ContractError
from bot.risk.margin import distances_of
from bot.risk.tiers import TierTable


@dataclass(frozen=True, slots=True)
class Single:
    """A position alone in its account: ``value`` at mark is signed, cash, never 0."""

    table: TierTable
    value: int


@dataclass(frozen=True, slots=True)
class Meaning:
    """One state of an account in three measures; fractions, and leverage as a multiple."""

    liquidation_distance: float
    margin_ratio: float
    leverage: float


def meaning_of(kind: GoalKind, target: float, single: Single) -> Meaning:
    """Return what it means that the account of a single position stands at ``target``; raises ContractError
    for a goal without a level, or a level of 0 or less.

    A ratio of 100 % or more is liquidation: distance 0.
    """
    equity = _equity_at(kind, target, single)
    size = abs(single.value)
    return Meaning(
        liquidation_distance=distances_of(equity, [single.value], [single.table]).nearest,
        margin_ratio=single.table.maintenance(size) / equity,
        leverage=size / equity,
    )


def _equity_at(kind: GoalKind, target: float, single: Single) -> int:
    """Return the equity, cash, at which the account stands at the level."""
    if target <= 0:
        raise ContractError(f"level: must be above 0, was {target}")
    size = abs(single.value)
    match kind:
        case GoalKind.LEVERAGE:
            return max(1, round(size / target))
        case GoalKind.MARGIN_RATIO:
            return max(1, round(single.table.maintenance(size) / target))
        case GoalKind.LIQUIDATION_DISTANCE:
            moved = max(0, round(size * (1 - target if single.value > 0 else 1 + target)))
            return max(1, round(size * target) + single.table.maintenance(moved))
        case GoalKind.FLAT:
            raise ContractError("level: a flat account has none")
