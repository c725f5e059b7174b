"""The table of functions: the only things a rule can call. Docs and ``penstock rules`` are made of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """One row. All arguments of one call are of one dimension, and so is the result.

    ``arguments_max`` of 16 for min and max is far above what a person writes.
    """

    name: str
    signature: str
    arguments_min: int
    arguments_max: int
    meaning: str
    edges: str


_ANY_MISSING = "unavailable when one argument is"

FUNCTIONS: dict[str, Function] = {
    row.name: row
    for row in (
        Function("abs", "abs(x)", 1, 1, "x without its sign", _ANY_MISSING),
        Function("clamp", "clamp(x, low, high)", 3, 3, "x, but at least low and at most high",
                 f"{_ANY_MISSING}, and when low is above high"),
        Function("max", "max(a, b, ...)", 2, 16, "the largest of two or more values", _ANY_MISSING),
        Function("min", "min(a, b, ...)", 2, 16, "the smallest of two or more values", _ANY_MISSING),
    )
}

# ``max(x, 15m)``, with a duration literal as the second of two arguments, looks back over a window.
WINDOWED = ("max", "min")

# What a later version knows. The first four and ``ema`` look back over a window, the rest over closed bars.
PLANNED_FUNCTIONS: dict[str, str] = {
    "mean": "mean(x, window)",
    "stdev": "stdev(x, window)",
    "change": "change(x, window)",
    "rate": "rate(x, window)",
    "ema": "ema(x, window)",
    "rsi": "rsi(market.close, periods, bar)",
    "atr": "atr(periods, bar)",
    "sma": "sma(market.close, periods, bar)",
    "bollinger": "bollinger(market.close, periods, width, bar)",
}
