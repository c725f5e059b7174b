"""How many coins of its underlying a holding is worth to its owner: its delta, in base units at 10^-8.

    spot, linear     quantity x contract size, whatever the price
    inverse          the contracts' value in the coin at the mark; their profit so far is a part of the coin balance

The second line needs the coin balance to be counted with the unrealised profit in it: a wallet of W coins and
contracts worth v coins, entered for e, are worth (W + e - v) p + v p in the quote currency, where v p does not move
with the price. So the delta of both together is (W + e - v) + v: the equity in the coin, and the value.
"""

from __future__ import annotations

from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import units_per_one


def delta_of(instrument: Instrument, *, quantity: int, mark: int) -> int:
    """Return the delta of a signed quantity, signed, base units at 10^-8; of inverse contracts towards zero.

    Raises Unsupported for options.
    """
    if instrument.kind is InstrumentKind.INVERSE:
        return instrument.value(price=mark, quantity=quantity)
    return quantity * instrument.value_multiplier * units_per_one(instrument.price_digits)


def quantity_of(instrument: Instrument, *, delta: int, mark: int) -> int:
    """Return the largest quantity whose delta is not above ``delta``, both unsigned."""
    if instrument.kind is InstrumentKind.INVERSE:
        return delta * mark // instrument.value_multiplier
    return delta // (instrument.value_multiplier * units_per_one(instrument.price_digits))
