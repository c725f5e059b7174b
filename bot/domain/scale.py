"""Fixed-point numbers: integers inside, decimal text at the edges.

A scale is how many decimal digits an integer carries. It is not the tick or the lot: those are filters,
which venues change while positions are open.
"""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow

CASH_DIGITS = 8
CASH_UNIT: int = 10**CASH_DIGITS

NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND
NS_PER_HOUR = 60 * NS_PER_MINUTE
NS_PER_DAY = 24 * NS_PER_HOUR

# Our own, because the process's context rounds to 28 digits without a word, and others may set it. A float has
# at most 767 digits; no amount of anything has a hundred before the point.
_WIDE = Context(prec=1_000, Emax=99, Emin=-999_999, traps=[InvalidOperation, Overflow, Inexact])


def units_per_one(digits: int) -> int:
    """Return how many units of a scale make one: 10^digits."""
    return int(10**digits)


def to_fixed(value: str | int | Decimal, digits: int) -> int:
    """Return ``value`` as an integer at 10^-digits, exactly.

    Raises ValueError when it is not a finite number or carries more digits than the scale holds: a
    silent rounding here would be a wrong price later.
    """
    try:
        scaled = Decimal(value).scaleb(digits, _WIDE)
        whole = int(scaled)
    except (DecimalException, ValueError, OverflowError) as error:
        raise ValueError(f"number: not a finite decimal, was {value!r}") from error
    if whole != scaled:
        raise ValueError(f"number: has more than {digits} decimals, was {value!r}")
    return whole


def to_fixed_rounded(value: str | int | float | Decimal, digits: int) -> int:
    """Return ``value`` at 10^-digits, rounded half to even; for tapes, whose digits we do not choose.

    Raises ValueError when it is not a finite number.
    """
    try:
        return round(Decimal(value).scaleb(digits, _WIDE))
    except (DecimalException, ValueError, OverflowError) as error:
        raise ValueError(f"number: not a finite decimal, was {value!r}") from error


def to_decimal(value: int, digits: int) -> Decimal:
    """Return the exact decimal number behind a fixed-point integer."""
    return Decimal(value).scaleb(-digits, _WIDE)


def to_text(value: int, digits: int) -> str:
    """Return plain decimal text without exponent or trailing zeros: ``150000000, 8 -> "1.5"``."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**digits)
    tail = f"{fraction:0{digits}d}".rstrip("0") if digits else ""
    return f"{sign}{whole}.{tail}" if tail else f"{sign}{whole}"


def cash_text(value: int) -> str:
    """Return an amount of cash at 10^-8 as plain decimal text."""
    return to_text(value, CASH_DIGITS)
