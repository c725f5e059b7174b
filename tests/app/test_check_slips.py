"""Slips of a first configuration and a first rule: `penstock check` says where and what, before anything runs."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from bot.app.cli import main
from bot.app.config import Mode
from bot.app.paper_config import PaperPositionSpec
from bot.app.reload import _require_equal
from bot.domain.errors import InputError
from tests.app.runs import BTC, ETH, STOP_NOW, flat, long_of, write_candles, write_config

GOOD = f"""accounts:
  main:
    instruments: ["{BTC}", "{ETH}"]
    paper:
      balances: {{USDT: 2000}}
      positions: {{"{BTC}": {{amount: 0.5, entry_price: 10000}}}}
      leverage: 20
strategies: [rules.yaml]
"""

# name: (what the good file says, what stands there instead, the place, a part of the message)
SLIPS = {
    "marker in capitals": ("strategies:", "marker: PEN\nstrategies:", ":8:9", "was 'PEN'; leave it out for pen"),
    "marker too long": ("strategies:", "marker: penstock\nstrategies:", ":8:9", "1 to 5 letters or digits"),
    "marker empty": ("strategies:", 'marker: ""\nstrategies:', ":8:9", "was ''"),
    "debt": ("USDT: 2000", "USDT: -5", ":5:17", "must not be below 0, was USDT: -5"),
    "latency of a day": ("leverage: 20", "latency: 1d", ":7:16", "at most 60s, was '1d'; write a time such as 50ms"),
    "fee at the limit": ("leverage: 20", "fees: {taker: 5%}", None, None),
    "fee far too high": ("leverage: 20", "fees: {taker: 6%}", ":7:21", "between -5% and 5% of the value, was 6.00%"),
    "rebate far too high": ("leverage: 20", "fees: {maker: -6%}", ":7:21", "was -6.00%"),
    "sigmas below 0": ("    paper:", "    survival: {sigmas: -3}\n    paper:", ":4:24", "must be above 0, was -3"),
    "blind share": ("    paper:", "    blind: {else_reduce: 150%}\n    paper:", ":4:26", "must be 0% to 100%, was 150"),
    "symbol of spot": (f'["{BTC}"', '["BTC/USDT"', ":5:7", "which is not among instruments, was BTC/USDT, ETH"),
    "symbol in small letters": (f', "{ETH}"]', ', "eth/usdt:usdt"]', None, "in capital letters; write BTC/USDT:USDT"),
    "currency in small letters": ("USDT: 2000", "usdt: 2000", None, "holds usdt, but the account settles in USDT"),
    "cap in coins": ("strategies:", "limits: {order_notional_max: 10 BTC}\nstrategies:", None,
                     f"is counted in USDT for {BTC}, was 10 BTC; write the amount in USDT"),
    "cap in other dollars": ("strategies:", "limits: {order_notional_max: 10 USDC}\nstrategies:", None, None),
    "least equity in coins": ("strategies:", "limits: {equity_min: 1 BTC}\nstrategies:", None,
                              "is counted in USDT for main, was 1 BTC"),
    "book that is not there": ("[rules.yaml]", "[rule.yaml]", None, "names a rule book that is no file, was "),
    "book that is a folder": ("[rules.yaml]", "[.]", None, "which is relative to config.yaml"),
    "book named twice": ("[rules.yaml]", "[rules.yaml, rules.yaml]", None, "or name the book once"),
    "plug-in that is not there": ("strategies:", "plugins: [x.py]\nstrategies:", None, "was No such file or"),
}
RULES = {
    "confirm against when": ("    confirm: position.loss_ratio < 2%\n", "confirm and when are never true together"),
    "class of a hedge": ("    execute: {order_class: hedge}\n", "order_class of a rule is margin or cost, was hedge"),
    "class of an operator": ("    execute: {order_class: operator}\n", "margin or cost, was operator"),
}
CAUTIONS = {
    "exact": ("position.loss_ratio == 4%", "r: when position.loss_ratio == 4% is hardly ever true of what moves"),
    "inexact": ("position.loss_ratio != 4%", "r: when position.loss_ratio != 4% is nearly always true of what moves"),
    "side": ("position.side == 1 and position.loss_ratio > 4%", None),
    "never zero": ("position.loss_ratio > 4% and account.drawdown != 0%", None),
}


def checked(folder: Path, capsys: pytest.CaptureFixture[str], config: str, rules: str) -> tuple[int, str]:
    """Exit code and output of `check`."""
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    code = main(["check", str(folder / "config.yaml")])
    told = capsys.readouterr()
    return code, told.err or told.out


@pytest.mark.parametrize("case", SLIPS)
def test_check_of_a_slip_says_where_and_what_to_do(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a run would stumble over later is said now, in one line; the limits themselves are allowed."""
    before, after, place, wanted = SLIPS[case]
    assert GOOD.count(before) == 1
    code, told = checked(tmp_path, capsys, GOOD.replace(before, after), STOP_NOW)
    if wanted is None:
        assert code == 0, told
        return
    assert code == 2
    assert len(told.splitlines()) == 1
    assert told.startswith(f"penstock: {tmp_path / 'config.yaml'}{place}: " if place else "penstock: "), told
    assert wanted in told


