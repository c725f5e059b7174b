"""How near a condition is to holding, as a fraction of its bound, and what the trail makes of refused orders."""

from __future__ import annotations

from math import inf

import pytest

from bot.app.charter import AccountWords, Charter, InstrumentWords, RuleWords
from bot.app.explain.questions import one_order, why_not
from bot.app.explain.telling import Run
from bot.app.explain.text import order_text, why_not_text
from bot.app.explain.trail import read_trail
from bot.app.nearness import gap
from bot.domain.account import PositionKey
from bot.domain.denials import DenialCode
from bot.domain.effects import Effect, MoveTrigger, RecordDenial, ScopeElement, TriggerState
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import NS_PER_SECOND
from tests.rules.language_builders import condition

KEY = PositionKey(0, 0)
NOW = 1_583_971_200 * NS_PER_SECOND


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("account.leverage > 4", {"account.leverage": 3.0}, 0.25),
        ("account.leverage > 4", {"account.leverage": 4.0}, 5e-324),
        ("account.leverage >= 4", {"account.leverage": 4.0}, 0.0),
        ("account.leverage > 4", {"account.leverage": 4.1}, 0.0),
        ("account.leverage < 4", {"account.leverage": 5.0}, 0.25),
        ("account.leverage > 4", {"account.leverage": None}, None),
        ("account.leverage > 0", {"account.leverage": 0.0}, inf),
        ("account.liquidation_distance < 5%", {"account.liquidation_distance": inf}, inf),
        ("account.leverage > 4 and account.margin_ratio > 50%",
         {"account.leverage": 3.0, "account.margin_ratio": 0.1}, 0.8),
        ("account.leverage > 4 and account.margin_ratio > 50%",
         {"account.leverage": 3.0, "account.margin_ratio": 0.6}, 0.25),
        ("account.leverage > 4 or account.margin_ratio > 50%",
         {"account.leverage": 3.0, "account.margin_ratio": 0.1}, 0.25),
        ("account.leverage > 4 and account.margin_ratio > 50%",
         {"account.leverage": 3.0, "account.margin_ratio": None}, inf),
        ("account.leverage > 4 or account.margin_ratio > 50%",
         {"account.leverage": 3.0, "account.margin_ratio": None}, None),
        ("not account.leverage > 4", {"account.leverage": 5.0}, inf),
    ],
)
def test_gap_is_what_is_missing_of_the_bound(
    text: str, values: dict[str, float | None], expected: float | None
) -> None:
    """The furthest of `and`, the nearest of `or`; not decided is None, and nothing to measure by is infinite."""
    found = gap(condition(text).root, lambda ref: values[ref.measure])
    assert found == (expected if expected is None else pytest.approx(expected, rel=1e-12, abs=0.0))


# What the replayed hour does not have --------------------------------------------------------------------


def run_of(*effects: Effect, rule: RuleWords | None = None) -> Run:
    """A run of one account and one market, of which the journal holds these effects."""
    charter = Charter(
        (AccountWords("main", "USDT"),), (InstrumentWords("BTC/USDT:USDT", 2, 3, 1_000),),
        {} if rule is None else {"guard": rule}, 0.08,
    )
    return Run(charter, read_trail(enumerate(effects)), None)


def test_order_that_the_gate_refused_is_explained_by_its_code() -> None:
    """The code, what it means, and the input beside its limit."""
    request = OrderRequest(
        "pen000sn000000000", KEY, Side.SELL, 1_500, 790_000, TimeInForce.IOC, True, OrderClass.MARGIN
    )
    run = run_of(RecordDenial(request, DenialCode.RATE_EXCEEDED, "11 in the last second, at most 10", NOW))
    told = one_order(run, request.name)
    assert told["orders"] == []
    (denial,) = told["denials"]
    assert (denial["quantity"], denial["limit_price"]) == ("1.5", "7900")
    text = " ".join(" ".join(order_text(told)).split())
    means = "more orders in the last second than order_rate_max"
    assert f"RATE_EXCEEDED, {means} (11 in the last second, at most 10)" in text


def moves(*states: tuple[TriggerState, int]) -> list[MoveTrigger]:
    """Moves of the guard's trigger, at seconds after the start."""
    return [
        MoveTrigger("guard", ScopeElement(0), state, NOW + second * NS_PER_SECOND, 0) for state, second in states
    ]


WORDS = RuleWords(
    "account", "account.leverage > 4", None, "5s", "leverage 2", "now by taker, class margin",
    hold_ns=5 * NS_PER_SECOND, confirm="account.margin_ratio > 10%", cooldown="1m", fires_max=1,
)


@pytest.mark.parametrize(
    ("seconds", "waited_for"),
    [
        (4, ["its hold of 5s"]),
        (5, ["confirmation by account.margin_ratio > 10%", "its cooldown of 1m"]),
        (60, ["confirmation by account.margin_ratio > 10%", "its cooldown of 1m"]),
    ],
)
def test_why_not_says_what_a_rule_that_held_was_waiting_for(seconds: int, waited_for: list[str]) -> None:
    """Shorter than its hold it waited for that; from then on for whatever else keeps it."""
    pending, inactive = TriggerState.PENDING, TriggerState.INACTIVE
    told = why_not(run_of(*moves((pending, 10), (inactive, 10 + seconds)), rule=WORDS), "guard", {})
    (wait,) = told["waited"]
    assert (wait["seconds"], wait["waited_for"]) == (seconds, waited_for)
    assert "never looked at" in " ".join(why_not_text(told))


def test_why_not_counts_a_missing_reading_into_the_wait() -> None:
    """Pending, suspended, pending again is one wait; one that ends in a fire is none."""
    pending, suspended, inactive = TriggerState.PENDING, TriggerState.SUSPENDED, TriggerState.INACTIVE
    told = why_not(
        run_of(*moves((pending, 0), (suspended, 1), (pending, 2), (inactive, 4)), rule=WORDS), "guard", {}
    )
    assert [wait["seconds"] for wait in told["waited"]] == [4]
    told = why_not(run_of(*moves((pending, 0), (TriggerState.FIRING, 5)), rule=WORDS), "guard", {})
    assert told["waited"] == []


def test_why_not_tells_of_a_latch() -> None:
    """A rule that has fired as often as it may says since when."""
    told = why_not(run_of(*moves((TriggerState.LATCHED, 7)), rule=WORDS), "guard", {})
    assert [latch["ts"] for latch in told["latched"]] == ["2020-03-12T00:00:07.000000Z"]
    assert "latched" in " ".join(why_not_text(told))
