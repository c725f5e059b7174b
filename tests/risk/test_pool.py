"""Margin pools against exact fractions: common and adverse moves, prices of liquidation, deposits that would do."""

from __future__ import annotations

from math import inf, isinf

from hypothesis import given, settings

from bot.risk.pool import Pool, pool_distances, pool_worst_distance
from tests.risk import pool_judge
from tests.risk.pools import pools

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)


def agrees(ours: float, exact: float) -> bool:
    """True when two moves are one, but for the last bits; what lies past any move we follow counts as never."""
    if isinf(ours) or isinf(exact):
        return ours == exact or min(ours, exact) > 1e9
    return abs(ours - exact) <= 1e-12 + 1e-9 * exact


@PROPERTY
@given(pool=pools())
def test_pool_distances_of_any_pool_are_those_of_exact_bisection(pool: Pool) -> None:
    """Linear, inverse, coins owned and owed, haircuts: both distances are where exact sums find nothing left."""
    found = pool_distances(pool)
    for ours, direction in ((found.down, -1), (found.up, 1)):
        exact = pool_judge.zero(lambda move: pool_judge.spare(pool, move), direction)
        if not pool.holdings and all(asset.amount >= 0 for asset in pool.assets):
            exact = inf
        assert agrees(ours, exact), f"{direction}: {ours} against {exact}"


@PROPERTY
@given(pool=pools())
def test_worst_distance_of_any_pool_is_that_of_exact_bisection(pool: Pool) -> None:
    """Everything against its holder at once, past a fall to nothing too."""
    exact = pool_judge.zero(lambda move: pool_judge.spare_against(pool, move), 1)
    if not pool.holdings and all(asset.amount >= 0 for asset in pool.assets):
        exact = inf
    ours = pool_worst_distance(pool)
    assert agrees(ours, exact), f"{ours} against {exact}"
