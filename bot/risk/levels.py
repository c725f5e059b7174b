"""What one level of distance, margin ratio or leverage means in the two others, for a position alone.

Levels of exposure say nothing of margin: it is only known here at which common move a book comes to one.

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
from math import inf

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import ContractError
from bot.risk.exposure import EXPOSURES, limit_of, move_to_exposure
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
        case (
            GoalKind.FLAT | GoalKind.REDUCE | GoalKind.GROSS_NOTIONAL | GoalKind.NET_NOTIONAL | GoalKind.NET_DELTA
            | GoalKind.CANCEL_OPENING | GoalKind.CANCEL_ALL
        ):
            raise ContractError(f"level: a goal of kind {kind.value} says nothing of the margin")


@dataclass(frozen=True, slots=True)
class Book:
    """A cross account at one moment: equity, and the signed values of its positions, none 0; cash."""

    equity: int
    singles: tuple[Single, ...]

    def moved(self, move: float) -> Book:
        """Return the book after a common move of all prices, a signed fraction."""
        singles = tuple(Single(single.table, round(single.value * (1 + move))) for single in self.singles)
        gain = sum(after.value - before.value for after, before in zip(singles, self.singles, strict=True))
        return Book(self.equity + gain, tuple(single for single in singles if single.value))

    def state(self) -> Meaning:
        """Return where the account stands; ratio and leverage are +inf when equity is gone, 0 without a position."""
        values = [single.value for single in self.singles]
        if not values:
            return Meaning(inf, 0.0, 0.0)
        maintenance = sum(single.table.maintenance(abs(single.value)) for single in self.singles)
        gross = sum(abs(value) for value in values)
        if self.equity <= 0:
            return Meaning(0.0, inf, inf)
        distances = distances_of(self.equity, values, [single.table for single in self.singles])
        return Meaning(distances.nearest, maintenance / self.equity, gross / self.equity)

    def has_reached(self, kind: GoalKind, target: float) -> bool:
        """True when the account stands at a level, or beyond it on the dangerous side."""
        found: float = getattr(self.state(), kind.value)
        return found <= target if kind is GoalKind.LIQUIDATION_DISTANCE else found >= target


def move_to(kind: GoalKind, target: float, book: Book) -> float | None:
    """Return the smallest common move that brings a book to a level, a signed fraction; 0 when it is there.

    ``target`` of an exposure is an amount in whole units of the currency. None when no move does before liquidation.
    """
    values = [single.value for single in book.singles]
    if kind not in EXPOSURES and book.has_reached(kind, target):
        return 0.0
    distances = distances_of(book.equity, values, [single.table for single in book.singles])
    if kind in EXPOSURES:
        move = move_to_exposure(kind, limit_of(Goal(kind, target)), values)
        return move if move is None or move <= distances.up else None
    found = [
        move for sign, far in ((-1, distances.down), (1, distances.up))
        if far < inf and (move := _bisected(kind, target, book, sign * far)) is not None
    ]
    return min(found, key=abs, default=None)


def _bisected(kind: GoalKind, target: float, book: Book, far: float) -> float | None:
    near = 0.0
    if not book.moved(far).has_reached(kind, target):
        return None
    for _ in range(40):              # halvings: to a millionth of a millionth of the way
        middle = (near + far) / 2
        if book.moved(middle).has_reached(kind, target):
            far = middle
        else:
            near = middle
    return far
