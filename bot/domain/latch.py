"""How far an account is shut: a state that stays until a named person changes it.

    OPEN        all controls as configured
    FROZEN      nothing that could raise exposure is sent; reducers and bounded hedges go on
    KILLED      frozen; children were cancelled, open episodes ended; stops stay, only reduce-only orders pass
    FLATTENING  killed, and every position is being reduced to zero; ends as KILLED

    command     from                 to
    freeze      OPEN                 FROZEN          never undoes a kill
    kill        any                  KILLED
    flatten     any                  FLATTENING
    resume      any                  OPEN            by a named person only
"""

from __future__ import annotations

from enum import Enum


class Latch(Enum):
    """From open to shut; the later is the stricter."""

    OPEN = "open"
    FROZEN = "frozen"
    KILLED = "killed"
    FLATTENING = "flattening"

    @property
    def strictness(self) -> int:
        """0 when open, and one more for each stricter state."""
        return _ORDER[self]

    @property
    def is_killed(self) -> bool:
        """True when children are off and only reduce-only orders pass."""
        return self in (Latch.KILLED, Latch.FLATTENING)


_ORDER = {latch: place for place, latch in enumerate(Latch)}


def stricter(one: Latch, other: Latch) -> Latch:
    """Return the stricter of two; equal ones are the same."""
    return one if one.strictness >= other.strictness else other
