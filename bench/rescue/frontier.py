"""The frontier: what goals of the guard keep where doing nothing dies, against what they cost where it lives.

The guard's rule book is taken as it is bundled, with another goal; both rules stay. Slices are a minute long, not ten
seconds: a candle has four prices a minute, and a sixth of the orders makes a sixth of the work. The bundled books
stand beside, sliced as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.rescue.rows import Row
from bench.rescue.strategy import DEFAULT, DO_NOTHING, SELL_AT_ONCE, STOP_ONLY, VENUE

GOALS = (12, 20, 30, 60)             # percent of distance
CLOSE_ALL = "guard, closing all"
CURVE_LEVERAGE = 10                  # that of the sketch which the curve is held against
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
    """Return the same as a drawing: equity kept upwards, cost to the right; the curve of goals is a line."""
    shown = _shown(rows, leverage)
    right = max(0.05, *(row.cost_share or 0.0 for row in shown)) * 1.1
    left = min(0.0, *(row.cost_share or 0.0 for row in shown)) * 1.1
    width, height, margin = 720, 420, 50

    def x(row: Row) -> float:
        return margin + (width - 2 * margin) * ((row.cost_share or 0.0) - left) / (right - left)

    def y(row: Row) -> float:
        return height - margin - (height - 2 * margin) * (row.equity_kept or 0.0)

    curve = [row for row in shown if row.strategy in _curve()]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<path d="M{margin} {margin}V{height - margin}H{width - margin}" fill="none" stroke="#555555"/>',
        f'<text x="{margin}" y="{margin - 12}">equity kept where doing nothing dies, {leverage}x; 1 at '
        f'the top, 0 at the bottom</text>',
        f'<text x="{width - margin}" y="{height - margin + 30}" text-anchor="end">cost where doing nothing lives, '
        f'share of equity: {left:.2f} to {right:.2f}</text>',
        '<polyline fill="none" stroke="#1f77b4" points="'
        + " ".join(f"{x(row):.1f},{y(row):.1f}" for row in curve) + '"/>',
    ]
    for row in shown:
        tone = "#1f77b4" if row.strategy in _curve() else "#d62728" if row.strategy == DEFAULT else "#333333"
        parts.append(f'<circle cx="{x(row):.1f}" cy="{y(row):.1f}" r="4" fill="{tone}"/>')
        parts.append(f'<text x="{x(row) + 6:.1f}" y="{y(row) + 4:.1f}" fill="{tone}">{row.strategy}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _curve() -> tuple[str, ...]:
    return (*map(goal_name, GOALS), CLOSE_ALL)


def _shown(rows: Sequence[Row], leverage: int) -> list[Row]:
    """Return the curve in its order, then all others by what they keep."""
    found = {row.strategy: row for row in rows if row.leverage == leverage and row.equity_kept is not None
             and row.cost_share is not None and row.strategy not in (DO_NOTHING, VENUE)}
    curve = [found.pop(name) for name in _curve() if name in found]
    named = [found.pop(name) for name in (DEFAULT, SELL_AT_ONCE, STOP_ONLY) if name in found]
    return curve + named + sorted(found.values(), key=lambda row: -(row.equity_kept or 0.0))
