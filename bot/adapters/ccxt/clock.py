"""How far the venue's clock is from ours, from a few questions: the answer of the quickest one counts.

    offset = ((received - sent) + (answered - heard)) / 2        round trip = (heard - sent) - (answered - received)

The error is at most half a round trip, and the quickest question has the smallest. ccxt measures once, and takes the
whole way back for offset; a request stamped wrongly by more than the receive window is refused with -1021, and widening
the window would let late orders in instead.

Source: RFC 5905 (NTP version 4), section 8, with its clock filter reduced to "the least delay wins".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain.scale import NS_PER_MINUTE, NS_PER_MS

QUESTIONS = 5                        # one that met no queue is among five nearly always
ALARM_OFFSET = 250 * NS_PER_MS       # a twentieth of the venue's default receive window of 5 s
MEASURE_EVERY = 5 * NS_PER_MINUTE    # a bad quartz drifts 100 ppm: 30 ms by then


@dataclass(frozen=True, slots=True)
class Stamps:
    """One question: sent and heard by our clock, received and answered by the venue's, ns UTC.

    A venue that tells one time has received and answered at it.
    """

    sent: int
    received: int
    answered: int
    heard: int


@dataclass(frozen=True, slots=True)
class Offset:
    """``ahead`` is the venue's clock less ours, ns; it is right to within half of ``round_trip``."""

    ahead: int
    round_trip: int

    @property
    def is_alarming(self) -> bool:
        """True when even the best case of the measurement is beyond the limit."""
        return abs(self.ahead) - self.round_trip // 2 > ALARM_OFFSET


def offset_of(questions: Sequence[Stamps]) -> Offset | None:
    """Return the offset by the question with the shortest round trip; None without one that makes sense."""
    best: Offset | None = None
    for stamps in questions:
        round_trip = (stamps.heard - stamps.sent) - (stamps.answered - stamps.received)
        if round_trip < 0 or stamps.heard < stamps.sent:
            continue                             # a clock jumped while it was measured
        ahead = ((stamps.received - stamps.sent) + (stamps.answered - stamps.heard)) // 2
        if best is None or round_trip < best.round_trip:
            best = Offset(ahead, round_trip)
    return best


async def measure(ask: Callable[[], Awaitable[int]], now: Callable[[], int]) -> Offset | None:
    """Ask the venue's time (ns UTC) a few times and return the offset; raises what ``ask`` raises."""
    questions = []
    for _ in range(QUESTIONS):
        sent = now()
        told = await ask()
        questions.append(Stamps(sent, told, told, now()))
    return offset_of(questions)
