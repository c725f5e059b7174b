"""The rules of a run, checked: every condition typed, every goal known, in one fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.effects import Goal
from bot.execution.spec import ExecutionSpec
from bot.rules.language.typed import Condition, Scope


@dataclass(frozen=True, slots=True)
class Rule:
    """One checked rule."""

    name: str
    scope: Scope
    when: Condition
    clear: Condition | None
    hold: int
    goal: Goal
    execute: ExecutionSpec


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules, in the order of their files; the order decides nothing but the order of the record."""

    rules: tuple[Rule, ...] = ()

    def of_scope(self, scope: Scope) -> tuple[Rule, ...]:
        """Return the rules that look at one kind of element."""
        return tuple(rule for rule in self.rules if rule.scope is scope)

    def by_name(self) -> Mapping[str, Rule]:
        return {rule.name: rule for rule in self.rules}
