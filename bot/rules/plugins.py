"""The contract of Python plug-ins: what one may declare. A plug-in imports this module, ``math``, and nothing else.

    @measure("daily_carry", of="position", unit="ratio", meaning="...", inputs=("position.notional", ...))
    def daily_carry(notional: float, ...) -> float | None: ...

    @remedy("halve_or_close", of="position", meaning="...", inputs=("position.notional", ...))
    def halve_or_close(notional: float, ...) -> Goal: ...

A rule reads the first as ``plugin.daily_carry`` and asks for the second by ``do: {plugin: {remedy: ...}}``.
``inputs`` are readings as a rule writes them; the function takes their values in that order.

Rules of conduct. A function is pure: its result depends on its arguments alone, so it keeps nothing between calls.
It is called only when every input is available, and again only when one has changed. ``None`` says "not available".
An exception, a NaN, an infinity or a value of another kind is a failure: the reading is then unavailable, a remedy's
rule does what its ``otherwise`` says, and after ``FAILURES_MAX`` failures the function is not called again until a
reload or a restart, with an alarm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Final

from bot.domain.effects import Goal, GoalKind
from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from bot.domain.units import Place, SourceText
from bot.rules.language.measures import MeasureUnit, Subject

__all__ = [
    "NS_PER_DAY", "NS_PER_HOUR", "NS_PER_MINUTE", "NS_PER_SECOND", "Goal", "close", "measure", "reduce", "remedy",
    "to_leverage", "to_liquidation_distance", "to_margin_ratio",
]

FAILURES_MAX: Final = 3              # one may be a freak of the market, two a coincidence
INPUTS_MAX: Final = 16               # of one function; more ask for a measure of ours
NOWHERE: Final = Place("", 0, 0)

MeasureFunction = Callable[..., float | None]
RemedyFunction = Callable[..., Goal]

MEASURE_SUBJECTS: Final = (Subject.POSITION, Subject.ACCOUNT, Subject.MARKET)
GOALS_OF: Final = {
    Subject.POSITION: (GoalKind.FLAT, GoalKind.REDUCE),
    Subject.ACCOUNT: (GoalKind.LIQUIDATION_DISTANCE, GoalKind.LEVERAGE, GoalKind.MARGIN_RATIO),
}


@dataclass(frozen=True, slots=True)
class PluginMeasure:
    """A declared measure; a rule writes ``plugin.<name>``. ``place`` is that of its function."""

    name: str
    subject: Subject
    unit: MeasureUnit
    meaning: str
    inputs: tuple[SourceText, ...]
    function: MeasureFunction
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class PluginRemedy:
    """A declared remedy: what works out a goal at the moment a rule fires."""

    name: str
    subject: Subject
    meaning: str
    inputs: tuple[SourceText, ...]
    function: RemedyFunction
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Plugin:
    """One file: its path as the configuration gives it, and the SHA-256 of its bytes in hexadecimal."""

    path: str
    sha256: str
    measures: tuple[PluginMeasure, ...]
    remedies: tuple[PluginRemedy, ...]


# What a plug-in writes ------------------------------------------------------------------------------------


def measure(
    name: str, *, of: str, unit: str, meaning: str, inputs: tuple[str, ...]
) -> Callable[[MeasureFunction], PluginMeasure]:
    """Declare a function as the measure ``plugin.<name>`` of a ``position``, an ``account`` or a ``market``.

    ``unit`` is a word of ``penstock rules``: ``ratio``, ``number``, ``duration`` (nanoseconds), ``account currency``
    and so on. Raises ValueError for what is no declaration.
    """
    subject = _subject(of, MEASURE_SUBJECTS)
    units = [each.value for each in MeasureUnit]
    if unit not in units:
        raise ValueError(f"unit: is none of {', '.join(units)}, was {unit!r}")
    texts = _inputs(name, meaning, inputs)
    return lambda function: PluginMeasure(name, subject, MeasureUnit(unit), meaning, texts, function)


def remedy(
    name: str, *, of: str, meaning: str, inputs: tuple[str, ...]
) -> Callable[[RemedyFunction], PluginRemedy]:
    """Declare a function as a remedy for rules ``for_each`` ``position`` or ``account``; it returns a goal.

    Raises ValueError for what is no declaration.
    """
    subject = _subject(of, tuple(GOALS_OF))
    texts = _inputs(name, meaning, inputs)
    return lambda function: PluginRemedy(name, subject, meaning, texts, function)


def close() -> Goal:
    """Sell the position, all of it."""
    return Goal(GoalKind.FLAT)


def reduce(share: float) -> Goal:
    """Sell a share of the position as it is at the fire, above 0 and below 1."""
    return Goal(GoalKind.REDUCE, share)


def to_liquidation_distance(distance: float) -> Goal:
    """Bring the account's distance to liquidation up to a fraction: 0.3 is 30 %."""
    return Goal(GoalKind.LIQUIDATION_DISTANCE, distance)


def to_leverage(leverage: float) -> Goal:
    """Bring gross notional over equity down to a multiple."""
    return Goal(GoalKind.LEVERAGE, leverage)


def to_margin_ratio(ratio: float) -> Goal:
    """Bring maintenance margin over equity down to a fraction."""
    return Goal(GoalKind.MARGIN_RATIO, ratio)


# What comes back from it ----------------------------------------------------------------------------------


def require_number(found: object) -> float | None:
    """Return what a measure's function gave as a float, None as it is; raises ValueError for anything else."""
    if found is None or (isinstance(found, float) and isfinite(found)):
        return found
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise ValueError(f"must return a number or None, was a {type(found).__name__}")
    number = float(found)
    if not isfinite(number):
        raise ValueError(f"must return a finite number, was {number}; return None for what is not available")
    return number


def require_goal(found: object, subject: Subject) -> Goal:
    """Return what a remedy's function gave; raises ValueError unless it is a goal for ``subject`` that makes sense."""
    if not isinstance(found, Goal):
        raise ValueError(f"must return a goal such as close(), was a {type(found).__name__}")
    if found.kind not in GOALS_OF[subject]:
        kinds = ", ".join(kind.value for kind in GOALS_OF[subject])
        raise ValueError(f"must return a goal for each {subject.value} ({kinds}), was {found.kind.value}")
    if found.kind is GoalKind.FLAT:
        return found
    target = require_number(found.target)
    if target is None or target <= 0 or (found.kind is GoalKind.REDUCE and target >= 1):
        limits = "above 0 and below 1" if found.kind is GoalKind.REDUCE else "above 0"
        raise ValueError(f"must return a target {limits} for {found.kind.value}, was {found.target}")
    return Goal(found.kind, target)


def _subject(of: str, known: tuple[Subject, ...]) -> Subject:
    for subject in known:
        if subject.value == of:
            return subject
    raise ValueError(f"of: is none of {', '.join(subject.value for subject in known)}, was {of!r}")


def _inputs(name: str, meaning: str, inputs: tuple[str, ...]) -> tuple[SourceText, ...]:
    if not name.isidentifier() or not name.isascii() or name != name.lower():
        raise ValueError(f"name: must be lower-case letters, digits and _, was {name!r}")
    if not meaning.strip():
        raise ValueError(f"meaning: must say in words what {name} is, was empty; `penstock rules` prints it")
    if not isinstance(inputs, tuple) or not 1 <= len(inputs) <= INPUTS_MAX:
        raise ValueError(f"inputs: must be a tuple of 1 to {INPUTS_MAX} readings, was {inputs!r}; write (x,) for one")
    return tuple(SourceText(text, NOWHERE) for text in inputs)
