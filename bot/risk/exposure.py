"""How much is at stake: gross and net value of a book, and what limits on them leave of it.

    gross = sum of |value|        net = sum of value, longs positive        values at the marks

Both move in proportion with a common move of all prices, whatever the equity behind them. Cash arguments are
integers at 10^-8; shares and moves are fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import ContractError
from bot.domain.scale import CASH_UNIT

EXPOSURES = (GoalKind.GROSS_NOTIONAL, GoalKind.NET_NOTIONAL)


def exposure_of(kind: GoalKind, values: Sequence[int]) -> int:
    """Return gross or net of signed ``values``, cash; net is unsigned here: what a limit on it is held against.

    Raises ContractError for a goal of another kind.
    """
    match kind:
        case GoalKind.GROSS_NOTIONAL:
            return sum(abs(value) for value in values)
        case GoalKind.NET_NOTIONAL:
            return abs(sum(values))
        case _:
            raise ContractError(f"exposure: a goal of kind {kind.value} is none")


def limit_of(goal: Goal) -> int:
    """Return the most that a goal of exposure allows, cash, rounded to the nearest unit."""
    if goal.target is None:
        raise ContractError(f"exposure: goal {goal.kind.value} needs a target")
    return round(goal.target * CASH_UNIT)


def move_to_exposure(kind: GoalKind, limit: int, values: Sequence[int]) -> float | None:
    """Return the common move of all prices at which a book's exposure comes to ``limit``, a fraction above 0.

    0 when it is there or beyond; None for a book without any, which no move gives it.
    """
    stands = exposure_of(kind, values)
    if stands >= limit:
        return 0.0
    return limit / stands - 1 if stands else None


def kept_after(share: float, *, held: int, lot: int) -> int:
    """Return what is left of an unsigned quantity when ``share`` of it is sold in whole lots, rounded up.

    The share counts as the decimal number that a person wrote, not as the float nearest to it. Never below 0;
    what is held beside whole lots is kept, unless it must go as well to reach the share.
    """
    part, whole = _as_written(share)
    lots = -(-part * held // (whole * lot))
    return max(0, held - lots * lot)


@lru_cache(maxsize=64)
def _as_written(share: float) -> tuple[int, int]:
    """Return the decimal number that a person wrote, as numerator and denominator."""
    return Fraction(repr(share)).as_integer_ratio()
