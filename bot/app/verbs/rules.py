"""``penstock rules``: the reference of the rule language, from the tables that the checker itself reads."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bot.app.cli_codes import EXIT_GOOD
from bot.app.loading import load_all
from bot.app.reference.entries import Entry, Section, plugin_sections, sections

WIDTH = 80
_LABEL = 10


def print_rules(config: Path | None, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Print every measure and function with unit, source, meaning and edges, those of plug-ins too."""
    found = sections()
    if config is not None:
        found += plugin_sections(load_all(config, environ).rules.plugins)
    if as_json:
        print(json.dumps({section.title: asdict(section) for section in found}))
        return EXIT_GOOD
    print("\n\n".join(_section(section) for section in found))
    return EXIT_GOOD


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
