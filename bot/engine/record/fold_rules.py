"""Fold what rules and people's sales decide: triggers, fires, episodes, their plans. Called by ``fold`` alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.domain.effects import PORTFOLIO, EndEpisode, MoveTrigger, OpenEpisode, PlanEpisode
from bot.domain.events import Command, CommandKind
from bot.domain.goal import GoalKind
from bot.domain.sale import RefuseSale, TakeSale
from bot.engine.record.book import SALES_KEPT, Book, Episode, SaleRecord
from bot.rules.triggers import Fires, Trigger


def _move_trigger(book: Book, effect: MoveTrigger) -> None:
    book.triggers[effect.rule, effect.element] = Trigger(effect.state, effect.since, effect.held)


def _open_episode(book: Book, effect: OpenEpisode) -> None:
    fires = book.fires_of(effect.rule, effect.element)
    book.fires[effect.rule, effect.element] = Fires(fires.count + 1, effect.now)
    book.episodes[effect.episode] = Episode(
        number=effect.episode,
        rule=effect.rule,
        element=effect.element,
        goal=effect.goal,
        opened=effect.now,
        marks={book.layout.position(mark.key): mark.price for mark in effect.marks},
    )
    book.next_episode = max(book.next_episode, effect.episode + 1)
    if effect.goal.kind is GoalKind.NET_DELTA:
        for other in book.episodes.values():
            _limit_hedges(book, other)


def _plan_episode(book: Book, effect: PlanEpisode) -> None:
    episode = book.episodes[effect.episode]
    episode.keeps = {book.layout.position(cut.key): cut.keep for cut in effect.cuts}
    episode.holdings = {book.layout.position(each.key): each.quantity for each in effect.holdings}
    episode.planned = effect.now
    for position in episode.keeps:
        book.lost.pop(position, None)
    _limit_hedges(book, episode)


def _limit_hedges(book: Book, reducer: Episode) -> None:
    """Let no open hedge of an account add again to what a reducer's plan cuts; nothing of a hedge's own plan."""
    if reducer.goal.kind is GoalKind.NET_DELTA:
        return
    hedges = [
        episode for episode in book.episodes.values()
        if episode.goal.kind is GoalKind.NET_DELTA and episode.element.account == reducer.element.account
    ]
    for position, keep in reducer.keeps.items() if hedges else ():
        held = book.quantity[position]
        for hedge in hedges if held else ():
            most = hedge.longs_max if held > 0 else hedge.shorts_max
            most[position] = min(keep, most.get(position, keep))


def _end_episode(book: Book, effect: EndEpisode) -> None:
    del book.episodes[effect.episode]
    for record in book.sales.values():
        if record.episode == effect.episode:
            record.ended = effect.reason


def _take_sale(book: Book, effect: TakeSale) -> None:
    _note_sale(book, effect.sale.name, SaleRecord(effect.account, effect.sale, effect.by, effect.now, effect.episode))


def _refuse_sale(book: Book, effect: RefuseSale) -> None:
    refused = SaleRecord(effect.account, effect.sale, effect.by, effect.now, ended=effect.why)
    _note_sale(book, effect.sale.name, refused)


def _note_sale(book: Book, name: str, record: SaleRecord) -> None:
    book.sales[name] = record
    over = [known for known, each in book.sales.items() if each.ended is not None and known != name]
    for known in over[: max(0, len(book.sales) - SALES_KEPT)]:
        del book.sales[known]


def _command(book: Book, fact: Command) -> None:
    """Forget how often a rule has fired for the account and its positions, or one, if a person put his name to it."""
    if fact.kind is not CommandKind.REARM or not fact.by:
        return
    is_of_portfolio = (fact.rule, PORTFOLIO) in book.triggers        # it has one count, whatever account is named
    for rule, element in list(book.fires):
        is_meant = element.account == fact.account and fact.key in (None, element.key)
        if rule == fact.rule and (is_of_portfolio or is_meant):
            del book.fires[rule, element]


RULE_FOLDERS: dict[type, Callable[[Book, Any], None]] = {
    MoveTrigger: _move_trigger,
    OpenEpisode: _open_episode,
    PlanEpisode: _plan_episode,
    EndEpisode: _end_episode,
    TakeSale: _take_sale,
    RefuseSale: _refuse_sale,
    Command: _command,
}
