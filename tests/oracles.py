"""Published numbers as tests: cases of the oracle files, from $PENSTOCK_ORACLES or ../shared/oracles."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.shared_data import shared

Case = dict[str, Any]


def cases(file: str, family: str) -> list[Case]:
    """Return the cases of one family; skip the test where the file is absent or knows no such family."""
    folder = os.environ.get("PENSTOCK_ORACLES")
    path = Path(folder) / file if folder else shared(f"oracles/{file}")
    if not path.exists():
        pytest.skip(f"oracles not found: {file} (set PENSTOCK_ORACLES to their folder)")
    found = [case for case in json.loads(path.read_text())["cases"] if case["family"] == family]
    if not found:
        pytest.skip(f"oracles: {file} has no case of family {family}")
    return found


def assert_as_published(case: Case, actual: dict[str, Any]) -> None:
    """Hold each named result to the case's own tolerance: |actual - expected| <= abs + rel * |expected|."""
    tolerance = case["tolerance"]
    for name, value in actual.items():
        expected = case["expected"][name]
        allowed = _part(tolerance, "abs", name)
        relative = _part(tolerance, "rel", name)
        pairs = zip(value, expected, strict=True) if isinstance(expected, list) else [(value, expected)]
        for got, printed in pairs:
            assert abs(got - printed) <= allowed + relative * abs(printed), (
                f"{case['id']}: {name} was {got}, published {printed} (abs {allowed}, rel {relative})"
            )


def _part(tolerance: dict[str, Any], part: str, name: str) -> float:
    stated = tolerance.get(part, 0.0)
    return float(stated.get(name, 0.0) if isinstance(stated, dict) else stated)
