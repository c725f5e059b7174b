"""The questions that ``explain`` answers; each answer is plain data, an unknown name or time an InputError."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from math import isfinite

from bot.app.charter import RuleWords
from bot.app.explain.telling import Run, Told
from bot.app.nearness import LOOK_EVERY, Nearest
from bot.app.record import AccountSeries
from bot.app.wording import iso_time, moment
from bot.domain.effects import MoveTrigger, TriggerState
from bot.domain.errors import InputError
from bot.domain.scale import NS_PER_DAY, NS_PER_SECOND
from bot.rules.language.wording import duration_text

_NAMES_SHOWN = 6
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_HELD_BACK = (TriggerState.PENDING, TriggerState.SUSPENDED)


def all_fires(run: Run) -> Told:
    """Answer: what fired, why, what was planned and what it cost; and what never fired."""
    fires = [run.tell_fire(fire) for fire in run.trail.fires.values()]
    fired = {fire["rule"] for fire in fires}
    return {
        "fires": fires,
        "reloads": [
            {"ts": iso_time(reload.now), "config_hash": reload.config_hash} for reload in run.trail.reloads
        ],
        "never_fired": [rule for rule in run.charter.rules if rule not in fired],
        "cancelled_orders": [run.tell_cancel(cancel) for cancel in run.trail.cancels],
        "alarms": [
            {"ts": iso_time(alarm.now), "code": alarm.code, "detail": alarm.detail} for alarm in run.trail.alarms
        ],
    }


def one_fire(run: Run, number: int) -> Told:
    """Answer: everything about fire ``number``, counted from 1."""
    fires = list(run.trail.fires.values())
    if not 1 <= number <= len(fires):
        cure = f"this run has fires 1 to {len(fires)}" if fires else "nothing fired in this run; ask --why-not RULE"
        raise InputError(f"--fire: there is no such fire, was {number}; {cure}")
    fire = fires[number - 1]
    account = run.charter.accounts[fire.opened.element.account].name
    orders = [
        run.tell_order(parent, order)
        for parent in run.trail.parents_of(fire.opened.episode) for order in parent.orders.values()
    ]
    return {"fire": run.tell_fire(fire), "alternatives": run.tell_alternatives(account, fire), "orders": orders}


def one_order(run: Run, name: str) -> Told:
    """Answer: why an order was sent, or why it was not; a parent's name explains all of it."""
    parent = run.trail.parents.get(name)
    if parent is not None:
        return {
            "parent": run.tell_parent(parent),
            "orders": [run.tell_order(parent, order) for order in parent.orders.values()],
            "fires": [run.tell_fire(run.trail.fires[number]) for number in parent.episodes()],
        }
    denials = [run.tell_denial(denial) for denial in run.trail.denials if denial.request.name == name]
    for parent, order in run.trail.orders():
        if order.placed.approved.request.name == name:
            standing = dict.fromkeys(duty.episode for duty in parent.obligations_at(order.placed.now))
            return {
                "orders": [run.tell_order(parent, order)],
                "parent": run.tell_parent(parent),
                "fires": [run.tell_fire(run.trail.fires[number]) for number in standing],
                "denials": denials,
            }
    if denials:
        return {"orders": [], "denials": denials}
    known = [*run.trail.parents, *(order.placed.approved.request.name for _, order in run.trail.orders())]
    raise InputError(f"--order: this run sent no such order, was {name!r}; {_suggestion(name, known)}")


def why_not(run: Run, rule: str, nearness: Mapping[str, Nearest]) -> Told:
    """Answer: how near a rule came to firing, when it waited in vain, and what it could not read."""
    words = run.charter.rules.get(rule)
    if words is None:
        raise InputError(f"--why-not: this run has no such rule, was {rule!r}; {_suggestion(rule, run.charter.rules)}")
    near = nearness.get(rule)
    return {
        "rule": rule,
        "for_each": words.scope,
        "when": words.when,
        "hold": words.hold,
        "confirm": words.confirm,
        "cooldown": words.cooldown,
        "fires_max": words.fires_max,
        "fires": [
            {"fire": fire.number, "ts": iso_time(fire.opened.now)}
            for fire in run.trail.fires.values() if fire.opened.rule == rule
        ],
        "waited": _waits(run, words, [move for move in run.trail.moves if move.rule == rule]),
        "latched": [
            {"ts": iso_time(move.since), "scope": run.charter.label(move.element)}
            for move in run.trail.moves if move.rule == rule and move.state is TriggerState.LATCHED
        ],
        "nearest": None if near is None or near.ts is None else {
            "ts": iso_time(near.ts),
            "scope": near.element,
            "why": near.text,
            "gap": near.gap if near.gap is not None and isfinite(near.gap) else None,
        },
        "looked": 0 if near is None else near.looked,
        "looked_every": duration_text(LOOK_EVERY),
        "undecided": 0 if near is None else near.undecided,
        "unavailable": {} if near is None else near.unavailable,
    }


