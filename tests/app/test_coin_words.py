"""An account that is kept in a coin: its amounts are shown by the coin's own digits; a cent of it is a fortune."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bot.app.cli import main
from bot.app.report.compare import ComparedRun, compare_runs
from bot.app.report.compare_rows import rule_rows
from bot.app.report.story import currency_of_rule, stories
from bot.app.wording import NA, cash
from bot.domain.run import RunHead
from tests.app.books import write_book
from tests.app.report_page import Reader
from tests.app.runs import STRATEGIES
from tests.app.sample_record import sample_summary

GUARD = "margin_guard"
SUMMARY = sample_summary()
AMOUNT = re.compile(
    r"(?:equity|equity then|shortfall|fees?|expected cost|doing nothing:|first fire:) ([+-]?[\d,.]+)( \w+)?"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a replay in which the guard saves an account of one bitcoin."""
    base = tmp_path_factory.mktemp("coin")
    config, tape = write_book(base, "inverse long", STRATEGIES / f"{GUARD}.yaml")
    assert main(["replay", str(config), "--tape", tape, "--out", str(base / "run"), "--json"]) == 0
    return base / "run"


def summary_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


@pytest.mark.parametrize("question", [[], ["--fire", "1"], ["--at", "00:30"]], ids=["fires", "a fire", "a time"])
def test_explain_of_an_account_in_coins_shows_its_cash_to_four_digits(
    folder: Path, capsys: pytest.CaptureFixture[str], question: list[str]
) -> None:
    """Every amount bears the coin's name, and none reads 0.00 for a fee of half a thousandth."""
    assert main(["explain", str(folder), *question]) == 0
    shown = AMOUNT.findall(" ".join(capsys.readouterr().out.split()))
    assert shown
    assert {currency for _, currency in shown} == {" BTC"}
    assert all(len(amount.lstrip("+-0.").replace(".", "")) == 4 for amount, _ in shown if float(amount)), shown
    (parent,) = summary_of(folder)["parents"]
    if "--fire" not in question:
        assert cash(parent["fees"], "BTC") in {f"{amount}{currency}" for amount, currency in shown}


def test_report_of_two_runs_in_coins_shows_their_figures_and_rules_in_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Side by side, what a rule saved and cost reads as it does in a single run."""
    assert main(["report", str(folder), str(folder)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    summary = summary_of(folder)
    for label, value in (
        ("Equity at the end", summary["accounts"]["main"]["equity_end"]),
        ("Fees, paid to the venue", summary["accounts"]["main"]["fees"]),
        (f"{GUARD}: saved", summary["rules"][GUARD]["saved"]), (f"{GUARD}: cost", summary["rules"][GUARD]["cost"]),
    ):
        shown = cash(value, "BTC")
        assert f"{label} {shown} {shown}" in text
        assert len(shown.removesuffix(" BTC").lstrip("0.")) == 4


def test_report_page_of_an_account_in_coins_counts_its_tiles_in_them(folder: Path) -> None:
    """What Penstock kept of the one coin reads as a coin's fraction."""
    end = cash(summary_of(folder)["accounts"]["main"]["equity_end"], "BTC").removesuffix(" BTC")
    assert f"{end} of 1.000 BTC" in Reader((folder / "report.html").read_text(encoding="utf-8")).text


# Rules over several accounts ------------------------------------------------------------------------------


def two_accounts(*fired_in: str) -> dict[str, Any]:
    """A run of a dollar account and one in coins; the guard fired in ``fired_in``."""
    found = deepcopy(SUMMARY)
    found["accounts"] = dict.fromkeys(("dollars", "coins"), SUMMARY["accounts"]["main"])
    found["fires"] = [{**SUMMARY["fires"][0], "rule": GUARD, "scope": name} for name in fired_in]
    worth = {"fires": 1, "false_fires": 0, "saved": "0.01234567", "cost": "0"}
    return {**found, "denials": {}, "rules": {GUARD: worth}}


MARKETS = {"dollars": ["BTC/USDT:USDT"], "coins": ["BTC/USD:BTC"]}


@pytest.mark.parametrize(
    ("fired_in", "currency"),
    [(["coins"], "BTC"), (["dollars"], "USDT"), (["dollars", "coins"], ""), ([], "")],
    ids=["coins", "dollars", "both", "none"],
)
def test_rule_over_accounts_of_two_currencies_is_counted_in_the_one_that_it_fired_in(
    fired_in: list[str], currency: str
) -> None:
    """What it saved an account in coins is no dollars, whatever else the run holds."""
    assert currency_of_rule(GUARD, stories(two_accounts(*fired_in), MARKETS)) == currency


def test_rule_that_fired_for_another_currency_in_each_run_has_no_difference() -> None:
    """Dollars less bitcoins is no figure."""
    runs = [
        ComparedRun(name, RunHead("1", "c" * 64, "", "pk", 0), two_accounts(name), MARKETS)
        for name in ("coins", "dollars")
    ]
    rows = {label: figures for label, *figures in rule_rows(compare_runs(*runs)["rules"])}
    assert rows[f"{GUARD}: saved"] == ["0.01235 BTC", "0.01 USDT", NA]
    assert rows[f"{GUARD}: fires"] == ["1", "1", ""]
