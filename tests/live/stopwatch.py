"""Time that we took, and not the machine: what our threads waited for a processor does not count.

Linux keeps it for every thread (second figure of ``/proc/*/schedstat``, ns; Documentation/scheduler/sched-stats.rst).
Where there is no such file nothing is taken off.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

OURS = Path("/proc/thread-self/schedstat")


class Stopwatch:
    """Runs from when it is made, for this thread, and the first one of each of ``processes``, together."""

    def __init__(self, processes: Sequence[int] = ()) -> None:
        self._files = [OURS, *(Path(f"/proc/{process}/schedstat") for process in processes)]
        self._before = {file: _waited(file) for file in self._files}
        self._began = time.monotonic()

    @property
    def excused(self) -> float:
        """Seconds in which one of them could have gone on, and the machine let others; of one that ended, none."""
        return sum(max(0.0, _waited(file) - self._before[file]) for file in self._files)

    def seconds(self) -> float:
        """Return how long it took but for that."""
        return time.monotonic() - self._began - self.excused


def _waited(file: Path) -> float:
    try:
        return int(file.read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):        # another system, or a process that is gone
        return 0.0
