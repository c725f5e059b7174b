"""Two runs side by side for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.app.report.compare_rows import Told, account_rows, denial_rows, rule_rows
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
            _table(account_rows(figures)),
        ]
    if found["rules"]:
        parts += [Text("\nRules", style="bold"), _table(rule_rows(found["rules"]))]
    if found["denials"]:
        parts += [Text("\nRefused by the gate", style="bold"), _table(denial_rows(found["denials"]))]
    return Group(*parts)


def _table(rows: list[Told]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    table.add_column("", overflow="fold")
    for name in ("A", "B", "B - A"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, *figures in rows:
        table.add_row(Text(label), *figures)
    return table
