"""``penstock report A B``: two runs over one market side by side, and two markets refused."""

from __future__ import annotations

from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.app.record import DO_NOTHING, RunRecord
from bot.app.report.compare import ComparedRun, compare_runs
from bot.app.report.compare_page import ComparedPage, render_page
from bot.app.report.compare_rows import ACCOUNT_ROWS, RULE_ROWS
from bot.app.report.compare_text import render_comparison
from bot.domain.copying import replace
from bot.domain.errors import InputError
from bot.domain.run import RunHead, TapeSource
from bot.domain.scale import NS_PER_MINUTE
from tests.app.report_page import NOT_SHOWN, RECORD, Reader
from tests.app.runs import (
    BTC,
    ETH,
    NEVER_FIRES,
    NO_STOPS,
    STOP_NOW,
    crash,
    flat,
    long_of,
    one_object,
    penstock,
    write_candles,
    write_config,
)
from tests.app.sample_record import sample_summary

HEAD = RunHead("1", "c" * 64, "", "pk", 0, (TapeSource("btc.csv", "a" * 64), TapeSource("eth.csv", "b" * 64)))
GENERATED = replace(HEAD, tapes=(TapeSource("crash:3", ""),))
SUMMARY = {**sample_summary(), "denials": {"RATE_EXCEEDED": 2}}
A = ComparedRun("runs/a", HEAD, SUMMARY)


def other(head: RunHead = HEAD, **tape: Any) -> ComparedRun:
    """A second run whose tape is as ``tape`` says."""
    return ComparedRun("runs/b", head, {**SUMMARY, "tape": {**SUMMARY["tape"], **tape}})


def told(found: dict[str, Any]) -> str:
    """What a person reads of it at 80 columns."""
    out = StringIO()
    Console(file=out, width=80, color_system=None).print(render_comparison(found))
    return out.getvalue()


# Markets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "its"),
    [
        (HEAD, replace(HEAD, tapes=(TapeSource("elsewhere/btc.csv", "a" * 64), HEAD.tapes[1]))),
        (HEAD, replace(HEAD, tapes=HEAD.tapes[::-1])),
        (GENERATED, GENERATED),
    ],
    ids=["moved file", "other order", "generated"],
)
def test_runs_over_the_same_market_are_compared(mine: RunHead, its: RunHead) -> None:
    """A file is what it holds, wherever it lies and in whatever order it was named."""
    assert compare_runs(replace(A, head=mine), other(its))["runs"] == {"a": "runs/a", "b": "runs/b"}


@pytest.mark.parametrize(
    "second",
    [
        other(replace(HEAD, tapes=(TapeSource("btc.csv", "d" * 64), HEAD.tapes[1]))), other(replace(HEAD, tapes=())),
        other(replace(HEAD, tapes=HEAD.tapes[:1])), other(GENERATED), other(events=SUMMARY["tape"]["events"] + 1),
        other(last_ts="2020-03-13T00:00:00.000000Z"), other(first_ts="2020-03-11T00:00:00.000000Z"),
    ],
    ids=["other content", "none", "one fewer", "generated", "one event more", "later end", "earlier start"],
)
def test_runs_over_different_markets_are_refused(second: ComparedRun) -> None:
    """The market's difference would read like a rule's; the message says what to do."""
    with pytest.raises(InputError, match=r"not over the same market.*replay one of them over the other's tape"):
        compare_runs(A, second)


def test_generated_markets_of_two_seeds_are_refused() -> None:
    """They have no file to hash, and are told apart by the words that they were asked for with."""
    seven = replace(HEAD, tapes=(TapeSource("crash:7", ""),))
    with pytest.raises(InputError, match="its tape was crash:3, and crash:7"):
        compare_runs(replace(A, head=GENERATED), other(seven))


# Figures -------------------------------------------------------------------------------------------------


