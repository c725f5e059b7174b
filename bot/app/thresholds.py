"""The level at which a rule acts, where its condition is nothing but an account's measure held against a bound."""

from __future__ import annotations

from dataclasses import dataclass

from bot.engine.engine import Engine
from bot.rules.language.interpret import value_of
from bot.rules.language.typed import Compare, Read, ReadingRef, Relation, Value
from bot.rules.ruleset import Rule


@dataclass(frozen=True, slots=True)
class Gauge:
    """A measure that is drawn with its levels, and the comparisons that make a bound of it a danger."""

    ref: ReadingRef
    relations: frozenset[Relation]

    def bound(self, rule: Rule) -> Value | None:
        """Return what a rule holds the measure against, when that is all that its condition does."""
        root = rule.when.root
        if (
            isinstance(root, Compare)
            and root.relation in self.relations
            and isinstance(root.left, Read)
            and root.left.ref == self.ref
        ):
            return root.right
        return None

    def level(self, engine: Engine, rule: Rule, account: int) -> float | None:
        """Return the level at which a rule fires now; None when its condition is of another kind."""
        bound = self.bound(rule)
        if bound is None:
            return None
        return value_of(bound, lambda ref: engine.readings.value(ref, position=-1, account=account))


DISTANCE = Gauge(ReadingRef("account.liquidation_distance"), frozenset({Relation.BELOW, Relation.AT_MOST}))
RATIO = Gauge(ReadingRef("account.margin_ratio"), frozenset({Relation.ABOVE, Relation.AT_LEAST}))
