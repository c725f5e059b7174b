"""A tape in the server's time: its first fact happens when the server starts, the others at its own distances / pace.

Everything that has a time in it moves along, so that clients, funding and listen keys live by one clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from bot.domain.market import Candle, CandlePoint, FundingRate, MarketFact, MarkPrice


@dataclass(frozen=True, slots=True)
class TapeTime:
    """``began`` on the tape is ``starts`` here; ``pace`` market seconds pass in one of ours."""

    began: int
    starts: int
    pace: float

    def here(self, at: int) -> int:
        """Return the server's time of a moment on the tape."""
        return self.starts + self.span(at - self.began)

    def span(self, length: int) -> int:
        """Return how long a stretch of the tape takes here."""
        return length if self.pace == 1.0 else round(length / self.pace)

    def moved(self, fact: MarketFact | Candle) -> MarketFact | Candle:
        """Return a fact as it happens here."""
        if isinstance(fact, Candle):
            return msgspec.structs.replace(fact, opened=self.here(fact.opened), span=self.span(fact.span))
        now = self.here(fact.now)
        stamp = now - self.span(fact.now - fact.stamp)
        if isinstance(fact, FundingRate):
            return msgspec.structs.replace(fact, now=now, stamp=stamp, next_at=self.here(fact.next_at))
        if isinstance(fact, CandlePoint | MarkPrice):
            return msgspec.structs.replace(fact, now=now, stamp=stamp, span=self.span(fact.span))
        return msgspec.structs.replace(fact, now=now, stamp=stamp)


def played(tape: Iterable[MarketFact | Candle], *, starts: int, pace: float) -> Iterator[MarketFact | Candle]:
    """Yield the tape's facts with their times here."""
    time: TapeTime | None = None
    for fact in tape:
        if time is None:
            time = TapeTime(fact.now, starts, pace)
        yield time.moved(fact)
