"""The resting orders of one market by price, kept up from a venue's stream of changes.

Known or void, nothing in between: after a gap in the venue's numbers, or where bids and asks cross, nothing is
known until the next snapshot. A source without numbers is believed to be whole. A snapshot is asked for while
changes go on, so some that are newer come before it: those are kept, and follow it.

Only the best ``LEVELS_MAX`` levels of a side are kept. Where some were let go, nothing as far off is taken in
again before the next snapshot, so that what stands here has no holes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import Final

from bot.domain.market import BookUpdate

LEVELS_MAX: Final = 1_000            # as many as Binance gives in a snapshot
EARLY_MAX: Final = 1_000             # changes kept for a snapshot: 100 s of ten a second
Level = tuple[int, int]
"""Price and quantity."""


class BookSide:
    """Levels of one side under keys that rise towards the best: bids by price (``sign`` +1), asks by -price."""

    __slots__ = ("keys", "lowest", "quantities", "sign")

    def __init__(self, sign: int) -> None:
        self.sign: Final = sign
        self.keys: list[int] = []
        self.quantities: dict[int, int] = {}
        self.lowest: int | None = None       # keys below were let go

    def fold(self, levels: tuple[Level, ...]) -> bool:
        """Take changes in; return False at one that cannot be."""
        keys = self.keys
        for price, quantity in levels:
            if price <= 0 or quantity < 0:
                return False
            key = price * self.sign
            if quantity == 0:
                if self.quantities.pop(key, 0):
                    del keys[bisect_left(keys, key)]
            elif self.lowest is None or key >= self.lowest:
                if key not in self.quantities:
                    keys.insert(bisect_left(keys, key), key)
                self.quantities[key] = quantity
        excess = len(keys) - LEVELS_MAX
        if excess > 0:
            for key in keys[:excess]:
                del self.quantities[key]
            del keys[:excess]
            self.lowest = keys[0]
        return True

    def clear(self) -> None:
        """Know nothing."""
        self.keys.clear()
        self.quantities.clear()
        self.lowest = None

    @property
    def best(self) -> Level | None:
        """The best level, or None of an empty side."""
        if not self.keys:
            return None
        key = self.keys[-1]
        return key * self.sign, self.quantities[key]

    def quantity_to(self, limit: int) -> int:
        """Return how much rests at ``limit`` or better."""
        first = bisect_left(self.keys, limit * self.sign)
        return sum(self.quantities[key] for key in self.keys[first:])

    def near(self, twice_mid: int, distance: float) -> list[Level]:
        """Return the levels within ``distance`` of mid (a fraction of it), the level just there included."""
        middle = twice_mid * self.sign
        # by distance and not by price: a quotient is rounded correctly, so a level at the very distance is in
        first = bisect_left(self.keys, -distance, key=lambda key: (2 * key - middle) / twice_mid)
        return [(key * self.sign, self.quantities[key]) for key in self.keys[first:]]


class OrderBook:
    """Both sides, and how far the stream has come."""

    __slots__ = ("asks", "bids", "early", "is_known", "last")

    def __init__(self) -> None:
        self.bids: Final = BookSide(1)
        self.asks: Final = BookSide(-1)
        self.is_known = False
        self.last = 0                        # the venue's number of the last change taken
        self.early: Final[deque[BookUpdate]] = deque(maxlen=EARLY_MAX)

    def take(self, update: BookUpdate) -> None:
        """Fold changes in, or a snapshot and the changes after it that came before; what is old changes nothing."""
        if self.is_known and 0 < update.last <= self.last:
            return
        if update.is_snapshot:
            self._void()
            self.is_known = True
            self._fold(update)
            for early in [early for early in self.early if early.last > update.last > 0]:
                self.take(early)
            self.early.clear()
        elif not self.is_known:
            self.early.append(update)
        elif self._misses_some_before(update):
            self._void()
            self.early.append(update)
        else:
            self._fold(update)

    def near(self, distance: float) -> tuple[list[Level], list[Level]] | None:
        """Return the bids and asks within ``distance`` of mid, or None unless there are both."""
        bid, ask = self.bids.best, self.asks.best
        if bid is None or ask is None:
            return None
        twice_mid = bid[0] + ask[0]
        return self.bids.near(twice_mid, distance), self.asks.near(twice_mid, distance)

    def _misses_some_before(self, update: BookUpdate) -> bool:
        """Binance futures name the last change before the update and leave numbers out; spot counts every one."""
        if not update.last or not self.last:
            return False
        if update.previous:
            return update.previous > self.last
        return update.first > self.last + 1

    def _fold(self, update: BookUpdate) -> None:
        self.last = update.last
        if not (self.bids.fold(update.bids) and self.asks.fold(update.asks)) or self._is_crossed():
            self._void()

    def _is_crossed(self) -> bool:
        bid, ask = self.bids.best, self.asks.best
        return bid is not None and ask is not None and bid[0] >= ask[0]

    def _void(self) -> None:
        self.bids.clear()
        self.asks.clear()
        self.is_known = False
        self.last = 0
