"""One page that opens offline: markup, style, charts and plotly.js itself in a single file.

The page may load nothing: its content security policy forbids every request, so a report can be sent to a
partner, or opened on a machine without a network, and shows the same. Text is escaped where it is placed.
"""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files

from bot.app.record import RunRecord
from bot.app.report.charts import account_charts
from bot.app.report.costs import costs_section
from bot.app.report.figure import Chart, Figure
from bot.app.report.panels import parent_panels
from bot.app.report.scene import Scene, action_span
from bot.app.report.sentences import done_words, happened_words, saved_words, verdict_words
from bot.app.report.story import AccountStory, Row, moves_of, stories
from bot.app.report.tables import (
    account_table,
    alarms_table,
    decisions_table,
    denials_table,
    drawn,
    liquidations_table,
    parents_table,
    rules_table,
    stops_table,
)
from bot.app.wording import (
    NA,
    amount,
    bps,
    cash,
    clock,
    clock_pattern,
    count,
    distance_words,
    duration,
    moment,
    number,
    percent,
    spoken,
)
from bot.domain.scale import NS_PER_DAY

RATIOS_TELL_FROM = 365 * NS_PER_DAY  # the standard error of a Sharpe ratio is 1 then, and larger before
WIDE_FROM = 5                        # pixels of a line that lies under another
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_MODELLED_WORDS = {
    "fills": "Fills come from a model (half spread and square-root impact), not from a recorded book.",
}


def render(record: RunRecord) -> str:
    """Return the report as one self-contained HTML page; the same record gives the same text."""
    told = stories(record.summary, record.markets, record.stops)
    pattern = clock_pattern(*_span(record.summary))
    figures: list[Figure] = []
    accounts = [_account(record, story, pattern, figures) for story in told]
    body = "".join(accounts) or '<p class="quiet">The run has no account.</p>'
    return page(
        title=spoken(record.title), span=span_words(record.summary), body=body + _run_section(record, told, pattern),
        figures=figures,
    )


