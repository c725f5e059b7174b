"""The watch over prices that cannot follow from the one before: a misplaced point, another instrument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.adapters.tapes.table import Integers

# The worst hour on record, LUNA on 2022-05-12, moved its close 7.5 times; a point misplaced by two digits
# moves it 100 times.
JUMP_FACTOR = 100
# One wrong row is common, two happen. A tape whose first row is wrong would be lost without a way back.
CONFIRMATIONS = 3
_HUNDREDFOLD_MAX = (2**63 - 1) // JUMP_FACTOR


@dataclass(slots=True)
class JumpWatch:
    """Remembers the last good price, and the refused ones that agree with each other."""

    last: int | None = None
    suspect: int = 0
    confirmations: int = 0

    def admits(self, *, low: int, high: int, close: int) -> bool:
        """Return whether a row may follow; a trade is its own low, high and close.

        Prices more than ``JUMP_FACTOR`` from the last good one are refused, until ``CONFIRMATIONS`` rows in
        succession agree with each other: then the market is there, and the last of them is good.
        """
        if high > JUMP_FACTOR * low:
            return False
        if self.last is not None and _apart(low, high, self.last):
            agrees = self.confirmations > 0 and not _apart(low, high, self.suspect)
            self.confirmations = self.confirmations + 1 if agrees else 1
            self.suspect = close
            if self.confirmations < CONFIRMATIONS:
                return False
        self.last = close
        self.confirmations = 0
        return True

    def admits_all(self, *, lows: Integers, highs: Integers, closes: Integers) -> bool:
        """Return whether every row of a block would be admitted; when not, nothing is remembered.

        All prices are positive and below 10^18. False also when that cannot be told at once.
        """
        if self.confirmations:
            return False
        last = int(closes[0]) if self.last is None else self.last
        low, high = min(int(lows.min()), last), max(int(highs.max()), last)
        if high > JUMP_FACTOR * low:
            if high > _HUNDREDFOLD_MAX:
                return False
            before = np.concatenate(([last], closes[:-1]))
            if (np.maximum(highs, before) > JUMP_FACTOR * np.minimum(lows, before)).any():
                return False
        self.last = int(closes[-1])
        return True

    def rescale(self, factor: int) -> None:
        """Multiply what is remembered, when the scale of prices becomes finer."""
        self.last = None if self.last is None else self.last * factor
        self.suspect *= factor


def _apart(low: int, high: int, other: int) -> bool:
    return max(high, other) > JUMP_FACTOR * min(low, other)
