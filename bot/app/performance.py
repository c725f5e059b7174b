"""How an account did over a run, in the figures that funds are compared by: drawdown, Sharpe, Sortino, Calmar.

All of them are of the value of one unit, not of the equity: a deposit buys units and a withdrawal redeems them, at
the value of the moment, so cash that comes or goes is neither profit nor loss. Equity that is gone is worth nothing
from then on, whatever is paid in later.

Returns are of whole hours since the account was first measured, the value being the last one known at their end; what
is left of an hour at the end counts in none. Crypto trades all year, so a year has 8,760 of them. The risk-free rate
is 0. No figure is annualised by compounding: a good day compounded for a year says nothing.

Below are pure sums over lists; floats are added by ``fsum``, so that every Python gives the same digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import fsum, sqrt

from bot.domain.scale import NS_PER_HOUR

HOURS_PER_YEAR = 365 * 24
HOURS_MIN = 24                       # a day: of fewer returns not even the sign of their mean is told from chance
RATIOS = ("sharpe", "sortino", "calmar")

Values = Sequence[tuple[int, float]]
"""(ns UTC, value of one unit), ascending; the first point is worth what the account began with."""


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Cash that came or went at ``ts`` (ns): the account's equity without it and with it, cash at 10^-8."""

    ts: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Performance:
    """Annualised ratios; each that is None has its reason in ``why``."""

    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    why: dict[str, str] = field(default_factory=dict)


def unit_values(ts: Sequence[int], equity: Sequence[float], flows: Sequence[CashFlow]) -> list[tuple[int, float]]:
    """Return what one of the units that the account began with was worth at each point, in quote units.

    Never negative: a unit of equity below nothing is worth nothing, and so is every later one. The list ends where a
    withdrawal redeemed all units. ``flows`` are in order of time; one at the moment of a point is in its equity.
    """
    found: list[tuple[int, float]] = []
    units = 1.0
    left = list(reversed(flows))
    for now, value in zip(ts, equity, strict=True):
        while left and left[-1].ts <= now:
            flow = left.pop()
            if flow.before > 0 and flow.after <= 0:
                return found
            units = units * flow.after / flow.before if flow.before > 0 else 0.0
        is_gone = not units or value <= 0 or (found and found[-1][1] == 0)
        found.append((now, 0.0 if is_gone else value / units))
    return found


def max_drawdown(values: Values) -> float | None:
    """Return the deepest fall from an earlier peak, as a fraction of the peak in [0, 1]; None without any value."""
    peak = deepest = 0.0
    for _, value in values:
        peak = max(peak, value)
        if peak > 0:
            deepest = max(deepest, 1 - value / peak)
    return deepest if peak > 0 else None


def hourly_returns(values: Values) -> list[float]:
    """Return value / value before - 1 of every whole hour since the first point; empty where a value was nothing."""
    if not values:
        return []
    first, latest = values[0]
    hours = [latest]
    for now, value in values[1:]:
        while now > first + len(hours) * NS_PER_HOUR:
            hours.append(latest)         # the last one known when the hour ended
        latest = value
    if values[-1][0] == first + len(hours) * NS_PER_HOUR:
        hours.append(latest)
    if min(hours) <= 0:
        return []
    return [after / before - 1 for before, after in pairwise(hours)]


def performance(values: Values, *, drawdown: float | None) -> Performance:
    """Return the three ratios of the hourly returns; ``drawdown`` is the deepest one, a fraction.

    With the mean m of n returns r and 8,760 hours a year:

        sharpe  = m / s x sqrt(8760)    s = sqrt(sum((r - m)^2) / (n - 1))
        sortino = m / d x sqrt(8760)    d = sqrt(sum(min(r, 0)^2) / n)
        calmar  = m x 8760 / drawdown

    Sources: Sharpe (1994), "The Sharpe Ratio", J. Portfolio Management 21(1); Sortino and Price (1994), "Performance
    Measurement in a Downside Risk Framework", J. Investing 3(3), target 0; Young (1991), "Calmar Ratio: A Smoother
    Tool", Futures 20(1), here over the run instead of 36 months.
    """
    if any(value == 0 for _, value in values):
        return _none("equity was gone")
    returns = hourly_returns(values)
    count = len(returns)
    if count < HOURS_MIN:
        return _none(f"too short: {count} whole hours, and {HOURS_MIN} are the least")
    mean = fsum(returns) / count
    spread = sqrt(fsum((one - mean) ** 2 for one in returns) / (count - 1))
    downside = sqrt(fsum(min(one, 0.0) ** 2 for one in returns) / count)
    why: dict[str, str] = {}
    if not spread:
        why["sharpe"] = "every hour returned the same"
    if not downside:
        why["sortino"] = "no hour lost"
    if not drawdown:
        why["calmar"] = "there was no drawdown"
    return Performance(
        sharpe=mean / spread * sqrt(HOURS_PER_YEAR) if spread else None,
        sortino=mean / downside * sqrt(HOURS_PER_YEAR) if downside else None,
        calmar=mean * HOURS_PER_YEAR / drawdown if drawdown else None,
        why=why,
    )


def _none(reason: str) -> Performance:
    return Performance(why=dict.fromkeys(RATIOS, reason))
