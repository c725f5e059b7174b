"""At which price a child is sent: at the collar for one that takes, at the touch for one that waits."""

from __future__ import annotations

from math import ceil

from bot.domain.instrument import Filters
from bot.execution.slicer import limit_price


def taking_price(
    *, mark: int, index: int | None, collar: float, widest: float, sign: int, filters: Filters
) -> int:
    """Return the limit of a buy (sign +1) or a sell (-1) that takes what is there, on tick.

    The collar is counted from mark or index, whichever lets the exit through, but never ends further from the mark
    than ``widest``; nor outside the venue's own band around the mark, where it would only be refused.
    """
    reference = mark if index is None else max(mark, index) if sign > 0 else min(mark, index)
    tick = filters.tick
    asked = limit_price(mark=reference, collar=collar, sign=sign, tick=tick)
    farthest = limit_price(mark=mark, collar=widest, sign=sign, tick=tick)
    if sign > 0:
        asked = min(asked, farthest)
        if filters.price_up is not None:
            asked = min(asked, int(mark * filters.price_up) // tick * tick)
        return asked if filters.price_max is None else min(asked, filters.price_max // tick * tick)
    asked = max(asked, farthest)
    if filters.price_down is not None:
        asked = max(asked, -(-ceil(mark * filters.price_down) // tick) * tick)
    return asked


def joining_price(*, bid: int, ask: int, steps_back: int, sign: int, tick: int) -> int:
    """Return the price of a post-only order on its own side's best, ``steps_back`` ticks behind it."""
    best = bid if sign > 0 else ask
    return max(tick, best - sign * steps_back * tick)


def is_left_behind(limit: int, *, bid: int, ask: int, steps_back: int, sign: int, tick: int) -> bool:
    """True when others offer a better price than a resting order by more than the ticks that it stood back."""
    return (joining_price(bid=bid, ask=ask, steps_back=steps_back, sign=sign, tick=tick) - limit) * sign > 0
