"""Charts as plotly figures in plain dictionaries; colours are CSS variables, so that one page fits dark and light.

Moments are milliseconds since the epoch on a date axis, which plotly shows in UTC. Text from a venue or a
file is escaped here, since plotly reads a little HTML in names and hovers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from math import log10
from textwrap import fill
from typing import Any

from bot.app.record import DO_NOTHING, SELL_AT_ONCE, AccountSeries, Line
from bot.app.report.story import AccountStory, Row
from bot.app.report.thin import POINTS_MAX, kept_places
from bot.app.wording import moment, number, percent, price, quantity, spoken, unit_of
from bot.domain.scale import NS_PER_MINUTE

Figure = dict[str, Any]
Times = Sequence[int]

SYMBOLS_MAX = 6                      # one price chart each; a page of more is not read
FIRE_LINES_MAX = 40                  # vertical lines; beyond that they hide the price
_RULE_COLOURS = 5                    # --rule-1 .. --rule-5 in the style sheet
_SYMBOL_COLOURS = 6
_MARGIN_AROUND = 15 * NS_PER_MINUTE  # of what happened, in the closer look
_HOVER_WIDTH = 60                    # characters; fits a phone
_DISTANCE_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)          # percent; outside them is drawn at the edge


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure with its heading and what one must know to read it."""

    title: str
    caption: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the charts of one account draw from."""

    story: AccountStory
    series: AccountSeries
    baselines: Mapping[str, Sequence[tuple[int, float | None]]]
    fills: list[Row]

    @property
    def rules(self) -> dict[str, str]:
        """Every rule that has a level or fired, with its colour: the same one in every chart."""
        names = [*self.series.thresholds, *(str(fire.get("rule")) for fire in self.story.fires)]
        return {
            name: f"var(--rule-{place % _RULE_COLOURS + 1})" for place, name in enumerate(dict.fromkeys(names))
        }

    @property
    def symbols(self) -> list[str]:
        """The markets worth a chart: those held or traded, else the first."""
        traded = {str(fill.get("symbol")) for fill in self.fills}
        touched = [
            symbol for symbol in self.series.marks
            if symbol in traded or any(self.series.quantities.get(symbol, ()))
        ]
        return (touched or list(self.series.marks)[:1])[:SYMBOLS_MAX]


def account_charts(scene: Scene) -> list[Chart]:
    """Return what there is to draw of one account: prices, distance, equity, position."""
    if not scene.series.ts:
        return []
    charts = [price_chart(scene, symbol) for symbol in scene.symbols]
    charts.append(distance_chart(scene))
    charts.append(equity_chart(scene))
    if scene.symbols:
        charts.append(position_chart(scene))
    return charts


def action_span(scene: Scene) -> tuple[int, int] | None:
    """Return the milliseconds around all that happened; None when that is most of the run anyway."""
    ts = scene.series.ts
    rows = [*scene.story.fires, *scene.story.parents, *scene.story.liquidations, *scene.story.do_nothing.liquidations]
    found = [moment(row.get(key)) for row in rows for key in ("ts", "started", "ended")]
    stamps = [stamp for stamp in found if stamp is not None]
    if not stamps or not ts:
        return None
    first, last = min(stamps), max(stamps)
    margin = max((last - first) // 4, _MARGIN_AROUND)
    first, last = max(first - margin, ts[0]), min(last + margin, ts[-1])
    if 2 * (last - first) > ts[-1] - ts[0]:
        return None
    return first // 1_000_000, last // 1_000_000


def price_chart(scene: Scene, symbol: str) -> Chart:
    """Return the mark of one market with rules' fires and our fills on it."""
    mark = scene.series.marks[symbol]
    data = [_line(scene, scene.series.ts, mark, "Mark price", "var(--price)", hover="%{y:,.6~g}")]
    fills = [fill for fill in scene.fills if str(fill.get("symbol")) == symbol]
    drawn = sorted(fills, key=lambda fill: -(number(fill.get("quantity")) or 0.0))[:POINTS_MAX]
    data += _fill_points(drawn)
    data += _fire_points(scene, lambda _fire, stamp: _value_at(scene.series.ts, mark, stamp))
    caption = "Mark price."
    if scene.story.fires:
        caption += " Diamonds: a rule fired."
    if drawn:
        caption += " Triangles: our fills, larger for more."
    if len(drawn) < len(fills):
        caption += f" The largest {len(drawn):,} of {len(fills):,} fills are drawn."
    return Chart(f"{symbol}: price", caption, _figure(scene, data, {"tickformat": ",~r"}))


