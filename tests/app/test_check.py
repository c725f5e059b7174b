"""`penstock check`: what rules mean in distance, leverage and price, and what a careful person would point out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.app.cli import main
from tests.app.runs import BTC, ETH, STOP_NOW, long_of, write_config
from tests.builders import STRATEGIES

RATIO_GUARD = """
rules:
  ratio_guard:
    for_each: account
    when: account.margin_ratio > 70%
    do: {deleverage: {to: {margin_ratio: 5%}}}
"""
GUARD = STRATEGIES / "margin_guard.yaml"


def told(capsys: pytest.CaptureFixture[str], config: Path) -> dict[str, Any]:
    """What `check --json` says of a good configuration."""
    assert main(["check", str(config), "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert isinstance(found, dict)
    return found


def text_of(capsys: pytest.CaptureFixture[str], config: Path) -> str:
    assert main(["check", str(config)]) == 0
    return capsys.readouterr().out


def levels(found: dict[str, Any]) -> list[tuple[str, str, str, float]]:
    return [(entry["rule"], entry["where"], entry["measure"], entry["level"]) for entry in found["levels"]]


def test_check_says_what_a_ratio_means_in_every_bracket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """70 % is 17 bps from liquidation for a small BTC position, and quite another thing for the largest."""
    found = told(capsys, write_config(tmp_path, {}, usdt="1000", books=[RATIO_GUARD]))
    assert levels(found) == [
        ("ratio_guard", "when", "account.margin_ratio", 0.7), ("ratio_guard", "do", "account.margin_ratio", 0.05)
    ]
    brackets = found["levels"][0]["brackets"][BTC]
    assert [bracket["value_max"] for bracket in brackets[:3]] == [50_000, 600_000, 3_000_000]
    assert brackets[-1]["value_max"] is None
    assert brackets[0]["long"] == pytest.approx(
        {"liquidation_distance": 0.0017212, "margin_ratio": 0.7, "leverage": 175}, rel=1e-4
    )
    # a short of 50,000 grows into the next bracket at once: 0.004 (1/0.7 - 1) / 1.005
    assert brackets[0]["short"]["liquidation_distance"] == pytest.approx(0.0017058, rel=1e-4)
    assert brackets[-1]["long"]["liquidation_distance"] > 0.08
    assert set(found["levels"][0]["brackets"]) == {BTC, ETH}


def test_check_in_words_has_a_row_for_every_bracket_of_a_ratio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brackets that two markets share stand once; the formula stands below."""
    text = text_of(capsys, write_config(tmp_path, {}, usdt="1000", books=[RATIO_GUARD]))
    assert "when margin_ratio 70 %, for a position alone:" in text
    rows = [line.split() for line in text.splitlines() if line.strip().startswith("50,000 ")]
    assert rows[0] == ["50,000", "0.40", "%", "0.17", "%", "0.17", "%", "175", f"{BTC},", ETH]
    assert "distance = mu (1/ratio - 1) / (1 - m) for a long, / (1 + m) for a short" in text


def test_check_names_both_ends_of_a_threshold_that_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clamp between 5 % and 8 % is two levels; its volatility is nobody's level."""
    config = write_config(tmp_path, {}, usdt="1000", books=[GUARD])
    of_guard = [entry[1:] for entry in levels(told(capsys, config)) if entry[0] == "margin_guard"]
    measure = "account.liquidation_distance"
    assert of_guard == [
        ("when", measure, 0.05), ("when", measure, 0.08), ("clear", measure, 0.25), ("do", measure, 0.30)
    ]
    text = text_of(capsys, config)
    assert "when liquidation_distance 5.00 %: a margin ratio of 7.43 % and a leverage of 18.6" in text


def test_check_knows_prices_of_positions_that_have_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A long stops below its entry and a short above; the guard's price is the account's, by a common move."""
    config = write_config(
        tmp_path, {BTC: long_of("1", "8000"), ETH: long_of("-5", "200")}, usdt="2000", books=[STOP_NOW, GUARD]
    )
    found = told(capsys, config)
    stops = {entry["symbol"]: entry["price"] for entry in found["prices"] if entry["rule"] == "stop"}
    assert stops == pytest.approx({BTC: 7_680.0, ETH: 208.0})
    guard = [entry for entry in found["prices"] if entry["rule"] == "margin_guard" and entry["level"] == 0.05]
    assert [entry["symbol"] for entry in guard] == [BTC, ETH]
    move = guard[0]["move"]
    fall = 1_964 / 6_964             # by hand: 2,000 - 8,000 x + 1,000 x = 0.004 (9,000) (1 - x)
    assert move == pytest.approx((1 - fall) / (1 - 0.05) - 1, abs=1e-9)
    assert guard[0]["price"] == pytest.approx(8_000 * (1 + move))
    assert found["unpriced"] == {}
    text = text_of(capsys, config)
    assert f"when loss_ratio 4.00 %, main: {BTC} at 7,680.00 (-4.0 %), {ETH} at 208.000 (+4.0 %)" in text


def test_check_without_a_price_says_what_it_waits_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`first` is the tape's: no price is made up for it, and no start is judged."""
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="10", books=[STOP_NOW, GUARD])
    found = told(capsys, config)
    assert found["prices"] == []
    assert found["unpriced"] == {"main": [BTC]}
    assert not [warning for warning in found["warnings"] if "starts inside" in warning]
    assert f"by the first price of {BTC}" in text_of(capsys, config)


