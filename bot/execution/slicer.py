"""How large the next child is: never more than is due, than is left, or than is still held to sell.

    child = min(due - filled, quantity - filled, held - keep) - working

All quantities are unsigned integers at the instrument's scale. "Working" counts orders whose outcome is
not known: their quantity is never sent again under another name.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from bot.domain.instrument import Filters, Instrument


class Progress(msgspec.Struct, frozen=True):
    """Where a parent stands."""

    quantity: int                    # all it is to sell
    filled: int
    working: int                     # sent on this key by anyone of ours and possibly still to fill
    held: int                        # of its position, now
    keep: int                        # of the position, at the end


def left_to_send(progress: Progress) -> int:
    """Return how much may still be sent in all."""
    return max(0, min(progress.quantity - progress.filled, progress.held - progress.keep) - progress.working)


def child_quantity(progress: Progress, *, due: int, cap: int | None, filters: Filters) -> int:
    """Return the quantity of the next child order, or 0 when there is nothing to send yet.

    ``due`` is what should have been sold in all by now; ``cap`` what participation and the largest order
    allow at this moment (None: no cap). Rounded down to the lot. Where less than one venue minimum would
    be left over, which nobody could sell, the rest goes along, or, when the cap or the venue's maximum
    forbids that, so much less is sold that the rest makes an order.
    """
    room = left_to_send(progress)
    most = filters.quantity_max if cap is None else min(cap, filters.quantity_max)
    smallest = smallest_order(filters)
    quantity = _whole_lots(min(due - progress.filled - progress.working, room, most), filters)
    if quantity < smallest:
        return 0
    if room - quantity < smallest:
        everything = _whole_lots(room, filters)
        if everything <= most:
            return everything
        fewer = _whole_lots(room - smallest, filters)
        return fewer if fewer >= smallest else quantity
    return quantity


def _whole_lots(quantity: int, filters: Filters) -> int:
    return quantity // filters.lot * filters.lot


def smallest_order(filters: Filters) -> int:
    """Return the smallest quantity the venue takes in a reduce-only order, whole lots."""
    return max(filters.lot, -(-filters.quantity_min // filters.lot) * filters.lot)


def filters_when_adding(instrument: Instrument, *, price: int) -> Filters:
    """Return an instrument's filters for orders that are not reduce-only: the least value binds them everywhere.

    It becomes a least quantity at ``price``, the lowest that an order may have; 0 for one that is not known.
    """
    filters = instrument.filters
    worth = instrument.notional(price=price, quantity=1) if price > 0 else 0
    if worth <= 0:
        return filters
    return replace(filters, quantity_min=max(filters.quantity_min, -(-filters.notional_min // worth)))


def is_residual(progress: Progress, filters: Filters) -> bool:
    """True when something is left to sell, but less than the venue takes."""
    left = min(progress.quantity - progress.filled, progress.held - progress.keep)
    return 0 < left < smallest_order(filters)


def limit_price(*, mark: int, collar: float, sign: int, tick: int) -> int:
    """Return the limit at the collar for a buy (sign +1) or a sell (-1), on tick and inside the collar."""
    raw = mark * (1 + sign * collar)
    if sign < 0:
        return -int(-raw // tick) * tick if raw > 0 else tick
    return int(raw // tick) * tick


def participation_cap(*, share: float, traded: int, ours: int) -> int:
    """Return how much more may be sent so that ours / (all volume including ours) stays at ``share``.

    ``traded`` is what others traded in the window, ``ours`` what we did; no cap binds at a share of one.
    """
    if share >= 1:
        raise ValueError(f"participation: a share of one is no cap, was {share}; pass no cap at all")
    return max(0, int(traded * share / (1 - share)) - ours)
