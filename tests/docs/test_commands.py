"""Every command that README and pages print is one that the program takes, and the README's first ones work."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from bot.app.cli import build_parser, main
from bot.app.first_prices import split_first_prices
from paper.generate.scenario import SCENARIOS
from tests.app.runs import slide, write_candles
from tests.shared_data import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```sh[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`penstock ([a-z]+)[^`]*`")
README = PAGES[0].read_text(encoding="utf-8")


def commands_of(text: str) -> list[list[str]]:
    """The words of every ``penstock`` command in the fenced blocks of a page, long lines joined."""
    found = []
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["penstock"]:
                found.append(words[1:])
    return found


ALL = [(page.name, words) for page in PAGES for words in commands_of(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "words"), ALL, ids=[f"{page} {' '.join(words)[:60]}" for page, words in ALL])
def test_command_of_a_page_is_one_that_the_program_takes(page: str, words: list[str]) -> None:
    """A verb or an option that was renamed, or a market that is not there, fails here and not with a reader."""
    parsed = build_parser().parse_args(words)
    generate = getattr(parsed, "generate", None)
    if generate is not None:
        market, _ = split_first_prices(generate, page)
        assert market.isdigit() or market.partition(":")[0] in SCENARIOS


def test_pages_name_no_verb_that_is_not_there() -> None:
    """Commands within sentences as well."""
    verbs = set(build_parser().format_help().split())
    named = {
        (page.name, verb) for page in PAGES for verb in _INLINE.findall(page.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    assert sorted((page, verb) for page, verb in named if verb not in verbs) == []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's commands for one's own account were run, from top to bottom."""
    folder = tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        bars = write_candles(folder / "bars.csv", slide(97_000, 90_000, 60))
        (folder / "BTCUSDT-1m.csv.gz").write_bytes(gzip.compress(bars.read_bytes()))
        section = README.partition("## Your own account")[2].partition("\n## ")[0]
        commands = commands_of(section)
        assert [words[0] for words in commands] == ["init", "check", "replay", "replay"]
        for words in commands:
            assert main([*words, "--json"]) == 0, words
    return folder


def test_readme_rescues_the_position_that_is_typed_in(home: Path) -> None:
    """About ten times leveraged at the price that is given; liquidated when left alone, alive with the rules."""
    summary = json.loads((home / "runs" / "mine" / "summary.json").read_text(encoding="utf-8"))
    account = summary["accounts"]["main"]
    assert 9 < 0.2 * 97_000 / float(account["equity_start"]) < 11
    assert summary["baselines"]["main"]["do_nothing"]["liquidations"]
    assert account["liquidations"] == [] and float(account["equity_end"]) > 0.3 * float(account["equity_start"])


def test_readme_takes_the_same_account_over_a_tape(home: Path) -> None:
    """The file of the reader's own is read as it is called there."""
    summary = json.loads((home / "runs" / "first" / "summary.json").read_text(encoding="utf-8"))
    assert any("BTCUSDT-1m.csv.gz" in note for note in summary["tape"]["modelled"])
    assert (home / "runs" / "first" / "report.html").exists()


def test_readme_names_what_lies_in_a_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`penstock explain` and `penstock report` take the folders that the commands made."""
    assert main(["explain", str(home / "runs" / "mine")]) == 0
    assert "fire 1" in capsys.readouterr().out
    assert main(["report", str(home / "runs" / "mine"), "--json"]) == 0


def test_live_configuration_of_the_readme_is_good(home: Path) -> None:
    """It stands beside the rule books that `penstock init` wrote, and needs no key to be looked over."""
    shown = README.partition("```yaml\n# live.yaml\n")[2].partition("```")[0]
    (home / "live.yaml").write_text(shown, encoding="utf-8")
    assert main(["check", str(home / "live.yaml"), "--json"]) == 0


def test_rule_book_of_the_readme_is_the_one_that_comes_with_it() -> None:
    """The YAML in the README is the first rule of `strategies/margin_guard.yaml` without its comments."""
    shown = README.partition("without its comments:\n\n```yaml\n")[2].partition("```")[0]
    book = (ROOT / "strategies" / "margin_guard.yaml").read_text(encoding="utf-8")
    plain = [line.partition("#")[0].rstrip() for line in book.splitlines()]
    kept = "\n".join(line for line in plain if line)
    assert shown.strip() in kept
