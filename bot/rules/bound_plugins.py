"""The plug-ins of a run, checked against its markets: every input a reading, every name once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.errors import InputError
from bot.domain.units import SourceText
from bot.rules.language.check import check_reading
from bot.rules.language.measures import Subject
from bot.rules.language.plugged import PLUGIN, Plugged
from bot.rules.language.typed import Read, Scope
from bot.rules.plugins import Plugin, PluginMeasure, PluginRemedy

_SCOPES = {
    Subject.POSITION: Scope.POSITION,
    Subject.ACCOUNT: Scope.ACCOUNT,
    Subject.MARKET: Scope.POSITION,
}


@dataclass(frozen=True, slots=True)
class BoundRemedy:
    """A plug-in's remedy with what it reads. ``scope`` is what its rules look at."""

    declared: PluginRemedy
    scope: Scope
    inputs: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class BoundPlugins:
    """All plug-ins of a configuration, by the names that rules use."""

    files: tuple[Plugin, ...] = ()
    measures: Mapping[str, PluginMeasure] = field(default_factory=dict)
    remedies: Mapping[str, BoundRemedy] = field(default_factory=dict)
    plugged: Mapping[str, Plugged] = field(default_factory=dict)


NO_PLUGINS = BoundPlugins()


def bind_plugins(files: Sequence[Plugin], symbols: Sequence[str]) -> BoundPlugins:
    """Return the plug-ins with their inputs checked over the markets ``symbols``.

    Raises InputError for a name that two of them have, and for an input that is none.
    """
    measures: dict[str, PluginMeasure] = {}
    remedies: dict[str, BoundRemedy] = {}
    plugged: dict[str, Plugged] = {}
    for plugin in files:
        for measure in plugin.measures:
            _refuse_double(measure, measures.get(measure.name))
            reads = tuple(_input(text, measure.subject, symbols) for text in measure.inputs)
            measures[measure.name] = measure
            plugged[measure.name] = Plugged(measure.name, measure.subject, measure.unit, reads, plugin.sha256)
        for remedy in plugin.remedies:
            earlier = remedies.get(remedy.name)
            _refuse_double(remedy, None if earlier is None else earlier.declared)
            reads = tuple(_input(text, remedy.subject, symbols) for text in remedy.inputs)
            remedies[remedy.name] = BoundRemedy(remedy, _SCOPES[remedy.subject], reads)
    return BoundPlugins(tuple(files), measures, remedies, plugged)


def _refuse_double(found: PluginMeasure | PluginRemedy, earlier: PluginMeasure | PluginRemedy | None) -> None:
    if earlier is not None:
        raise InputError(f"{found.place}: {found.name} was declared before, at {earlier.place}; rename one of them")


def _input(source: SourceText, subject: Subject, symbols: Sequence[str]) -> Read:
    if f"{PLUGIN}." in source.text:
        raise InputError(
            f"{source.place}: input is of a plug-in, was {source.text}; read the measures that it is made of, so "
            "that no failure runs on"
        )
    read = check_reading(source, _SCOPES[subject], symbols)
    if read.ref.subject is Subject.TIME:
        raise InputError(f"{source.place}: input is of time, which passes by itself, was {read.ref}; use it in a rule")
    if subject is Subject.MARKET and (read.ref.subject is not Subject.MARKET or read.ref.symbol is not None):
        raise InputError(
            f"{source.place}: input of a market's measure is of another kind, was {read.ref}; read market.* alone, or "
            f"declare it of a position, as {PLUGIN}.NAME is then worked out for each"
        )
    return read
