"""An hour of the market as all instruments share it: the factor, the leaps, and what lies around the path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from paper.generate.cascade import draw_jumps
from paper.generate.decay import Floats, decayed, keep_of_half_life, keep_of_mean_life
from paper.generate.leaps import halted, leap_moves, place_leaps
from paper.generate.path import EASE_KEEP, FactorBlock, walk_factor
from paper.generate.regimes import Spell, place_spells
from paper.generate.scenario import Scenario
from paper.generate.streams import stream

PEG_EASE_KEEP = keep_of_mean_life(1_200)     # doubt about a coin spreads within half an hour
PEG_MOOD_KEEP = keep_of_half_life(600)
PEG_MOOD_SIGMA = 0.15                # of the distance from one: a coin at 0.90 wanders by a cent and a half


@dataclass(frozen=True, slots=True)
class MarketHour:
    """Up to an hour of seconds; columns are at its start and at the end of every second, like the factor's.

    ``leaps`` are log moves of the factor, ``unshared`` what of them the index does not follow; ``depth`` a multiple,
    ``premium`` a fraction, ``peg`` a log. ``halted`` has one entry per second.
    """

    factor: FactorBlock
    leaps: Floats
    unshared: Floats
    depth: Floats
    premium: Floats
    peg: Floats
    halted: NDArray[np.bool_]


def market_hours(scenario: Scenario, seed: int) -> Iterator[MarketHour]:
    """Yield the hours of one seed; memory does not grow with the span."""
    span = scenario.span_seconds
    spells = place_spells(scenario.regimes_of(seed), span, stream(seed, "spells"))
    jumps = draw_jumps(spells, span, stream(seed, "jumps"))
    placed = place_leaps(scenario.leaps, span, stream(seed, "leaps"))
    direction = scenario.direction_of(seed)
    peg_mood = stream(seed, "peg")
    ends = np.array([spell.ends for spell in spells])
    first = spells[0].regime
    depth_now, premium_now, peg_now, mood_now = log(first.depth), first.premium, first.peg, 0.0
    for block in walk_factor(
        spells, jumps, span, noise=stream(seed, "factor"), mood=stream(seed, "mood"), tide=stream(seed, "tide")
    ):
        seconds = np.arange(block.begins, block.begins + len(block.sigma_minutes))
        which = np.searchsorted(ends, seconds, side="right")
        depths = _eased(log_depths(spells)[which], EASE_KEEP, depth_now)
        premiums = _eased(np.array([spell.regime.premium for spell in spells])[which], EASE_KEEP, premium_now)
        pegs = _eased(np.array([spell.regime.peg for spell in spells])[which], PEG_EASE_KEEP, peg_now)
        noise = peg_mood.standard_normal(len(seconds)) * (PEG_MOOD_SIGMA * sqrt(1.0 - PEG_MOOD_KEEP**2))
        moods = np.concatenate(([mood_now], decayed(noise, PEG_MOOD_KEEP, mood_now)))
        leaps, unshared = leap_moves(placed, np.arange(block.begins, block.begins + len(seconds) + 1))
        yield MarketHour(
            factor=replace(block, log_moves=direction * block.log_moves),
            leaps=direction * leaps,
            unshared=direction * unshared,
            depth=np.exp(depths),
            premium=direction * premiums,
            peg=pegs * (1.0 + moods),
            halted=halted(placed, seconds),
        )
        depth_now, premium_now, peg_now = float(depths[-1]), float(premiums[-1]), float(pegs[-1])
        mood_now = float(moods[-1])


def log_depths(spells: Sequence[Spell]) -> Floats:
    """Return the log of the depth of each spell."""
    depths: Floats = np.log([spell.regime.depth for spell in spells])
    return depths


def _eased(goals: Floats, keep: float, now: float) -> Floats:
    """Return ``now`` and then how it nears the goals, second by second."""
    eased: Floats = np.concatenate(([now], decayed(goals * (1.0 - keep), keep, now)))
    return eased