def page(*, title: str, span: str, body: str, figures: list[Figure]) -> str:
    """Return a whole page around ``body``, which is HTML; ``title`` and ``span`` are text."""
    return _filled(_asset("page.html"), {
        "title": escape(title),
        "span": escape(span),
        "body": body,
        "style": _asset("page.css"),
        "plotly": _script_safe(_plotly_source()) if figures else "",
        "figures": json.dumps(figures, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "script": _asset("page.js"),
    })


def placed(chart: Chart, figures: list[Figure]) -> str:
    """Return a chart as HTML, and put its figure at the end of ``figures``."""
    figures.append(chart.figure)
    place = len(figures) - 1
    legend = "".join(_key(line) for line in chart.figure["data"]) if len(chart.figure["data"]) > 1 else ""
    return (
        f'<figure><h3>{escape(spoken(chart.title))}</h3><p class="legend">{legend}</p>'
        f'<div class="plot" id="figure-{place}" role="img" '
        f'aria-label="{escape(spoken(chart.title))}"></div><figcaption>{escape(chart.caption)}</figcaption></figure>'
    )


def _account(record: RunRecord, story: AccountStory, pattern: str, figures: list[Figure]) -> str:
    """Return one account's section, and put its figures at the end of ``figures``."""
    series = record.series.get(story.name)
    stops = [stop for stop in record.stops if stop.account == story.name]
    charts, panels, looks = [], "", ""
    if series is not None:
        scene = Scene(
            story, series, record.baseline_series.get(story.name, {}), _fills_of(record.summary, story), stops,
            record.parent_paths,
        )
        charts = [placed(chart, figures) for chart in account_charts(scene)]
        panels = "".join(placed(chart, figures) for chart in parent_panels(scene, pattern))
        looks = _looks(action_span(scene))
    stop_table = drawn(stops_table(stops, pattern)) if stops else ""
    return (
        _first_screen(record, story, pattern, charts[0] if charts else "")
        + f'<section class="charts">{looks}{"".join(charts[1:])}</section>'
        + (f'<h2 class="part">What was due, and what was sold</h2><section class="panels">{panels}</section>'
           if panels else "")
        + costs_section(story, record.parent_paths, pattern)
        + f'<section class="tables">{drawn(decisions_table(story, record.parent_paths, stops, pattern))}'
        f'{drawn(parents_table(story, pattern))}'
        f"{stop_table}{drawn(liquidations_table(story, pattern))}{drawn(account_table(story))}"
        + _ratios_note(record.summary, story) + "</section>"
    )


def _ratios_note(summary: Row, story: AccountStory) -> str:
    """Return what keeps a reader from taking a day's ratios for a year's; empty where there are none."""
    first, last = _span(summary)
    if first is None or last is None or number(story.figures.get("sharpe")) is None:
        return ""
    told = f"Sharpe, Sortino and Calmar are of hourly returns, brought to a year. This run has {duration(last - first)}"
    return f'<p class="quiet">{told}{"." if last - first >= RATIOS_TELL_FROM else ": they say next to nothing."}</p>'


def _first_screen(record: RunRecord, story: AccountStory, pattern: str, chart: str) -> str:
    """Return the run on one screen: the verdict, three sentences, the equity beside them, four figures."""
    series = record.series.get(story.name)
    moves = moves_of(series) if series is not None else []
    name = f'<p class="account">Account {escape(spoken(story.name))}</p>' if len(record.summary["accounts"]) > 1 else ""
    told = "".join(
        f"<dt>{escape(question)}</dt><dd>{escape(answer)}</dd>" for question, answer in (
            ("What happened", happened_words(story, moves)),
            ("What Penstock did", done_words(story)),
            ("What it came to", saved_words(story)),
        ) if answer
    )
    return (
        f'<section class="story {story.verdict.value}">{name}'
        f'<h2 class="headline">{escape(verdict_words(story))}</h2>'
        f'<div class="first"><div><dl class="told">{told}</dl>'
        f'<div class="tiles">{"".join(_tiles(story, pattern))}</div></div>{chart}</div></section>'
    )


def _tiles(story: AccountStory, pattern: str) -> list[str]:
    money = story.currency
    at_once, nothing = story.sell_at_once, story.do_nothing
    of_start = f"{amount(story.equity_end, money)} of {cash(story.equity_start, money)}"
    nothing_fate = (
        f"liquidated {clock(nothing.liquidations[0].get('ts'), pattern=pattern)}" if nothing.liquidations
        else "not liquidated"
    )
    ours = _tile("Penstock kept", percent(story.kept), of_start, story.verdict.value)
    nearest = _tile("Nearest to liquidation", distance_words(story.figures.get("liquidation_distance_min")),
                    f"highest margin ratio {percent(story.figures.get('margin_ratio_max'))}")
    if nothing.equity_end is None:       # of a daemon's run, whose prices nobody kept
        return [ours, nearest]
    return [
        ours,
        _tile("Do nothing", percent(nothing.kept), f"{cash(nothing.equity_end, money)}; {nothing_fate}",
              "bad" if nothing.liquidations else ""),
        _tile("Sell at once", percent(at_once.kept),
              f"{cash(at_once.equity_end, money)}; cost {bps(at_once.shortfall_bps)}")
        if at_once else _tile("Sell at once", NA, "nothing was sold"),
        nearest,
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


def _key(line: Figure) -> str:
    """Return one entry of the legend: our own wraps on a phone, plotly's takes half the chart there."""
    if line["mode"] == "markers":
        shape, colour = line["marker"]["symbol"], line["marker"]["color"]
    else:
        colour = line["line"]["color"]
        shape = "wide" if line["line"]["width"] > WIDE_FROM else line["line"]["dash"]
    return f'<span class="key"><i class="{shape}" style="color:{colour}"></i>{line["name"]}</span>'


def _fills_of(summary: Row, story: AccountStory) -> list[Row]:
    """Return the account's fills: those of its parents, and all of them when it is the only account."""
    fills = list(summary.get("fills") or [])
    if len(summary.get("accounts") or {}) <= 1:
        return fills
    parents = {str(row.get("id")) for row in story.parents}
    return [fill for fill in fills if str(fill.get("parent")) in parents]


def _run_section(record: RunRecord, told: list[AccountStory], pattern: str) -> str:
    """Return what concerns the run as a whole: rules, refusals, alarms, what is modelled, and its origin."""
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
        f"<section class=\"tables\">{drawn(rules_table(summary, told))}{drawn(denials_table(summary))}"
        f"{drawn(alarms_table(record.alarms, pattern))}"
        f"<h3>What is modelled</h3>{f'<ul>{listed}</ul>' if listed else '<p class=quiet>Nothing is stated.</p>'}"
        f'<p class="quiet">{escape(origin)} Times are UTC.</p></section>'
    )


def _span(summary: Row) -> tuple[int | None, int | None]:
    tape = summary.get("tape") or {}
    return moment(tape.get("first_ts")), moment(tape.get("last_ts"))


def span_words(summary: Row) -> str:
    """Return from when to when a run's tape went."""
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
