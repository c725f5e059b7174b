"""In what steps an order that does not fill is let go further: collar first asked for, then wider.

Margin class: participation 10 -> 25 -> 50 -> 100 %, collar 1 -> 2 -> 4 -> 8 %, never past
``margin_collar_max``. Cost class never relaxes. Every step is journaled.
"""

from __future__ import annotations

from bot.domain.order import OrderClass

FIRST_COLLAR = 0.01                  # where a rule states none
PARTICIPATION_STEPS = (0.10, 0.25, 0.50, 1.0)


def collar_at(level: int, *, first: float | None, widest: float) -> float:
    """Return the collar after ``level`` steps: each doubles it, none goes past ``widest``. Fractions."""
    start = FIRST_COLLAR if first is None else first
    return float(min(start * (1 << level), widest))


def is_widest(level: int, *, first: float | None, widest: float) -> bool:
    """True when one more step would not widen the collar."""
    return collar_at(level, first=first, widest=widest) >= widest


def useful_collar(*, distance: float, maintenance_rate: float) -> float:
    """Return the cost, as a fraction of price, beyond which a sale brings liquidation nearer and not further.

    Selling a value v at a cost of c v frees r v of maintenance and takes v (1 - r) off the slope, so the
    distance d = (E - M) / (N - R) grows only while c < r + d (1 - r). Past that the venue's own liquidation is
    no worse: waiting may still be saved by the next price, selling cannot. Fractions.
    """
    return maintenance_rate + distance * (1 - maintenance_rate)


def participation_at(level: int, *, first: float | None) -> float | None:
    """Return the participation cap after ``level`` steps, or None when the rule sets no cap.

    The steps begin at the first one above what the rule states.
    """
    if first is None or level == 0:
        return first
    above = [step for step in PARTICIPATION_STEPS if step > first]
    return above[min(level, len(above)) - 1] if above else first


def may_relax(order_class: OrderClass) -> bool:
    """True for orders of survival: what is not sold today is liquidated today."""
    return order_class is OrderClass.MARGIN
