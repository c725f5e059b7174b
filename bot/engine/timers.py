"""All waits of the engine as deadlines in one heap.

What waits is an account: when woken it looks at all it has open, and sets the next deadline from what it
finds. A deadline therefore never has to be taken back.
"""

from __future__ import annotations

from heapq import heappop, heappush


class Timers:
    """The earliest deadline of each waiter; ``next_at`` is the earliest of all, or None.

    Ties are served in the order in which they were set.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int]] = []
        self._when: list[int | None] = []
        self._count = 0
        self.next_at: int | None = None

    def set(self, account: int, at: int) -> None:
        """Wake ``account`` no later than ``at``; an earlier wake that is already set stays."""
        while len(self._when) <= account:
            self._when.append(None)
        known = self._when[account]
        if known is None or at < known:
            self._when[account] = at
            self._count += 1
            heappush(self._heap, (at, self._count, account))
            if self.next_at is None or at < self.next_at:
                self.next_at = at

    def take_due(self, now: int) -> list[int]:
        """Return the accounts whose deadline has come, and forget those deadlines."""
        due: list[int] = []
        heap, when = self._heap, self._when
        while heap and (heap[0][0] <= now or when[heap[0][2]] != heap[0][0]):
            at, _, account = heappop(heap)
            if when[account] == at:          # else it was set earlier since, and that one served
                when[account] = None
                due.append(account)
        self.next_at = heap[0][0] if heap else None
        return due
