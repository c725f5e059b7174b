"""Two runs side by side for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.app.report.compare import Pair
from bot.app.report.compare_rows import ACCOUNT_ROWS, RULE_ROWS, Words, difference
from bot.app.wording import clock, count, spoken


def render_comparison(found: Mapping[str, Any]) -> RenderableType:
    """Return what ``compare_runs`` found for rich to print; a figure that one run has not reads n/a."""
    tape = found["tape"]
    parts: list[RenderableType] = [
        Text(f"A  {spoken(found['runs']['a'])}"),
        Text(f"B  {spoken(found['runs']['b'])}"),
        Text(
            f"Both over {count(tape['events'])} events, {clock(tape['first_ts'], pattern='%Y-%m-%d %H:%M')} to "
            f"{clock(tape['last_ts'], pattern='%Y-%m-%d %H:%M')}"
            f"{'; of one configuration' if found['is_same_configuration'] else ''}.", style="dim",
        ),
    ]
    for name, figures in found["accounts"].items():
        parts += [
            Text(f"\nAccount {spoken(name)}", style="bold"),
            _table([(label, figures[key], words) for key, label, words in ACCOUNT_ROWS]),
        ]
    rows = [
        (f"{spoken(name)}: {label}", figures[key], words)
        for name, figures in found["rules"].items() for key, label, words in RULE_ROWS
    ]
    if rows:
        parts += [Text("\nRules", style="bold"), _table(rows)]
    if found["denials"]:
        refused: list[tuple[str, Pair, Words]] = [(code, pair, count) for code, pair in found["denials"].items()]
        parts += [Text("\nRefused by the gate", style="bold"), _table(refused)]
    return Group(*parts)


def _table(rows: list[tuple[str, Pair, Words]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    table.add_column("", overflow="fold")
    for name in ("A", "B", "B - A"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, pair, words in rows:
        table.add_row(Text(label), words(pair["a"]), words(pair["b"]), difference(pair, words))
    return table