@pytest.mark.parametrize("case", RULES)
def test_check_of_a_rule_that_cannot_work_says_why(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that never fires, or sells by another's rights, is refused in the file of rules."""
    line, wanted = RULES[case]
    rules = f"rules:\n  r:\n    for_each: position\n    when: position.loss_ratio > 4%\n    do: close\n{line}"
    code, told = checked(tmp_path, capsys, GOOD, rules)
    assert (code, told.startswith(f"penstock: {tmp_path / 'rules.yaml'}:6:")) == (2, True), told
    assert wanted in told


@pytest.mark.parametrize("case", CAUTIONS)
def test_check_warns_of_exact_comparisons_with_what_moves(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`== 4%` reads like a stop and hardly ever fires; a side has few values, and zero means flat."""
    when, wanted = CAUTIONS[case]
    rules = f"rules:\n  r:\n    for_each: position\n    when: {when}\n    do: close\n"
    code, told = checked(tmp_path, capsys, GOOD, rules)
    assert code == 0, told
    assert wanted in told if wanted else "of what moves" not in told


@pytest.mark.parametrize(
    ("when", "to", "is_near"),
    [
        ("account.liquidation_distance < 5%", "liquidation_distance: 5%", True),
        ("account.liquidation_distance < 5%", "liquidation_distance: 5.09%", True),
        ("account.liquidation_distance < 5%", "liquidation_distance: 5.11%", False),
        ("account.leverage > 5", "leverage: 5", True),
        ("account.leverage > 5", "leverage: 4.9", False),
        ("account.gross_notional > 100_000 USDT", "gross_notional: 100_000 USDT", True),
        ("account.gross_notional > 100_000 USDT", "gross_notional: 98_000 USDT", False),
    ],
)
def test_check_warns_of_a_goal_at_its_own_trigger(
    when: str, to: str, is_near: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A guard that buys back nothing sells a little at every tick, all the way down."""
    rules = f"rules:\n  r:\n    for_each: account\n    when: {when}\n    do: {{deleverage: {{to: {{{to}}}}}}}\n"
    code, told = checked(tmp_path, capsys, GOOD, rules)
    assert (code, "lies at its trigger, so it sells a little and fires again" in told) == (0, is_near), told


def test_check_of_a_name_over_two_lines_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name stands in tables and logs of one line; spaces and other alphabets are nobody's business."""
    for name, is_good in (('"a\\nb"', False), ("x" * 61, False), ("x" * 60, True), ("мой stop", True)):
        code, told = checked(tmp_path, capsys, GOOD, STOP_NOW.replace("stop:", f"{name}:", 1))
        assert (code == 0) is is_good, told
        assert is_good or "a name is one line of at most 60 characters, was '" in told


def test_check_of_a_plain_configuration_warns_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning that always stands there teaches people to read none."""
    assert "beware" not in checked(tmp_path, capsys, GOOD, STOP_NOW)[1]


def test_check_without_any_rule_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An account that nothing guards looks just like one that is guarded."""
    code, told = checked(tmp_path, capsys, GOOD, "rules: {}\n")
    assert (code, "no book holds a rule, so nothing is ever done" in told) == (0, True)
    assert "no book holds" not in checked(tmp_path, capsys, GOOD, STOP_NOW)[1]


@pytest.mark.parametrize(("usdt", "is_dead"), [("20", True), ("20.01", False)])
def test_check_warns_of_an_account_that_starts_liquidated(
    usdt: str, is_dead: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0.5 BTC at 10,000 needs 20 USDT of maintenance margin (0.4 %): with just that the venue takes it at once."""
    told = checked(tmp_path, capsys, GOOD.replace("USDT: 2000", f"USDT: {usdt}"), STOP_NOW)[1]
    assert ("accounts.main: starts liquidated: equity" in told) is is_dead


@pytest.mark.parametrize(("amount", "found"), [("0.5", None), ("-0.5", 21_000.0)], ids=["long", "short"])
def test_check_gives_no_price_below_nothing(
    amount: str, found: float | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long cannot lose 110 % of what it was bought for; a short can."""
    (tmp_path / "rules.yaml").write_text(STOP_NOW.replace("> 4%", "> 110%"), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(GOOD.replace("amount: 0.5", f"amount: {amount}"), encoding="utf-8")
    assert main(["check", str(tmp_path / "config.yaml"), "--json"]) == 0
    assert [entry["price"] for entry in json.loads(capsys.readouterr().out)["prices"]] == [found]


def test_rules_by_a_name_shows_only_what_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Who wonders about one measure need not read a hundred; a slip is told with what is nearest."""
    assert main(["rules", "Position.Loss"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("position\n========\n\nposition.loss_ratio\n  unit      ratio\n")
    assert "account." not in told
    assert main(["rules", "loss_ration"]) == 2
    assert "was 'loss_ration'; did you mean position.loss_ratio? `penstock rules` lists all" in capsys.readouterr().err
    assert main(["rules", "nowhere.yaml"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_replay_takes_an_entry_price_finer_than_the_tape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An average entry has more decimals than prices have; it is rounded to theirs."""
    config = write_config(tmp_path, {BTC: long_of("0.1", "10000.123456789")}, usdt="1000", books=[STOP_NOW])
    write_candles(tmp_path / "tape.csv", flat(10_000.01, 3))
    assert main(["replay", str(config), "--tape", f"{BTC}={tmp_path / 'tape.csv'}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accounts"]["main"]["unrealised_pnl"] == "-0.011"


def test_reload_refusal_reads_as_the_file_does() -> None:
    """What may not change is named at its innermost key, in the words of the file."""
    before = {BTC: PaperPositionSpec(Decimal("0.5")), ETH: PaperPositionSpec(Decimal(1))}
    after = {**before, BTC: PaperPositionSpec(Decimal("0.7"))}
    with pytest.raises(InputError, match=r"\[BTC/USDT:USDT\]\.amount: may not change .*, was 0\.7 after 0\.5;"):
        _require_equal("c.yaml: positions", before, after)
    with pytest.raises(InputError, match=r"was \{\} after \{A: \[paper, \{amount: 1, entry_price: first, "):
        _require_equal("c.yaml", {"A": [Mode.PAPER, PaperPositionSpec(Decimal(1))]}, {})
