"""The guide for a first rule, run as a person would run it: every command, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.app.runs import ENDS_WITHIN, environment
from tests.shared_data import ROOT

GUIDE = ROOT / "docs" / "first-rule.md"
_BLOCK = re.compile(r"^```sh(?: exit=(\d+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block of the guide printed; a block that ends otherwise than the guide says fails here."""
    folder = tmp_path_factory.mktemp("first_rule")
    tools = tmp_path_factory.mktemp("tools")
    penstock = tools / "penstock"
    penstock.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m bot "$@"\n', encoding="utf-8")
    penstock.chmod(0o755)
    environ = environment(PATH=f"{tools}{os.pathsep}{os.environ['PATH']}", COLUMNS="100")
    found = []
    for code, script in _BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        done = subprocess.run(
            ["sh", "-e", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, timeout=ENDS_WITHIN,
            check=False,
        )
        assert done.returncode == int(code or 0), f"{script}\n{done.stdout}{done.stderr}"
        found.append(done.stdout + done.stderr)
    return found


def test_guide_runs_from_top_to_bottom(outputs: list[str]) -> None:
    """Every block ends as the guide says it does, the wrong one with 2."""
    assert len(outputs) == 9


def test_guide_shows_the_wrong_unit_at_its_column(outputs: list[str]) -> None:
    """The error names file, line and column, and both units."""
    wrong = next(text for text in outputs if "wrong_rules.yaml" in text)
    line = next(line for line in wrong.splitlines() if "wrong_rules.yaml" in line)
    assert re.search(r"wrong_rules\.yaml:4:\d+", line)


def test_guide_explains_the_fire_it_made(outputs: list[str]) -> None:
    """The rule fires at the first price past 3 %, which is a loss of 4 %, and each answer is there."""
    text = next(text for text in outputs if "fire 1: " in text)
    assert "my_stop of main BTC/USDT:USDT" in text
    assert "because position.loss_ratio 4 % > 3 %" in text
    assert "doing nothing:" in text and "owed to my_stop (fire 1)" in text
    assert "at 2020-03-12T00:02:30" in text


def test_guide_says_how_near_the_late_rule_came(outputs: list[str]) -> None:
    """The tape's low is a loss of 7 %; 9 % was never reached."""
    text = next(text for text in outputs if "late_stop: for each position" in text)
    assert "position.loss_ratio 7 % > 9 %" in " ".join(text.split())
    assert "22 % of the bound was missing" in text


def test_every_shell_block_of_the_guide_is_one_that_is_run() -> None:
    """A block in another form would not be run by this test."""
    text = GUIDE.read_text(encoding="utf-8")
    assert text.count("```") == 2 * len(_BLOCK.findall(text))
