"""What becomes of a rule's state when a reload takes the rule away: its episodes end, its triggers rest.

A rule that is still there under its name, looking at the same kind of element, keeps its state, however
else it was changed: an open episode keeps its goal and its plan.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.effects import PORTFOLIO, EndEpisode, MoveTrigger, ScopeElement, TriggerState
from bot.engine.desk import Desk
from bot.rules.language.typed import Scope
from bot.rules.ruleset import Rule

GONE = "its rule is gone since a reload"


def end_what_is_gone(desk: Desk, rules: Mapping[str, Rule], now: int) -> bool:
    """End the episodes and rest the triggers of rules that are not in ``rules``; return whether any episode ended."""
    gone = [
        episode.number for episode in desk.book.episodes.values() if _is_gone(rules, episode.rule, episode.element)
    ]
    for number in gone:
        desk.emit(EndEpisode(number, GONE, now))
    for (name, element), trigger in list(desk.book.triggers.items()):
        if trigger.state is not TriggerState.INACTIVE and _is_gone(rules, name, element):
            desk.emit(MoveTrigger(name, element, TriggerState.INACTIVE, now, 0))
    return bool(gone)


def _is_gone(rules: Mapping[str, Rule], name: str, element: ScopeElement) -> bool:
    rule = rules.get(name)
    if rule is None:
        return True
    if element.key is not None:
        return rule.scope is not Scope.POSITION
    # a rule of the portfolio acts on accounts, too
    return rule.scope is not Scope.PORTFOLIO and (element == PORTFOLIO or rule.scope is not Scope.ACCOUNT)