def distance_chart(scene: Scene) -> Chart:
    """Return distance to liquidation against the levels at which rules fire, on a log axis."""
    series = scene.series
    distance = [_clipped(value) for value in series.distance]
    data = [_line(
        scene, series.ts, distance, "Distance", "var(--penstock)", width=2.5,
        texts=lambda place: f"{percent(series.distance[place])}, margin ratio {percent(series.margin_ratio[place])}",
    )]
    for rule, level in series.thresholds.items():
        line = _line(
            scene, series.ts, [_clipped(value) for value in level], f"{spoken(rule)} fires below", scene.rules[rule],
            dash="dot", texts=partial(_percent_at, level),
        )
        line["line"]["shape"] = "hv"
        data.append(line)
    data += _fire_points(scene, lambda fire, stamp: _distance_at(series.ts, distance, fire, stamp))
    drawn = [value for line in data for value in line["y"] if value is not None]
    caption = "How far all markets may move against the account before the venue liquidates it; logarithmic."
    if any(value is None for value in distance):
        caption += " No line: no position."
    return Chart("Distance to liquidation", caption, _figure(scene, data, _distance_axis(drawn)))


def equity_chart(scene: Scene) -> Chart:
    """Return equity beside what doing nothing and selling at once would have left."""
    data = []
    for kind, name, colour, dash in (
        (DO_NOTHING, "Do nothing", "var(--nothing)", "solid"), (SELL_AT_ONCE, "Sell at once", "var(--at-once)", "dash"),
    ):
        points = scene.baselines.get(kind) or ()
        if points:
            data.append(_line(scene, [at for at, _ in points], [value for _, value in points], name, colour, dash=dash))
    data.append(_line(scene, scene.series.ts, scene.series.equity, "Penstock", "var(--penstock)", width=2.5))
    for line in data:
        line["hovertemplate"] = "%{y:,.2f}"
    currency = scene.story.currency
    caption = f"Equity in {currency}, all at mark prices." if currency else "Equity at mark prices."
    axis = {"tickformat": ",~r", "rangemode": "tozero"}
    return Chart("Equity against doing nothing", caption, _figure(scene, data, axis))


def position_chart(scene: Scene) -> Chart:
    """Return what was held over time; of several markets, each in percent of the most it held."""
    symbols = [symbol for symbol in scene.symbols if symbol in scene.series.quantities]
    is_single = len(symbols) == 1
    data = []
    for place, symbol in enumerate(symbols):
        held = scene.series.quantities[symbol]
        most = max((abs(size) for size in held if size is not None), default=0.0) or 1.0
        shown = held if is_single else [None if size is None else 100 * size / most for size in held]
        colour = "var(--penstock)" if is_single else f"var(--symbol-{place % _SYMBOL_COLOURS + 1})"
        line = _line(
            scene, scene.series.ts, shown, symbol, colour, width=2,
            texts=partial(_size_at, held, unit_of(symbol)),
        )
        line["line"]["shape"] = "hv"
        if is_single:
            line |= {"fill": "tozeroy", "fillcolor": "var(--wash)"}
        data.append(line)
    unit = unit_of(symbols[0]) if is_single else "percent of the largest size held"
    axis = {"tickformat": ",~r" if is_single else ".0f", "ticksuffix": "" if is_single else " %", "rangemode": "tozero"}
    return Chart("Position", f"What is held, in {unit}; short is negative.", _figure(scene, data, axis))


