"""Margin pools against exact fractions: common and adverse moves, prices of liquidation, deposits that would do."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isinf

from hypothesis import given, settings

from bot.risk.pool import Pool, isolated_pool, pool_distances, pool_worst_distance
from tests.risk import pool_judge
from tests.risk.pools import coin, flat_table, held, instrument, inverse, pools, usdt_asset

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


def test_pool_distance_of_profit_that_begins_at_nothing_has_the_haircut() -> None:
    """A balance of exactly nothing counts in full below and at its rate above: the fall meets it at once."""
    position = held(instrument(), -1_000, mark=50_000, tiers=flat_table("0.01"))
    other = coin("ETH", 1.0, price="3000")
    for rate in (1.0, 0.5):
        pool = Pool((usdt_asset(0, rate=rate), replace(other, underlying=None)), (position,))
        # a rise of x: 3,000 - 50,000 x = 500 (1 + x), whatever the rate of what is not owned
        assert agrees(pool_distances(pool).up, 2_500 / 50_500)
    halved = Pool((usdt_asset(0, rate=0.001), replace(other, underlying=None)), (held(
        instrument(), -1_000, mark=50_000, tiers=flat_table("0.05")),))
    assert agrees(pool_distances(halved).up, 500 / 52_500)
    assert pool_distances(halved).down == inf


def test_pool_distances_at_a_brackets_bound_are_those_on_either_side() -> None:
    """One coin contract's worth at, under and over a bound of its table: no step in the distance."""
    contract = inverse(face=100)
    found = [
        pool_distances(isolated_pool(held(contract, quantity, mark=50_000), 10**8)).down
        for quantity in (2_499, 2_500, 2_501)
    ]
    assert found[0] > found[1] > found[2]
    assert abs(found[0] - 2 * found[1] + found[2]) < 1e-6
