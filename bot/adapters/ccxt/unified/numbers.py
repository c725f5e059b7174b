"""ccxt's floats as integers at a scale, and back: by their shortest text, so that nothing is rounded on the way.

ccxt makes a float of the exchange's text; its shortest text is that text again, up to 15 digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bot.adapters.ccxt.replies import BrokenReply
from bot.adapters.tapes.rows import plausible
from bot.domain.instrument import Instrument
from bot.domain.scale import CASH_DIGITS, NS_PER_MS, to_decimal, to_fixed, to_fixed_rounded, to_text

Row = Mapping[str, Any]


def amount(row: Row, key: str, instrument: Instrument) -> int:
    """Return an amount of the exchange's as a quantity of ours; raises BrokenReply where it is missing, or finer."""
    try:
        return to_fixed(_decimal(row.get(key)) * instrument.venue_unit, instrument.quantity_digits)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BrokenReply(f"{key}: {error}") from error


def amount_rounded(value: object, instrument: Instrument) -> int:
    """Return an amount of others as a quantity of ours, to the nearest; raises BrokenReply where it is no number."""
    return rounded(value, instrument.quantity_digits, instrument.venue_unit)


def amount_out(quantity: int, instrument: Instrument) -> float:
    """Return a quantity of ours as the exchange's amount, exactly; raises ValueError where there is none such."""
    coins = to_decimal(quantity, instrument.quantity_digits)
    theirs = coins / instrument.venue_unit
    if theirs * instrument.venue_unit != coins or Decimal(repr(float(theirs))) != theirs:
        raise ValueError(f"{instrument.symbol}: {coins} are no amount in contracts of {instrument.venue_unit}")
    return float(theirs)


def rounded(value: object, digits: int, unit: Decimal = Decimal(1)) -> int:
    """Return a number times ``unit`` at a scale, to the nearest; raises BrokenReply where it is none."""
    try:
        return to_fixed_rounded(_decimal(value) * unit, digits)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BrokenReply(f"a number was expected, was {value!r}") from error


def price_of(value: object, digits: int) -> int:
    """Return a price at a scale; raises BrokenReply where it is none, or not above zero."""
    price = rounded(value, digits)
    if price <= 0:
        raise BrokenReply(f"a price above zero was expected, was {value!r}")
    return price


def cash_of(value: object) -> int:
    """Return cash at 10^-8, to the nearest; raises BrokenReply."""
    return rounded(value, CASH_DIGITS)


def stamp_of(row: Row) -> int:
    """Return a row's time, ns; raises BrokenReply where it has none, BadRow where it is no time of today."""
    stamp = row.get("timestamp")
    if not isinstance(stamp, int) or isinstance(stamp, bool):
        raise BrokenReply(f"timestamp: a time in ms was expected, was {stamp!r}")
    return plausible(stamp * NS_PER_MS)


def as_float(units: int, digits: int) -> float:
    """Return a fixed-point number as the float that ccxt writes out as the same text; raises ValueError without."""
    text = to_text(units, digits)
    value = float(text)
    if Decimal(repr(value)) != Decimal(text):
        raise ValueError(f"number: has more digits than a float holds, was {text}")
    return value


def _decimal(value: object) -> Decimal:
    if value is None or isinstance(value, bool):
        raise TypeError(f"a number was expected, was {value!r}")
    return Decimal(repr(value) if isinstance(value, float) else str(value))
