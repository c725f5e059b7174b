"""Closed bars of one market, made of its price as it comes: what indicators are fed with.

Bars are aligned to the epoch. A bar begins at the price at which the one before it closed, so a bar without a
trade is flat. That changes no close and no true range, which looks at the close before anyway.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SILENCE_SHARE: Final = 10            # of the bars kept; after a longer silence they would be mostly flat, so start anew


class Bars:
    """The last ``kept`` closed bars, and the one under way."""

    def __init__(self, *, bar: int, kept: int) -> None:
        self.bar: Final = bar
        self.kept: Final = kept
        self.highs: Final[deque[float]] = deque(maxlen=kept)
        self.lows: Final[deque[float]] = deque(maxlen=kept)
        self.closes: Final[deque[float]] = deque(maxlen=kept)
        self._number: int | None = None  # of the bar under way, from the epoch
        self._is_whole = False           # it was seen from its beginning
        self._high = self._low = self._close = 0.0

    @property
    def is_full(self) -> bool:
        """True when all bars that are to be kept have been seen."""
        return len(self.closes) == self.kept

    def take(self, now: int, price: float) -> bool:
        """Take the price at ``now``; return whether the closed bars changed."""
        number = now // self.bar
        has_changed = False
        if self._number is None or (number - self._number) * SILENCE_SHARE > self.kept:
            has_changed = bool(self.closes)
            self._begin_anew(now, price)
        elif number > self._number:
            has_changed = True
            self._close_bars(number - self._number)
        self._number = number
        self._high = max(self._high, price)
        self._low = min(self._low, price)
        self._close = price
        return has_changed

    def _begin_anew(self, now: int, price: float) -> None:
        for series in (self.highs, self.lows, self.closes):
            series.clear()
        self._is_whole = now % self.bar == 0
        self._high = self._low = self._close = price

    def _close_bars(self, count: int) -> None:
        """Close the bar under way, and after it ``count`` - 1 bars without a price."""
        for _ in range(count):
            if self._is_whole:
                self.highs.append(self._high)
                self.lows.append(self._low)
                self.closes.append(self._close)
            self._high = self._low = self._close
            self._is_whole = True