def test_comparison_has_both_runs_figures_as_their_summaries_have_them() -> None:
    """Nothing is rounded, and what only one of them has is null in the other."""
    changed = deepcopy(SUMMARY)
    changed["accounts"]["main"]["equity_end"] = "1.5"
    changed["rules"] = {"newer": {"fires": 3, "false_fires": 3, "saved": "-4", "cost": "2"}}
    changed["denials"] = {"PRICE_MISSING": 1, "RATE_EXCEEDED": 5}
    found = compare_runs(A, ComparedRun("runs/b", replace(HEAD, config_hash="e" * 64), changed))
    main = SUMMARY["accounts"]["main"]
    assert found["accounts"]["main"]["equity_end"] == {"a": main["equity_end"], "b": "1.5"}
    assert found["accounts"]["main"]["parents"] == {"a": len(SUMMARY["parents"]), "b": len(SUMMARY["parents"])}
    assert found["rules"]["newer"]["saved"] == {"a": None, "b": "-4"}
    assert found["rules"]["margin_guard"]["fires"] == {"a": 1, "b": None}
    assert found["denials"] == {"PRICE_MISSING": {"a": 0, "b": 1}, "RATE_EXCEEDED": {"a": 2, "b": 5}}
    assert not found["is_same_configuration"]


def test_comparison_of_a_run_with_itself_shows_no_difference() -> None:
    """The last column is empty wherever there is a figure."""
    found = compare_runs(A, other())
    assert found["is_same_configuration"]
    assert all(pair["a"] == pair["b"] for figures in found["accounts"].values() for pair in figures.values())
    assert "+" not in told(found)


def test_comparison_fits_a_terminal_and_names_every_figure() -> None:
    """80 columns, a line for every figure of the tables, and no word that only a programmer knows."""
    text = told(compare_runs(A, other()))
    assert max(len(line) for line in text.splitlines()) <= 80
    for _, label, _ in ACCOUNT_ROWS:
        assert label in text
    for _, label, _ in RULE_ROWS:
        assert f"margin_guard: {label}" in text
    assert not any(word in text for word in ("None", "nan", "null"))


def test_every_account_figure_that_is_compared_is_drawn() -> None:
    """A figure that was added to one and forgotten in the other fails here."""
    figures = compare_runs(A, other())["accounts"]["main"]
    assert list(figures) == ["currency", *(key for key, _, _ in ACCOUNT_ROWS)]


# The page ------------------------------------------------------------------------------------------------


def paged(run: ComparedRun, record: RunRecord = RECORD, **rules: dict[str, Any]) -> ComparedPage:
    """A run with its record, and rules as a charter words them."""
    return ComparedPage(run, record, rules)


def test_page_of_two_runs_says_which_ended_better_and_draws_both() -> None:
    """B kept 100 more; their lines stand in the same charts, beside doing nothing."""
    better = deepcopy(SUMMARY)
    better["accounts"]["main"]["equity_end"] = str(float(SUMMARY["accounts"]["main"]["equity_end"]) + 100)
    reader = Reader(render_page(paged(A), paged(ComparedRun("runs/b", HEAD, better))))
    assert "B ended with 100.00 USDT more." in reader.text
    assert "Equity at the end 493.61 USDT 593.61 USDT +100.00 USDT" in reader.text
    names = {title: [line["name"] for line in figure["data"]] for title, figure in reader.charts.items()}
    assert names == {
        "Equity": ["Do nothing", "A", "B"], "Distance to liquidation": ["A", "B"],
        f"{BTC}: position": ["A", "B"], f"{ETH}: position": ["A", "B"],
    }
    assert NOT_SHOWN.findall(reader.text) == []


def test_page_of_two_runs_shows_where_their_rules_differ() -> None:
    """A rule that only one has, and a bound that was moved; what both say alike is not repeated."""
    mine = paged(A, guard={"when": "distance < 5 %", "goal": "30 %"}, stop={"when": "loss > 8 %"})
    its = paged(other(), guard={"when": "distance < 8 %", "goal": "30 %"})
    text = Reader(render_page(mine, its)).text
    assert "stop only in A; guard not the same." in text
    assert "Rule Key A B guard when distance < 5 % distance < 8 % stop rule armed not there" in text


def test_page_of_a_run_against_itself_says_that_nothing_differs() -> None:
    """Equal ends, equal rules."""
    text = Reader(render_page(paged(A), paged(other()))).text
    assert "Both ended with the same." in text
    assert "Their rules say the same" in text