def at_time(run: Run, text: str) -> Told:
    """Answer: how each account stood at a time, and what was open then."""
    moments = [ts for series in run.series.values() for ts in series.ts]
    if not moments:
        raise InputError("--at: this run has kept no series yet; ask again when it has ended, or in ten market minutes")
    now = _asked_time(text, min(moments), max(moments))
    trail = run.trail
    open_fires = [
        fire for fire in trail.fires.values()
        if fire.opened.now <= now and (fire.ended is None or fire.ended.now > now)
    ]
    open_parents = [
        parent for parent in trail.parents.values()
        if parent.opened.now <= now and (parent.ended is None or parent.ended.now > now)
    ]
    currencies = {account.name: account.settle for account in run.charter.accounts}
    triggers: dict[tuple[str, str], MoveTrigger] = {}
    for move in trail.moves:
        if move.since <= now:
            triggers[move.rule, run.charter.label(move.element)] = move
    return {
        "at": iso_time(now),
        "accounts": {name: _sample(series, now, currencies.get(name, "")) for name, series in run.series.items()},
        "rules": [
            {"rule": rule, "scope": scope, "state": move.state.value, "since": iso_time(move.since)}
            for (rule, scope), move in triggers.items()
        ],
        "fires": [run.tell_fire(fire) for fire in open_fires],
        "parents": [
            {**run.tell_parent(parent), "filled_by_then": _filled_by(run, parent.opened.parent, now)}
            for parent in open_parents
        ],
    }


def _filled_by(run: Run, name: str, now: int) -> str:
    parent = run.trail.parents[name]
    return run.quantity_text(parent.opened.key, sum(fill.quantity for fill in parent.fills if fill.now <= now))


def _sample(series: AccountSeries, now: int, currency: str) -> Told | None:
    """Return the last point of a series that is not after ``now``."""
    before = [place for place, ts in enumerate(series.ts) if ts <= now]
    if not before:
        return None
    at = before[-1]
    return {
        "sampled": iso_time(series.ts[at]),
        "currency": currency,
        "equity": series.equity[at],
        "liquidation_distance": series.distance[at],
        "margin_ratio": series.margin_ratio[at],
        "marks": {symbol: line[at] for symbol, line in series.marks.items()},
        "quantities": {symbol: line[at] for symbol, line in series.quantities.items()},
        "fires_below": {rule: line[at] for rule, line in series.thresholds.items()},
    }


def _waits(run: Run, words: RuleWords, moves: list[MoveTrigger]) -> list[Told]:
    """Return when a rule's condition held, or went missing after it had, without a fire; and what it waited for."""
    found: list[Told] = []
    waiting: dict[str, MoveTrigger] = {}
    for move in moves:
        scope = run.charter.label(move.element)
        begun = waiting.get(scope)
        if move.state in _HELD_BACK:
            waiting.setdefault(scope, move)
        elif begun is not None:
            del waiting[scope]
            if move.state is TriggerState.INACTIVE:
                found.append(_wait(words, scope, begun.since, move.since - begun.since))
    return [*found, *(_wait(words, scope, move.since, None) for scope, move in waiting.items())]


def _wait(words: RuleWords, scope: str, since: int, lasted: int | None) -> Told:
    """Return one wait; ``lasted`` is None when the run ended first."""
    others = [
        text for text, is_set in (
            (f"confirmation by {words.confirm}", words.confirm is not None),
            (f"its cooldown of {words.cooldown}", words.cooldown is not None),
        ) if is_set
    ]
    is_hold_open = words.hold_ns > 0 and (lasted is None or lasted < words.hold_ns)
    waits_for = [f"its hold of {words.hold}"] if is_hold_open else others
    return {
        "ts": iso_time(since),
        "scope": scope,
        "seconds": None if lasted is None else lasted / NS_PER_SECOND,
        "waited_for": waits_for,
    }


def _asked_time(text: str, first: int, last: int) -> int:
    """Return a time as ns UTC: ISO 8601, or a time of day on the first day that has it within the run."""
    of_day = _TIME_OF_DAY.fullmatch(text)
    if of_day is not None:
        hours, minutes, seconds = (int(part or 0) for part in of_day.groups())
        within = (hours * 3600 + minutes * 60 + seconds) * NS_PER_SECOND
        found: int | None = first // NS_PER_DAY * NS_PER_DAY + within
        if found is not None and found < first // NS_PER_SECOND * NS_PER_SECOND:
            found += NS_PER_DAY
    else:
        found = moment(text)
    span = f"this run goes from {iso_time(first)} to {iso_time(last)}"
    if found is None:
        raise InputError(f"--at: must be a time such as 2020-03-12T10:44:00Z or 10:44, was {text!r}; {span}")
    if not first // NS_PER_SECOND * NS_PER_SECOND <= found <= last + NS_PER_SECOND:
        raise InputError(f"--at: lies outside the run, was {iso_time(found)}; {span}")
    return found


def _suggestion(name: str, known: Iterable[str]) -> str:
    names = list(known)
    if not names:
        return "it has none at all"
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    more = "" if len(names) <= _NAMES_SHOWN else f" and {len(names) - _NAMES_SHOWN} more"
    return f"it has {', '.join(names[:_NAMES_SHOWN])}{more}"
