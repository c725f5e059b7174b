"""A rule fires: its episode, the readings that explain it, the marks of what it may trade, and the other way out."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.account import PositionKey
from bot.domain.effects import MarkAtFire, OpenEpisode, Reading, ScopeElement
from bot.domain.goal import Goal
from bot.engine.deciding.deposits import deposit_for
from bot.engine.desk import Desk
from bot.rules.language.explain import explain
from bot.rules.ruleset import Rule


def open_episode(desk: Desk, rule: Rule, element: ScopeElement, goal: Goal, *, legs: Sequence[int], now: int) -> None:
    """Open an episode of a rule that fires; ``legs`` are the columns that it may open, besides what is held."""
    position = desk.layout.position(element.key) if element.key is not None else -1
    readings: list[Reading] = []
    values = {}
    for ref in rule.when.readings:
        value = desk.readings.value(ref, position=position, account=element.account)
        values[ref] = value
        readings.append(Reading(str(ref), value, ref.unit))
    desk.emit(
        OpenEpisode(
            episode=desk.book.next_episode,
            rule=rule.name,
            element=element,
            goal=goal,
            why=explain(rule.when, values.__getitem__),
            readings=tuple(readings),
            marks=tuple(MarkAtFire(*each) for each in _marks(desk, element.account, legs).items()),
            equity=desk.columns.equity[element.account],
            now=now,
            deposit=deposit_for(
                desk.columns, desk.book, desk.layout.accounts[element.account], goal, element.account
            ),
        )
    )


def _marks(desk: Desk, account: int, legs: Sequence[int]) -> dict[PositionKey, int]:
    marks = {holding.key: holding.mark for holding in desk.columns.holdings(account)[1]}
    for position in legs:
        key = desk.layout.keys[position]
        mark = desk.columns.mark[key.instrument]
        if mark is not None:
            marks[key] = mark
    return marks
