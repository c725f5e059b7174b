"""Literals: digits and a unit to a number in the unit of the core."""

from __future__ import annotations

import re
from decimal import Decimal

from bot.rules.language.dimension import DURATION, NUMBER, RATIO, amount_of
from bot.rules.language.errors import Fault, shown
from bot.rules.language.syntax import NumberSyntax
from bot.rules.language.typed import Literal
from bot.rules.language.wording import DURATION_UNITS

DIGITS_MAX = 20                      # below Decimal's 28, so that scaling is exact; no venue counts finer
_RATIO_UNITS = {"%": -2, "bps": -4}
_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{1,14}")
_USUAL = {"percent": "%", "pct": "%", "bp": "bps", "milli": "ms", "sec": "s", "min": "m", "hour": "h",
          "hr": "h", "day": "d"}         # how units begin elsewhere, and what they are here
_EXPONENT = re.compile(r"[eE][0-9]*")


def literal_of(syntax: NumberSyntax) -> Literal:
    """Return the literal: ratios as fractions, durations in ns, money in units of its currency.

    Exact in decimal, then rounded once to the nearest float. Raises Fault for unknown units, for more than
    20 digits, and for durations that are no whole number of nanoseconds.
    """
    digits = syntax.digits.replace("_", "")
    if sum(letter.isdigit() for letter in digits) > DIGITS_MAX:
        raise Fault(syntax.offset, f"number: has more than {DIGITS_MAX} digits, was {shown(syntax.digits)}; "
                                   "write fewer")
    number = Decimal(digits)
    unit = syntax.unit
    if unit is None:
        return Literal(float(number), NUMBER, syntax.digits)
    if unit in _RATIO_UNITS:
        return Literal(float(number.scaleb(_RATIO_UNITS[unit])), RATIO, f"{syntax.digits}{unit}")
    if unit in DURATION_UNITS:
        return _duration(syntax, number * DURATION_UNITS[unit], unit)
    if _CURRENCY.fullmatch(unit):
        return Literal(float(number), amount_of(unit), f"{syntax.digits} {unit}")
    raise _unknown_unit(syntax, unit)


def _duration(syntax: NumberSyntax, nanoseconds: Decimal, unit: str) -> Literal:
    if nanoseconds != int(nanoseconds):
        raise Fault(syntax.offset, "duration: is finer than a nanosecond, was "
                                   f"{syntax.digits}{unit}; write a longer one")
    return Literal(float(nanoseconds), DURATION, f"{syntax.digits}{unit}")


def _unknown_unit(syntax: NumberSyntax, unit: str) -> Fault:
    found = shown(f"{syntax.digits}{unit}")
    if _EXPONENT.fullmatch(unit):
        return Fault(syntax.offset, f"number: exponents are not read, was {found}; write all its digits")
    units = [*_RATIO_UNITS, *DURATION_UNITS]
    meant = next((ours for theirs, ours in _USUAL.items() if unit.lower().startswith(theirs)), None)
    hint = f"did you mean {syntax.digits}{meant}? " if meant else ""
    return Fault(syntax.offset, f"number: its unit is not known, was {found}; {hint}units are "
                                f"{', '.join(units)}, or a currency in capital letters such as USDT")
