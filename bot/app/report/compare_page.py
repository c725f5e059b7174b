"""Two runs over one market as a page: which ended better, what differs in their rules, their lines in one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

from bot.app.record import DO_NOTHING, Line, RunRecord
from bot.app.report.charts import DISTANCE_TICKS
from bot.app.report.compare import ComparedRun, Pair, compare_runs
from bot.app.report.compare_rows import Told, account_rows, denial_rows, rule_rows
from bot.app.report.figure import Chart, Figure, clipped, drawn_values, line, percent_axis, stepped, time_axis
from bot.app.report.html import page, placed, span_words
from bot.app.report.story import AccountStory, Verdict, stories
from bot.app.report.tables import Table, drawn
from bot.app.wording import bps, cash, count, distance_words, percent, quantity, spoken, unit_of

RuleText = Mapping[str, Mapping[str, Any]]
"""By rule, what its file says of it, by key; as the run's charter has it."""

_A, _B, _NOTHING = "var(--penstock)", "var(--rule-1)", "var(--nothing)"


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """One of the two runs with all that a page shows of it."""

    run: ComparedRun
    record: RunRecord
    rules: RuleText


def render_page(a: ComparedPage, b: ComparedPage) -> str:
    """Return the comparison as one self-contained HTML page; raises InputError over different markets."""
    found = compare_runs(a.run, b.run)
    figures: list[Figure] = []
    ours = {story.name: story for story in stories(a.run.summary, a.record.markets, a.record.stops)}
    theirs = {story.name: story for story in stories(b.run.summary, b.record.markets, b.record.stops)}
    body = "".join(
        _account(a, b, found["accounts"][name], ours.get(name), theirs.get(name), figures)
        for name in found["accounts"]
    )
    tables = [
        drawn(_rules_table(a.rules, b.rules)),
        drawn(_pairs_table("What the rules did", rule_rows(found["rules"]), "No rule was armed.")),
        drawn(_pairs_table("Refused by the gate", denial_rows(found["denials"]), "The gate refused nothing.")),
    ]
    return page(
        title=f"{spoken(a.run.name)} (A) and {spoken(b.run.name)} (B)",
        span=f"{span_words(a.run.summary)}, {count(found['tape']['events'])} events",
        body=f'{body}<section class="tables">{"".join(tables)}</section>',
        figures=figures,
    )


def _account(
    a: ComparedPage, b: ComparedPage, pairs: Mapping[str, Pair], ours: AccountStory | None,
    theirs: AccountStory | None, figures: list[Figure],
) -> str:
    """Return one account's section, and put its figures at the end of ``figures``."""
    story = ours or theirs
    name = "" if story is None else story.name
    charts = [placed(chart, figures) for chart in _charts(a.record, b.record, name)]
    label = f'<p class="account">Account {escape(spoken(name))}</p>' if len(a.run.summary["accounts"]) > 1 else ""
    told = [("A", _ended(ours)), ("B", _ended(theirs)), ("Their rules", _rules_words(a.rules, b.rules))]
    listed = "".join(f"<dt>{escape(what)}</dt><dd>{escape(words)}</dd>" for what, words in told)
    first = f'<div class="first"><dl class="told">{listed}</dl>{charts[0] if charts else ""}</div>'
    return (
        f'<section class="story">{label}'
        f'<h2 class="headline">{escape(_verdict(ours, theirs))}</h2>{first}</section>'
        f'<section class="charts">{"".join(charts[1:])}</section>'
        f'<section class="tables">{drawn(_pairs_table("Side by side", account_rows(pairs), ""))}</section>'
    )


def _verdict(a: AccountStory | None, b: AccountStory | None) -> str:
    """Return which run ended better; an account that only one of them has is not compared."""
    if a is None or b is None:
        return "Only one of the two runs has this account."
    if a.equity_end is None or b.equity_end is None:
        return "How they ended is not known."
    if a.equity_start != b.equity_start:
        return f"They began with different cash: A kept {percent(a.kept)} of it, B {percent(b.kept)}."
    ahead = b.equity_end - a.equity_end
    if not ahead:
        return "Both ended with the same."
    return f"{'B' if ahead > 0 else 'A'} ended with {cash(abs(ahead), a.currency or b.currency)} more."


def _ended(story: AccountStory | None) -> str:
    """Return how one run ended for an account."""
    if story is None:
        return "Has no such account."
    end = f"Ended with {cash(story.equity_end, story.currency)}, {percent(story.kept)} of what it began with"
    fate = ", after the venue had liquidated it" if story.verdict is Verdict.BAD else ""
    fires = f"{count(len(story.fires))} {'fire' if len(story.fires) == 1 else 'fires'}"
    orders = f"{count(len(story.parents))} {'order' if len(story.parents) == 1 else 'orders'}"
    nearest = distance_words(story.figures.get("liquidation_distance_min"))
    return f"{end}{fate}: {fires}, {orders}, cost {bps(story.cost_bps)}; at its nearest {nearest} from liquidation."


