"""What a process takes: memory, descriptors, threads and time, from /proc; and how steeply a series climbs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at a process; ``tasks`` is what it says itself, None where it says nothing."""

    seconds: float
    rss_mib: float
    descriptors: int
    threads: int
    cpu_seconds: float
    tasks: int | None = None


def look(process: int, seconds: float, *, tasks: int | None = None) -> Vitals:
    """Look at a process now; raises FileNotFoundError when it has ended."""
    root = Path("/proc") / str(process)
    fields = (root / "stat").read_text().rpartition(")")[2].split()      # the name before it may hold anything
    return Vitals(
        seconds=seconds,
        rss_mib=int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / MIB,
        descriptors=len(list((root / "fd").iterdir())),
        threads=int(fields[17]),
        cpu_seconds=(int(fields[11]) + int(fields[12])) / TICKS,
        tasks=tasks,
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the least-squares slope of y over x; raises ValueError with fewer than two different x."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count if count else 0.0
    mean_y = sum(y for _, y in points) / count if count else 0.0
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        raise ValueError(f"slope: needs two points apart, was {count} of one x; sample for longer")
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def settled(samples: Sequence[Vitals]) -> Sequence[Vitals]:
    """Return the last three quarters of a run: windows and caches have filled by then."""
    return samples[len(samples) // 4:]