@pytest.mark.parametrize(
    ("usdt", "rules"),
    [("420", ["margin_guard"]), ("220", ["margin_guard", "margin_emergency"]), ("450", [])],
    ids=["guard", "emergency", "outside"],
)
def test_check_warns_when_an_account_starts_inside_its_own_guard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], usdt: str, rules: list[str]
) -> None:
    """A rule that would fire with the first price is said before there is one, with its readings."""
    config = write_config(tmp_path, {BTC: long_of("1", "8000")}, usdt=usdt, books=[GUARD], instruments=[BTC])
    found = [warning for warning in told(capsys, config)["warnings"] if "starts inside" in warning]
    assert [warning.partition("starts inside ")[2].partition(",")[0] for warning in found] == rules
    for warning in found:
        assert warning.startswith("accounts.main: ")
        assert "account.liquidation_distance " in warning
        assert "start with more cash" in warning


def test_check_warns_of_a_position_that_starts_inside_its_own_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The position is named, and the other one is not."""
    book = "rules:\n  big:\n    for_each: position\n    when: position.notional > 5_000 USDT\n    do: close\n"
    config = write_config(tmp_path, {BTC: long_of("1", "8000"), ETH: long_of("1", "200")}, usdt="9000", books=[book])
    found = [warning for warning in told(capsys, config)["warnings"] if "starts inside" in warning]
    assert len(found) == 1
    assert found[0].startswith(f"accounts.main {BTC}: starts inside big, which would fire at once")


CAUTIONS = {
    "a cooldown of a guard": ("cooldown: 5m", "margin", "stop: has a cooldown of 5m though its class is margin"),
    "no cooldown": ("hold: 5m", "margin", None),
    "a cooldown of a cost rule": ("cooldown: 5m", "cost", None),
}


@pytest.mark.parametrize(("line", "order_class", "caution"), CAUTIONS.values(), ids=CAUTIONS)
def test_check_warns_of_what_keeps_a_guard_from_firing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, order_class: str, caution: str | None
) -> None:
    """What works but is unwise in a margin rule is said; where it costs only money it is not."""
    book = STOP_NOW.replace("do: close", f"{line}\n    do: close").replace("collar: 2%", f"order_class: {order_class}")
    found = told(capsys, write_config(tmp_path, {}, usdt="1000", books=[book]))["warnings"]
    assert [warning for warning in found if warning.startswith(caution or "stop: ")] == (
        [f"{caution}; so long after a fire it does not guard the account"] if caution else []
    )


def test_check_names_a_reading_that_a_guard_waits_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A margin rule on funding alone works, and is blind without funding: its owner is told."""
    book = STOP_NOW.replace("position.loss_ratio > 4%", "market.funding_rate > 10bps")
    found = told(capsys, write_config(tmp_path, {}, usdt="1000", books=[book]))["warnings"]
    assert [warning for warning in found if "market.funding_rate, which may be unavailable" in warning]


@pytest.mark.parametrize(("books", "count"), [(("delta_hedge",), 0), (("delta_hedge", "stop_loss"), 2)])
def test_check_warns_of_rules_that_close_the_leg_of_a_hedge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], books: tuple[str, ...], count: int
) -> None:
    """A stop-loss for each position looks at the hedge as well: both hedges of the book are named."""
    paths = [STRATEGIES / f"{book}.yaml" for book in books]
    found = told(capsys, write_config(tmp_path, {}, usdt="1000", books=paths))["warnings"]
    assert len([warning for warning in found if "stop_loss may sell its leg in BTC/USDT:USDT" in warning]) == count


def test_check_lists_everything_about_when_a_rule_fires(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was read from the file can be compared with what was meant."""
    lines = "hold: 2s\n    cooldown: 1m\n    max_fires: 3\n    confirm: position.age > 1m\n    do: close"
    book = STOP_NOW.replace("do: close", lines)
    (rule,) = told(capsys, write_config(tmp_path, {}, usdt="1000", books=[book]))["rules"]
    assert {key: rule[key] for key in ("hold", "cooldown", "max_fires", "confirm", "until")} == {
        "hold": "2s", "cooldown": "1m", "max_fires": 3, "confirm": "position.age > 1m", "until": "goal"
    }


# What the loader must refuse though the file reads well; the full table is in tests/rules/test_feasibility.py.
IMPOSSIBLE = {
    "a goal that the start has long met": (
        RATIO_GUARD.replace("account.margin_ratio > 70%", "account.liquidation_distance < 3%").replace("5%", "50%"),
        "rules0.yaml:5:11: when is still true where its goal is met",
    ),
    "slices that the gate does not let out": (
        STOP_NOW.replace("algo: now", "algo: twap, over: 1m, slice: 50ms"),
        "rules0.yaml:5:11: execute has slices of 50ms, more than the gate's order_rate_max of 10/s",
    ),
    "a condition that is never true": (
        STOP_NOW.replace("> 4%", "> 4% and position.loss_ratio < 3%"), "rules0.yaml:5:11: when can never be true"
    ),
}


@pytest.mark.parametrize(("book", "why"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_check_of_a_rule_that_cannot_work_ends_in_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], book: str, why: str
) -> None:
    """Exit 2 and one line with the place, on the error stream, and nothing on the other."""
    assert main(["check", str(write_config(tmp_path, {}, usdt="1000", books=[book]))]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err
    assert err.count("\n") == 1
