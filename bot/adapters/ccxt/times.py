"""The venue's time beside ours: the daemon's clock, and how far the venue is ahead of it.

Stamps of the venue say how old its prices are, by a clock that need not be ours. Which way ours is wrong decides what
is believed. Behind, it makes everything look new: what the venue is ahead is taken off every stamp, always. Ahead, it
makes everything look old, and nothing would be decided any more: that is excused, but only by an offset that

    was measured a minute ago at most, by a question that was quick
    is what it was when the process began: our clock does not step, so a later change is the venue's own doing
    no price contradicts: one that would be from the future says that the offset is wrong, for a minute
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from bot.adapters.ccxt.clock import ALARM_OFFSET, QUESTIONS, Offset, Stamps, offset_of
from bot.domain.scale import NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND

VALID = 1 * NS_PER_MINUTE            # ns; it is asked every 5 s
QUICK = 1 * NS_PER_SECOND            # ns of a round trip: a fifth of the least that is stale may be wrong by half of it
DRIFT = 1_000                        # 1 in so many: twice what a clock that is being set slowly may run fast


class VenueTime:
    """Keeps the last few questions about the venue's time, and what they amount to. ``now`` is our clock, ns UTC."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.offset: Offset | None = None
        self._questions: deque[Stamps] = deque(maxlen=QUESTIONS)
        self._learned = 0
        self._first: tuple[int, Offset] | None = None        # when, and what it was when enough had been asked
        self._contradicted: int | None = None                # when a price last was from the future by it

    def learn(self, stamps: Stamps) -> Offset | None:
        """Take one question into account; return the offset as it is known then."""
        self._questions.append(stamps)
        self.offset = offset_of(self._questions)
        self._learned = stamps.heard
        if self._first is None and self.offset is not None and len(self._questions) == QUESTIONS:
            self._first = stamps.heard, self.offset
        return self.offset

    @property
    def ahead(self) -> int:
        """How far the venue's clock is ahead of ours, ns; 0 until it is known."""
        return 0 if self.offset is None else self.offset.ahead

    @property
    def error(self) -> int:
        """By how much that may be wrong, ns: half a round trip, and the millisecond to which the venue tells time."""
        return 0 if self.offset is None else self.offset.round_trip // 2 + NS_PER_MS

    def venue_now(self) -> int:
        """Return the venue's time, ns UTC, as far as we know."""
        return self.now() + self.ahead

    def ours(self, stamp: int) -> int:
        """Return when the venue's ``stamp`` was by our clock, ns; the earlier of two answers where there are two."""
        offset = self.offset
        if offset is None or not offset.is_alarming:
            return stamp
        if offset.ahead > 0:
            return stamp - offset.ahead
        now = self.now()
        excused = stamp - offset.ahead - self.error
        if excused > now + ALARM_OFFSET:
            self._contradicted = now
        return excused if self._excuses(offset, now) else stamp

    def _excuses(self, offset: Offset, now: int) -> bool:
        """True while an offset may make something younger than its stamp says."""
        if self._first is None or now - self._learned > VALID or offset.round_trip > QUICK:
            return False
        if self._contradicted is not None and now - self._contradicted <= VALID:
            return False
        began, first = self._first
        return abs(offset.ahead - first.ahead) <= ALARM_OFFSET + (now - began) // DRIFT
