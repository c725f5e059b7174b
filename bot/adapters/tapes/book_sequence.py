"""The order of a book's changes: what a live client does with a snapshot and the changes around it.

Source: Binance, "How to manage a local order book correctly", spot and USD-M futures (2024-08): changes that
came before the snapshot are kept; those that end at or before it are dropped; the first one after it must
begin at or before its next number; from then on each must begin where the last ended. Futures leave numbers
out and say where the change before ended (``pu``); spot counts every one.
"""

from __future__ import annotations

from collections import deque

from bot.domain.market import BookUpdate

WAITING_MAX = 10_000                 # changes kept for a snapshot: a quarter of an hour of spot, minutes of futures


class BookSequence:
    """One market's book; remembers the number of its last change, and the changes that wait for a snapshot."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.gaps = 0
        self.dropped = 0                 # changes that no snapshot let us place
        self.repeated = 0
        self._waiting: deque[BookUpdate] = deque()

    def change(self, update: BookUpdate) -> tuple[BookUpdate, ...]:
        """Return what may now be folded into the book: the change, or nothing while it waits."""
        if self.last is None:
            self._wait(update)
            return ()
        if update.last <= self.last:
            self.repeated += 1
            return ()
        if _begins_after(update) > self.last:
            self.gaps += 1
            self.last = None
            self._wait(update)
            return ()
        self.last = update.last
        return (update,)

    def snapshot(self, update: BookUpdate) -> tuple[BookUpdate, ...]:
        """Return the snapshot and the changes that waited for it, at its time; nothing when it is older than the book.

        A snapshot without a number begins a book whose changes have none either.
        """
        if self.last is not None and 0 < update.last <= self.last:
            self.repeated += 1
            return ()
        self.last = update.last
        waiting, self._waiting = self._waiting, deque()
        found = [update]
        for late in waiting:
            if late.last <= self.last:
                self.repeated += 1
                continue
            # A change that begins later than the snapshot ends: the snapshot was too old, and so on from here.
            found += self.change(
                BookUpdate(
                    update.now, late.stamp, late.instrument, late.bids, late.asks, False, late.first, late.last,
                    late.previous,
                )
            )
        return tuple(found)

    def end(self) -> None:
        """Count the changes that are still waiting when the tape ends."""
        self.dropped += len(self._waiting)
        self._waiting.clear()

    def _wait(self, update: BookUpdate) -> None:
        if len(self._waiting) == WAITING_MAX:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(update)


def _begins_after(update: BookUpdate) -> int:
    return update.previous or update.first - 1
