"""``penstock init``: what it writes passes ``check``, and it writes over nothing.

Most of it runs in this process: a new one for each would take a second and a half.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.app.cli import main
from bot.app.starter import (
    book_names,
    read_amount,
    read_balance,
    read_books,
    read_exchange,
    read_leverage,
    read_symbols,
)
from bot.domain.errors import InputError
from tests.app.runs import BTC, ENDS_WITHIN, ETH, one_object, penstock
from tests.shared_data import ROOT


def written(folder: Path) -> dict[str, str]:
    """Every file below a folder with its text."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*")) if path.is_file()
    }


def started(*arguments: str | Path) -> int:
    """Run the command line here and return its exit code."""
    return main([str(argument) for argument in arguments])


def answered(folder: Path, typed: bytes, *more: str) -> subprocess.CompletedProcess[str]:
    """Run ``init`` on a terminal into which ``typed`` is typed."""
    keyboard, terminal = pty.openpty()
    os.write(keyboard, typed)
    try:
        return subprocess.run(
            [sys.executable, "-m", "bot", "init", "--out", str(folder / "penstock.yaml"), *more], cwd=ROOT,
            stdin=terminal, capture_output=True, text=True, timeout=ENDS_WITHIN, check=False,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)


def test_init_by_flags_writes_what_check_takes(tmp_path: Path) -> None:
    """All flags, one command, and the next one says good: with the very account that was asked for."""
    out = tmp_path / "desk" / "mine.yaml"
    found = penstock(
        "init", "--yes", "--out", out, "--exchange", "bybit", "--symbol", BTC, "--symbol", ETH, "--position",
        f"{ETH}=-20.5", "--balance", "5_000", "--leverage", "10", "--strategy", "margin_guard",
    )
    assert found.returncode == 0, found.stderr
    checked = penstock("check", out, "--json")
    assert checked.returncode == 0, checked.stdout
    told = one_object(checked.stdout)
    assert told["accounts"] == {"main": {"mode": "paper", "instruments": [BTC, ETH]}}
    assert [rule["name"] for rule in told["rules"]] == ["margin_guard", "margin_emergency"]
    text = out.read_text(encoding="utf-8")
    account = yaml.safe_load(text)["accounts"]["main"]
    assert account["exchange"]["id"] == "bybit"
    assert account["paper"]["positions"] == {ETH: {"amount": -20.5, "entry_price": "first"}}
    assert "balances: {USDT: 5_000}" in text
    assert account["paper"]["leverage"] == 10


@pytest.mark.parametrize("book", book_names())
def test_init_with_each_of_our_rule_books_passes_check(book: str, tmp_path: Path) -> None:
    """Any strategy that init offers works where init puts it."""
    out = tmp_path / "penstock.yaml"
    assert started("init", "--yes", "--out", out, "--strategy", book) == 0
    assert started("check", out) == 0


def test_init_leaves_hints_that_editors_can_follow(tmp_path: Path) -> None:
    """The first line of every YAML file it writes names a schema that lies there."""
    assert started("init", "--yes", "--out", tmp_path / "penstock.yaml") == 0
    for path in tmp_path.rglob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert (path.parent / first.removeprefix("# yaml-language-server: $schema=")).is_file(), path


