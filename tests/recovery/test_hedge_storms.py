"""Hedges beside reducers through a venue on its worst day; ``python -m bench.storm`` takes many more steps."""

from __future__ import annotations

from functools import cache

import pytest

from tests.recovery.hedge_storms import HEDGES, RULES, HedgePromises, HedgeStorm, survive
from tests.recovery.storms import KINDS

SEEDS = (1, 8)
STEPS = 300
CALM = 90


@cache
def lived(kind: str, seed: int) -> tuple[HedgeStorm, HedgePromises]:
    return survive(kind, seed, steps=STEPS, calm=CALM)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_hedges_through_a_rough_storm_keep_their_promises(kind: str, seed: int) -> None:
    """No hedge raises |net delta|, turns it round, trades past its goal or twice; the record folds to the same book."""
    storm, _ = lived(kind, seed)
    assert storm.steps > 2 * STEPS


def test_hedge_storms_trade_and_reduce() -> None:
    """A storm in which nothing is hedged, or nothing but hedged, would prove nothing."""
    watchers = [lived(kind, seed)[1] for kind in KINDS for seed in SEEDS]
    hedges = sum(watcher.hedges for watcher in watchers)
    assert hedges > 30
    assert sum(len(watcher.used) for watcher in watchers) > 1.5 * hedges
    assert all(word in " ".join((*HEDGES, RULES)) for word in ("now", "twap", "passive", "participation_max", "to"))
