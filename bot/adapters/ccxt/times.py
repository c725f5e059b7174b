"""The venue's time beside ours: the daemon's clock, and how far the venue is ahead of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from bot.adapters.ccxt.clock import QUESTIONS, Offset, Stamps, offset_of
from bot.domain.scale import NS_PER_MS


class VenueTime:
    """Keeps the last few questions about the venue's time, and what they amount to. ``now`` is our clock, ns UTC."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.offset: Offset | None = None
        self._questions: deque[Stamps] = deque(maxlen=QUESTIONS)

    def learn(self, stamps: Stamps) -> Offset | None:
        """Take one question into account; return the offset as it is known then."""
        self._questions.append(stamps)
        self.offset = offset_of(self._questions)
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
