"""Numbers as the venue writes them: decimal text of fixed length, times in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from bot.domain.scale import CASH_DIGITS, NS_PER_MS

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Row: TypeAlias = "dict[str, Json]"


def fixed(value: int, digits: int) -> str:
    """Return ``value`` x 10^-digits with exactly that many decimals: ``6000050, 2 -> "60000.50"``."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**digits)
    return f"{sign}{whole}.{fraction:0{digits}d}" if digits else f"{sign}{whole}"


def cash(value: int) -> str:
    """Return an amount of cash."""
    return fixed(value, CASH_DIGITS)


def quotient(dividend: int, divisor: int, digits: int) -> str:
    """Return a fraction at ``digits`` decimals, rounded half up; zero when there is nothing to divide by."""
    if divisor == 0:
        return fixed(0, digits)
    scaled = (2 * abs(dividend) * 10**digits + abs(divisor)) // (2 * abs(divisor))
    return fixed(scaled if (dividend < 0) == (divisor < 0) else -scaled, digits)


def ms(at: int) -> int:
    """Return a time in whole milliseconds, from nanoseconds."""
    return at // NS_PER_MS
