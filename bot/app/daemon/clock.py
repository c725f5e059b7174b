"""The daemon's time: the wall clock as it was at the start, carried on by the monotonic clock.

A step of the machine's clock, by hand or by NTP, must neither fire a rule nor hold one back, and the engine takes no
event older than the one before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class WallClock:
    """Nanoseconds UTC that never go back and never jump."""

    def __init__(
        self, wall_ns: Callable[[], int] = time.time_ns, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns
        self._anchor = wall_ns() - monotonic_ns()

    def now(self) -> int:
        """Return the time as of the start plus what has passed since."""
        return self._anchor + self._monotonic_ns()

    def drift(self) -> int:
        """Return how far the machine's clock has moved away since, ns: positive when it was set forward."""
        return self._wall_ns() - self.now()

    def never_before(self, moment: int) -> None:
        """Go on from ``moment`` if that is later: a journal may end a little ahead of a clock that was set back."""
        ahead = moment - self.now()
        if ahead > 0:
            self._anchor += ahead
