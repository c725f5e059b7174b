"""Rules that read well and cannot work: refused when they are loaded, with the reason.

A goal that is already met when the rule fires sells nothing; a ``clear`` level beyond the goal is never
reached by selling, so the rule would fire once and never again. Both are tried out: the conditions are
evaluated as they would be when the goal is just met, with every other reading at both ends of its range.
"""

from __future__ import annotations

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import InputError
from bot.rules.language.interpret import interpret
from bot.rules.language.typed import Condition, ReadingRef
from bot.rules.ruleset import Rule

_MEASURE_OF = {
    GoalKind.LIQUIDATION_DISTANCE: "account.liquidation_distance",
    GoalKind.LEVERAGE: "account.leverage",
    GoalKind.MARGIN_RATIO: "account.margin_ratio",
}
CALM, WILD = 0.0, 1.0                # a sigma of nothing and of 100 %: what any market lies between


def require_feasible(rule: Rule) -> None:
    """Raise InputError when the rule cannot do what it says."""
    if rule.goal.kind not in _MEASURE_OF:
        return
    measure = _MEASURE_OF[rule.goal.kind]
    for other in (CALM, WILD):
        if _holds_at_goal(rule.when, rule.goal, other) is True:
            raise InputError(
                f"{rule.when.source.place}: the rule would still be true when its goal is met "
                f"({measure} {_target_text(rule.goal)}), so it would sell over and over; "
                "set the goal further from the trigger"
            )
    if rule.clear is not None and all(
        _holds_at_goal(rule.clear, rule.goal, other) is False for other in (CALM, WILD)
    ):
        raise InputError(
            f"{rule.clear.source.place}: clear is not true when the goal is met ({measure} {_target_text(rule.goal)}), "
            "so the rule would never be armed again by its own selling; set clear between the trigger and the goal"
        )


def _holds_at_goal(condition: Condition, goal: Goal, other: float) -> bool | None:
    measure = _MEASURE_OF[goal.kind]
    if all(ref.measure != measure for ref in condition.readings):
        return None

    def lookup(ref: ReadingRef) -> float | None:
        if ref.measure == measure:
            return goal.target
        return other if ref.measure == "account.sigma" else None

    return interpret(condition, lookup)


def _target_text(goal: Goal) -> str:
    if goal.target is None or goal.kind is GoalKind.LEVERAGE:
        return f"{goal.target}"
    return f"{goal.target * 100:g}%"
