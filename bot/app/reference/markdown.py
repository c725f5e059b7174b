"""The few forms of Markdown that the generated pages use."""

from __future__ import annotations

from collections.abc import Sequence

GENERATED = "<!-- Written by `python -m bot.app.reference docs`; change the tables it is made of, not this file. -->"


def page(title: str, *parts: str) -> str:
    """Return a whole page: its title, then its parts with an empty line between."""
    return "\n\n".join((f"# {title}", GENERATED, *(part for part in parts if part))) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell is escaped, since it would end the cell."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row([cell.replace("|", "\\|") for cell in row]) for row in rows)]
    return "\n".join(lines)


def code(text: str) -> str:
    """Return text as code in a line; nothing for no text."""
    return f"`{text}`" if text else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
