"""Parents that outlive their tape: in the summary they end with it, in the journal they stay open."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.journal.reader import open_readonly
from bot.domain.effects import EndParent, OpenParent
from tests.app.runs import BTC, flat, long_of, one_object, penstock, slide, write_candles, write_config

SLOW = """
rules:
  slow:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 1h, slice: 1m, collar: 2%}
"""
BARS = [*flat(10_000, 5), *slide(10_000, 9_500, 5), *flat(9_500, 10)]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose tape ends in the middle of a sale of an hour."""
    folder = tmp_path_factory.mktemp("open")
    config = write_config(folder, {BTC: long_of("1")}, usdt="5000", books=[SLOW], instruments=[BTC])
    tape = write_candles(folder / "BTCUSDT.csv", BARS)
    for name in ("one", "two"):
        found = penstock("replay", config, "--tape", f"{BTC}={tape}", "--out", folder / name, "--json")
        assert found.returncode == 0, found.stdout + found.stderr
    return folder / "one"


def test_parent_open_at_the_end_of_the_tape_is_halted_at_its_last_time(out: Path) -> None:
    """Every parent ends with a reason, and one that nobody ended ends with its tape."""
    summary = one_object((out / "summary.json").read_text(encoding="utf-8"))
    (parent,) = summary["parents"]
    assert parent["end_reason"] == "halted"
    assert parent["ended"] == summary["tape"]["last_ts"] == "2020-03-12T00:19:59.999999Z"
    assert 0 < float(parent["filled"]) < float(parent["quantity"]) == 1.0
    assert float(parent["residual"]) == pytest.approx(1 - float(parent["filled"]))


def test_parent_open_at_the_end_of_the_tape_is_measured_against_the_market_up_to_there(out: Path) -> None:
    """It fell through 9,600 in the ninth minute: eleven or twelve bars of 500 at 9,500 to 9,600 were traded since."""
    (parent,) = one_object((out / "summary.json").read_text(encoding="utf-8"))["parents"]
    assert 9_500 <= float(parent["market_vwap"]) <= 9_600
    filled = float(parent["filled"])
    volume = filled / parent["participation"] - filled
    assert volume == pytest.approx(11 * 500) or volume == pytest.approx(12 * 500)


def test_parent_open_at_the_end_of_the_tape_stays_open_in_the_journal(out: Path) -> None:
    """What a run would be taken up from is not touched: no end was decided by the engine."""
    with open_readonly(out / "journal.sqlite") as journal:
        items = [item for _, item in journal.read()]
    assert sum(isinstance(item, OpenParent) for item in items) == 1
    assert not any(isinstance(item, EndParent) for item in items)


def test_explain_of_a_parent_that_outlived_its_tape_says_what_the_summary_says(out: Path) -> None:
    """Two pages about one order must not disagree on how it ended."""
    told = one_object(penstock("explain", out, "--fire", "1", "--json").stdout)
    text = str(told)
    assert "'reason': 'halted'" in text
    assert "2020-03-12T00:19:59.999999Z" in text


def test_run_with_an_open_parent_makes_the_same_bytes_again(out: Path) -> None:
    """All but the timing is the same when the same run is made twice."""
    one, two = (
        one_object((folder / "summary.json").read_text(encoding="utf-8")) for folder in (out, out.parent / "two")
    )
    assert {**one, "timing": None} == {**two, "timing": None}
