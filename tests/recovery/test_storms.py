"""Every schedule and tactic through a venue on its worst day; ``python -m bench.storm`` takes a million steps."""

from __future__ import annotations

import pytest

from tests.recovery.storms import GUARDS, KINDS, RULES, STOPS, survive

SEEDS = (1, 3, 6, 12)
STEPS = 700
CALM = 120


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_engine_through_a_rough_storm_keeps_its_promises(kind: str, seed: int) -> None:
    """Never overfilled, never flipped, no name twice, no curve that falls; in the end the venue's own books.

    Fills and funding that never arrived are asked for again by their number; cancels that come too late, orders that
    rest, restarts, ADL and people who trade by hand change nothing of it.
    """
    storm, _ = survive(kind, seed, steps=STEPS, calm=CALM)
    assert storm.steps > 2 * STEPS


def test_rough_storms_are_drawn_from_every_tactic() -> None:
    """A schedule that is left out of the list would be proven by nothing."""
    told = " ".join((*STOPS, *GUARDS, RULES))
    assert all(word in told for word in ("now", "twap", "vwap", "passive", "ladder", "budget", "participation_max"))
