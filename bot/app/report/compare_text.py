"""Two runs side by side for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.app.report.compare import Pair
from bot.app.wording import NA, bps, cash, clock, count, number, percent, ratio, spoken

Words = Callable[[object], str]

ACCOUNT_ROWS: tuple[tuple[str, str, Words], ...] = (
    ("equity_start", "Equity at the start", cash),
    ("equity_end", "Equity at the end", cash),
    ("equity_min", "Lowest equity", cash),
    ("saved", "Above doing nothing", cash),
    ("liquidations", "Liquidated, stages", count),
    ("liquidation_distance_min", "Lowest distance to liquidation", percent),
    ("margin_ratio_max", "Highest margin ratio", percent),
    ("max_drawdown", "Deepest drawdown", percent),
    ("recovery_rate", "Kept since the first fire", percent),
    ("fires", "Fires", count),
    ("parents", "Parent orders", count),
    ("children", "Child orders", count),
    ("shortfall", "Shortfall, paid to the market", cash),
    ("shortfall_bps", "Shortfall of what was traded", bps),
    ("fees", "Fees, paid to the venue", cash),
    ("funding", "Funding", cash),
    ("sharpe", "Sharpe", ratio),
    ("sortino", "Sortino", ratio),
    ("calmar", "Calmar", ratio),
)
RULE_ROWS: tuple[tuple[str, str, Words], ...] = (
    ("fires", "fires", count), ("false_fires", "false fires", count), ("saved", "saved", cash), ("cost", "cost", cash),
)


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
        table.add_row(Text(label), words(pair["a"]), words(pair["b"]), _difference(pair, words))
    return table


def _difference(pair: Pair, words: Words) -> str:
    """Return B less A in the figure's own words, with its sign; nothing where both are the same."""
    a, b = number(pair["a"]), number(pair["b"])
    if a is None or b is None:
        return NA
    if a == b:
        return ""
    return ("+" if b > a else "") + words(b - a)
