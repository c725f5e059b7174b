"""Stretches of a market with a mood of their own, and how a seed lays them out in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SECONDS_PER_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Regime:
    """What a stretch is like on average; moves are of the log of the common factor.

    ``hours`` is its median length and ``hours_spread`` the deviation of the log of the length. ``move`` is what
    it is expected to move in ``hours``, jumps and all; a longer stretch moves more. ``sigma_minute`` is the
    deviation of a minute's move apart from jumps. ``jumps_per_hour`` counts only jumps that come unprovoked, whose
    mean size is ``jump_mean``; ``sell_share`` of them are down.

    The rest is of what lies around the path: ``depth`` is what makers show as a multiple of their usual, apart from
    what movement uses up; ``premium`` how far the perpetual stands above its index, a fraction; ``peg`` the log of
    what one unit of a stablecoin is worth.
    """

    name: str
    hours: float
    hours_spread: float
    move: float
    sigma_minute: float
    jumps_per_hour: float
    jump_mean: float
    sell_share: float
    depth: float = 1.0
    premium: float = 0.0
    peg: float = 0.0


@dataclass(frozen=True, slots=True)
class Spell:
    """A regime as one seed placed it: seconds from the start, the end not included."""

    regime: Regime
    begins: int
    ends: int


def place_spells(regimes: Sequence[Regime], span: int, random: np.random.Generator) -> tuple[Spell, ...]:
    """Return the regimes in their order over ``span`` seconds, lengths drawn; the last lasts to the end.

    Where the lengths drawn exceed the span, what is beyond it is cut off.
    """
    spells = []
    begins = 0
    for regime, draw in zip(regimes, random.standard_normal(len(regimes)).tolist(), strict=True):
        length = regime.hours * float(np.exp(regime.hours_spread * draw)) * SECONDS_PER_HOUR
        ends = span if regime is regimes[-1] else min(span, begins + max(1, round(length)))
        if ends > begins:
            spells.append(Spell(regime, begins, ends))
        begins = ends
    return tuple(spells)