@pytest.mark.parametrize("there", ["penstock.yaml", "rules/stop_loss.yaml", "schema/rules.schema.json"])
def test_init_overwrites_nothing(there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One file in the way, and nothing at all is written: it may be somebody's only copy."""
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine\n", encoding="utf-8")
    assert started("init", "--yes", "--out", tmp_path / "penstock.yaml") == 2
    assert f"{tmp_path / there}: is there already" in capsys.readouterr().err
    assert written(tmp_path) == {there: "mine\n"}


def test_init_of_a_second_configuration_shares_unchanged_rule_books(tmp_path: Path) -> None:
    """Two accounts' files may lie side by side; the rule book that both use is the same file."""
    assert started("init", "--yes", "--out", tmp_path / "one.yaml") == 0
    before = written(tmp_path)
    assert started("init", "--yes", "--out", tmp_path / "two.yaml") == 0
    assert {name: text for name, text in written(tmp_path).items() if name != "two.yaml"} == before


def test_init_without_a_terminal_and_without_yes_says_what_to_do(tmp_path: Path) -> None:
    """A script that forgot --yes gets exit 2 at once, not a question that nobody hears."""
    found = penstock("init", "--out", tmp_path / "penstock.yaml")
    assert found.returncode == 2
    assert "give --yes" in found.stderr
    assert written(tmp_path) == {}


REFUSED = {
    "exchange": (["--exchange", "binanceusd"], "did you mean binanceus"),
    "spot symbol": (["--symbol", "BTC/USDT"], "write BTC/USDT:USDT"),
    "two currencies": (["--symbol", BTC, "--symbol", "ETH/USDC:USDC"], "settle in one currency"),
    "position elsewhere": (["--position", f"{ETH}=1"], "must be SYMBOL=AMOUNT"),
    "position in words": (["--position", f"{BTC}=much"], "is not a number"),
    "position without amount": (["--position", BTC], "must be SYMBOL=AMOUNT"),
    "no money": (["--balance", "0"], "must be above 0"),
    "leverage": (["--leverage", "126"], "from 1 to 125"),
    "strategy": (["--strategy", "stop_los"], "did you mean stop_loss?"),
}


@pytest.mark.parametrize(("flags", "cure"), REFUSED.values(), ids=REFUSED)
def test_init_with_a_wrong_flag_names_the_cure_and_writes_nothing(
    flags: list[str], cure: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped flag costs one line on the screen."""
    assert started("init", "--yes", "--out", tmp_path / "penstock.yaml", *flags) == 2
    said = capsys.readouterr().err
    assert cure in said
    assert "Traceback" not in said
    assert written(tmp_path) == {}


def test_init_json_is_one_object_that_lists_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever scripts it learns what was written, and nothing else is on standard output."""
    assert started("init", "--yes", "--json", "--out", tmp_path / "penstock.yaml") == 0
    told = one_object(capsys.readouterr().out)
    assert told["config"] == str(tmp_path / "penstock.yaml")
    assert {Path(path).relative_to(tmp_path).as_posix() for path in told["files"]} == set(written(tmp_path))


def test_init_on_a_terminal_asks_and_takes_the_answers(tmp_path: Path) -> None:
    """Seven answers, one of them wrong and asked again, and the configuration is there."""
    typed = f"okx\n{BTC} {ETH}\nlots\n2500\n5\n0.5\n-3\nstop_loss\n"
    found = answered(tmp_path, typed.encode())
    assert found.returncode == 0, found.stderr
    assert "balance: is not a number, was 'lots'" in found.stderr
    paper = yaml.safe_load((tmp_path / "penstock.yaml").read_text(encoding="utf-8"))["accounts"]["main"]["paper"]
    assert (paper["balances"], paper["leverage"]) == ({"USDT": 2500}, 5)
    assert {symbol: position["amount"] for symbol, position in paper["positions"].items()} == {BTC: 0.5, ETH: -3}
    assert started("check", tmp_path / "penstock.yaml") == 0


def test_init_on_a_terminal_with_only_enter_takes_every_default(tmp_path: Path) -> None:
    """Enter, enter, enter is a configuration too, the same as --yes writes."""
    found = answered(tmp_path, b"\n" * 6)
    assert found.returncode == 0, found.stderr
    other = tmp_path / "other"
    assert started("init", "--yes", "--out", other / "penstock.yaml") == 0
    assert (tmp_path / "penstock.yaml").read_text() == (other / "penstock.yaml").read_text()


def test_init_on_a_terminal_asks_only_what_no_flag_says(tmp_path: Path) -> None:
    """Flags and questions go together: three flags, three questions fewer."""
    found = answered(
        tmp_path, b"300\nnone\nstop_loss\n", "--exchange", "okx", "--symbol", BTC, "--leverage", "3", "--json"
    )
    assert one_object(found.stdout)["config"] == str(tmp_path / "penstock.yaml")
    assert "Exchange" not in found.stderr
    text = (tmp_path / "penstock.yaml").read_text(encoding="utf-8")
    assert "balances: {USDT: 300}" in text
    assert "positions: {} " in text


def test_init_whose_terminal_ends_early_writes_nothing(tmp_path: Path) -> None:
    """Control-D in the middle is a no."""
    found = answered(tmp_path, b"okx\n\x04")
    assert found.returncode == 2
    assert "the input ended before the last question" in found.stderr
    assert written(tmp_path) == {}


def test_init_gives_up_on_a_question_after_five_tries(tmp_path: Path) -> None:
    """A script that feeds nonsense into a terminal comes to an end."""
    found = answered(tmp_path, b"nowhere\n" * 5)
    assert found.returncode == 2
    assert "no usable answer, was 5 tries" in found.stderr


def test_readers_keep_what_is_good_as_it_was_typed() -> None:
    """Numbers go into the file as a person wrote them."""
    assert read_exchange("hyperliquid") == "hyperliquid"
    assert read_symbols(["BTC/USDC:USDC"]) == ("BTC/USDC:USDC",)
    assert read_balance("0.01") == "0.01"
    assert read_leverage("125") == "125"
    assert read_leverage("1") == "1"
    assert read_amount(BTC, "-1_000.5") == "-1_000.5"
    assert read_amount(BTC, "0") is None
    assert read_amount(BTC, "none") is None
    assert read_books(["stop_loss", "stop_loss"]) == ("stop_loss",)


@pytest.mark.parametrize("text", ["0", "126", "-1", "1.5", "", "٣", "1e2"])
def test_read_leverage_outside_its_range_is_refused(text: str) -> None:
    """The configuration takes 1 to 125, so init does."""
    with pytest.raises(InputError, match="from 1 to 125"):
        read_leverage(text)


@pytest.mark.parametrize("texts", [[], [BTC, BTC], ["BTC"], ["BTC/USDT:BTC"], ["/:"]])
def test_read_symbols_that_cannot_be_simulated_are_refused(texts: list[str]) -> None:
    """None, one twice, spot, inverse, nonsense: all before a file is written."""
    with pytest.raises(InputError):
        read_symbols(texts)
