"""The server's time: the wall clock at the start plus what has passed since by a clock that never goes back."""

from __future__ import annotations

import time


class ServerClock:
    """Tells ns UTC. ``advance`` moves it forward, for tests of what takes long."""

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def now(self) -> int:
        """Return the time."""
        return time.monotonic_ns() + self._offset

    def advance(self, by: int) -> None:
        """Let ``by`` ns pass at once; clients whose clocks do not know are refused with -1021 from now on."""
        self._offset += max(0, by)
