"""Random numbers by seed and purpose: each purpose has a stream of its own, so that none disturbs another."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from bot.domain.errors import InputError


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the stream of one purpose; the same in every process with the same numpy.

    PCG64 itself never changes, but numpy reserves the right to draw a distribution from it in a new way in a
    feature release (NEP 19), so a market is named by its seed and numpy's version.

    Raises InputError for a negative seed, which numpy has no stream for.
    """
    if seed < 0:
        raise InputError(f"generator: a seed is a whole number from 0 up, was {seed}; give another one")
    # crc32 and not hash(): Python salts the hash of a text anew in each process
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(purpose.encode())])))
