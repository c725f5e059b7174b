"""The one filter that every memory of the model is made of: what was, fading, plus what comes."""

from __future__ import annotations

from functools import lru_cache
from math import exp, log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Shortest time constant, in steps, for which 3,600 steps at once stay inside float64: e^-180 there.
STEPS_MIN = 20.0


def keep_of_half_life(steps: float) -> float:
    """Return the share kept per step when half is left after ``steps``."""
    return float(0.5 ** (1.0 / steps))


def keep_of_mean_life(steps: float) -> float:
    """Return the share kept per step when 1/e is left after ``steps``, the mean delay of the kernel."""
    return exp(-1.0 / steps)


def decayed(inputs: Floats, keep: float, carry: float) -> Floats:
    """Return y with ``y[t] = keep * y[t-1] + inputs[t]``, where y before the first is ``carry``.

    In closed form, so that an hour of seconds is one cumulative sum: y[t] = keep^t (carry + sum x[s] keep^-s).
    """
    assert -STEPS_MIN * log(keep) <= 1.0, "the memory is too short for the closed form"
    powers = _powers(keep, len(inputs))
    faded: Floats = powers * (carry + np.cumsum(inputs / powers))
    return faded


@lru_cache(maxsize=32)               # a handful of memories, each in blocks of an hour and one remainder
def _powers(keep: float, count: int) -> Floats:
    powers: Floats = keep ** np.arange(1, count + 1, dtype=np.float64)
    powers.setflags(write=False)
    return powers
