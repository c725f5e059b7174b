"""The page on hedging: its configurations run as they stand, and its figures are what a replay gives."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.app.cli import main
from bot.rules.spec import HedgeDelta
from bot.settings.spec import spec_fields
from tests.shared_data import ROOT

PAGE = (ROOT / "docs" / "hedging.md").read_text(encoding="utf-8")
BLOCKS = {
    part.splitlines()[0].removeprefix("# "): part.split("```")[0] for part in PAGE.split("```yaml\n")[1:]
}


def written(folder: Path) -> Path:
    """Every file of the page, in a folder."""
    for name, text in BLOCKS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The summary of the page's first example."""
    folder = written(tmp_path_factory.mktemp("hedging"))
    assert main(["replay", str(folder / "coins.yaml"), "--generate", "gap:2", "--out", str(folder / "run")]) == 0
    found: dict[str, Any] = json.loads((folder / "run" / "summary.json").read_text(encoding="utf-8"))
    return found


def test_example_of_the_page_hedges_to_the_edge_of_its_band(replayed: dict[str, Any]) -> None:
    """One fire, one parent of 1.5 BTC, filled within its minute; nothing was refused."""
    (parent,) = replayed["parents"]
    assert (parent["side"], parent["quantity"], parent["filled"], parent["end_reason"]) == (
        "sell", "1.5", "1.5", "filled"
    )
    assert replayed["rules"]["delta_hedge"]["fires"] == 1
    assert replayed["denials"] == {}


def test_figures_of_the_page_are_those_of_the_replay(replayed: dict[str, Any]) -> None:
    """Equity at the start, hedged and left alone; and that a hedge keeps more of it in a fall."""
    account, alone = replayed["accounts"]["main"], replayed["baselines"]["main"]["do_nothing"]
    figures = (account["equity_start"], account["equity_end"], alone["equity_end"])
    for figure in figures:
        assert f"| {Decimal(figure):,.2f} USDT |" in PAGE
    assert Decimal(figures[1]) > Decimal(figures[2])
    assert f"earned {Decimal(account['unrealised_pnl']):,.2f} of it" in PAGE
    assert f"cost {Decimal(account['fees']):,.2f} in" in PAGE


def test_every_example_of_the_page_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both accounts pass `penstock check`."""
    folder = written(tmp_path)
    for name in ("coins.yaml", "inverse.yaml"):
        assert main(["check", str(folder / name)]) == 0, capsys.readouterr().out


def test_page_names_every_key_of_a_hedge() -> None:
    """A key that the page does not explain is found by nobody."""
    assert all(f"| `{each.key}` |" in PAGE for each in spec_fields(HedgeDelta))
