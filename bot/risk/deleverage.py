"""Which positions to cut, and how much, so that a margin goal is reached at the least cost.

Greedy on equal marginal relief per marginal cost: the next slice is taken from the holding whose cut buys
the most of the goal's measure per unit of expected cost. Costs are convex per holding (square root of the
quantity), so small slices come near the optimum; the last slice is then shrunk to the lot that just does
it. A cut that does not help (a hedge) has no relief and is never taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import ContractError
from bot.risk.margin import Holding, account_margin, liquidation_distances

SLICES = 48                          # per holding; the last one is refined to a single lot

CostOf = Callable[[int, int], float]
"""(holding's position in the list, unsigned quantity) -> expected cost in cash units."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Unsigned quantities to keep, one per holding; ``reached`` is False when even the best cuts fall short."""

    keeps: tuple[int, ...]
    estimated_cost: int
    reached: bool


def measure(goal: Goal, equity: int, holdings: Sequence[Holding]) -> float:
    """Return the goal's measure, oriented so that more is safer, for a book worth ``equity`` cash.

    At or past liquidation the distance is continued below zero by free margin over gross, so that a cut
    which does not yet lift it above zero still shows its relief.
    """
    flat_entry = [replace(holding, entry_value=holding.value) for holding in holdings if holding.quantity]
    totals = account_margin(equity, flat_entry)
    if goal.kind is GoalKind.LIQUIDATION_DISTANCE:
        if totals.gross and totals.equity <= totals.maintenance:
            return (totals.equity - totals.maintenance) / totals.gross
        return liquidation_distances(equity, flat_entry).nearest
    if goal.kind is GoalKind.LEVERAGE:
        return -totals.leverage
    if goal.kind is GoalKind.MARGIN_RATIO:
        return -totals.margin_ratio
    raise ContractError(f"deleverage: has no measure for a goal of kind {goal.kind.value}")


def wanted(goal: Goal) -> float:
    """Return the value that ``measure`` must reach."""
    if goal.target is None:
        raise ContractError(f"deleverage: goal {goal.kind.value} needs a target")
    return goal.target if goal.kind is GoalKind.LIQUIDATION_DISTANCE else -goal.target


def plan_cuts(
    goal: Goal,
    wallet: int,
    holdings: Sequence[Holding],
    cost_of: CostOf,
    *,
    keeps: Sequence[int],
    lowest: Sequence[int],
) -> Plan:
    """Return the cheapest cuts from ``keeps`` on that reach ``goal`` at present marks.

    ``keeps`` are the unsigned quantities that earlier plans leave, so a later plan only ever cuts more;
    none goes below its entry in ``lowest``.
    """
    book = _Book(goal, account_margin(wallet, holdings).equity, holdings, cost_of, list(keeps), list(lowest))
    target = wanted(goal)
    level = book.level()
    while level < target:
        step = book.best_step(level)
        if step is None:
            return Plan(tuple(book.keeps), book.cost(), reached=False)
        position, quantity = step
        if book.level_after(position, quantity) >= target:
            quantity = book.smallest(position, quantity, target)
        book.keeps[position] -= quantity
        level = book.level()
    return Plan(tuple(book.keeps), book.cost(), reached=True)


def forecast_level(
    goal: Goal, wallet: int, holdings: Sequence[Holding], cost_of: CostOf, keeps: Sequence[int]
) -> float:
    """Return where the goal's measure would stand if a plan were carried out at present marks."""
    equity = account_margin(wallet, holdings).equity
    return _Book(goal, equity, holdings, cost_of, list(keeps), list(keeps)).level()


class _Book:
    """The book as it would be after the cuts taken so far."""

    def __init__(
        self,
        goal: Goal,
        equity: int,
        holdings: Sequence[Holding],
        cost_of: CostOf,
        keeps: list[int],
        lowest: list[int],
    ) -> None:
        self.goal = goal
        self.equity = equity
        self.holdings = holdings
        self.cost_of = cost_of
        self.keeps = keeps
        self.lowest = lowest
        self.slices = [_slice(holding) for holding in holdings]

    def cost(self) -> int:
        """Return the expected cost of all cuts so far, cash."""
        total = 0
        for position, (holding, keep) in enumerate(zip(self.holdings, self.keeps, strict=True)):
            total += self._cost_of_cut(position, abs(holding.quantity) - keep)
        return total

    def _cost_of_cut(self, position: int, quantity: int) -> int:
        return int(self.cost_of(position, quantity)) if quantity > 0 else 0

    def level(self) -> float:
        """Return the goal's measure of the book as cut so far."""
        left = [
            replace(holding, quantity=keep if holding.quantity > 0 else -keep)
            for holding, keep in zip(self.holdings, self.keeps, strict=True)
        ]
        return measure(self.goal, self.equity - self.cost(), left)

    def level_after(self, position: int, quantity: int) -> float:
        """Return the goal's measure after one more cut."""
        self.keeps[position] -= quantity
        level = self.level()
        self.keeps[position] += quantity
        return level

    def best_step(self, level: float) -> tuple[int, int] | None:
        """Return (holding, quantity) of the slice with the most relief per cost, or None if none helps."""
        best: tuple[int, int] | None = None
        best_worth = 0.0
        for position, keep in enumerate(self.keeps):
            quantity = min(self.slices[position], keep - self.lowest[position])
            if quantity <= 0:
                continue
            relief = self.level_after(position, quantity) - level
            if relief <= 0:
                continue
            done = abs(self.holdings[position].quantity) - keep
            price = self._cost_of_cut(position, done + quantity) - self._cost_of_cut(position, done)
            worth = relief / max(price, 1) if relief < inf else inf
            if worth > best_worth:
                best, best_worth = (position, quantity), worth
        return best

    def smallest(self, position: int, quantity: int, target: float) -> int:
        """Return the fewest whole lots, at most ``quantity``, whose cut reaches the target."""
        lot = self.holdings[position].instrument.filters.lot
        low, high = 1, -(-quantity // lot)
        while low < high:
            middle = (low + high) // 2
            if self.level_after(position, min(middle * lot, quantity)) >= target:
                high = middle
            else:
                low = middle + 1
        return min(high * lot, quantity)


def _slice(holding: Holding) -> int:
    """Return one slice of a holding, whole lots."""
    lot = holding.instrument.filters.lot
    return max(lot, abs(holding.quantity) // SLICES // lot * lot)