def _rules_words(a: RuleText, b: RuleText) -> str:
    """Return in a sentence what sets the two rule books apart."""
    only = [
        f"{', '.join(missing)} only in {side}"
        for side, its, others in (("A", a, b), ("B", b, a))
        if (missing := [spoken(name) for name in its if name not in others])
    ]
    changed = [spoken(name) for name in a if name in b and a[name] != b[name]]
    if changed:
        only.append(f"{', '.join(changed)} not the same")
    return f"{'; '.join(only)}." if only else "The same, as far as the journals have them."


# Charts ---------------------------------------------------------------------------------------------------


def _charts(a: RunRecord, b: RunRecord, name: str) -> list[Chart]:
    """Return the charts of an account that both runs have points of: equity, distance, each position."""
    first, second = a.series.get(name), b.series.get(name)
    if first is None or second is None or not first.ts or not second.ts:
        return []
    both = ((first, "A", _A), (second, "B", _B))
    nothing = a.baseline_series.get(name, {}).get(DO_NOTHING) or ()
    is_shared = list(nothing) == list(b.baseline_series.get(name, {}).get(DO_NOTHING) or ())
    left_alone = "Do nothing" if is_shared else "Do nothing (A)"       # of another position it is another line
    equity = [line([at for at, _ in nothing], [value for _, value in nothing], left_alone, _NOTHING)] if nothing else []
    equity += [line(series.ts, series.equity, side, colour, width=2.2) for series, side, colour in both]
    for each in equity:
        each["hovertemplate"] = "%{y:,.2f}"
    distance = [
        line(
            series.ts, [clipped(value, DISTANCE_TICKS) for value in series.distance], side, colour, width=2.2,
            texts=partial(_percent_at, series.distance),
        )
        for series, side, colour in both
    ]
    span = (min(first.ts[0], second.ts[0]), max(first.ts[-1], second.ts[-1]))
    charts = [
        _chart("Equity", "At mark prices.", equity, {"tickformat": ",~r", "rangemode": "tozero"}, span),
        _chart(
            "Distance to liquidation", "Logarithmic. No line: no position.", distance,
            percent_axis(drawn_values(distance), DISTANCE_TICKS), span,
        ),
    ]
    for symbol in first.quantities:
        held = [
            stepped(line(
                series.ts, series.quantities[symbol], side, colour, width=2,
                texts=partial(_size_at, series.quantities[symbol]),
            ))
            for series, side, colour in both if symbol in series.quantities
        ]
        if any(drawn_values(held)):
            caption = f"What is held, in {unit_of(symbol)}; short is negative."
            axis = {"tickformat": ",~r", "rangemode": "tozero"}
            charts.append(_chart(f"{symbol}: position", caption, held, axis, span))
    return charts


def _chart(title: str, caption: str, data: list[Figure], yaxis: Figure, span: tuple[int, int]) -> Chart:
    layout = {"yaxis": yaxis, "shapes": [], "annotations": [], "xaxis": time_axis(*span)}
    return Chart(title, caption, {"data": data, "layout": layout})


def _percent_at(values: Line, place: int) -> str:
    return percent(values[place])


def _size_at(values: Line, place: int) -> str:
    return quantity(values[place])


# Tables ---------------------------------------------------------------------------------------------------


def _pairs_table(heading: str, rows: Sequence[Told], empty: str) -> Table:
    return Table(heading, ("Figure", "A", "B", "B - A"), frozenset({"Figure"}), [*rows], empty)


def _rules_table(a: RuleText, b: RuleText) -> Table:
    """Return what the rules of one run say otherwise than those of the other."""
    rows: list[Sequence[str]] = []
    for name in dict.fromkeys((*a, *b)):
        if name not in a or name not in b:
            rows.append((spoken(name), "rule", *("armed" if name in side else "not there" for side in (a, b))))
            continue
        for key in dict.fromkeys((*a[name], *b[name])):
            mine, its = a[name].get(key), b[name].get(key)
            if mine != its:
                rows.append((spoken(name), spoken(key).replace("_", " "), spoken(mine), spoken(its)))
    return Table(
        "What their rules say differently", ("Rule", "Key", "A", "B"), frozenset({"Rule", "Key", "A", "B"}), rows,
        "Their rules say the same, as far as the journals have them.",
    )
