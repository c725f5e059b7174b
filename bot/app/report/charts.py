"""The charts of one account over the whole run: equity, prices, margin, position; parents have panels of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from textwrap import fill

from bot.app.record import DO_NOTHING, SELL_AT_ONCE, Line
from bot.app.report.figure import (
    Chart,
    Figure,
    Times,
    band,
    clipped,
    drawn_values,
    level_line,
    line,
    percent_axis,
    stepped,
    text_of,
    time_axis,
    upright,
    value_at,
)
from bot.app.report.scene import Scene, action_span
from bot.app.report.story import Row
from bot.app.report.thin import POINTS_MAX
from bot.app.wording import distance_words, moment, number, percent, price, quantity, spoken, unit_of

DISTANCE_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)           # percent; outside them is drawn at the edge
FIRE_LINES_MAX = 40                  # vertical lines; beyond that they hide the price
BANDS_MAX = 40
_SYMBOL_COLOURS = 6
_HOVER_WIDTH = 60                    # characters; fits a phone
_RATIO_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
_STOP_NEAR = 1.1                     # times the lowest or highest price: a stop further off would flatten the price


def account_charts(scene: Scene) -> list[Chart]:
    """Return what there is to draw of one account: equity, prices, distance, margin ratio, position."""
    if not scene.series.ts:
        return []
    charts = [equity_chart(scene)]
    charts += [price_chart(scene, symbol) for symbol in scene.symbols]
    charts.append(distance_chart(scene))
    charts.append(ratio_chart(scene))
    if scene.symbols:
        charts.append(position_chart(scene))
    return charts


def price_chart(scene: Scene, symbol: str) -> Chart:
    """Return the mark of one market with rules' fires, our fills, and where the resting stop stood."""
    mark = scene.series.marks[symbol]
    data = [_line(scene, mark, "Mark price", "var(--price)", hover="%{y:,.6~g}")]
    stop = _stop_line(scene, symbol, mark)
    if stop is not None:
        data.append(stop)
    fills = [fill for fill in scene.fills if str(fill.get("symbol")) == symbol]
    drawn = sorted(fills, key=lambda fill: -(number(fill.get("quantity")) or 0.0))[:POINTS_MAX]
    data += _fill_points(drawn)
    data += _fire_points(scene, lambda _fire, stamp: value_at(scene.series.ts, mark, stamp))
    parts = ["Mark price."]
    if scene.story.fires:
        parts.append("Diamonds: a rule fired.")
    if drawn:
        parts.append("Triangles: our fills, larger for more.")
    if len(drawn) < len(fills):
        parts.append(f"The largest {len(drawn):,} of {len(fills):,} fills are drawn.")
    if scene.selling(symbol):
        parts.append("Shaded: an order was at work.")
    if stop is not None:
        parts.append("Stepped line: the stop that rested at the venue, where it was near.")
    return Chart(
        f"{symbol}: price", " ".join(parts), _figure(scene, data, {"tickformat": ",~r"}, symbol=symbol)
    )


def distance_chart(scene: Scene) -> Chart:
    """Return distance to liquidation against the levels at which rules fire, on a log axis."""
    series = scene.series
    distance = [clipped(value, DISTANCE_TICKS) for value in series.distance]
    data = [_line(
        scene, distance, "Distance", "var(--penstock)", width=2.5,
        texts=lambda place: (
            f"{distance_words(series.distance[place])}, margin ratio {percent(series.margin_ratio[place])}"
        ),
    )]
    data += _levels(scene, series.thresholds, "fires below", DISTANCE_TICKS)
    data += _fire_points(scene, lambda fire, stamp: _distance_at(series.ts, distance, fire, stamp))
    caption = "How far all markets may move against the account before the venue liquidates it; logarithmic."
    if any((value or 0.0) > 1 for value in series.distance):
        caption += " Beyond 100 % it is drawn at 100 %."
    if any(value is None for value in distance):
        caption += " No line: no position."
    axis = percent_axis(drawn_values(data), DISTANCE_TICKS)
    return Chart("Distance to liquidation", caption, _figure(scene, data, axis))


def ratio_chart(scene: Scene) -> Chart:
    """Return maintenance margin over equity, which is 100 % when the venue liquidates, on a log axis."""
    series = scene.series
    ratio = [clipped(value, _RATIO_TICKS) if value else None for value in series.margin_ratio]
    data = [_line(
        scene, ratio, "Margin ratio", "var(--penstock)", width=2.5,
        texts=lambda place: f"{percent(series.margin_ratio[place])}, distance {distance_words(series.distance[place])}",
    )]
    data += _levels(scene, series.ratio_thresholds, "fires above", _RATIO_TICKS)
    axis = percent_axis([*drawn_values(data), 99.0], _RATIO_TICKS)
    figure = _figure(scene, data, axis)
    figure["layout"]["shapes"].append(level_line(100.0, "var(--danger)"))
    return Chart(
        "Margin ratio",
        "Maintenance margin over equity; logarithmic. The venue liquidates at 100 %, the dashed line.",
        figure,
    )


