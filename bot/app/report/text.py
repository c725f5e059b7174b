"""The summary for a terminal: the same sentences and figures as the page, in 80 columns.

Colour only underlines what the words say, so nothing is lost where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.app.record import AccountSeries, StopPath
from bot.app.report.sentences import headline
from bot.app.report.story import AccountStory, Baseline, Row, Verdict, moves_of, stories
from bot.app.wording import (
    NA,
    bps,
    cash,
    clock,
    clock_pattern,
    count,
    moment,
    percent,
    price,
    quantity,
    short_symbol,
    spoken,
)

COST_MEANS = "Cost: against the arrival price; above 0 was paid, below 0 gained; no fees."
ROWS_MAX = 12                        # of each table; the page has the others

_TONES = {Verdict.GOOD: "green", Verdict.NEUTRAL: "", Verdict.DEAR: "yellow", Verdict.BAD: "red"}


def render_text(
    summary: Mapping[str, Any], series: Mapping[str, AccountSeries] | None = None, stops: Sequence[StopPath] = ()
) -> RenderableType:
    """Return the summary of a run for rich to print.

    With ``series`` by account it says what the markets did, with ``stops`` what those that rested at the venue sold.
    """
    drawn = series or {}
    tape = summary.get("tape") or {}
    pattern = clock_pattern(moment(tape.get("first_ts")), moment(tape.get("last_ts")))
    told = stories(summary, {name: list(line.marks) for name, line in drawn.items()}, stops)
    parts: list[RenderableType] = []
    for story in told:
        if len(told) > 1:
            parts.append(Text(f"\nAccount {spoken(story.name)}", style="bold"))
        moves = moves_of(drawn[story.name]) if story.name in drawn else []
        parts.append(Text(headline(story, moves), style=f"bold {_TONES[story.verdict]}"))
        parts.append(Text())
        parts.append(_outcomes(story))
        if story.parents:
            parts.append(Text(COST_MEANS, style="dim"))
        parts += _listed("Fires", _fires(story, pattern), len(story.fires), "Nothing fired.")
        parts += _listed("Parent orders", _parents(story, pattern), len(story.parents), "No parent order was opened.")
    denials = summary.get("denials") or {}
    if denials:
        refused = ", ".join(f"{spoken(code)} {count(times)}" for code, times in denials.items())
        parts.append(Text(f"\nRefused by the gate: {refused}"))
    if not told:
        parts.append(Text("The run has no account."))
    return Group(*parts)


def _outcomes(story: AccountStory) -> Table:
    """Return the three ways it could have gone, one row each."""
    table = _table()
    table.add_column("")
    for name in ("Equity at end", "Kept", "Liquidated", "Cost"):
        table.add_column(name, justify="right")
    ours = Baseline(story.equity_end, story.kept, story.liquidations, story.cost_bps)
    for name, outcome in (("Penstock", ours), ("Do nothing", story.do_nothing), ("Sell at once", story.sell_at_once)):
        if outcome is None or outcome.equity_end is None:        # a run that goes on has no other ending
            table.add_row(name, NA, NA, NA, NA)
            continue
        is_liquidated = bool(outcome.liquidations)
        fate = f"yes, {_minute(outcome.liquidations[0])}" if is_liquidated else "no"
        table.add_row(
            Text(name, style="bold" if outcome is ours else ""),
            cash(outcome.equity_end, story.currency), percent(outcome.kept),
            Text(fate if outcome is not story.sell_at_once else "-", style="red" if is_liquidated else ""),
            bps(outcome.shortfall_bps) if outcome is not story.do_nothing else "-",
        )
    return table


def _fires(story: AccountStory, pattern: str) -> Table:
    table = _table()
    table.add_column("Time", no_wrap=True)
    table.add_column("Rule", overflow="fold", max_width=18)
    table.add_column("Where", overflow="fold", max_width=14)
    table.add_column("Why", overflow="fold")
    for fire in story.fires[:ROWS_MAX]:
        table.add_row(
            clock(fire.get("ts"), pattern=pattern), _plain(fire.get("rule")), _plain(fire.get("scope")),
            _plain(fire.get("why")),
        )
    return table


def _parents(story: AccountStory, pattern: str) -> Table:
    table = _table()
    table.add_column("Time", no_wrap=True)
    table.add_column("Market", overflow="fold")
    table.add_column("Order", overflow="fold")
    for name in ("Filled", "Average", "Cost"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("Ended", overflow="fold")
    for row in story.parents[:ROWS_MAX]:
        table.add_row(
            clock(row.get("started"), pattern=pattern), Text(short_symbol(spoken(row.get("symbol")))),
            Text(f"{spoken(row.get('side'))} {spoken(row.get('algo'))}"),
            f"{quantity(row.get('filled'))} / {quantity(row.get('quantity'))}",
            price(row.get("average_price")), bps(row.get("shortfall_bps")),
            Text(spoken(row.get("end_reason")).replace("_", " ")),
        )
    return table


def _listed(heading: str, table: Table, rows: int, empty: str) -> list[RenderableType]:
    if not rows:
        return [Text(f"\n{empty}")]
    left = rows - ROWS_MAX
    more = [Text(f"and {left:,} more, in the report", style="dim")] if left > 0 else []
    return [Text(f"\n{heading}", style="bold"), table, *more]


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")


def _minute(row: Row) -> str:
    return clock(row.get("ts"), pattern="%H:%M")


def _plain(value: object) -> Text:
    return Text(spoken(value))
