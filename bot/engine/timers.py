"""All waits of the engine as deadlines in one heap.

What waits is an account: when woken it looks at all it has open, and sets the next deadline from what it
finds. A deadline therefore never has to be taken back.
"""

from __future__ import annotations

from heapq import heappop, heappush


class Timers:
    """The earliest deadline of each account. Ties are served in the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int]] = []
        self._when: list[int | None] = []
        self._count = 0

    def set(self, account: int, at: int) -> None:
        """Wake ``account`` no later than ``at``; an earlier wake that is already set stays."""
        while len(self._when) <= account:
            self._when.append(None)
        known = self._when[account]
        if known is None or at < known:
            self._when[account] = at
            self._count += 1
            heappush(self._heap, (at, self._count, account))

    def next(self) -> int | None:
        """Return the earliest deadline, or None."""
        while self._heap:
            at, _, account = self._heap[0]
            if self._when[account] == at:
                return at
            heappop(self._heap)
        return None

    def take_due(self, now: int) -> list[int]:
        """Return the accounts whose deadline has come, and forget those deadlines."""
        due: list[int] = []
        while (at := self.next()) is not None and at <= now:
            _, _, account = heappop(self._heap)
            self._when[account] = None
            due.append(account)
        return due