def equity_chart(scene: Scene) -> Chart:
    """Return equity beside what doing nothing and selling at once would have left."""
    data = []
    for kind, name, colour, dash in (
        (DO_NOTHING, "Do nothing", "var(--nothing)", "solid"), (SELL_AT_ONCE, "Sell at once", "var(--at-once)", "dash"),
    ):
        points = scene.baselines.get(kind) or ()
        if points:
            ts = [at for at, _ in points]
            data.append(line(ts, [value for _, value in points], name, colour, dash=dash, span=action_span(scene)))
    data.append(_line(scene, scene.series.equity, "Penstock", "var(--penstock)", width=2.5))
    for each in data:
        each["hovertemplate"] = "%{y:,.2f}"
    currency = scene.story.currency
    caption = f"Equity in {currency}, all at mark prices." if currency else "Equity at mark prices."
    if scene.story.fires:
        caption += " Upright lines: a rule fired."
    if scene.selling():
        caption += " Shaded: an order was at work."
    axis = {"tickformat": ",~r", "rangemode": "tozero"}
    title = "Equity against doing nothing" if scene.baselines.get(DO_NOTHING) else "Equity"
    return Chart(title, caption, _figure(scene, data, axis))


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
        drawn = stepped(_line(scene, shown, symbol, colour, width=2, texts=partial(_size_at, held, unit_of(symbol))))
        if is_single:
            drawn |= {"fill": "tozeroy", "fillcolor": "var(--wash)"}
        data.append(drawn)
    unit = unit_of(symbols[0]) if is_single else "percent of the largest size held"
    axis = {"tickformat": ",~r" if is_single else ".0f", "ticksuffix": "" if is_single else " %", "rangemode": "tozero"}
    return Chart("Position", f"What is held, in {unit}; short is negative.", _figure(scene, data, axis))


# Parts of a chart -----------------------------------------------------------------------------------------


def _line(
    scene: Scene, values: Line, name: str, colour: str, *,
    width: float = 1.6, dash: str = "solid", hover: str = "%{y}", texts: Callable[[int], str] | None = None,
) -> Figure:
    return line(
        scene.series.ts, values, name, colour, width=width, dash=dash, hover=hover, texts=texts,
        span=action_span(scene),
    )


def _levels(scene: Scene, thresholds: Mapping[str, Line], when: str, ticks: tuple[float, ...]) -> list[Figure]:
    """Return the levels at which rules fire, in their colours."""
    return [
        stepped(_line(
            scene, [clipped(value, ticks) for value in level], f"{spoken(rule)} {when}", scene.rules[rule], dash="dot",
            texts=partial(_percent_at, level),
        ))
        for rule, level in thresholds.items()
    ]


def _stop_line(scene: Scene, symbol: str, mark: Line) -> Figure | None:
    """Return where the stop of a position stood, as far as it was near the price; None where none ever rested."""
    prices = [value for value in (number(each) for each in mark) if value is not None]
    paths = [stop for stop in scene.stops if stop.symbol == symbol and stop.levels]
    if not paths or not prices:
        return None
    low, high = min(prices) / _STOP_NEAR, max(prices) * _STOP_NEAR
    levels = paths[0].levels
    near = [level if level is not None and low <= level <= high else None for _, level in levels]
    return stepped(line(
        [at for at, _ in levels], near, "Resting stop", "var(--stop)", width=1.3, hover="stop at %{y:,.6~g}",
        span=action_span(scene),
    ))


def _fire_points(scene: Scene, height: Callable[[Row, int], float | None]) -> list[Figure]:
    """Return one set of diamonds per rule at the moments it fired, at the height that ``height`` tells."""
    points: list[Figure] = []
    for rule, colour in scene.rules.items():
        fires = [fire for fire in scene.story.fires if str(fire.get("rule")) == rule]
        at = [(stamp, fire) for fire in fires if (stamp := moment(fire.get("ts"))) is not None]
        if not at:
            continue
        points.append({
            "type": "scatter", "mode": "markers", "name": text_of(f"{spoken(rule)} fired"),
            "x": [stamp // 1_000_000 for stamp, _ in at],
            "y": [height(fire, stamp) for stamp, fire in at],
            "text": [text_of(fill(spoken(fire.get("why")), _HOVER_WIDTH)) for _, fire in at],
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
                text_of(f"{side} {quantity(row.get('quantity'))} at {price(row.get('price'))}"
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


def _figure(scene: Scene, data: list[Figure], yaxis: Figure, symbol: str | None = None) -> Figure:
    """Return the figure with what happened over it: orders at work, fires, and where doing nothing was liquidated."""
    first, last = scene.series.ts[0], scene.series.ts[-1]
    shapes = [band(span, "var(--wash)") for span in scene.selling(symbol)[:BANDS_MAX]]
    shapes += [
        upright(stamp, scene.rules[str(fire.get("rule"))], "dot")
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
        shapes.append(upright(stamp, "var(--danger)", "dash"))
        notes.append({
            "x": stamp // 1_000_000, "y": 1, "xref": "x", "yref": "paper", "text": text, "showarrow": False,
            "xanchor": "right" if is_late else "left", "yanchor": "top", "yshift": -16 * len(notes),
            "xshift": -4 if is_late else 4,
            "font": {"color": "var(--danger)", "size": 12}, "bgcolor": "var(--paper)",
        })
    return {
        "data": data,
        "layout": {"yaxis": yaxis, "shapes": shapes, "annotations": notes, "xaxis": time_axis(first, last)},
    }


def _percent_at(values: Line, place: int) -> str:
    return percent(values[place])


def _size_at(values: Line, base: str, place: int) -> str:
    return f"{quantity(values[place])} {base}"


def _distance_at(ts: Times, values: Line, fire: Row, stamp: int) -> float | None:
    """Return the distance that the rule itself read, else the line's: samples are too far apart for a crash."""
    readings = fire.get("readings")
    read = readings.get("account.liquidation_distance") if isinstance(readings, Mapping) else None
    return value_at(ts, values, stamp) if number(read) is None else clipped(number(read), DISTANCE_TICKS)
