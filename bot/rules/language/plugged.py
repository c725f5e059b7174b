"""Readings that plug-ins work out: ``plugin.NAME`` in a condition becomes a reading of its own, with its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from bot.rules.language.currency import Currencies
from bot.rules.language.errors import Fault, shown
from bot.rules.language.measures import MeasureUnit, Subject
from bot.rules.language.names import REACHABLE
from bot.rules.language.syntax import ReadingSyntax
from bot.rules.language.typed import Derived, Read, ReadingRef, Scope

PLUGIN: Final = "plugin"


@dataclass(frozen=True, slots=True)
class Plugged:
    """What the checker knows of a plug-in's measure. Of another file it is another reading, hence ``sha256``."""

    name: str
    subject: Subject
    unit: MeasureUnit
    inputs: tuple[Read, ...]
    sha256: str


def plugged_reading(
    syntax: ReadingSyntax, plugged: Mapping[str, Plugged], scope: Scope, currencies: Currencies
) -> Read:
    """Return the reading that the syntax asks for; raises Fault where no plug-in has it, or the scope does not."""
    text = f"{PLUGIN}.{syntax.name}"
    found = plugged.get(syntax.name)
    if found is None:
        close = get_close_matches(syntax.name[:40], plugged, n=1)
        cure = (
            f"did you mean {PLUGIN}.{close[0]}?" if close
            else f"plug-ins have {', '.join(plugged)}" if plugged
            else "name the plug-in's file under `plugins:` of the configuration"
        )
        raise Fault(syntax.offset, f"measure: is of no plug-in, was {shown(text)}; {cure}")
    if syntax.arguments is not None:
        raise Fault(syntax.offset, f"{text}: takes no arguments; write it without parentheses")
    if found.subject not in REACHABLE[scope]:
        wanted = Scope.ACCOUNT if found.subject is Subject.ACCOUNT else Scope.POSITION
        raise Fault(
            syntax.offset,
            f"{text}: is of one {found.subject.value}, and a rule for each {scope.value} has none of its own; write "
            f"for_each: {wanted.value}",
        )
    dimension = found.unit.dimension(currencies)
    derived = Derived(text, found.subject, dimension.unit, inputs=found.inputs, sha256=found.sha256)
    return Read(ReadingRef(text, derived=derived), dimension)