def test_page_of_runs_with_other_accounts_compares_none() -> None:
    """A name in one of them only has no figure to be held against."""
    renamed = deepcopy(SUMMARY)
    renamed["accounts"] = {"desk": renamed["accounts"]["main"]}
    text = Reader(render_page(paged(A), paged(ComparedRun("runs/b", HEAD, renamed)))).text
    assert text.count("Only one of the two runs has this account.") == 2


def test_page_of_two_runs_escapes_what_their_journals_say() -> None:
    """Names of folders, rules and markets are text."""
    evil = "<img src=x onerror=alert(1)>"
    run = ComparedRun(evil, HEAD, SUMMARY)
    reader = Reader(render_page(paged(run, **{evil: {"when": evil}}), paged(run)))
    assert not [tag for tag, _ in reader.tags if tag == "img"]
    assert evil in reader.text


def test_report_that_is_to_write_one_run_elsewhere_is_refused(tmp_path: Path) -> None:
    """``--out`` is of two runs; a single report lies in its run's own folder."""
    refused = penstock("report", tmp_path, "--out", tmp_path / "x")
    assert (refused.returncode, "--out goes with two runs" in refused.stderr) == (2, True)


# The program ---------------------------------------------------------------------------------------------


def test_report_of_two_runs_tells_a_stop_from_doing_nothing(tmp_path: Path) -> None:
    """The same position through the same crash, with a stop and without; another tape is refused with exit code 2."""
    tape = write_candles(tmp_path / "btc.csv", crash())
    calm = write_candles(tmp_path / "calm.csv", flat(10_000.01, 60))
    for name, book, market in (("stop", STOP_NOW, tape), ("never", NEVER_FIRES, tape), ("calm", STOP_NOW, calm)):
        folder = tmp_path / f"{name}_config"
        folder.mkdir()
        config = write_config(
            folder, {BTC: long_of("1")}, usdt="1_500", books=[book], instruments=[BTC], more=NO_STOPS
        )
        penstock("replay", config, "--tape", f"{BTC}={market}", "--out", tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.glob("*/summary.json")}
    found = penstock("report", tmp_path / "stop", tmp_path / "never", "--out", tmp_path / "page", "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    main = one_object(found.stdout)["accounts"]["main"]
    summaries = {path.parent.name: one_object(text.decode()) for path, text in before.items()}
    for key in ("equity_end", "max_drawdown", "fees", "liquidation_distance_min"):
        assert main[key] == {
            side: summaries[name]["accounts"]["main"][key] for side, name in (("a", "stop"), ("b", "never"))
        }
    assert main["liquidations"]["a"] == 0 < main["liquidations"]["b"]
    assert float(main["equity_end"]["a"]) > float(main["equity_end"]["b"])
    assert {path: path.read_bytes() for path in before} == before
    page = Reader((tmp_path / "page" / "comparison.html").read_text(encoding="utf-8")).text
    assert "A ended with" in page and "stop only in A; never only in B." in page

    refused = penstock("report", tmp_path / "stop", tmp_path / "calm")
    assert refused.returncode == 2
    assert "are not over the same market" in refused.stderr


def test_page_of_two_runs_that_began_differently_compares_what_they_kept() -> None:
    """Who began with more ends with more, which says nothing; and left alone they are two lines, not one."""
    richer = deepcopy(SUMMARY)
    start = float(SUMMARY["accounts"]["main"]["equity_start"])
    richer["accounts"]["main"] |= {"equity_start": str(2 * start), "equity_end": str(start)}
    began = RECORD.series["main"].ts[0]
    alone = {"main": {DO_NOTHING: [(began, 1.0), (began + NS_PER_MINUTE, 2.0)]}}
    second = paged(ComparedRun("runs/b", HEAD, richer), replace(RECORD, baseline_series=alone))
    reader = Reader(render_page(paged(A), second))
    assert "They began with different cash: A kept 34 % of it, B 50 %." in reader.text
    assert [line["name"] for line in reader.charts["Equity"]["data"]] == ["Do nothing (A)", "A", "B"]
