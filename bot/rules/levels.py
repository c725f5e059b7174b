"""The levels that a rule names: of distance, margin ratio, leverage, exposure and loss, in conditions and goal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from bot.domain.effects import GoalKind
from bot.rules.feasibility import EXPOSURE_OF, MEASURE_OF
from bot.rules.intervals import Span, span_of
from bot.rules.language.typed import Absolute, Condition, Read, Value, compares_in
from bot.rules.ruleset import Rule

LEVEL_OF = MEASURE_OF | EXPOSURE_OF
KIND_OF = {measure: kind for kind, measure in LEVEL_OF.items()}
NET = EXPOSURE_OF[GoalKind.NET_NOTIONAL]
LOSS = "position.loss_ratio"


@dataclass(frozen=True, slots=True)
class Level:
    """One number of a rule: ``where`` is its key in the file.

    ``target`` is a fraction, a multiple for leverage, and an amount for an exposure: a net one without its sign.
    """

    where: str
    measure: str
    target: float

    @property
    def kind(self) -> GoalKind | None:
        """What it is a level of, for an account; None for a position's loss."""
        return KIND_OF.get(self.measure)

    @property
    def is_of_margin(self) -> bool:
        """True when it means something in distance, margin ratio and leverage."""
        return self.measure in MEASURE_OF.values()


def levels_of(rule: Rule) -> tuple[Level, ...]:
    """Return the levels of a rule, each once; a threshold that moves gives both of its ends, where it has them."""
    found: dict[Level, None] = {}
    for where, condition in (("when", rule.when), ("confirm", rule.confirm), ("clear", rule.clear)):
        if condition is not None:
            found.update(dict.fromkeys(_of_condition(where, condition)))
    if rule.goal.kind in LEVEL_OF and rule.goal.target is not None:
        found[Level("do", LEVEL_OF[rule.goal.kind], rule.goal.target)] = None
    return tuple(found)


def _of_condition(where: str, condition: Condition) -> Iterator[Level]:
    for compare in compares_in(condition.root):
        for side, other in ((compare.left, compare.right), (compare.right, compare.left)):
            measure = _measure(side)
            if measure is None:
                continue
            span = span_of(other, {})
            for target in dict.fromkeys((span.low, span.high)):
                size = abs(target) if measure == NET else target
                if 0 < size < inf and not _is_open(span):
                    yield Level(where, measure, size)


def _is_open(span: Span) -> bool:
    """True for the range of a reading that is not limited by anything the user wrote."""
    return span.high == inf and span.low <= 0


def _measure(value: Value) -> str | None:
    if isinstance(value, Absolute):
        return _measure(value.operand)
    if isinstance(value, Read) and value.ref.derived is None and value.ref.measure in (*KIND_OF, LOSS):
        return value.ref.measure
    return None
