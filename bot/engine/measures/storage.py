"""What a column of readings is kept in: a list, or a buffer of doubles where the book is wide."""

from __future__ import annotations

from array import array
from math import nan
from typing import Protocol, cast

# One by one, 20 conditions take 1.2 us an element; by column 80 us and 0.05 an element (``bench.rules``, 2026-11).
WIDE_AT_LEAST = 64


class Column(Protocol):
    """Readings by element; None or NaN where unavailable.

    What ``blank_column`` returned takes numbers only: ``bot.engine.measures.readings`` writes NaN there.
    """

    def __getitem__(self, place: int, /) -> float | None: ...

    def __setitem__(self, place: int, value: float | None, /) -> None: ...


def blank_column(count: int, positions: int) -> Column:
    """Return a column of ``count`` elements, all unavailable, for a layout of so many positions.

    Arrays look at a buffer of doubles without a copy, but reading one number out of it costs more than a narrow book
    gains.
    """
    if positions < WIDE_AT_LEAST:
        column: list[float | None] = [None] * count
        return column
    return cast(Column, array("d", (nan,) * count))
