"""The table of the generated crash's seeds: what the program prints is what the page has."""

from __future__ import annotations

import json

import pytest

from bench.seeds import QUANTILES, ROWS, main
from tests.shared_data import ROOT

PAGE = (ROOT / "docs" / "generated_market.md").read_text(encoding="utf-8")


def test_seeds_print_the_rows_of_the_page_and_one_object_last(capsys: pytest.CaptureFixture[str]) -> None:
    """Two seeds are enough to see every row, in the page's order and under its names, with what was published."""
    assert main(["--seeds", "2"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    printed = [line.split(" | ")[:2] for line in table if line[2:].partition(" |")[0] in {row[0] for row in ROWS}]
    section = PAGE.partition("### How near it comes")[2].partition("\n## ")[0].partition("\n### ")[0]
    written = [line.split(" | ")[:2] for line in section.splitlines() if line.startswith("| ")][1:]
    assert printed == written
    found = json.loads(last)
    assert found["seeds"] == 2
    for figures in found["figures"].values():
        assert len(figures) == len(QUANTILES) and figures == sorted(figures)
