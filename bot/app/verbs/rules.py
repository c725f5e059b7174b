"""``penstock rules``: the reference of the rule language, from the tables that the checker itself reads."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from pathlib import Path

from bot.app.cli_codes import EXIT_GOOD
from bot.app.loading import load_all
from bot.app.reference.entries import Entry, Section, plugin_sections, sections
from bot.domain.errors import InputError
from bot.rules.language.errors import SHOWN_MAX, shown

WIDTH = 80
_LABEL = 10


def print_rules(about: str | None, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Print every measure and function with unit, source, meaning and edges, those of plug-ins too.

    ``about`` is a configuration, for its plug-ins, or a part of the names that are wanted.
    """
    found = sections()
    if about is not None:
        path = Path(about)
        is_config = path.exists() or path.suffix in (".yaml", ".yml")
        found = found + plugin_sections(load_all(path, environ).rules.plugins) if is_config else _named(found, about)
    if as_json:
        print(json.dumps({section.title: asdict(section) for section in found}))
        return EXIT_GOOD
    print("\n\n".join(_section(section) for section in found))
    return EXIT_GOOD


def _named(found: Sequence[Section], name: str) -> list[Section]:
    """Return what has ``name`` in its signature; raises InputError when nothing has."""
    kept = [
        replace(section, entries=entries, planned=())
        for section in found
        if (entries := tuple(entry for entry in section.entries if name.lower() in entry.signature.lower()))
    ]
    if not kept:
        names = [entry.name for section in found for entry in section.entries]
        close = get_close_matches(name[:SHOWN_MAX], names, n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        raise InputError(
            f"rules: neither a configuration nor a part of a name, was {shown(name)}; {meant}"
            "`penstock rules` lists all"
        )
    return kept


def _section(section: Section) -> str:
    lines = [section.title, "=" * len(section.title)]
    for entry in section.entries:
        lines += ["", *_entry(entry)]
    if section.planned:
        lines += ["", *_wrapped("not yet", ", ".join(section.planned))]
    return "\n".join(lines)


def _entry(entry: Entry) -> list[str]:
    lines = [entry.signature]
    for label, text in (
        ("unit", entry.unit), ("source", entry.source), ("meaning", entry.meaning), ("edges", entry.edges)
    ):
        if text:
            lines += _wrapped(label, text)
    return lines


def _wrapped(label: str, text: str) -> list[str]:
    indent = " " * (2 + _LABEL)
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {label:<{_LABEL}}", subsequent_indent=indent, break_on_hyphens=False
    )
