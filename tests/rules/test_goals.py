"""What a remedy may be set to: shares and amounts, refused where they cannot work, and read as levels."""

from __future__ import annotations

import re

import pytest

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import InputError
from bot.domain.scale import CASH_UNIT
from bot.risk.binance_tiers import tier_table
from bot.risk.levels import Book, Single, move_to
from bot.rules.feasibility import require_feasible
from bot.rules.levels import levels_of
from bot.rules.ruleset import Rule
from tests.builders import rules

ALONE = Single(tier_table("BTC"), 10_000 * CASH_UNIT)
GROSS, NET = "account.gross_notional", "account.net_notional"


def cap(when: str, to: str, *lines: str) -> str:
    """A rule on an account; ``when`` stands at 4:11 of its file, the goal at 5:27."""
    return "\n".join([
        "rules:", "  cap:", "    for_each: account", f"    when: {when}", f"    do: {{deleverage: {{to: {{{to}}}}}}}",
        *(f"    {line}" for line in lines), "    execute: {algo: now}", "",
    ])


def share(text: str, scope: str = "position") -> str:
    """A rule that reduces; the share stands at 5:18."""
    return f"rules:\n  cap:\n    for_each: {scope}\n    when: account.leverage > 5\n    do: {text}\n"


def checked(text: str) -> Rule:
    """The one rule of a text, held against what cannot work, alone and with a position to find."""
    (rule,) = rules(text).rules
    require_feasible(rule)
    require_feasible(rule, [ALONE])
    return rule


