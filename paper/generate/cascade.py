"""Jumps that beget jumps: forced selling, where each liquidation pushes the price to the next one.

A self-exciting (Hawkes) process in its branching form: unprovoked jumps come at the rate of the regime; each
jump has a Poisson number of children, exponentially later, mostly in its own direction and sometimes against it
(shorts that take profit, buyers of the dip). Sizes follow a Pareto law of the second kind with tail exponent 3,
the "cubic law" of returns, and a jump is worked off over some seconds, since it is many trades and not one.

Sources: Hawkes (1971), "Spectra of some self-exciting and mutually exciting point processes", Biometrika 58;
Gopikrishnan, Meyer, Amaral, Stanley (1998), "Inverse cubic law for the distribution of stock price variations",
Eur. Phys. J. B 3; Filimonov and Sornette (2012), Phys. Rev. E 85, 056108, for branching ratios of markets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paper.generate.decay import Floats
from paper.generate.regimes import SECONDS_PER_HOUR, Regime, Spell

TAIL_EXPONENT = 3.0
SIZE_MAX = 0.06                      # most that one jump moves; the worst whole minute of the day was 7.5 %
CHILDREN_MEAN = 0.6                  # below 1, so that every cascade dies; markets are put at 0.6 to 0.8
CHILD_DELAY_MEAN = 90.0              # seconds: liquidation engines and margin calls answer within minutes
CHILD_ALONG = 0.85                   # share of children that push the same way as their parent
WORKED_OFF_MEAN = 8.0                # seconds over which one jump reaches the price
GENERATIONS_MAX = 300                # bounds the loop; of a million jumps, 0.6^300 is none in the last generation

# Of one unprovoked jump with all its descendants, the expected sum over its own size.
CLUSTER_GAIN = 1.0 / (1.0 - CHILDREN_MEAN * (2.0 * CHILD_ALONG - 1.0))


@dataclass(frozen=True, slots=True)
class Jumps:
    """All jumps of a market in time order: second of the start, seconds it lasts, signed log move."""

    begins: NDArray[np.int64]
    lasts: NDArray[np.int64]
    moves: Floats


def expected_move_per_hour(regime: Regime) -> float:
    """Return the log move per hour that the regime's jumps are expected to make, descendants included."""
    return regime.jumps_per_hour * (1.0 - 2.0 * regime.sell_share) * regime.jump_mean * CLUSTER_GAIN


def draw_jumps(spells: Sequence[Spell], span: int, random: np.random.Generator) -> Jumps:
    """Return the jumps of ``span`` seconds: unprovoked ones by regime, then generation after generation."""
    times, scales = _unprovoked(spells, random)
    all_times, all_scales = [times], [scales]
    for _ in range(GENERATIONS_MAX):
        if not len(times):
            break
        children = random.poisson(CHILDREN_MEAN, len(times))
        times = np.repeat(times, children)
        scales = np.repeat(scales, children)
        times = times + random.exponential(CHILD_DELAY_MEAN, len(times))
        scales = np.where(random.random(len(scales)) < CHILD_ALONG, scales, -scales)
        inside = times < span
        times, scales = times[inside], scales[inside]
        all_times.append(times)
        all_scales.append(scales)
    when = np.concatenate(all_times)
    order = np.argsort(when, kind="stable")
    count = len(order)
    sizes = random.pareto(TAIL_EXPONENT, count) * (TAIL_EXPONENT - 1.0)      # of mean 1
    moves = np.clip(np.concatenate(all_scales)[order] * sizes, -SIZE_MAX, SIZE_MAX)
    lasts = 1 + random.exponential(WORKED_OFF_MEAN, count).astype(np.int64)
    return Jumps(when[order].astype(np.int64), lasts, moves)


def _unprovoked(spells: Sequence[Spell], random: np.random.Generator) -> tuple[Floats, Floats]:
    """Return when they come, and their mean sizes signed with their direction."""
    times, scales = [], []
    for spell in spells:
        length = spell.ends - spell.begins
        count = int(random.poisson(spell.regime.jumps_per_hour * length / SECONDS_PER_HOUR))
        times.append(spell.begins + length * random.random(count))
        down = random.random(count) < spell.regime.sell_share
        scales.append(np.where(down, -spell.regime.jump_mean, spell.regime.jump_mean))
    return np.concatenate(times), np.concatenate(scales)
