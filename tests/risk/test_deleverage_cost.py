"""What a plan of cuts costs beside the best of every combination, and how long a wide book takes."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from time import perf_counter

import pytest

from bot.domain.effects import Goal, GoalKind
from bot.execution.impact import Liquidity
from bot.risk.deleverage import CostOf, wanted
from bot.risk.margin import Holding, account_margin
from tests.risk.books import flat_table, holding, sizes, usdt
from tests.risk.test_deleverage import BASES, DISTANCE, LEVERAGE, RATIO, costs, level, plan


def cheapest(goal: Goal, equity: int, held: Sequence[Holding], cost_of: CostOf, lot: int) -> float:
    """The cost of the best of all whole-lot combinations of two holdings; +inf when none reaches the goal."""
    best = inf
    first, second = sizes(held)
    for cut in range(0, first + 1, lot):
        one = cost_of(0, cut) if cut else 0.0
        if one >= best:
            break
        low, high = 0, second // lot + 1            # the least of the second that will do, where more does not harm
        while low < high:
            middle = (low + high) // 2
            keeps = [first - cut, max(0, second - middle * lot)]
            if level(goal, equity, held, cost_of, keeps) >= wanted(goal):
                high = middle
            else:
                low = middle + 1
        if low * lot <= second:
            best = min(best, one + (cost_of(1, low * lot) if low else 0.0))
    return best


@pytest.mark.parametrize(
    ("target", "kind"), [(0.1, DISTANCE), (0.3, DISTANCE), (0.3, RATIO), (4.0, LEVERAGE)], ids=str
)
@pytest.mark.parametrize("free_share", [0.005, 0.01, 0.03])
@pytest.mark.parametrize("second_value", [20_000, 100_000])
def test_plan_cuts_of_two_longs_costs_what_the_best_combination_costs(
    target: float, kind: GoalKind, free_share: float, second_value: int
) -> None:
    """BTC beside a coin with twice its rate and a quarter of its depth: within 2 % of the exhaustive optimum."""
    held = [
        holding(10_000, mark=10_000, lot=100, tiers=flat_table("0.005")),
        holding(second_value, mark=1_000, lot=1_000, base="ETH", index=1, tiers=flat_table("0.01")),
    ]
    markets = [
        Liquidity(fee=0.0005, sigma_day=0.04, sigma_minute=0.0005, volume_day=1e6),
        Liquidity(fee=0.0005, sigma_day=0.06, sigma_minute=0.001, volume_day=2.5e6),
    ]

    def cost_of(place: int, quantity: int) -> float:
        return markets[place].cost(
            quantity=quantity, value=held[place].instrument.value(price=held[place].mark, quantity=quantity)
        )

    totals = account_margin(0, held)
    equity = totals.maintenance + round(totals.gross * free_share)
    goal = Goal(kind, target)
    found = plan(goal, equity, held, cost_of)
    best = cheapest(goal, equity, held, cost_of, lot=100)
    assert found.reached
    assert found.estimated_cost <= best * 1.02 + usdt(1)


def wide_book(count: int, *, hedged: bool) -> tuple[int, list[Holding]]:
    """Many unlike positions on the edge of liquidation; hedged: half of them short."""
    held = []
    for index in range(count):
        size = 20_000 + 7_919 * index % 90_000
        sign = -1 if index % 2 and hedged else 1
        mark = (50.0, 3_000.0, 200.0)[index % 3]
        held.append(holding(sign * round(size / mark * 1_000), mark=mark, base=BASES[index % 4], index=index))
    totals = account_margin(0, held)
    return totals.maintenance + totals.gross // 1_000, held


@pytest.mark.parametrize(("count", "seconds"), [(10, 0.25), (50, 2.5)])
@pytest.mark.parametrize("hedged", [False, True])
def test_plan_cuts_of_a_wide_book_is_soon_done(count: int, seconds: float, hedged: bool) -> None:
    """A plan is made while the market falls; the bounds are some ten times what an idle machine needs."""
    equity, held = wide_book(count, hedged=hedged)
    cost_of = costs(held, volume=1e12)
    begun = perf_counter()
    found = plan(Goal(DISTANCE, 0.3), equity, held, cost_of)
    assert perf_counter() - begun < seconds
    assert found.reached
