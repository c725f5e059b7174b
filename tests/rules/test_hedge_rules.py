"""Hedges as they are written: what a rule says, and which ones are refused since they cannot work."""

from __future__ import annotations

import re

import pytest

from bot.domain.errors import InputError
from bot.domain.goal import GoalKind, Lacking
from bot.domain.order import OrderClass
from bot.rules.feasibility import require_feasible
from bot.rules.ruleset import Rule, make_rule
from bot.rules.spec import RuleBook, Until
from bot.settings.load import load_text
from tests.builders import BTC, ETH, GUARD

GOOD = """
rules:
  hedge:
    for_each: account
    when: abs(underlying("BTC").net_delta) > 0.5 BTC
    do: {hedge_delta: {with: "BTC/USDT:USDT", band: 0.5 BTC}}
"""
SYMBOLS = (BTC, ETH, "BTC/USDT:USDT-261225-50000-C")


def rule(text: str) -> Rule:
    """The rule, checked as ``penstock check`` does."""
    found = load_text(text, "rules.yaml", RuleBook, {})
    (made,) = [make_rule(name, spec, SYMBOLS) for name, spec in found.rules.items()]
    require_feasible(made)
    return made


def test_hedge_trades_to_its_band_until_its_rule_is_cleared_in_a_class_of_its_own() -> None:
    """What is not written: `to` is the band's edge, `until` is clear, and what may not be hedged is cut."""
    made = rule(GOOD)
    goal = made.goal
    assert (goal.kind, goal.target, goal.currency) == (GoalKind.NET_DELTA, 0.5, "BTC")
    assert goal.hedge is not None
    assert (goal.hedge.symbol, goal.hedge.to, goal.hedge.lacking) == (BTC, 0.5, Lacking.CUT)
    assert made.until is Until.CLEAR and made.execute.order_class is OrderClass.HEDGE


def test_hedge_may_say_all_of_it() -> None:
    """A goal inside the band, one time only, and nothing cut."""
    made = rule(GOOD.replace("0.5 BTC}}", "0.5 BTC, to: 0.1 BTC, lacking: tell}}\n    until: goal"))
    assert made.goal.hedge is not None
    assert (made.goal.hedge.to, made.goal.hedge.lacking, made.until) == (0.1, Lacking.TELL, Until.GOAL)


def test_other_remedies_reach_their_goal_once_unless_told() -> None:
    """Only a delta comes back by itself."""
    assert rule(GUARD).until is Until.GOAL


OF_BAND = "band: 0.5 BTC"
REFUSED = {
    "band of nothing": (OF_BAND, "band: 0 BTC", "band: must be above 0"),
    "band below nothing": (OF_BAND, "band: -0.5 BTC", "band"),
    "to outside the band": (OF_BAND, "band: 0.5 BTC, to: 0.6 BTC", "to: must lie inside the band"),
    "to in another currency": (OF_BAND, "band: 0.5 BTC, to: 100 USDT", "to: must be in the currency of the band"),
    "another underlying's instrument": (f'"{BTC}", {OF_BAND}', f'"{ETH}", band: 1 ETH', "not of the underlying"),
    "another underlying's band": (OF_BAND, "band: 0.5 ETH", "band is an amount of BTC or USDT"),
    "an option": (f'"{BTC}"', f'"{SYMBOLS[2]}"', "with is an option"),
    "an instrument that is not traded": (f'"{BTC}"', '"BTC/USD:BTC"', "with is not among the instruments"),
    "a class of its own choice": (OF_BAND + "}}", OF_BAND + "}}\n    execute: {order_class: cost}", "class of a hedge"),
    "for each position": ("for_each: account", "for_each: position", "hedge_delta acts on an account"),
    "true inside its band": ("> 0.5 BTC", "> 0.4 BTC", "when is still true at a net delta of 0.5 BTC"),
    "true at the edge": ("> 0.5 BTC", ">= 0.5 BTC", "when is still true at a net delta of 0.5 BTC"),
    "never cleared": ("    do:", '    clear: abs(underlying("BTC").net_delta) < 0.4 BTC\n    do:', "clear is not true"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hedge_that_cannot_work_is_refused_with_a_reason(name: str) -> None:
    """Each is the good rule with one thing changed, and the message says which."""
    old, new, wanted = REFUSED[name]
    assert GOOD.count(old) == 1
    with pytest.raises(InputError) as caught:
        rule(GOOD.replace(old, new))
    assert re.search(wanted, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("text", [
    GOOD.replace("> 0.5 BTC", "> 0.500001 BTC"),
    GOOD.replace("band: 0.5 BTC", "band: 0.5 BTC, to: 0.5 BTC"),
    GOOD.replace("band: 0.5 BTC", "band: 0.5 BTC, to: 0 BTC"),
    GOOD.replace("band: 0.5 BTC", "band: 4_000 USDT"),
    GOOD.replace("    do:", '    clear: abs(underlying("BTC").net_delta) <= 0.5 BTC\n    do:'),
    GOOD.replace('abs(underlying("BTC").net_delta) > 0.5 BTC', "time.every(8h)"),
])
def test_hedge_beside_the_limits_of_what_is_refused_is_taken(text: str) -> None:
    """The other side of each limit."""
    assert rule(text).is_hedge
