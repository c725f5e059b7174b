"""Moves that a diffusion with jumps does not make: a gap, over which nobody trades, and a wick, which goes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paper.generate.decay import Floats


@dataclass(frozen=True, slots=True)
class Leap:
    """One sudden move of all prices together.

    It begins between the shares ``earliest`` and ``latest`` of the span. ``move`` is its median log move, ``spread``
    the deviation of the log of its size, ``seconds`` what it takes; ``back`` of it is taken back with mean life
    ``back_seconds``. The index follows by ``shared`` of it: 1 where all venues move, 0 where one alone does. For
    ``halt_seconds`` from its begin nobody trades.
    """

    earliest: float
    latest: float
    move: float
    spread: float
    seconds: int
    back: float
    back_seconds: float
    shared: float
    halt_seconds: int = 0


@dataclass(frozen=True, slots=True)
class PlacedLeap:
    """A leap as one seed placed it: second of its begin, and its log move."""

    leap: Leap
    begins: int
    move: float


def place_leaps(leaps: Sequence[Leap], span: int, random: np.random.Generator) -> tuple[PlacedLeap, ...]:
    """Return the leaps with time and size drawn."""
    placed = []
    for leap in leaps:
        share = leap.earliest + (leap.latest - leap.earliest) * float(random.random())
        size = float(np.exp(leap.spread * random.standard_normal()))
        placed.append(PlacedLeap(leap, int(span * share), leap.move * size))
    return tuple(placed)


def leap_moves(placed: Sequence[PlacedLeap], moments: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the log move of all leaps at each moment (seconds), and the part of it that the index does not share."""
    moves = np.zeros(len(moments))
    unshared = np.zeros(len(moments))
    for each in placed:
        leap, gone = each.leap, moments - each.begins
        there = np.clip(gone / leap.seconds, 0.0, 1.0)
        back = leap.back * -np.expm1(-np.maximum(gone - leap.seconds, 0) / leap.back_seconds)
        move = each.move * (there - back)
        moves += move
        unshared += (1.0 - leap.shared) * move
    return moves, unshared


def halted(placed: Sequence[PlacedLeap], seconds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return in which seconds nobody trades."""
    still = np.zeros(len(seconds), dtype=np.bool_)
    for each in placed:
        still |= (seconds >= each.begins) & (seconds < each.begins + each.leap.halt_seconds)
    return still
