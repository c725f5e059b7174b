"""The goals of rules whose remedy is a plug-in's: asked once, at the fire; what was answered is in the journal."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.effects import Goal, RaiseAlarm
from bot.engine.desk import Desk
from bot.rules.ruleset import Rule

OTHERWISE = "plugin_otherwise"


class PluginRemedies:
    """Keeps the readings of all remedies current from the start, so that their windows are covered at a fire."""

    def __init__(self, desk: Desk, rules: Iterable[Rule]) -> None:
        self.desk = desk
        for rule in rules:
            for read in () if rule.remedy is None else rule.remedy.inputs:
                desk.readings.column_of(read.ref)

    def goal_of(self, rule: Rule, *, account: int, position: int, now: int) -> Goal:
        """Return the goal of a rule that fires: its own, or what its plug-in's remedy says of the readings as they are.

        A remedy that cannot say gives way to the rule's ``otherwise``, with an alarm: a fire is never without a goal.
        """
        if rule.remedy is None:
            return rule.goal
        desk = self.desk
        desk.readings.refresh_all(account)
        values: list[float] = []
        for read in rule.remedy.inputs:
            value = desk.readings.value(read.ref, position=position, account=account)
            if value is None:
                return self._otherwise(rule, f"{read.ref} is unavailable", now)
            values.append(float(value))
        goal = desk.readings.plugins.calls.remedy(rule.remedy, values)
        return self._otherwise(rule, "it failed, or is off", now) if goal is None else goal

    def _otherwise(self, rule: Rule, why: str, now: int) -> Goal:
        assert rule.remedy is not None
        self.desk.emit(
            RaiseAlarm(
                OTHERWISE,
                f"{rule.name}: remedy {rule.remedy.declared.name} gives no goal, {why}; doing its otherwise, "
                f"{rule.goal.kind.value}",
                now,
            )
        )
        return rule.goal
