"""Resting stops through a venue on its worst day (I24); ``python -m bench.storm`` takes more of them."""

from __future__ import annotations

from functools import cache

import pytest

from tests.recovery.guarded_storms import KINDS, Covered, GuardedStorm, survive

SEEDS = {
    "position, alone": (0, 2),
    "position, with others": (0, 1),
    "position, with restarts": (2, 5),           # at 5 stops once piled up, and none was the right one
    "group, alone": (0, 2),
    "group, with others": (0, 1),                # and at 1
    "group, with restarts": (0, 1),
}
CASES = [(kind, seed) for kind in KINDS for seed in SEEDS[kind]]
STEPS = 700
CALM = 120


@cache
def survived(kind: str, seed: int) -> tuple[GuardedStorm, Covered]:
    return survive(kind, seed, steps=STEPS, calm=CALM)


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_account_through_a_guarded_storm_is_covered_or_a_person_is_told(kind: str, seed: int) -> None:
    """After every step: bare for three seconds, and there is an alarm; in the end just one stop where one belongs.

    Stops are refused, forgotten, triggered unseen and cancelled in vain, and rules, people and restarts change what
    is held meanwhile. Per group it is the net that is covered, by no more than it is.
    """
    storm, watcher = survived(kind, seed)
    assert storm.steps > 2 * STEPS
    assert watcher.stops > 0


def test_guarded_storms_are_bad_enough() -> None:
    """Positions were bare for a while, stops were forgotten, triggered and replaced, and alarms were given."""
    storms = [survived(kind, seed) for kind, seed in CASES]
    assert sum(watcher.stops for _, watcher in storms) > 100
    assert sum(watcher.bare for _, watcher in storms) > 500
    assert sum(watcher.told for _, watcher in storms) > 20
    assert sum(storm.venue.forgotten for storm, _ in storms) > 3
    assert sum(len(storm.venue.triggered) for storm, _ in storms) > 1
