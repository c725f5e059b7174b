"""What a column of readings is kept in: a list, or a buffer of doubles where the book is wide."""

from __future__ import annotations

import math
from array import array
from typing import Protocol, SupportsIndex

# Below this many positions of one account, taking them one by one is faster than arrays (bench/rules).
WIDE_AT_LEAST = 64


class Column(Protocol):
    """Readings by element: None, or in a wide column NaN, where unavailable."""

    def __getitem__(self, place: int, /) -> float | None: ...

    def __setitem__(self, place: int, value: float | None, /) -> None: ...


class WideColumn(array):  # type: ignore[type-arg]
    """A buffer of doubles that is written like a list: None becomes NaN. Arrays look at it without a copy."""

    def __setitem__(self, place: SupportsIndex, value: float | None) -> None:  # type: ignore[override]
        array.__setitem__(self, place, math.nan if value is None else value)


def blank_column(count: int, positions: int) -> Column:
    """Return a column of ``count`` elements, all unavailable, for a layout of so many positions.

    A wide column costs 0.05 us more to read and 0.1 us more to write, so narrow books have lists.
    """
    if positions < WIDE_AT_LEAST:
        column: list[float | None] = [None] * count
        return column
    return WideColumn("d", (math.nan,) * count)
