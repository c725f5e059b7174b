"""How values are written for a person: ``4.93 %``, ``250_000 USDT``, ``15m``. Never read back."""

from __future__ import annotations

import math
from decimal import Decimal

from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND
from bot.rules.language.dimension import DURATION, TIME, Dimension

DURATION_UNITS: dict[str, int] = {
    "ms": NS_PER_MS,
    "s": NS_PER_SECOND,
    "m": NS_PER_MINUTE,
    "h": NS_PER_HOUR,
    "d": NS_PER_DAY,
}
_NOTHING_BELOW = 1e-20               # no text has more than thirty decimals
_PLAIN_MAX = 1e15                    # above it digits stop being read, and an exponent is shorter


def duration_text(nanoseconds: int | float) -> str:
    """Return a duration in the largest unit that it is a whole number of: ``900e9 -> "15m"``."""
    for unit, size in reversed(DURATION_UNITS.items()):
        if nanoseconds % size == 0:
            return f"{int(nanoseconds // size)}{unit}"
    return f"{number_text(nanoseconds / NS_PER_MS, 3)}ms"


def bps_text(ratio: float) -> str:
    """Return a ratio in basis points: ``0.001 -> "10bps"``."""
    return f"{number_text(ratio * 1e4, 4)}bps"


def value_text(value: float | None, dimension: Dimension, decimals: int = 2) -> str:
    """Return a value with its unit, rounded to ``decimals``, or to as many digits where it is small."""
    if value is None or math.isnan(value):
        return "unavailable"
    if dimension == DURATION:
        return _elapsed_text(value, decimals)
    if dimension.is_ratio:
        return f"{number_text(value * 100.0, decimals)} %"
    if (TIME, -1) in dimension.powers:       # nobody thinks in USDT per nanosecond
        rest = Dimension(tuple(power for power in dimension.powers if power != (TIME, -1)))
        return f"{value_text(value * NS_PER_MINUTE, rest, decimals)} per minute"
    if not dimension.powers:
        return number_text(value, decimals)
    return f"{number_text(value, decimals)} {dimension.quote or dimension.unit}"


def shows_apart(one: float | None, other: float | None, dimension: Dimension) -> bool:
    """True of two values whose texts are plainly different with any number of decimals; False says nothing.

    A text has three digits, so it is within a hundredth of its value; and within a hundredth of one, but for durations,
    whose units are larger than what they are counted in, and for values with an exponent.
    """
    if one is None or other is None or not math.isfinite(one) or not math.isfinite(other):
        return False
    size = max(abs(one), abs(other))
    if size < _NOTHING_BELOW:
        return False
    is_fixed = dimension != DURATION and size < _PLAIN_MAX / 1_000
    return abs(one - other) > 0.02 * (min(1.0, size) if is_fixed else size)


def number_text(value: float, decimals: int) -> str:
    """Return a number with groups, at least ``decimals`` + 1 digits of precision, no trailing zeros."""
    if not math.isfinite(value):
        return "infinite" if value > 0 else "-infinite"
    if abs(value) >= _PLAIN_MAX:
        return f"{value:.{decimals + 1}e}"
    # the exponent by Decimal: log10 may differ in its last bit from one machine to the next
    exponent = 0 if abs(value) >= 1 or not value else Decimal(value).adjusted()
    places = decimals if exponent >= 0 else min(decimals - exponent, 30)
    text = f"{value:_.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _elapsed_text(nanoseconds: float, decimals: int) -> str:
    if not math.isfinite(nanoseconds):
        return number_text(nanoseconds, decimals)
    for unit, size in reversed(DURATION_UNITS.items()):
        if abs(nanoseconds) >= size or unit == "ms":
            return f"{number_text(nanoseconds / size, decimals)}{unit}"
    raise AssertionError("the table of units holds ms")
