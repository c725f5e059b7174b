"""The page of promises names tests and mistakes that exist, and leaves no promise out."""

from __future__ import annotations

import re

from bench.mutant_table import MUTANTS
from tests.shared_data import ROOT

PAGE = ROOT / "docs" / "invariants.md"
PROMISED = {
    *(f"I{number}" for number in (*range(1, 6), *range(7, 16), 17, *range(18, 25), 31, 33)),
}


def rows() -> list[list[str]]:
    """The cells of each promise: number, promise, tests, mistakes."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| I\d+ ", line)]


def test_page_of_promises_has_each_once() -> None:
    """A promise without a row is one that nobody tests."""
    numbers = [row[0] for row in rows()]
    assert len(numbers) == len(set(numbers))
    assert set(numbers) == PROMISED


def test_page_of_promises_names_tests_that_exist() -> None:
    """A test that was renamed leaves its promise without a proof."""
    for number, _, held_by, _ in rows():
        names = re.findall(r"`([^`]+)::([^`]+)`", held_by)
        assert names, f"{number} is held by nothing"
        for path, test in names:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert f"def {test}(" in text, f"{number}: {path} has no {test}"


def test_page_of_promises_names_mistakes_of_the_table() -> None:
    """The mistakes are those that the bench makes, by name."""
    known = {mutant.name for mutant in MUTANTS}
    for number, _, _, mistakes in rows():
        for name in filter(None, (part.strip() for part in mistakes.split(";"))):
            assert name in known, f"{number}: {name}"
