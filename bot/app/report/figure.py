"""Parts of plotly figures in plain dictionaries; colours are CSS variables, so that one page fits dark and light.

Moments are milliseconds since the epoch on a date axis, which plotly shows in UTC. Text from a venue or a
file is escaped here, since plotly reads a little HTML in names and hovers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10
from typing import Any

from bot.app.record import Line
from bot.app.report.thin import kept_places
from bot.app.wording import number

Figure = dict[str, Any]
Times = Sequence[int]
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure with its heading and what one must know to read it."""

    title: str
    caption: str
    figure: Figure


def line(
    ts: Times, values: Line, name: str, colour: str, *,
    width: float = 1.6, dash: str = "solid", hover: str = "%{y}", texts: Callable[[int], str] | None = None,
    span: tuple[int, int] | None = None,
) -> Figure:
    """Return a thinned line; a missing value is a gap. ``texts`` says what a place shows, instead of ``hover``.

    ``span``, in milliseconds, is the part that is looked at closely: it keeps more of its points.
    """
    clean = [number(value) for value in values]
    focus = None if span is None else (bisect_left(ts, span[0] * NS_PER_MS), bisect_right(ts, span[1] * NS_PER_MS))
    places = kept_places(clean, focus=focus)
    drawn: Figure = {
        "type": "scatter", "mode": "lines", "name": text_of(name),
        "x": [ts[place] // NS_PER_MS for place in places], "y": [clean[place] for place in places],
        "line": {"color": colour, "width": width, "dash": dash},
        "hovertemplate": hover, "connectgaps": False,
    }
    if texts is not None:
        drawn |= {"text": [text_of(texts(place)) for place in places], "hovertemplate": "%{text}"}
    return drawn


def stepped(drawn: Figure) -> Figure:
    """Return a line that stands still between its points."""
    drawn["line"]["shape"] = "hv"
    return drawn


def upright(stamp: int, colour: str, dash: str) -> Figure:
    """Return a vertical line through a chart at a moment, ns."""
    at = stamp // NS_PER_MS
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1, "layer": "below",
        "line": {"color": colour, "width": 1.2, "dash": dash},
    }


def band(span: tuple[int, int], colour: str) -> Figure:
    """Return a wash over a span of time, ns."""
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": span[0] // NS_PER_MS, "x1": span[1] // NS_PER_MS,
        "y0": 0, "y1": 1, "layer": "below", "fillcolor": colour, "line": {"width": 0},
    }


def level_line(value: float, colour: str) -> Figure:
    """Return a horizontal line at a value that means something by itself."""
    return {
        "type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": value, "y1": value,
        "line": {"color": colour, "width": 1.2, "dash": "dash"},
    }


def time_axis(first: int, last: int) -> Figure:
    """Return an axis from one moment to another, ns."""
    return {"type": "date", "range": [first // NS_PER_MS, max(last, first + NS_PER_MS) // NS_PER_MS]}


def percent_axis(drawn: Iterable[float], ticks: Sequence[float]) -> Figure:
    """Return a log axis in percent that ends at the ticks around what is drawn. Plotly takes its range as exponents."""
    values = list(drawn)
    low, high = min(values, default=1.0), max(values, default=10.0)
    bottom = max((tick for tick in ticks if tick <= low), default=ticks[0])
    top = min((tick for tick in ticks if tick > high), default=ticks[-1])
    return {
        "type": "log", "autorange": False, "range": [_exponent(bottom * 0.9), _exponent(top * 1.1)],
        "tickvals": list(ticks), "ticktext": [f"{tick:g} %" for tick in ticks],
    }


def clipped(fraction: float | None, ticks: Sequence[float]) -> float | None:
    """Return a fraction in percent, held between the first and the last tick."""
    value = number(fraction)
    return None if value is None else min(max(100 * value, ticks[0]), ticks[-1])


def drawn_values(lines: Iterable[Figure]) -> list[float]:
    """Return every height that is drawn."""
    return [value for each in lines for value in each["y"] if value is not None]


def value_at(ts: Times, values: Line, stamp: int) -> float | None:
    """Return the line's value at ``stamp``, between its neighbours; the last known one where they miss."""
    right = bisect_right(ts, stamp)
    if right == 0:
        return number(values[0])
    before = number(values[right - 1])
    after = number(values[right]) if right < len(ts) else None
    if before is None or after is None:
        return after if before is None else before
    share = (stamp - ts[right - 1]) / (ts[right] - ts[right - 1])
    return before + share * (after - before)


def text_of(text: str) -> str:
    """Return text safe for plotly; its newlines become the line breaks that plotly knows."""
    return escape(text, quote=False).replace("\n", "<br>")


def _exponent(value: float) -> float:
    return round(log10(value), 6)
