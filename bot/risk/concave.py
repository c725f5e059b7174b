"""Zeros of concave functions made of straight pieces: where a margin runs out.

What a pool has to spare is concave in a common move: equity is linear, or bends down where a haircut begins,
and maintenance is convex. A tangent of a concave function lies above it, so from a point where the function
is at or below 0 each tangent's zero is a step towards the function's zero that never goes past it, and every
step ends on another piece: a handful of steps, and the last division is of the piece's own exact integers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, inf, isinf
from typing import NamedTuple

STEPS_MAX = 10_000                   # more pieces than 300 holdings of 30 brackets have; a limit, not a tuning


class Line(NamedTuple):
    """One straight piece: its value where the move is 0, and what a move of 1 adds."""

    constant: int
    slope: int

    def at(self, move: float) -> float:
        """Return the value at a move, which may be infinite."""
        if isinf(move):
            return copysign(inf, self.slope * move) if self.slope else float(self.constant)
        return self.constant + self.slope * move


LineAt = Callable[[float], Line]
"""The piece of a concave function on which a move lies; at a bend, either of the two."""


def zero_from(line_at: LineAt, start: float) -> float | None:
    """Return the zero that lies uphill of ``start``, where the function must be 0 or less; may be +inf.

    None when the function never reaches 0.
    """
    at = start
    uphill = 0.0
    for _ in range(STEPS_MAX):
        constant, slope = line_at(at)
        if slope == 0 or slope * uphill < 0 or (isinf(at) and slope > 0):
            return None
        uphill = 1.0 if slope > 0 else -1.0
        zero = -constant / slope
        if (zero - at) * uphill <= 0:
            return at
        at = zero
    raise AssertionError("tangents of a function of finitely many pieces come to an end")


def first_zero(line_at: LineAt, end: float) -> float:
    """Return the smallest zero in (0, end] of a function that is above 0 at 0; +inf when there is none."""
    line = line_at(end)
    if line.at(end) > 0:
        return inf
    zero = zero_from(line_at, end)
    return inf if zero is None else max(zero, 0.0)
