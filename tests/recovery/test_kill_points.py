"""Kill -9 at instants spread over eight runs; ``python -m bench.kills`` takes every one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.kills import die_and_go_on
from tests.recovery.dying import live
from tests.recovery.judging import outcome
from tests.recovery.scripts import SCRIPTS

POINTS = 5                           # of each script, a second or two each
WITH_STOPS = ("stop_replacement", "hedged_stop")
STEP_OFF = 3                         # so that saves and commits are met from both sides


@pytest.mark.parametrize("name", SCRIPTS)
def test_run_killed_between_two_commits_ends_as_an_undisturbed_one(tmp_path: Path, name: str) -> None:
    """The same held, traded and resting at the venue; no name twice, no fill unheard, a record that folds."""
    script = SCRIPTS[name](tmp_path / "script")
    instants = live(script, tmp_path / "calm")
    assert instants is not None and instants > 40
    calm = outcome(tmp_path / "calm")
    assert calm.traded, "a script in which nothing is sold proves nothing"
    assert bool(calm.resting) is (name in WITH_STOPS)
    for number in range(POINTS):
        last = STEP_OFF + number * (instants - STEP_OFF) // POINTS
        again = 9 if number == 2 else None               # one of them dies twice
        kills, wrong = die_and_go_on(script, tmp_path / f"run{number}", calm, last=last, again=again)
        assert kills >= 1
        assert wrong is None, f"{name} killed at {last}: {wrong}"


def test_run_killed_before_its_stop_arrived_folds_to_the_book_it_lived(tmp_path: Path) -> None:
    """A stop that two witnesses miss is a failure; the next look at another one clears it, live and in the record."""
    script = SCRIPTS["stop_replacement"](tmp_path / "script")
    assert live(script, tmp_path / "calm") is not None
    calm = outcome(tmp_path / "calm")
    for last in (65, 66):
        assert die_and_go_on(script, tmp_path / f"run{last}", calm, last=last) == (1, None)
