"""The rule language as entries of a reference: what a rule can read and call, from the language's own tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.rules.language.functions import FUNCTION_ROWS
from bot.rules.language.measures import MEASURES, PLANNED


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
