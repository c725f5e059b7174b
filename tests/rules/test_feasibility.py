"""Rules that cannot work are refused, with the place and a cure; their neighbours on the other side are not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import InputError
from bot.domain.scale import CASH_UNIT
from bot.risk.binance_tiers import tier_table
from bot.risk.levels import Single
from bot.rules import intervals
from bot.rules.feasibility import require_feasible
from bot.rules.intervals import can_be
from bot.rules.language.functions import INDICATORS
from bot.rules.language.interpret import truth_of
from bot.rules.language.measures import MEASURES
from bot.rules.ruleset import Rule
from tests.builders import BTC, STRATEGIES, rules
from tests.rules.language_builders import condition

SMALL = Single(tier_table("BTC"), 10_000 * CASH_UNIT)
HUGE = Single(tier_table("BTC"), 700_000_000 * CASH_UNIT)
INDEX = f'market("{BTC}").index_price'
RSI = f'rsi(market("{BTC}").close, 14, 1m)'


def account_rule(when: str, to: str = "liquidation_distance: 20%", *lines: str, execute: str = "algo: now") -> str:
    """A deleveraging rule; ``when`` stands at 4:11 of its file."""
    return "\n".join([
        "rules:", "  guard:", "    for_each: account", f"    when: {when}", f"    do: {{deleverage: {{to: {{{to}}}}}}}",
        *(f"    {line}" for line in lines), f"    execute: {{{execute}}}", "",
    ])


def position_rule(when: str, *lines: str, execute: str = "algo: now") -> str:
    return "\n".join([
        "rules:", "  stop:", "    for_each: position", f"    when: {when}", "    do: close",
        *(f"    {line}" for line in lines), f"    execute: {{{execute}}}", "",
    ])


COST = "algo: now, order_class: cost"
DISTANCE = "account.liquidation_distance"
RATIO = "account.margin_ratio"

# name: (what cannot work, where, the reason and the cure; what can: the same a little different)
IMPOSSIBLE: dict[str, tuple[str, str, str, str]] = {
    "a distance below nothing": (
        account_rule(f"{DISTANCE} < 0%"), "4:11", "can never be true.*correct", account_rule(f"{DISTANCE} <= 0%")
    ),
    "a ratio that is always at least nothing": (
        account_rule(f"{RATIO} >= 0%"), "4:11", "true whatever happens.*correct", account_rule(f"{RATIO} > 50%")
    ),
    "a goal of the worst account that its trigger has met": (
        account_rule("portfolio.leverage > 5", "leverage: 6").replace("each: account", "each: portfolio"),
        "4:11", r"still true where its goal is met \(portfolio\.leverage 6",
        account_rule("portfolio.leverage > 5", "leverage: 4").replace("each: account", "each: portfolio"),
    ),
    "a side beyond long": (
        position_rule("position.side > 1"), "4:11", "can never be true", position_rule("position.side >= 1")
    ),
    "two limits that exclude each other": (
        position_rule("position.loss_ratio > 5% and position.loss_ratio < 3%"), "4:11", "can never be true",
        position_rule("position.loss_ratio > 5% and position.loss_ratio < 8%"),
    ),
    "two limits that touch": (
        position_rule("position.loss_ratio > 5% and position.loss_ratio < 5%"), "4:11", "can never be true",
        position_rule("position.loss_ratio >= 5% and position.loss_ratio <= 5%"),
    ),
    "two limits that leave nothing out": (
        position_rule("position.loss_ratio > 3% or position.loss_ratio < 5%"), "4:11", "true whatever happens",
        position_rule("position.loss_ratio > 5% or position.loss_ratio < 3%"),
    ),
    "a negated impossibility": (
        position_rule("not position.loss_ratio > 3% and not position.loss_ratio < 5%"), "4:11", "can never be true",
        position_rule("not position.loss_ratio < 3% and not position.loss_ratio > 5%"),
    ),
    "a clamp whose bounds decide": (
        position_rule("clamp(account.sigma(15m), 1%, 2%) > 2%"), "4:11", "can never be true",
        position_rule("clamp(account.sigma(15m), 1%, 2%) >= 2%"),
    ),
    "a relative strength above a hundred": (
        account_rule(f"{RSI} > 100"), "4:11", "can never be true", account_rule(f"{RSI} > 99")
    ),
    "a clear that is never true": (
        account_rule(f"{DISTANCE} < 6%", "liquidation_distance: 20%", f"clear: {RATIO} < 0%"), "6:12",
        "clear can never be true",
        account_rule(f"{DISTANCE} < 6%", "liquidation_distance: 20%", f"clear: {RATIO} < 2%"),
    ),
    "a confirmation that says nothing": (
        position_rule("position.loss_ratio > 5%", "confirm: position.notional >= 0 USDT"), "6:14",
        "confirm is true whatever", position_rule("position.loss_ratio > 5%", "confirm: position.notional > 0 USDT"),
    ),
    "a goal at its own trigger": (
        account_rule(f"{DISTANCE} <= 20%"), "4:11", "sell nothing; set the goal further",
        account_rule(f"{DISTANCE} < 20%")
    ),
    "a goal inside its own trigger": (
        account_rule("account.leverage > 4", "leverage: 5"), "4:11", "account.leverage 5.*sell nothing",
        account_rule("account.leverage > 5", "leverage: 5"),
    ),
    "a trigger that volatility carries past the goal": (
        account_rule(f"{DISTANCE} < clamp(6 * account.sigma(15m), 5%, 25%)"), "4:11", "sell nothing",
        account_rule(f"{DISTANCE} < clamp(6 * account.sigma(15m), 5%, 20%)"),
    ),
    "a ratio that the distance has long met": (
        account_rule(f"{DISTANCE} < 3%", "margin_ratio: 50%"), "4:11", "account.margin_ratio 50%.*sell nothing",
        account_rule(f"{DISTANCE} < 3%", "margin_ratio: 11%"),
    ),
    "a leverage that the distance has long met": (
        account_rule(f"{DISTANCE} < 3%", "leverage: 40"), "4:11", "account.leverage 40.*sell nothing",
        account_rule(f"{DISTANCE} < 3%", "leverage: 20"),
    ),
    "a clear beyond the goal": (
        account_rule(f"{DISTANCE} < 6%", "liquidation_distance: 20%", f"clear: {DISTANCE} > 20%"), "6:12",
        "never be armed again.*between", account_rule(f"{DISTANCE} < 6%", "liquidation_distance: 20%",
                                                      f"clear: {DISTANCE} >= 20%"),
    ),
    "a clear in another measure beyond the goal": (
        account_rule(f"{DISTANCE} < 6%", "liquidation_distance: 20%", "clear: account.leverage < 4"), "6:12",
        "never be armed again",
        account_rule(f"{DISTANCE} < 6%", "liquidation_distance: 20%", "clear: account.leverage < 6"),
    ),
    "a clear that is true with the trigger": (
        account_rule(f"{DISTANCE} < 8%", "liquidation_distance: 20%", f"clear: {DISTANCE} > 5%"), "6:12",
        "both true at .* %.*beyond the trigger", account_rule(f"{DISTANCE} < 8%", "liquidation_distance: 20%",
                                                              f"clear: {DISTANCE} >= 8%"),
    ),
    "a clear inside a clamped trigger": (
        account_rule(f"{DISTANCE} < clamp(6 * account.sigma(15m), 5%, 8%)", "liquidation_distance: 20%",
                     f"clear: {DISTANCE} > 7%"), "6:12", "both true",
        account_rule(f"{DISTANCE} < clamp(6 * account.sigma(15m), 5%, 8%)", "liquidation_distance: 20%",
                     f"clear: {DISTANCE} > 8%"),
    ),
    "a guard that an index price disarms": (
        account_rule(f"{DISTANCE} < 6% and {INDEX} < 9_000 USDT"), "4:11", "may be unavailable.*default",
        account_rule(f"{DISTANCE} < 6% and default({INDEX}, 0 USDT) < 9_000 USDT"),
    ),
    "a guard that funding disarms": (
        position_rule("position.loss_ratio > 5% and market.funding_rate > 1bps"), "4:11", "market.funding_rate",
        position_rule("position.loss_ratio > 5% and market.funding_rate > 1bps", execute=COST),
    ),
    "a guard that a cold indicator disarms": (
        position_rule("position.loss_ratio > 5% and rsi(market.close, 14, 1h) < 30"), "4:11", "default",
        position_rule("position.loss_ratio > 5% or rsi(market.close, 14, 1h) < 30"),
    ),
    "a guard that the queue for auto-deleveraging disarms": (
        position_rule("position.loss_ratio > 5% and position.adl_rank > 3"), "4:11", "position.adl_rank may be",
        position_rule("position.loss_ratio > 5% and default(position.adl_rank, 5) > 3"),
    ),
    "a guard disarmed inside an or": (
        position_rule("position.age > 1d or (position.loss_ratio > 5% and market.index_price > 1 USDT)"), "4:11",
        "market.index_price may be",
        position_rule("position.age > 1d or (position.loss_ratio > 5% and market.last_price > 1 USDT)"),
    ),
    "a guard whose confirmation may be missing": (
        position_rule("position.loss_ratio > 5%", "confirm: market.index_price < 9_000 USDT"), "6:14", "default",
        position_rule("position.loss_ratio > 5%", "confirm: market.mark_price < 9_000 USDT"),
    ),
    "a cooldown inside the hold": (
        position_rule("position.loss_ratio > 5%", "hold: 10s", "cooldown: 10s"), "4:11",
        "cooldown is no longer than hold.*longer",
        position_rule("position.loss_ratio > 5%", "hold: 10s", "cooldown: 11s"),
    ),
    "a schedule of one slice": (
        position_rule("position.loss_ratio > 5%", execute="algo: twap, over: 1m, slice: 31s"), "4:11",
        "one slice.*algo: now",
        position_rule("position.loss_ratio > 5%", execute="algo: twap, over: 1m, slice: 30s"),
    ),
    "slices faster than the gate": (
        position_rule("position.loss_ratio > 5%", execute="algo: twap, over: 1m, slice: 99ms"), "4:11",
        "order_rate_max of 10/s",
        position_rule("position.loss_ratio > 5%", execute="algo: twap, over: 1m, slice: 100ms"),
    ),
}


def rule_of(text: str) -> Rule:
    (rule,) = rules(text).rules
    return rule


@pytest.mark.parametrize(("bad", "where", "why", "good"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_rule_that_cannot_work_is_refused_and_its_neighbour_is_not(bad: str, where: str, why: str, good: str) -> None:
    """One line says where, why and what to do; the nearest rule that works passes."""
    require_feasible(rule_of(good), [SMALL], order_rate_max=10.0)
    with pytest.raises(InputError, match=f"^rules.yaml:{where}: ") as caught:
        require_feasible(rule_of(bad), [SMALL], order_rate_max=10.0)
    assert re.search(why, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


UNWRITABLE = {
    "a market measure without its market": (account_rule("market.mark_price < 9_000 USDT"), 'market("BTC/USDT:USDT")'),
    "a latch that also counts": (position_rule("position.loss_ratio > 5%", "latch: true", "max_fires: 2"),
                               "latch is once"),
    "no fire at all": (position_rule("position.loss_ratio > 5%", "max_fires: 0"), "at least 1, was 0"),
    "an end that there is not": (position_rule("position.loss_ratio > 5%", "until: dawn"), "goal"),
    "a slice longer than the whole": (
        position_rule("position.loss_ratio > 5%", execute="algo: twap, over: 1m, slice: 61s"), "not longer than `over`"
    ),
}


@pytest.mark.parametrize(("text", "why"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_rule_that_cannot_even_be_read_is_refused_at_its_place(text: str, why: str) -> None:
    """What the language and the loader refuse by themselves, with the same care."""
    with pytest.raises(InputError, match=r"^rules.yaml:\d+:\d+: ") as caught:
        rules(text)
    assert why in str(caught.value)


def test_goal_in_another_measure_is_refused_only_when_no_position_could_use_it() -> None:
    """A ratio of 50 % is a no-op near 3 % of distance in the first bracket, and a real cut in the last ones."""
    rule = rule_of(account_rule(f"{DISTANCE} < 3%", "margin_ratio: 50%"))
    require_feasible(rule, [HUGE])
    require_feasible(rule, [SMALL, HUGE])
    require_feasible(rule)
    with pytest.raises(InputError):
        require_feasible(rule, [SMALL])


def test_clear_beyond_the_goal_is_no_fault_of_a_rule_that_keeps_to_it() -> None:
    """`until: clear` holds the goal until the market itself recovers: then the two need not overlap."""
    lines = [f"clear: {DISTANCE} > 40%", "until: clear"]
    require_feasible(rule_of(account_rule(f"{DISTANCE} < 6%", "liquidation_distance: 20%", *lines)), [SMALL])


def test_rule_about_nothing_but_optional_readings_is_no_disarmed_guard() -> None:
    """A rule on funding can only know funding; there is no danger that it would overlook without it."""
    require_feasible(rule_of(position_rule("market.funding_rate > 10bps and market.index_price > 1 USDT")))


@pytest.mark.parametrize("path", sorted(STRATEGIES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_rule_book_that_comes_with_the_program_can_work(path: object) -> None:
    """What we ship passes what we demand."""
    for rule in rules((STRATEGIES / str(path)).read_text(encoding="utf-8")).rules:
        require_feasible(rule, [SMALL], order_rate_max=10.0)


READINGS = ("position.loss_ratio", "position.unrealised_pnl / position.notional", "position.side")
LEAVES = st.builds(
    "{} {} {}".format, st.sampled_from(READINGS), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.sampled_from(["-1", "0", "0.5", "1", "clamp(position.loss_ratio, 0, 0.5)", "max(position.side, 0.5)"]),
)


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Conditions made of one or two others, or as they are."""
    return st.one_of(
        parts, st.builds("not ({})".format, parts), st.builds("({}) and ({})".format, parts, parts),
        st.builds("({}) or ({})".format, parts, parts),
    )


TEXTS = joined(joined(LEAVES))
NUMBERS = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0])


@settings(derandomize=True, deadline=None, max_examples=150)
@given(text=TEXTS, loss=NUMBERS, pnl=NUMBERS, side=st.sampled_from([-1.0, 0.0, 1.0]))
def test_condition_that_is_called_impossible_never_happens(text: str, loss: float, pnl: float, side: float) -> None:
    """Soundness: whatever is found true or false by some readings, `can_be` has not ruled out."""
    made = condition(text)
    found = truth_of(made.root, lambda ref: {
        "position.loss_ratio": loss, "position.unrealised_pnl": pnl, "position.notional": 1.0, "position.side": side,
    }[ref.measure])
    assert found is None or can_be(made.root, found)


def test_ranges_are_of_readings_that_there_are() -> None:
    """A range under a name that nothing has would never be used, and nobody would notice."""
    assert [name for name in intervals.RANGES if name not in MEASURES and name not in INDICATORS] == []
