"""One page that opens offline: markup, style, charts and plotly.js itself in a single file.

The page may load nothing: its content security policy forbids every request, so a report can be sent to a
partner, or opened on a machine without a network, and shows the same. Text is escaped where it is placed.
"""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files
from typing import Any

from bot.app.record import RunRecord
from bot.app.report.charts import Chart, Figure, Scene, account_charts, action_span
from bot.app.report.story import AccountStory, Row, headline, moves_of, saved_words, stories
from bot.app.report.tables import (
    account_table,
    decisions_table,
    denials_table,
    drawn,
    liquidations_table,
    parents_table,
    rules_table,
)
from bot.app.wording import (
    NA,
    bps,
    cash,
    clock,
    clock_pattern,
    count,
    duration,
    moment,
    percent,
    signed_cash,
    spoken,
)

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_MODELLED_WORDS = {
    "fills": "Fills come from a model (half spread and square-root impact), not from a recorded book.",
}


def render(record: RunRecord) -> str:
    """Return the report as one self-contained HTML page; the same record gives the same text."""
    told = stories(record.summary, {name: list(series.marks) for name, series in record.series.items()})
    pattern = clock_pattern(*_span(record.summary))
    figures: list[dict[str, Any]] = []
    accounts = [_account(record, story, pattern, figures) for story in told]
    return _filled(_asset("page.html"), {
        "title": escape(spoken(record.title)),
        "span": escape(_span_words(record.summary)),
        "accounts": "".join(accounts) or '<p class="quiet">The run has no account.</p>',
        "run": _run_section(record),
        "style": _asset("page.css"),
        "plotly": _script_safe(_plotly_source()),
        "figures": json.dumps(figures, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "script": _asset("page.js"),
    })


def _account(record: RunRecord, story: AccountStory, pattern: str, figures: list[dict[str, Any]]) -> str:
    """Return one account's section, and put its figures at the end of ``figures``."""
    series = record.series.get(story.name)
    moves = moves_of(series) if series is not None else []
    charts: list[Chart] = []
    looks = ""
    if series is not None:
        scene = Scene(story, series, record.baseline_series.get(story.name, {}), _fills_of(record.summary, story))
        charts = account_charts(scene)
        looks = _looks(action_span(scene))
    drawn_charts = []
    for chart in charts:
        drawn_charts.append(_chart(chart, len(figures)))
        figures.append(chart.figure)
    name = f'<p class="account">Account {escape(spoken(story.name))}</p>' if len(record.summary["accounts"]) > 1 else ""
    return (
        f'<section class="story {story.verdict.value}">{name}'
        f'<h2 class="headline">{escape(headline(story, moves))}</h2>'
        f'<p class="saved">Ended with {escape(cash(story.equity_end, story.currency))}: '
        f"{escape(saved_words(story))}.</p>"
        f'<div class="tiles">{"".join(_tiles(story, pattern))}</div></section>'
        f'<section class="charts">{looks}{"".join(drawn_charts)}</section>'
        f'<section class="tables">{drawn(decisions_table(story, pattern))}{drawn(parents_table(story, pattern))}'
        f"{drawn(liquidations_table(story, pattern))}{drawn(account_table(story))}</section>"
    )


def _tiles(story: AccountStory, pattern: str) -> list[str]:
    money = story.currency
    at_once, nothing = story.sell_at_once, story.do_nothing
    of_start = f"{cash(story.equity_end)} of {cash(story.equity_start, money)}"
    nothing_fate = (
        f"liquidated {clock(nothing.liquidations[0].get('ts'), pattern=pattern)}" if nothing.liquidations
        else "not liquidated"
    )
    return [
        _tile("Penstock kept", percent(story.kept), of_start, story.verdict.value),
        _tile("Do nothing", percent(nothing.kept), f"{cash(nothing.equity_end, money)}; {nothing_fate}",
              "bad" if nothing.liquidations else ""),
        _tile("Sell at once", percent(at_once.kept),
              f"{cash(at_once.equity_end, money)}; cost {bps(at_once.shortfall_bps)}")
        if at_once else _tile("Sell at once", NA, "nothing was sold"),
        _tile("Against doing nothing", signed_cash(story.saved, money), "equity at the end"),
        _tile("Cost of trading", bps(story.cost_bps), f"{cash(story.cost_quote, money)} against arrival prices"
              if story.traded else "nothing was traded"),
        _tile("Lowest distance", percent(story.figures.get("liquidation_distance_min")),
              f"highest margin ratio {percent(story.figures.get('margin_ratio_max'))}"),
        _tile("Fees", cash(story.figures.get("fees"), money),
              f"funding {signed_cash(story.figures.get('funding'), money)}"),
        _tile("Rules fired", count(len(story.fires)), f"{len(story.parents)} parent orders" if story.fires
              else "Nothing fired"),
    ]


def _tile(label: str, value: str, detail: str, tone: str = "") -> str:
    return (
        f'<div class="tile {tone}"><div class="label">{escape(label)}</div>'
        f'<div class="value">{escape(value)}</div><div class="detail">{escape(detail)}</div></div>'
    )


def _looks(span: tuple[int, int] | None) -> str:
    """Return the buttons that take all charts to what happened, and back."""
    if span is None:
        return ""
    return (
        f'<p class="looks"><button type="button" data-start="{span[0]}" data-end="{span[1]}">'
        'Zoom to the action</button><button type="button">Whole run</button>'
        '<span class="quiet">or drag over a chart</span></p>'
    )


def _chart(chart: Chart, place: int) -> str:
    legend = "".join(_key(line) for line in chart.figure["data"]) if len(chart.figure["data"]) > 1 else ""
    return (
        f'<figure><h3>{escape(spoken(chart.title))}</h3><p class="legend">{legend}</p>'
        f'<div class="plot" id="figure-{place}" role="img" '
        f'aria-label="{escape(spoken(chart.title))}"></div><figcaption>{escape(chart.caption)}</figcaption></figure>'
    )


def _key(line: Figure) -> str:
    """Return one entry of the legend: our own wraps on a phone, plotly's takes half the chart there."""
    if line["mode"] == "markers":
        shape, colour = line["marker"]["symbol"], line["marker"]["color"]
    else:
        shape, colour = line["line"]["dash"], line["line"]["color"]
    return f'<span class="key"><i class="{shape}" style="color:{colour}"></i>{line["name"]}</span>'


def _fills_of(summary: Row, story: AccountStory) -> list[Row]:
    """Return the account's fills: those of its parents, and all of them when it is the only account."""
    fills = list(summary.get("fills") or [])
    if len(summary.get("accounts") or {}) <= 1:
        return fills
    parents = {str(row.get("id")) for row in story.parents}
    return [fill for fill in fills if str(fill.get("parent")) in parents]


def _run_section(record: RunRecord) -> str:
    """Return what concerns the run as a whole: rules, refusals, what is modelled, and its origin."""
    summary = record.summary
    facts = [spoken(fact) for fact in record.story_facts]
    modelled = (summary.get("tape") or {}).get("modelled") or []
    facts += [_MODELLED_WORDS.get(str(item), f"Modelled: {spoken(item)}.") for item in modelled]
    fills = summary.get("fills") or []
    by_model = sum(1 for fill in fills if fill.get("modelled"))
    if fills:
        facts.append(f"{by_model:,} of {len(fills):,} fills are modelled; the others met a recorded book.")
    listed = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    origin = (
        f"Penstock {spoken(summary.get('version'))}, configuration {spoken(summary.get('config_hash'))[:12]}. "
        f"{count((summary.get('tape') or {}).get('events'))} events."
    )
    return (
        f"<section class=\"tables\">{drawn(rules_table(summary))}{drawn(denials_table(summary))}"
        f"<h3>What is modelled</h3>{f'<ul>{listed}</ul>' if listed else '<p class=quiet>Nothing is stated.</p>'}"
        f'<p class="quiet">{escape(origin)} Times are UTC.</p></section>'
    )


def _span(summary: Row) -> tuple[int | None, int | None]:
    tape = summary.get("tape") or {}
    return moment(tape.get("first_ts")), moment(tape.get("last_ts"))


def _span_words(summary: Row) -> str:
    first, last = _span(summary)
    if first is None or last is None:
        return NA
    pattern = "%d %b %Y %H:%M"
    return f"{clock(first, pattern=pattern)} to {clock(last, pattern=pattern)} UTC, {duration(last - first)}"


def _asset(name: str) -> str:
    return files("bot.app.report").joinpath(name).read_text(encoding="utf-8")


def _plotly_source() -> str:
    # read, not imported: plotly's Python side takes a tenth of a second and is not needed
    return files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")


def _script_safe(source: str) -> str:
    """Return a script that cannot end its own element."""
    return source.replace("</script", "<\\/script")


def _filled(template: str, parts: dict[str, str]) -> str:
    """Return the template with its slots filled, in one pass: what is filled in is never read again."""
    return _SLOT.sub(lambda slot: parts[slot[1]], template)
