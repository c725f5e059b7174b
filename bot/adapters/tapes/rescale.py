"""The same fact at other scales, rounded half to even where they are coarser."""

from __future__ import annotations

import msgspec

from bot.adapters.tapes.faults import FaultReason
from bot.adapters.tapes.kinds import BY_TYPE, TapeFact
from bot.adapters.tapes.markets import Scales
from bot.adapters.tapes.rows import BadRow
from bot.domain.market import BookUpdate


def shifted(value: int, digits: int) -> int:
    """Return ``value`` with ``digits`` more decimals, fewer when negative, rounded half to even."""
    if digits >= 0:
        return int(value * 10**digits)
    divisor = 10**-digits
    quotient, rest = divmod(value, divisor)
    return int(quotient + (2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1)))


def rescaled(fact: TapeFact, price_digits: int, quantity_digits: int, scales: Scales) -> TapeFact:
    """Return a fact written at the given digits at ``scales``; raises BadRow when a price becomes zero there."""
    more, amounts = scales.price_digits - price_digits, scales.quantity_digits - quantity_digits
    if isinstance(fact, BookUpdate):
        return msgspec.structs.replace(
            fact,
            bids=tuple([(_price(price, more), shifted(quantity, amounts)) for price, quantity in fact.bids]),
            asks=tuple([(_price(price, more), shifted(quantity, amounts)) for price, quantity in fact.asks]),
        )
    kind = BY_TYPE[type(fact)]
    changes = {name: _price(getattr(fact, name), more) for name in kind.prices}
    changes |= {name: shifted(getattr(fact, name), amounts) for name in kind.quantities}
    return msgspec.structs.replace(fact, **changes) if changes else fact


def _price(value: int, digits: int) -> int:
    price = shifted(value, digits)
    if value and price <= 0:         # 0 was 0: the empty side of a quote
        raise BadRow(FaultReason.PRICE_NOT_POSITIVE)
    return price
