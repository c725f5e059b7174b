"""Which trades are forced closings, and what is left open after them.

A forced closing is an ordinary print whose taker had no choice. The further the price has come within ten minutes, the
more of the takers on that side are forced, up to a quarter. Each takes its quantity out of the open interest, which
then grows back over a day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paper.generate.decay import Floats, decayed, keep_of_mean_life
from paper.generate.prints import Takers

STRAIN_KEEP = keep_of_mean_life(600)
STRAIN_USUAL = 0.03                  # a log move at which margins of 20x and more are gone
FORCED_SHARE_MAX = 0.25              # of takers on the losing side's closing side, in the worst minutes
OPEN_HOURS = 6.0                     # open interest over usual hourly volume: crypto majors hold a third of a day
REGROWTH_MINUTES = 1_440.0


@dataclass(slots=True)
class Strain:
    """How far the price has come lately, a log move that fades; carried from hour to hour."""

    level: float = 0.0

    def forced(self, takers: Takers, log_mids: Floats, random: np.random.Generator) -> NDArray[np.bool_]:
        """Return which takers are forced; moves the strain on to the block's end."""
        levels = np.concatenate(([self.level], decayed(np.diff(log_mids), STRAIN_KEEP, self.level)))
        self.level = float(levels[-1])
        met = levels[takers.seconds]             # as it was when the second began
        chance = FORCED_SHARE_MAX * np.tanh((met / STRAIN_USUAL) ** 2)
        chosen: NDArray[np.bool_] = (random.random(len(met)) < chance) & (np.sign(met) == takers.sides)
        return chosen


@dataclass(slots=True)
class Openness:
    """What is open of one contract, quantity units."""

    usual: int
    now: int

    def close(self, quantity: int) -> None:
        """Take a forced closing out."""
        self.now = max(0, self.now - quantity)

    def minute(self) -> int:
        """Return what is open after another minute of new business."""
        self.now += round((self.usual - self.now) / REGROWTH_MINUTES)
        return self.now
