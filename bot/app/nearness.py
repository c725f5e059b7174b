"""How near each rule came to firing, and what it could not read: kept while a run goes on, for ``explain``.

A look every 20 s sees open and both extremes of a walked one-minute bar, and its close is all but the next open; on
trades, a spike between two looks is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite, ulp
from operator import eq, ge, gt, le, lt, ne

import msgspec

from bot.domain.effects import Effect
from bot.domain.errors import JournalError
from bot.domain.events import AccountFact
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.rules.language.explain import explain
from bot.rules.language.interpret import Lookup, truth_of, value_of
from bot.rules.language.typed import All, AnyOf, Compare, ReadingRef, Relation, Truth
from bot.rules.ruleset import Rule

NEARNESS_SERIES = "nearness"
LOOK_EVERY = 20 * NS_PER_SECOND
_HOLDS = {
    Relation.BELOW: lt, Relation.AT_MOST: le, Relation.ABOVE: gt, Relation.AT_LEAST: ge, Relation.EQUAL: eq,
    Relation.UNEQUAL: ne,
}


class Nearest(msgspec.Struct):
    """Of one rule: ``looked`` times, of which ``undecided`` for want of ``unavailable`` readings, by their text.

    At ``ts`` it was nearest: ``gap`` is the fraction of its bound that was still missing, 0 when the condition
    held; ``text`` shows the readings, ``element`` whose they are.
    """

    looked: int = 0
    undecided: int = 0
    unavailable: dict[str, int] = {}
    ts: int | None = None
    gap: float | None = None
    element: str = ""
    text: str = ""


class Nearness:
    """An observer of a run; ``by_rule`` is what it has seen."""

    def __init__(self, engine: Engine, rules: Sequence[Rule]) -> None:
        self.engine = engine
        self.by_rule = {rule.name: Nearest() for rule in rules}

    def memory(self) -> bytes:
        """Return what was seen, as JSON."""
        return msgspec.json.encode(self.by_rule)

    def on_fact(self, fact: AccountFact) -> None:
        """Facts are seen in the readings."""

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Decisions are in the journal."""

    def on_moment(self, now: int, consumed: int) -> int:
        """Look at every rule of every account that is known; return when to look again."""
        del consumed
        engine = self.engine
        if all(engine.columns.known):
            for rule in engine.watch.portfolio_rules:
                self._look(rule, now, -1, -1, "portfolio")
        for account, slot in enumerate(engine.layout.accounts):
            if not engine.columns.known[account]:
                continue
            for rule in engine.watch.account_rules:
                self._look(rule, now, account, -1, slot.name)
            for position in engine.layout.positions_of[account]:
                if engine.book.quantity[position]:
                    label = engine.layout.position_label(engine.layout.keys[position])
                    for rule in engine.watch.position_rules:
                        self._look(rule, now, account, position, label)
        return now + LOOK_EVERY

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """Look once more, at the last price."""
        del tape_ended
        self.on_moment(now, consumed)

    def _look(self, rule: Rule, now: int, account: int, position: int, label: str) -> None:
        readings = self.engine.readings

        def lookup(ref: ReadingRef) -> float | None:
            return readings.value(ref, position=position, account=account)

        near = self.by_rule.setdefault(rule.name, Nearest())     # a reload may bring rules
        near.looked += 1
        found = gap(rule.when.root, lookup)
        if found is None:
            near.undecided += 1
            for ref in rule.when.readings:
                if lookup(ref) is None:
                    near.unavailable[str(ref)] = near.unavailable.get(str(ref), 0) + 1
        elif near.gap is None or found < near.gap:
            near.gap, near.ts, near.element = found, now, label
            near.text = explain(rule.when, lookup)


def read_nearness(stored: bytes) -> dict[str, Nearest]:
    """Return what a run has seen of its rules; raises JournalError when the bytes do not say it."""
    try:
        return msgspec.json.decode(stored, type=dict[str, Nearest])
    except msgspec.DecodeError as error:
        raise JournalError(f"journal nearness: does not read, was {error}; replay the run") from error


def gap(node: Truth, lookup: Lookup) -> float | None:
    """Return how far a condition is from holding, as a fraction of its bound; None when it is not decided.

    Of several that must all hold the furthest counts, of alternatives the nearest. Without a bound to measure by
    (a bound of 0, an infinite reading, a negation) it is infinite until it holds.
    """
    match node:
        case Compare():
            return _gap_of_compare(node, lookup)
        case All():
            gaps = [gap(part, lookup) for part in node.operands]
            if None in gaps and not any(gaps):
                return None
            return max(inf if part is None else part for part in gaps)
        case AnyOf():
            gaps = [gap(part, lookup) for part in node.operands]
            if None in gaps and 0.0 not in gaps:
                return None
            return min(inf if part is None else part for part in gaps)
        case _:
            truth = truth_of(node, lookup)
            return None if truth is None else 0.0 if truth else inf


def _gap_of_compare(node: Compare, lookup: Lookup) -> float | None:
    left, right = value_of(node.left, lookup), value_of(node.right, lookup)
    if left is None or right is None:
        return None
    if _HOLDS[node.relation](left, right):
        return 0.0
    if not right or not isfinite(left) or not isfinite(right):
        return inf
    return abs(left - right) / abs(right) or ulp(0.0)     # at its very bound, and still not so
