"""The rule language as entries of a reference: what a rule can read and call, from the language's own tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.units import SourceText
from bot.rules.bound_plugins import BoundPlugins
from bot.rules.language.functions import FUNCTION_ROWS
from bot.rules.language.measures import MEASURES, PLANNED
from bot.rules.language.plugged import PLUGIN


@dataclass(frozen=True, slots=True)
class Entry:
    """One measure or function; ``source`` is empty for functions, which read nothing by themselves."""

    name: str
    signature: str
    unit: str
    source: str
    meaning: str
    edges: str


@dataclass(frozen=True, slots=True)
class Section:
    """The entries of one scope, and the names that a later version knows."""

    title: str
    entries: Sequence[Entry]
    planned: Sequence[str]


def sections() -> list[Section]:
    """Return every measure by the scope it belongs to, in the order of the table, then the functions."""
    by_scope: dict[str, list[Entry]] = {}
    for row in MEASURES.values():
        by_scope.setdefault(row.name.partition(".")[0], []).append(
            Entry(row.name, row.signature, row.unit.value, row.source, row.meaning, row.edges)
        )
    scopes = dict.fromkeys((*by_scope, *PLANNED))
    found = [
        Section(scope, by_scope.get(scope, ()), [f"{scope}.{name}" for name in PLANNED.get(scope, ())])
        for scope in scopes
    ]
    functions = [
        Entry(row.name, row.signature, row.unit, "", row.meaning, row.edges) for row in FUNCTION_ROWS
    ]
    return [*found, Section("functions", functions, ())]


def plugin_sections(plugins: BoundPlugins) -> list[Section]:
    """Return what the plug-ins of a configuration add: measures to read, remedies to ask."""
    measures = [
        Entry(
            f"{PLUGIN}.{measure.name}", f"{PLUGIN}.{measure.name}", measure.unit.value, _inputs(measure.inputs),
            measure.meaning, f"of each {measure.subject.value}; unavailable while an input is, and when it fails",
        )
        for measure in plugins.measures.values()
    ]
    remedies = [
        Entry(
            name, f"do: {{plugin: {{remedy: {name}, otherwise: ...}}}}", "", _inputs(remedy.declared.inputs),
            remedy.declared.meaning, f"for each {remedy.scope.value}; its rule does `otherwise` when it fails",
        )
        for name, remedy in plugins.remedies.items()
    ]
    return [Section(PLUGIN, measures, ()), Section("plug-in remedies", remedies, ())]


def _inputs(inputs: Sequence[SourceText]) -> str:
    return ", ".join(text.text for text in inputs)
