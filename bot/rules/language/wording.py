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


def number_text(value: float, decimals: int) -> str:
    """Return a number with groups, at least ``decimals`` + 1 digits of precision, no trailing zeros."""
    if not math.isfinite(value):
        return "infinite" if value > 0 else "-infinite"
    if abs(value) >= _PLAIN_MAX:
        return f"{value:.{decimals + 1}e}"
    # the exponent by Decimal: log10 may differ in its last bit from one machine to the next
    exponent = Decimal(value).adjusted() if value else 0
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
