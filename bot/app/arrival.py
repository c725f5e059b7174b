"""What a parent's fills lost against its arrival price, in the currency that its account settles in."""

from __future__ import annotations

from bot.domain.order import Side


def lost_to_arrival(
    *, side: Side, arrival: int, turnover: int, quantity: int, multiplier: int, is_inverse: bool
) -> int:
    """Return the shortfall of ``quantity`` traded for ``turnover`` (sum of price x quantity), cash; positive is cost.

    ``multiplier`` is the instrument's ``value_multiplier``. Of inverse contracts at the average price, rounded towards
    zero: quantity x multiplier x (1/arrival - 1/average), as a buyer loses by.
    """
    lost = (turnover - arrival * quantity) * side.sign
    if not is_inverse:
        return lost * multiplier
    if not quantity:
        return 0
    coins = abs(lost) * multiplier * quantity // (arrival * turnover)
    return coins if lost >= 0 else -coins
