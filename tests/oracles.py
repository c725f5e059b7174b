"""Published numbers as tests: cases of the oracle files, from $PENSTOCK_ORACLES or ../shared/oracles.

An *adapter* works one case of a family out with our code and returns its results by the names the case uses:

    @pytest.mark.parametrize("family", sorted(ADAPTERS))
    def test_family_is_as_published(family): check_family(FILE, family, ADAPTERS[family])

    @pytest.mark.parametrize("family", sorted(NOT_YET))
    def test_family_is_not_yet(family): pytest.skip(f"{family}: not yet, {NOT_YET[family]}")

    def test_families_are_all_run_or_listed(): assert families(FILE) <= ADAPTERS.keys() | NOT_YET.keys()
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from tests.shared_data import shared

Case = dict[str, Any]
Adapter = Callable[[Case], dict[str, Any]]


def all_cases(file: str) -> list[Case]:
    """Return the cases of a file in its order; skip the test where the file is absent."""
    folder = os.environ.get("PENSTOCK_ORACLES")
    path = Path(folder) / file if folder else shared(f"oracles/{file}")
    if not path.exists():
        pytest.skip(f"oracles not found: {file} (set PENSTOCK_ORACLES to their folder)")
    found: list[Case] = json.loads(path.read_text())["cases"]
    return found


def cases(file: str, family: str) -> list[Case]:
    """Return the cases of one family; skip the test where the file is absent or knows no such family."""
    found = [case for case in all_cases(file) if case["family"] == family]
    if not found:
        pytest.skip(f"oracles: {file} has no case of family {family}")
    return found


def families(file: str) -> set[str]:
    """Return the names of the families of a file."""
    return {case["family"] for case in all_cases(file)}


def check_family(file: str, family: str, adapter: Adapter, *, not_ours: Collection[str] = ()) -> None:
    """Hold every case of a family to what was published, each result of it but those named ``not_ours``."""
    for case in cases(file, family):
        actual = adapter(case)
        missing = case["expected"].keys() - actual.keys() - set(not_ours)
        assert not missing, f"{case['id']}: the adapter does not work out {sorted(missing)}"
        wanted = {name: value for name, value in actual.items() if name in case["expected"]}
        assert wanted, f"{case['id']}: nothing that the adapter works out was published"
        assert_as_published(case, wanted)


def assert_as_published(case: Case, actual: dict[str, Any]) -> None:
    """Hold each named result to the case's own tolerance: |actual - expected| <= abs + rel * |expected|.

    Words, truths and None must be equal; lists and tables are compared entry by entry.
    """
    for name, value in actual.items():
        _assert_close(case, name, value, case["expected"][name])


def _assert_close(case: Case, name: str, got: Any, printed: Any) -> None:
    if isinstance(printed, dict):
        assert got.keys() == printed.keys(), f"{case['id']}: {name} has entries {sorted(got)}, not {sorted(printed)}"
        for key, value in printed.items():
            _assert_close(case, name, got[key], value)
    elif isinstance(printed, list):
        assert len(got) == len(printed), f"{case['id']}: {name} has {len(got)} entries, not {len(printed)}"
        for ours, theirs in zip(got, printed, strict=True):
            _assert_close(case, name, ours, theirs)
    elif isinstance(printed, bool | str) or printed is None or got is None:
        assert got == printed, f"{case['id']}: {name} was {got}, published {printed}"
    else:
        allowed = _part(case["tolerance"], "abs", name)
        relative = _part(case["tolerance"], "rel", name)
        assert abs(got - printed) <= allowed + relative * abs(printed), (
            f"{case['id']}: {name} was {got}, published {printed} (abs {allowed}, rel {relative})"
        )


def _part(tolerance: dict[str, Any], part: str, name: str) -> float:
    stated = tolerance.get(part, 0.0)
    return float(stated.get(name, 0.0) if isinstance(stated, dict) else stated)
