"""The path of prices by the second: one factor that moves all, and each instrument's own part.

    shock     = sigma(t) z + jumps                   z standard normal, one draw a second
    factor    = sum of (drift wave(t) + (1 - OVERSHOOT) shock) + OVERSHOOT shock, fading
    ln price  = ln open + beta factor + own          own: the same split with a shock of its own

so that part of every move is taken back within minutes: falls overshoot and bounce. ``sigma(t)`` is the regime's,
eased from one to the next, times a slow random mood, times what recent jumps have stirred up. The drift is what
is left of a regime's ``move`` after the part that its jumps are expected to make; it comes in waves of mean 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from paper.generate.cascade import Jumps, expected_move_per_hour
from paper.generate.character import Character
from paper.generate.decay import Floats, decayed, keep_of_half_life, keep_of_mean_life
from paper.generate.regimes import SECONDS_PER_HOUR, Spell

BLOCK_SECONDS = SECONDS_PER_HOUR     # what is in memory at once
SECONDS_PER_MINUTE = 60

OVERSHOOT = 0.5                     # share of a shock that fades; gives minutes the -0.1 autocorrelation recorded
OVERSHOOT_KEEP = keep_of_half_life(180)
OWN_OVERSHOOT = 0.85                 # the ratio of two coins is pulled back by arbitrage: it ended 4 % off on the day
OWN_OVERSHOOT_KEEP = keep_of_half_life(3_600)

EASE_KEEP = keep_of_mean_life(300)   # volatility follows a change of regime over minutes
MOOD_KEEP = keep_of_half_life(1_800)
MOOD_SIGMA = 0.3                     # of the log of volatility: its usual spread within a regime
WAVE_KEEP = keep_of_half_life(360)   # a trend comes in waves of some minutes with rests between, not as a ramp
WAVE_SIGMA = 0.7                     # of the log of the drift: half of the time it is below four fifths of its mean
STIR_KEEP = keep_of_mean_life(240)
STIR_GAIN = 0.7                      # variance gained, over the regime's, per jump of one minute's deviation
STIR_MAX = 8.0                       # no more than this multiple: one giant jump is not an hour of madness


@dataclass(frozen=True, slots=True)
class FactorBlock:
    """Up to an hour of seconds from ``begins``.

    ``log_moves`` holds the factor's log move since the start at ``begins`` and at the end of every second, one
    more than there are seconds; ``sigma_minutes`` the deviation of a minute's move in force in each second.
    """

    begins: int
    log_moves: Floats
    sigma_minutes: Floats


@dataclass(slots=True)
class OwnPart:
    """What one instrument carries from block to block: the two parts of its own log move."""

    kept: float = 0.0
    fading: float = 0.0


def walk_factor(
    spells: Sequence[Spell], jumps: Jumps, span: int, *, noise: np.random.Generator, mood: np.random.Generator,
    tide: np.random.Generator,
) -> Iterator[FactorBlock]:
    """Yield the factor over ``span`` seconds, block by block; memory does not grow with the span."""
    eased = log(spells[0].regime.sigma_minute)
    mood_now = MOOD_SIGMA * float(mood.standard_normal())
    wave_now = WAVE_SIGMA * float(tide.standard_normal())
    kept = fading = stirred = 0.0
    for begins in range(0, span, BLOCK_SECONDS):
        seconds = np.arange(begins, min(span, begins + BLOCK_SECONDS))
        drifts, log_sigmas = _regime_columns(spells, seconds)
        jumped = _jumps_within(jumps, begins, len(seconds))

        eases = decayed(log_sigmas * (1.0 - EASE_KEEP), EASE_KEEP, eased)
        moods = _wander(mood, len(seconds), MOOD_SIGMA, MOOD_KEEP, mood_now)
        waves = _wander(tide, len(seconds), WAVE_SIGMA, WAVE_KEEP, wave_now)
        stirs = decayed(STIR_GAIN * np.abs(jumped) / np.exp(eases), STIR_KEEP, stirred)
        sigmas = np.exp(eases + moods - MOOD_SIGMA**2) * np.sqrt(1.0 + np.minimum(stirs, STIR_MAX))

        shocks = sigmas * noise.standard_normal(len(seconds)) / sqrt(SECONDS_PER_MINUTE) + jumped
        pushes = drifts * np.exp(waves - WAVE_SIGMA**2 / 2.0)
        keeps = kept + np.cumsum(pushes + (1.0 - OVERSHOOT) * shocks)
        fades = decayed(OVERSHOOT * shocks, OVERSHOOT_KEEP, fading)
        yield FactorBlock(begins, np.concatenate(([kept + fading], keeps + fades)), sigmas)
        eased, stirred = float(eases[-1]), float(stirs[-1])
        mood_now, wave_now = float(moods[-1]), float(waves[-1])
        kept, fading = float(keeps[-1]), float(fades[-1])


def follow(block: FactorBlock, character: Character, own: OwnPart, noise: np.random.Generator) -> Floats:
    """Return the log price at the block's start and at the end of each of its seconds; moves ``own`` on."""
    count = len(block.sigma_minutes)
    shocks = block.sigma_minutes * (character.own / sqrt(SECONDS_PER_MINUTE)) * noise.standard_normal(count)
    keeps = own.kept + np.cumsum((1.0 - OWN_OVERSHOOT) * shocks)
    fades = decayed(OWN_OVERSHOOT * shocks, OWN_OVERSHOOT_KEEP, own.fading)
    moves = np.concatenate(([own.kept + own.fading], keeps + fades))
    own.kept, own.fading = float(keeps[-1]), float(fades[-1])
    log_prices: Floats = log(character.open_price) + character.beta * block.log_moves + moves
    return log_prices


def _wander(random: np.random.Generator, count: int, sigma: float, keep: float, carry: float) -> Floats:
    """Return a mean-reverting walk around 0 of stationary deviation ``sigma``, one value a second."""
    return decayed(random.standard_normal(count) * (sigma * sqrt(1.0 - keep**2)), keep, carry)


def _regime_columns(spells: Sequence[Spell], seconds: np.ndarray) -> tuple[Floats, Floats]:
    """Return drift per second and log of the minute deviation, of the regime in force in each second."""
    drifts = [
        (spell.regime.move / spell.regime.hours - (1.0 - OVERSHOOT) * expected_move_per_hour(spell.regime))
        / SECONDS_PER_HOUR
        for spell in spells
    ]
    log_sigmas = [log(spell.regime.sigma_minute) for spell in spells]
    which = np.searchsorted([spell.ends for spell in spells], seconds, side="right")
    return np.array(drifts)[which], np.array(log_sigmas)[which]


def _jumps_within(jumps: Jumps, begins: int, count: int) -> Floats:
    """Return the log move that jumps make in each second of a block, each worked off evenly."""
    ends = jumps.begins + jumps.lasts
    touched = (jumps.begins < begins + count) & (ends > begins)
    rates = jumps.moves[touched] / jumps.lasts[touched]
    steps = np.zeros(count + 1)
    np.add.at(steps, np.maximum(jumps.begins[touched] - begins, 0), rates)
    np.add.at(steps, np.minimum(ends[touched] - begins, count), -rates)
    moves: Floats = np.cumsum(steps)[:count]
    return moves
