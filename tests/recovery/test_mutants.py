"""The table of mistakes keeps up with the code; ``python -m bench.mutants`` makes them and runs the tests."""

from __future__ import annotations

import ast

import pytest

from bench.mutant_table import MUTANTS, Mutant
from bench.mutants import mutated
from tests.shared_data import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_still_applies_and_names_a_test_that_exists(mutant: Mutant) -> None:
    """A mutant whose place is gone, or whose test was renamed, would be reported as killed or alive by accident."""
    changed = mutated(mutant, (ROOT / mutant.path).read_text(encoding="utf-8"))
    ast.parse(changed)               # a mistake that does not compile is noticed by anything
    path, _, test = mutant.test.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not test or f"def {test.partition('[')[0]}(" in text, f"{mutant.test}: there is no such test"


def test_mutants_are_at_least_twenty_five_with_names_of_their_own() -> None:
    """The list of RELIABILITY 3.6 as far as it applies."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 25