# Parts of a figure ----------------------------------------------------------------------------------------


def _line(
    scene: Scene, ts: Times, values: Line, name: str, colour: str, *,
    width: float = 1.6, dash: str = "solid", hover: str = "%{y}", texts: Callable[[int], str] | None = None,
) -> Figure:
    """Return a thinned line; a missing value is a gap. ``texts`` says what a place shows, instead of ``hover``."""
    clean = [number(value) for value in values]
    span = action_span(scene)
    focus = None if span is None else (bisect_left(ts, span[0] * 1_000_000), bisect_right(ts, span[1] * 1_000_000))
    places = kept_places(clean, focus=focus)
    line: Figure = {
        "type": "scatter", "mode": "lines", "name": _text(name),
        "x": [ts[place] // 1_000_000 for place in places], "y": [clean[place] for place in places],
        "line": {"color": colour, "width": width, "dash": dash},
        "hovertemplate": hover, "connectgaps": False,
    }
    if texts is not None:
        line |= {"text": [_text(texts(place)) for place in places], "hovertemplate": "%{text}"}
    return line


def _fire_points(scene: Scene, height: Callable[[Row, int], float | None]) -> list[Figure]:
    """Return one set of diamonds per rule at the moments it fired, at the height that ``height`` tells."""
    points: list[Figure] = []
    for rule, colour in scene.rules.items():
        fires = [fire for fire in scene.story.fires if str(fire.get("rule")) == rule]
        at = [(stamp, fire) for fire in fires if (stamp := moment(fire.get("ts"))) is not None]
        if not at:
            continue
        points.append({
            "type": "scatter", "mode": "markers", "name": _text(f"{spoken(rule)} fired"),
            "x": [stamp // 1_000_000 for stamp, _ in at],
            "y": [height(fire, stamp) for stamp, fire in at],
            "text": [_text(fill(spoken(fire.get("why")), _HOVER_WIDTH)) for _, fire in at],
            "marker": {
                "symbol": "diamond", "size": 12, "color": colour, "line": {"color": "var(--paper)", "width": 1.5}
            },
            "hovertemplate": "%{text}",
        })
    return points


def _fill_points(fills: list[Row]) -> list[Figure]:
    points: list[Figure] = []
    most = max((number(fill.get("quantity")) or 0.0 for fill in fills), default=0.0) or 1.0
    for side, symbol in (("sell", "triangle-down"), ("buy", "triangle-up")):
        rows = [fill for fill in fills if fill.get("side") == side and moment(fill.get("ts")) is not None]
        rows.sort(key=lambda fill: (moment(fill.get("ts")), str(fill.get("child"))))
        if not rows:
            continue
        points.append({
            "type": "scatter", "mode": "markers", "name": f"{side.capitalize()} fills",
            "x": [(moment(row.get("ts")) or 0) // 1_000_000 for row in rows],
            "y": [number(row.get("price")) for row in rows],
            "text": [
                _text(f"{side} {quantity(row.get('quantity'))} at {price(row.get('price'))}"
                      + (" (modelled)" if row.get("modelled") else "")) for row in rows
            ],
            "marker": {
                "symbol": symbol, "color": f"var(--{side})", "opacity": 0.85,
                "size": [round(5 + 7 * ((number(row.get("quantity")) or 0.0) / most) ** 0.5, 1) for row in rows],
                "line": {"color": "var(--paper)", "width": 0.75},
            },
            "hovertemplate": "%{text}",
        })
    return points


def _figure(scene: Scene, data: list[Figure], yaxis: Figure) -> Figure:
    """Return the figure with its vertical lines: fires, and where doing nothing was liquidated."""
    first, last = scene.series.ts[0], scene.series.ts[-1]
    shapes = [
        _upright(stamp, scene.rules[str(fire.get("rule"))], "dot")
        for fire in scene.story.fires[:FIRE_LINES_MAX] if (stamp := moment(fire.get("ts"))) is not None
    ]
    notes: list[Figure] = []
    for rows, text in (
        (scene.story.do_nothing.liquidations, "do nothing: liquidated"), (scene.story.liquidations, "LIQUIDATED")
    ):
        stamp = moment(rows[0].get("ts")) if rows else None
        if stamp is None:
            continue
        is_late = 2 * stamp > first + last
        shapes.append(_upright(stamp, "var(--danger)", "dash"))
        notes.append({
            "x": stamp // 1_000_000, "y": 1, "xref": "x", "yref": "paper", "text": text, "showarrow": False,
            "xanchor": "right" if is_late else "left", "yanchor": "top", "yshift": -16 * len(notes),
            "xshift": -4 if is_late else 4,
            "font": {"color": "var(--danger)", "size": 12},
        })
    return {
        "data": data,
        "layout": {
            "yaxis": yaxis, "shapes": shapes, "annotations": notes,
            "xaxis": {"type": "date", "range": [first // 1_000_000, max(last, first + 1_000_000) // 1_000_000]},
        },
    }


def _upright(stamp: int, colour: str, dash: str) -> Figure:
    at = stamp // 1_000_000
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1, "layer": "below",
        "line": {"color": colour, "width": 1.2, "dash": dash},
    }


def _distance_axis(drawn: Iterable[float]) -> Figure:
    """Return a log axis that ends at the ticks around what is drawn. Plotly takes its range as exponents."""
    values = list(drawn)
    low, high = min(values, default=1.0), max(values, default=10.0)
    bottom = max((tick for tick in _DISTANCE_TICKS if tick <= low), default=_DISTANCE_TICKS[0])
    top = min((tick for tick in _DISTANCE_TICKS if tick > high), default=_DISTANCE_TICKS[-1])
    return {
        "type": "log", "autorange": False, "range": [_exponent(bottom * 0.9), _exponent(top * 1.1)],
        "tickvals": list(_DISTANCE_TICKS), "ticktext": [f"{tick:g} %" for tick in _DISTANCE_TICKS],
    }


def _exponent(value: float) -> float:
    return round(log10(value), 6)


def _clipped(fraction: float | None) -> float | None:
    """Return a distance in percent, held between the first and the last tick."""
    value = number(fraction)
    if value is None:
        return None
    return min(max(100 * value, _DISTANCE_TICKS[0]), _DISTANCE_TICKS[-1])


def _percent_at(line: Line, place: int) -> str:
    return percent(line[place])


def _size_at(line: Line, base: str, place: int) -> str:
    return f"{quantity(line[place])} {base}"


def _distance_at(ts: Times, line: Line, fire: Row, stamp: int) -> float | None:
    """Return the distance that the rule itself read, else the line's: samples are too far apart for a crash."""
    readings = fire.get("readings")
    read = readings.get("account.liquidation_distance") if isinstance(readings, Mapping) else None
    return _value_at(ts, line, stamp) if number(read) is None else _clipped(read)


def _value_at(ts: Times, line: Line, stamp: int) -> float | None:
    """Return the line's value at ``stamp``, between its neighbours; the last known one where they miss."""
    right = bisect_right(ts, stamp)
    if right == 0:
        return number(line[0])
    before = number(line[right - 1])
    after = number(line[right]) if right < len(ts) else None
    if before is None or after is None:
        return after if before is None else before
    share = (stamp - ts[right - 1]) / (ts[right] - ts[right - 1])
    return before + share * (after - before)


def _text(text: str) -> str:
    """Return text safe for plotly; its newlines become the line breaks that plotly knows."""
    return escape(text, quote=False).replace("\n", "<br>")

