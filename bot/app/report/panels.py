"""One small chart for each parent order: what was due by its curves against what was filled."""

from __future__ import annotations

from bot.app.report.figure import Chart, line, stepped, time_axis
from bot.app.report.scene import Scene
from bot.app.report.story import Row
from bot.app.wording import bps, clock, moment, number, price, quantity, short_symbol, spoken, unit_of
from bot.domain.scale import NS_PER_SECOND

PANELS_MAX = 12                      # the largest by value; the table has all


def parent_panels(scene: Scene, pattern: str) -> list[Chart]:
    """Return the panels of the parents that filled most by value, in order of time."""
    rows = [row for row in scene.story.parents if str(row.get("id")) in scene.paths and _value(row)]
    largest = sorted(rows, key=lambda row: -_value(row))[:PANELS_MAX]
    return [_panel(scene, row, pattern) for row in rows if row in largest]


def _value(row: Row) -> float:
    return (number(row.get("filled")) or 0.0) * (number(row.get("arrival_price")) or 0.0)


def _panel(scene: Scene, row: Row, pattern: str) -> Chart:
    path = scene.paths[str(row.get("id"))]
    symbol = spoken(row.get("symbol"))
    started, ended = moment(row.get("started")) or 0, moment(row.get("ended")) or 0
    ended = max(ended, started + NS_PER_SECOND)
    filled = [(started, 0.0), *path.filled]
    filled.append((max(ended, filled[-1][0]), filled[-1][1]))
    unit = unit_of(symbol)
    data = []
    for points, name, colour, width in (
        (path.due, "Due", "var(--due)", 7.0), (filled, "Filled", "var(--penstock)", 2.2),
    ):
        drawn = line([at for at, _ in points], [size for _, size in points], name, colour, width=width)
        drawn["hovertemplate"] = f"{name.lower()} %{{y:,.6~g}}"
        data.append(stepped(drawn))
    title = (
        f"{spoken(row.get('side'))} {quantity(row.get('filled'))} {short_symbol(symbol)}, {spoken(row.get('algo'))}"
        f" for {spoken(row.get('rules'))}"
    )
    caption = (
        f"{clock(started, pattern=pattern)} to {clock(ended, pattern='%H:%M:%S')}, in {unit}: average "
        f"{price(row.get('average_price'))} against {price(row.get('arrival_price'))} at arrival, "
        f"{bps(row.get('shortfall_bps'))}; {spoken(row.get('end_reason')).replace('_', ' ')}."
    )
    pause = (ended - started) // 20
    return Chart(title, caption, {
        "data": data,
        "is_own": True,              # its span of time is its own: it follows no other chart
        "layout": {
            "yaxis": {"tickformat": ",~r", "rangemode": "tozero"}, "shapes": [], "annotations": [],
            "xaxis": time_axis(started - pause, ended + pause),
        },
    })
