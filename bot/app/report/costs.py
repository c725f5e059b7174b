"""What selling cost, by where it came from: bars that print, and need no script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from bot.app.record import CostSources, ParentPath
from bot.app.report.story import AccountStory
from bot.app.report.tables import Table, drawn
from bot.app.wording import NA, clock, number, short_symbol, signed_amount, signed_cash, spoken

_SOURCES = (
    ("delay", "Delay", "from the decision to the first price the order saw"),
    ("market", "Market", "it moved while the orders were at work"),
    ("spread", "Spread", "half of it, paid or earned with each fill"),
    ("impact", "Impact", "what our own size pushed the price"),
    ("fees", "Fees", "paid to the venue"),
)
_HALF = 50                           # percent of a bar's room, on either side of nothing


def costs_section(story: AccountStory, paths: Mapping[str, ParentPath], pattern: str) -> str:
    """Return the cost split of an account as HTML: all orders in bars, each order in a table; empty without fills."""
    found = [
        (row, path.costs) for row in story.parents
        if (path := paths.get(str(row.get("id")))) is not None and path.costs is not None
    ]
    if not found:
        return ""
    filled = sum(1 for row in story.parents if number(row.get("filled")))
    note = (
        f" Of {len(found)} of {filled} orders: of the others it is not known, since the process was away."
        if len(found) < filled else ""
    )
    total = {key: sum(getattr(costs, key) for _, costs in found) for key, _, _ in _SOURCES}
    table = Table(
        "", ("Order", "Delay", "Market", "Spread", "Impact", "Fees", "In all"), frozenset({"Order"}),
        [
            (
                f"{clock(row.get('started'), pattern=pattern)} {spoken(row.get('side'))} "
                f"{short_symbol(spoken(row.get('symbol')))}",
                *(signed_amount(getattr(costs, key), story.currency) for key, _, _ in _SOURCES),
                signed_amount(_in_all(costs), story.currency),
            )
            for row, costs in found
        ],
        "",
    )
    return (
        f'<section class="tables"><h3>What selling cost</h3><p class="quiet">Positive was paid, negative was gained.'
        f"{escape(note)}</p>{_bars(total, story.currency)}{drawn(table)}</section>"
    )


def _in_all(costs: CostSources) -> float:
    return costs.delay + costs.market + costs.spread + costs.impact + costs.fees


def _bars(total: dict[str, float], currency: str) -> str:
    most = max(abs(value) for value in total.values()) or 1.0
    rows = [_bar(name, meaning, total[key], most, currency) for key, name, meaning in _SOURCES]
    whole = signed_cash(sum(total.values()), currency)
    rows.append(
        f'<tr class="sum"><td>In all</td><td></td><td class="figure">{escape(whole)}</td></tr>'
    )
    return f'<div class="scroll"><table class="bars"><tbody>{"".join(rows)}</tbody></table></div>'


def _bar(name: str, meaning: str, value: float, most: float, currency: str) -> str:
    width = _HALF * abs(value) / most
    left = _HALF if value >= 0 else _HALF - width
    tone = "paid" if value >= 0 else "gained"
    figure = signed_cash(value, currency) if number(value) is not None else NA
    return (
        f'<tr><td>{escape(name)}<span class="quiet">, {escape(meaning)}</span></td>'
        f'<td class="bar"><i class="{tone}" style="left:{left:.1f}%;width:{width:.1f}%"></i></td>'
        f'<td class="figure">{escape(figure)}</td></tr>'
    )