# name: (what is refused, where, why and what to do; what is not: the same a little different)
REFUSED: dict[str, tuple[str, str, str, str]] = {
    "a gross that is met at its own trigger": (
        cap(f"{GROSS} > 250_000 USDT", "gross_notional: 250_001 USDT"), "4:11",
        "still true where its goal is met .account.gross_notional 250_001 USDT.*set the goal further",
        cap(f"{GROSS} > 250_000 USDT", "gross_notional: 250_000 USDT"),
    ),
    "a clear below the gross that is reached": (
        cap(f"{GROSS} > 250_000 USDT", "gross_notional: 200_000 USDT", f"clear: {GROSS} < 200_000 USDT"), "6:12",
        "clear is not true when the goal is met", cap(
            f"{GROSS} > 250_000 USDT", "gross_notional: 200_000 USDT", f"clear: {GROSS} <= 200_000 USDT"),
    ),
    "a net that is met at its own trigger, on both sides": (
        cap(f"abs({NET}) > 9_000 USDT", "net_notional: 9_001 USDT"), "4:11", "still true where its goal is met",
        cap(f"abs({NET}) > 9_000 USDT", "net_notional: 9_000 USDT"),
    ),
    "a net that is met at its own trigger, short": (
        cap(f"{NET} < -9_000 USDT", "net_notional: 9_001 USDT"), "4:11", "still true where its goal is met",
        cap(f"{NET} < -9_000 USDT", "net_notional: 9_000 USDT"),
    ),
    "a clear that a short book's net never comes to": (
        cap(f"{NET} < -9_000 USDT", "net_notional: 8_000 USDT", f"clear: {NET} > -7_999 USDT"), "6:12",
        "clear is not true when the goal is met",
        cap(f"{NET} < -9_000 USDT", "net_notional: 8_000 USDT", f"clear: {NET} > -8_001 USDT"),
    ),
    "a clear inside the trigger": (
        cap(f"{GROSS} > 9_000 USDT", "gross_notional: 8_000 USDT", f"clear: {GROSS} < 9_500 USDT"), "6:12",
        "both true", cap(f"{GROSS} > 9_000 USDT", "gross_notional: 8_000 USDT", f"clear: {GROSS} < 9_000 USDT"),
    ),
    "a gross that a position alone has met when its net is too much": (
        cap(f"{NET} > 9_000 USDT", "gross_notional: 9_001 USDT"), "4:11", "still true where its goal is met",
        cap(f"{NET} > 9_000 USDT", "gross_notional: 9_000 USDT"),
    ),
    "an amount of another currency": (
        cap(f"{GROSS} > 9_000 USDT", "gross_notional: 8_000 USDC"), "5:27",
        "gross_notional is counted in USDT, was an amount of USDC; write",
        cap(f"{GROSS} > 9_000 USDT", "gross_notional: 8_000 USDT"),
    ),
    "an amount of nothing": (
        cap("account.leverage > 5", "net_notional: 0 USDT"), "5:27", "must be above 0, was 0 USDT; to sell everything",
        cap("account.leverage > 5", "net_notional: 0.01 USDT"),
    ),
    "two goals": (
        cap("account.leverage > 5", "net_notional: 1 USDT, gross_notional: 2 USDT"), "5:27", "exactly one of .*, had 2",
        cap("account.leverage > 5", "net_notional: 1 USDT"),
    ),
    "a share of all": (share("{reduce: 100%}"), "5:18", "was 100%; to sell all.*close", share("{reduce: 99.9%}")),
    "a share of nothing": (share("{reduce: 0%}"), "5:18", "above 0%", share("{reduce: 0.1%}")),
    "a share of an account": (
        share("{reduce: 50%}", "account"), "5:9", "reduce acts on a position", share("{reduce: 50%}")
    ),
    "an amount for accounts together": (
        cap("portfolio.leverage > 5", "gross_notional: 1 USDT").replace("account\n", "portfolio\n"), "5:9",
        "gross_notional is one account's, and money of the portfolio is a sum.*for_each: account",
        cap("portfolio.leverage > 5", "leverage: 4").replace("account\n", "portfolio\n"),
    ),
    "a share that is not said": (share("reduce"), "5:9", "lacks the key share", share("{reduce: {share: 50%}}")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_goal_that_cannot_work_is_refused_and_its_neighbour_is_not(name: str) -> None:
    """The place, the reason and the cure; a little less of it is a rule."""
    bad, place, words, good = REFUSED[name]
    with pytest.raises(InputError, match=f"rules.yaml:{place}: .*{words}"):
        checked(bad)
    checked(good)


def test_goal_of_a_share_and_of_an_amount_are_what_was_written() -> None:
    """The share is a fraction; the amount keeps its currency, so that whoever reads it knows of what."""
    assert checked(share("{reduce: 25%}")).goal == Goal(GoalKind.REDUCE, 0.25)
    to = "net_notional: 1_000.5 USDT"
    assert checked(cap(f"abs({NET}) > 9_000 USDT", to)).goal == Goal(GoalKind.NET_NOTIONAL, 1_000.5, "USDT")


def test_levels_of_a_cap_are_its_amounts_without_a_sign() -> None:
    """A limit on a net short is one on its size; levels of exposure are none of margin."""
    found = levels_of(checked(cap(
        f"{NET} < -9_000 USDT or abs({NET}) > 10_000 USDT", "net_notional: 8_000 USDT",
        f"clear: abs({NET}) < 8_500 USDT",
    )))
    assert [(level.where, level.target) for level in found] == [
        ("when", 9_000.0), ("when", 10_000.0), ("clear", 8_500.0), ("do", 8_000.0)
    ]
    assert {level.kind for level in found} == {GoalKind.NET_NOTIONAL}
    assert not any(level.is_of_margin for level in found)


def test_move_to_an_exposure_stops_where_the_venue_takes_over() -> None:
    """A long of 10,000 is worth 12,000 after 20 %; a short with 1,000 behind it is liquidated before that."""
    long, short = (Book(1_000 * CASH_UNIT, (Single(tier_table("BTC"), side * 10_000 * CASH_UNIT),)) for side in (1, -1))
    assert move_to(GoalKind.GROSS_NOTIONAL, 12_000.0, long) == pytest.approx(0.2)
    assert move_to(GoalKind.GROSS_NOTIONAL, 10_000.0, long) == 0.0
    assert move_to(GoalKind.NET_NOTIONAL, 10_500.0, short) == pytest.approx(0.05)
    assert move_to(GoalKind.NET_NOTIONAL, 12_000.0, short) is None


def test_table_of_refusals_has_no_two_alike() -> None:
    """Each row refuses something of its own."""
    assert len({re.sub(r"\s+", " ", bad) for bad, *_ in REFUSED.values()}) == len(REFUSED)
