"""The promises of test_always under rules that reduce by shares and cap exposures, through the same storms."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from bot.domain.effects import EndEpisode, GoalKind, OpenEpisode
from bot.domain.scale import CASH_UNIT
from bot.rules.ruleset import RuleSet
from tests.builders import rules
from tests.engine import storm
from tests.engine.storm import Storm
from tests.engine.test_always import CALM, KINDS, Invariants

STEPS = 600                          # fewer than there: the storms are the same, only the goals are new
RULES = """
rules:
  halve:
    for_each: position
    when: position.loss_ratio > 2%
    do: {reduce: 50%}
    execute: {algo: twap, over: 60s, slice: 5s, collar: 2%}
  gross:
    for_each: account
    when: account.gross_notional > 150_000 USDT
    clear: account.gross_notional < 145_000 USDT
    do: {deleverage: {to: {gross_notional: 130_000 USDT}}}
    execute: {algo: twap, over: 2m, slice: 5s, collar: 1%}
  net:
    for_each: account
    when: abs(account.net_notional) > 60_000 USDT
    clear: abs(account.net_notional) < 55_000 USDT
    do: {deleverage: {to: {net_notional: 50_000 USDT}}}
    execute: {algo: now}
"""


CASES = [(kind, seed) for kind in KINDS for seed in range(4)]


def capped() -> RuleSet:
    return rules(RULES)


@cache
def survived(kind: str, seed: int) -> Storm:
    """A storm with these rules, and the calm after it, with every step looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storm, "bundled_rules", capped)
        run = Storm(
            7_000 + KINDS.index(kind) * 100 + seed, Invariants(),
            others_trade=kind == "with others", restarts=kind == "with restarts",
        )
        run.run(STEPS)
        run.calm_down(CALM)
    return run


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_engine_with_caps_through_a_storm_keeps_its_promises_and_reaches_its_goals(kind: str, seed: int) -> None:
    """Reduce-only, never a flip, plans that only cut deeper, at every step; afterwards every cap holds."""
    run = survived(kind, seed)
    assert run.engine.book.quantity == run.venue.quantity
    assert not run.engine.book.parents
    ended = {effect.episode for effect in run.effects if isinstance(effect, EndEpisode)}
    for effect in run.effects:
        if isinstance(effect, OpenEpisode) and effect.goal.kind is GoalKind.REDUCE:
            assert effect.episode in ended, "a share that was never sold"
    assert run.engine.columns.gross[0] <= 150_000 * CASH_UNIT
    assert abs(run.engine.columns.net[0]) <= 60_000 * CASH_UNIT


def test_storms_with_caps_fire_every_rule() -> None:
    """A storm in which a cap never fired would prove nothing of it."""
    fired = Counter(
        effect.rule for case in CASES for effect in survived(*case).effects if isinstance(effect, OpenEpisode)
    )
    assert fired.keys() == {"halve", "gross", "net"}
    assert min(fired.values()) >= 3
