"""The frontier: what goals of the guard keep where doing nothing dies, against what they cost where it lives.

The guard's rule book is taken as it is bundled, with another goal; both rules stay. Slices are a minute long, not ten
seconds: a candle has four prices a minute, and a sixth of the orders makes a sixth of the work. The bundled books
stand beside, sliced as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from bench.rescue.rows import Row
from bench.rescue.strategy import DEFAULT, DO_NOTHING, SELL_AT_ONCE, STOP_ONLY, VENUE

GOALS = (12, 20, 30, 60)             # percent of distance
CLOSE_ALL = "guard, closing all"
CURVE_LEVERAGE = 10                  # that of the sketch which the curve is held against
_WIDTH, _HEIGHT = 860, 430           # of the drawing; what follows are its edges, and where the list of names begins
_LEFT, _RIGHT, _TOP, _BOTTOM, _LIST = 50, 590, 40, 370, 632
_TICKS_MAX = 8                       # more would lie on each other
_BLUE, _RED, _GREY = "#1f77b4", "#d62728", "#333333"
_GUARD = """
rules:
  margin_guard:
    for_each: {scope}
    when: {distance} < clamp(6 * {sigma}, 5%, 8%)
    hold: 1s
    {clear}
    do: {goal}
    execute: {{algo: twap, over: 10m, slice: 1m, participation_max: 10%, collar: 1%}}
  margin_emergency:
    for_each: account
    when: account.liquidation_distance < clamp(3 * account.sigma(15m), 2.5%, 4%)
    do: {{deleverage: {{to: {{liquidation_distance: 10%}}}}}}
    execute: {{algo: now, tactic: ladder}}
"""


def goal_name(goal: int) -> str:
    """Return what the guard with a goal is called in tables."""
    return f"guard to {goal} %"


def frontier_books() -> Mapping[str, Sequence[str]]:
    """Return the guard's rule book with each goal, as text by name; ``clear`` lies below the goal, at most at 25 %."""
    books = {}
    for goal in GOALS:
        books[goal_name(goal)] = [
            _GUARD.format(
                scope="account", distance="account.liquidation_distance", sigma="account.sigma(15m)",
                clear=f"clear: account.liquidation_distance > {min(25, goal * 5 // 6)}%",
                goal=f"{{deleverage: {{to: {{liquidation_distance: {goal}%}}}}}}",
            )
        ]
    books[CLOSE_ALL] = [
        _GUARD.format(
            scope="position", distance="position.liquidation_distance", sigma="market.volatility(15m)", clear="",
            goal="close",
        )
    ]
    return books


def frontier_table(rows: Sequence[Row], leverage: int) -> str:
    """Return the curve and the points beside it as a table; cost is a share of equity at entry."""
    shown = _shown(rows, leverage)
    lines = [
        "| strategy | doomed | lost of them | equity kept where doing nothing dies | cost where it lives | fired "
        "| false |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.strategy} | {row.doomed} | {100 * (row.lost_of_doomed or 0):.1f} % | {row.equity_kept:.3f} "
        f"| {row.cost_share:.3f} | {row.fired} | {row.false_fires} |"
        for row in shown
    ]
    return "\n".join(lines)


def frontier_svg(rows: Sequence[Row], leverage: int) -> str:
    """Return the same as a drawing: equity kept upwards, cost to the right; the curve of goals is a line.

    Points bear the numbers of the list beside them: their names would lie on each other.
    """
    shown = _shown(rows, leverage)
    across = _Axis.over([row.cost_share or 0.0 for row in shown], _LEFT, _RIGHT)
    upwards = _Axis.over([row.equity_kept or 0.0 for row in shown], _BOTTOM, _TOP)
    curve = " ".join(
        f"{across.at(row.cost_share or 0.0):.1f},{upwards.at(row.equity_kept or 0.0):.1f}"
        for row in shown if row.strategy in _curve()
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<path d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}" fill="none" stroke="#555555"/>',
        f'<text x="{_LEFT}" y="{_TOP - 12}">equity kept where doing nothing dies, {leverage}x</text>',
        f'<text x="{_RIGHT}" y="{_BOTTOM + 36}" text-anchor="end">cost where doing nothing lives, share of equity'
        '</text>',
    ]
    parts += [
        f'<text x="{across.at(tick):.1f}" y="{_BOTTOM + 16}" text-anchor="middle" fill="#555555">{tick:.2f}</text>'
        for tick in across.ticks
    ]
    parts += [
        f'<text x="{_LEFT - 6}" y="{upwards.at(tick) + 4:.1f}" text-anchor="end" fill="#555555">{tick:.1f}</text>'
        for tick in upwards.ticks
    ]
    parts.append(f'<polyline fill="none" stroke="{_BLUE}" points="{curve}"/>')
    for number, row in enumerate(shown, start=1):
        tone = _BLUE if row.strategy in _curve() else _RED if row.strategy == DEFAULT else _GREY
        x, y, line = across.at(row.cost_share or 0.0), upwards.at(row.equity_kept or 0.0), _TOP + 18 * (number - 1)
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{tone}"/>',
            f'<text x="{x + 6:.1f}" y="{y - 5:.1f}" fill="{tone}">{number}</text>',
            f'<text x="{_LIST}" y="{line}" text-anchor="end" fill="{tone}">{number}</text>',
            f'<text x="{_LIST + 8}" y="{line}" fill="{tone}">{row.strategy}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values between two ticks to places between two pixels."""

    ticks: tuple[float, ...]
    first: int
    last: int

    @staticmethod
    def over(values: Sequence[float], first: int, last: int) -> _Axis:
        """Return an axis from 0, or below where values are, by round ticks that hold all of ``values``."""
        low, high = min(0.0, *values), max(0.01, *values)
        steps = (digit * 10.0**power for power in range(-3, 3) for digit in (1, 2, 5))
        step = next(step for step in steps if (high - low) / step <= _TICKS_MAX)
        ticks = range(floor(low / step), ceil(high / step) + 1)
        return _Axis(tuple(tick * step for tick in ticks), first, last)

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.first + (self.last - self.first) * (value - low) / (high - low)


def _curve() -> tuple[str, ...]:
    return (*map(goal_name, GOALS), CLOSE_ALL)


def _shown(rows: Sequence[Row], leverage: int) -> list[Row]:
    """Return the curve in its order, then all others by what they keep."""
    found = {row.strategy: row for row in rows if row.leverage == leverage and row.equity_kept is not None
             and row.cost_share is not None and row.strategy not in (DO_NOTHING, VENUE)}
    curve = [found.pop(name) for name in _curve() if name in found]
    named = [found.pop(name) for name in (DEFAULT, SELL_AT_ONCE, STOP_ONLY) if name in found]
    return curve + named + sorted(found.values(), key=lambda row: -(row.equity_kept or 0.0))
