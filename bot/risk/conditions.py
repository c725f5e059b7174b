"""What a goal asks of a book, as conditions in cash: each says how equity, net, maintenance and gross count in it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import ContractError
from bot.risk.exposure import limit_of


def target_of(goal: Goal) -> float:
    """Return what a goal is to reach; raises ContractError for one that says nothing of it."""
    if goal.target is None:
        raise ContractError(f"deleverage: goal {goal.kind.value} needs a target")
    return goal.target


@dataclass(frozen=True, slots=True)
class Condition:
    """What a goal asks of the book, as factors: each field multiplies what it is named after.

    Met when ``allowed`` cash + (equity - cost) + net at the ``move`` - maintenance there - gross, so multiplied,
    is not below 0.
    """

    equity: float
    move: float
    maintenance: int
    gross: int
    allowed: int = 0


def conditions_of(goal: Goal) -> tuple[Condition, ...]:
    """Return the conditions of a goal; all of them must hold. Raises ContractError for a kind that no cut reaches."""
    target = target_of(goal)
    if goal.kind is GoalKind.LIQUIDATION_DISTANCE:
        # What is left after a move is concave in the move: enough at both ends means enough in between.
        return Condition(1.0, max(-target, -1.0), 1, 0), Condition(1.0, target, 1, 0)
    if goal.kind is GoalKind.MARGIN_RATIO:
        return (Condition(target, 0.0, 1, 0),)
    if goal.kind is GoalKind.LEVERAGE:
        return (Condition(target, 0.0, 0, 1),)
    if goal.kind is GoalKind.GROSS_NOTIONAL:
        return (Condition(0, 0, 0, 1, limit_of(goal)),)
    if goal.kind is GoalKind.NET_NOTIONAL:
        return Condition(0, -1, 0, 0, limit_of(goal)), Condition(0, 1, 0, 0, limit_of(goal))
    raise ContractError(f"deleverage: has no measure for a goal of kind {goal.kind.value}")
