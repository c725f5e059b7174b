"""``docs/rules.md``: the rule language's measures and functions."""

from __future__ import annotations

from bot.app.reference.entries import Section, sections
from bot.app.reference.markdown import code, page, table
from bot.rules.language.wording import DURATION_UNITS

_INTRODUCTION = f"""A rule reads measures, compares them and combines the comparisons with `and`, `or` and `not`.
Numbers carry units: `70%`, `25bps`, durations ({', '.join(f'`1{unit}`' for unit in DURATION_UNITS)}), `250_000 USDT`,
`0.5 BTC`. A comparison of different units is refused at its column.

A reading may be unavailable. True or unavailable is true; false and unavailable is false; otherwise the whole is
unavailable, which neither fires nor clears a rule.

`plugin.NAME` is a measure of a [plug-in](plugins.md); `penstock rules CONFIG` lists those of a configuration too.

`penstock rules` prints this page on a terminal. [First rule](first-rule.md) shows how one is written;
[configuration](configuration.md#a-rule-book) lists the keys around a condition."""


def rules_page() -> str:
    """Return the page, one table a scope."""
    return page("What a rule can read", _INTRODUCTION, *(part for section in sections() for part in _section(section)))


def _section(section: Section) -> list[str]:
    parts = [f"## {section.title}"]
    if section.entries:
        parts.append(
            table(
                ("name", "unit", "source", "meaning", "at the edges"),
                [
                    (code(entry.signature), entry.unit, entry.source or "its arguments", entry.meaning, entry.edges)
                    for entry in section.entries
                ],
            )
        )
    if section.planned:
        parts.append(f"Not yet: {', '.join(code(name) for name in section.planned)}.")
    return parts
