"""The stand-in instrument at whose scales a tape is read when no account is there to say."""

from __future__ import annotations

from decimal import Decimal

from bot.domain.instrument import Filters, Instrument, InstrumentKind


def tape_instrument(market: str, price_digits: int, quantity_digits: int) -> Instrument:
    """Return an instrument of these digits; nothing is ever traded or valued in it."""
    return Instrument(
        index=0,
        symbol=market,
        underlying="",
        kind=InstrumentKind.LINEAR,
        base="",
        quote="",
        settle="",
        price_digits=price_digits,
        quantity_digits=quantity_digits,
        filters=Filters(tick=1, lot=1, quantity_min=1, quantity_max=1, notional_min=0),
        contract_size=Decimal(1),
    )
