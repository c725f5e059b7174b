"""The worst and the best hour of a market, while its prices go by."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bot.domain.scale import NS_PER_HOUR, NS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Hour:
    """A move within an hour that ends in the bucket from ``at``, ns; ``ratio`` is a fraction, negative for a fall.

    ``volume`` is what was traded in that hour, quantity units.
    """

    at: int
    ratio: float
    volume: int


class HourWatch:
    """Buckets prices by bar or minute, and compares each bucket with the hour that ends with it.

    A fall is low / highest high of the hour - 1, a rise high / lowest low - 1, the bucket's own high and low
    included: which of them came first inside a bar nobody knows, so that both are the most it can have been.
    """

    def __init__(self, span: int | None) -> None:
        self._span = span or NS_PER_MINUTE
        self._bucket: tuple[int, int, int, int] | None = None     # start, low, high, volume
        self._highs: deque[tuple[int, int]] = deque()             # start and high, falling
        self._lows: deque[tuple[int, int]] = deque()              # start and low, rising
        self._volumes: deque[tuple[int, int]] = deque()
        self._volume = 0
        self.fall: Hour | None = None
        self.rise: Hour | None = None

    def add(self, *, now: int, low: int, high: int, volume: int) -> None:
        """Take a price, or a bar; times must not go back."""
        start = now - now % self._span
        bucket = self._bucket
        if bucket is None or bucket[0] != start:
            self.close()
            self._bucket = start, low, high, volume
        else:
            self._bucket = start, min(bucket[1], low), max(bucket[2], high), bucket[3] + volume

    def close(self) -> None:
        """Compare the bucket that is open with its hour; also when the tape has ended."""
        if self._bucket is None:
            return
        start, low, high, volume = self._bucket
        self._bucket = None
        since = start + self._span - max(NS_PER_HOUR, self._span)
        while self._volumes and self._volumes[0][0] < since:
            self._volume -= self._volumes.popleft()[1]
        self._volumes.append((start, volume))
        self._volume += volume
        highest = _extreme(self._highs, since, start, high, sign=1)
        lowest = _extreme(self._lows, since, start, low, sign=-1)
        if self.fall is None or low / highest - 1 < self.fall.ratio:
            self.fall = Hour(start, low / highest - 1, self._volume)
        if self.rise is None or high / lowest - 1 > self.rise.ratio:
            self.rise = Hour(start, high / lowest - 1, self._volume)


def _extreme(window: deque[tuple[int, int]], since: int, start: int, value: int, *, sign: int) -> int:
    """Add ``value`` to a window and return its largest, smallest for a negative ``sign``; each is moved once."""
    while window and window[0][0] < since:
        window.popleft()
    while window and sign * window[-1][1] <= sign * value:
        window.pop()
    window.append((start, value))
    return window[0][1]
