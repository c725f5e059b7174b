"""Episodes begin and end: with the readings that explain a fire, the marks of what may be traded, the other way out."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.account import PositionKey
from bot.domain.effects import EndEpisode, MarkAtFire, OpenEpisode, RaiseAlarm, Reading, ScopeElement
from bot.domain.goal import Goal
from bot.engine.deciding.deposits import deposit_for
from bot.engine.desk import Desk
from bot.engine.record.book import Episode
from bot.rules.language.explain import explain
from bot.rules.ruleset import Rule


def open_episode(desk: Desk, rule: Rule, element: ScopeElement, goal: Goal, *, legs: Sequence[int], now: int) -> None:
    """Open an episode of a rule that fires; ``legs`` are the columns that it may open, besides what is held."""
    position = desk.layout.position(element.key) if element.key is not None else -1
    readings: list[Reading] = []
    values = {}
    for read in rule.when.reads:
        ref = read.ref
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


def open_for_person(desk: Desk, rule: str, element: ScopeElement, goal: Goal, *, why: str, now: int) -> None:
    """Open an episode that no rule fired for: a person wants it; nothing was read."""
    desk.emit(
        OpenEpisode(
            episode=desk.book.next_episode,
            rule=rule,
            element=element,
            goal=goal,
            why=why,
            readings=(),
            marks=tuple(MarkAtFire(*each) for each in _marks(desk, element.account, ()).items()),
            equity=desk.columns.equity[element.account],
            now=now,
        )
    )


def end_episode(desk: Desk, episode: Episode, reason: str, now: int) -> None:
    """End an episode, and tell a person who had asked for it by a sale."""
    desk.emit(EndEpisode(episode.number, reason, now))
    names = [name for name, record in desk.book.sales.items() if record.episode == episode.number]
    if names:
        account = desk.layout.accounts[episode.element.account].name
        desk.emit(RaiseAlarm("sale_ended", f"{account}: sale {', '.join(names)}: {reason}", now))


def _marks(desk: Desk, account: int, legs: Sequence[int]) -> dict[PositionKey, int]:
    marks = {holding.key: holding.mark for holding in desk.columns.holdings(account)[1]}
    for position in legs:
        key = desk.layout.keys[position]
        mark = desk.columns.mark[key.instrument]
        if mark is not None:
            marks[key] = mark
    return marks
