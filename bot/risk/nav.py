"""Net asset value by units: what an account earned, apart from what was paid in and taken out.

Deposits buy units and withdrawals redeem them at the value of the moment, so the value per unit moves by profit and
loss only. The high-water mark is kept as an equity: what the highest value per unit amounts to in the units of today.
Cash that comes or goes changes the number of units, so the mark with it, in the proportion in which it changes the
equity. All amounts are cash at 10^-8.
"""

from __future__ import annotations


def mark_after_flow(mark: int | None, *, before: int, after: int) -> int | None:
    """Return the high-water mark after cash has moved an account's equity from ``before`` to ``after``.

    Rounded down. Where nothing was left, or there was no mark, it begins anew at ``after``; None when that is nothing.
    """
    high = after if mark is None or before <= 0 else mark * after // before
    return high if high > 0 else None


def drawdown(mark: int, equity: int) -> float:
    """Return the fall of the value per unit from its high-water mark, above 0, as a fraction of it; 0 or more.

    Above 1 for an account that owes.
    """
    return max(0, mark - equity) / mark
