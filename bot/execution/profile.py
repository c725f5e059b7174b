"""The volume that a day usually brings, minute by minute, and the curve that a sale takes from it.

A vwap sells where others trade. What they will trade is not known; what they traded at the same minutes of earlier
days is, and how busy today has been so far. The shape is worked out once, when a duty begins, and kept in it: what
happens later cannot bend a curve backwards, and a restart finds the same one.

    expected(minute ahead) = usual(minute of day) * (1 + (busy - 1) * 2^(-ahead / SHOCK_HALF_LIFE))

Source of the decay: Bialkowski, Darolles, Le Fol (2008), "Improving VWAP strategies: a dynamic volume approach",
where today's deviation from the usual day is autoregressive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.domain.scale import NS_PER_MINUTE

MINUTES_PER_DAY = 24 * 60
DAYS_MIN = 5                         # fewer say more of their own news than of the usual day
SPAN_MIN = 30 * NS_PER_MINUTE        # in less, the shape of a day is a straight line
PARTS_MAX = 96                       # of a curve; between them it is straight. A quarter of an hour of a day
SHOCK_HALF_LIFE = 60                 # minutes; a calibrated one comes with ``calibrate``
BUSY_MIN, BUSY_MAX = 0.25, 4.0       # one print, or one silent half hour, must not move the whole sale
BUSY_SPAN = 30 * NS_PER_MINUTE       # how far back today is compared with other days
PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class VolumeProfile:
    """Quantities traded in each minute of the day (UTC), added over ``days`` whole days."""

    days: int
    minutes: tuple[int, ...]

    def usual(self, start: int, end: int) -> float:
        """Return what one day usually brings from ``start`` to ``end``, ns; the minute at each end counts in part."""
        total = 0.0
        at = start
        while at < end:
            minute = at // NS_PER_MINUTE
            until = min(end, (minute + 1) * NS_PER_MINUTE)
            total += self.minutes[minute % MINUTES_PER_DAY] * ((until - at) / NS_PER_MINUTE)
            at = until
        return total / self.days


def busyness(profile: VolumeProfile, *, traded: int, now: int) -> float:
    """Return today's volume of the last ``BUSY_SPAN`` over what the same time of other days brought, bounded."""
    usual = profile.usual(now - BUSY_SPAN, now)
    if usual <= 0:
        return 1.0
    return min(max(traded / usual, BUSY_MIN), BUSY_MAX)


def curve_shape(profile: VolumeProfile, *, start: int, deadline: int, busy: float) -> tuple[int, ...] | None:
    """Return the share due by the end of each of equal parts of the time, ppm, rising to 1,000,000.

    Rounded down; None where no volume at all is expected. ``busy`` is today's volume over the usual.
    """
    parts = min(PARTS_MAX, max(1, (deadline - start) // NS_PER_MINUTE))
    ends = [start + (deadline - start) * part // parts for part in range(parts + 1)]
    running = 0.0
    cumulative = []
    for begin, end in pairwise(ends):
        ahead = ((begin + end) / 2 - start) / NS_PER_MINUTE
        running += profile.usual(begin, end) * (1 + (busy - 1) * 0.5 ** (ahead / SHOCK_HALF_LIFE))
        cumulative.append(running)
    if running <= 0:
        return None
    return (*(int(PPM * value / running) for value in cumulative[:-1]), PPM)


def share_at(shape: Sequence[int], *, passed: int, slices: int) -> int:
    """Return the share due, ppm, after ``passed`` of ``slices``: straight between the points of the shape."""
    part, rest = divmod(min(passed, slices) * len(shape), slices)
    before = shape[part - 1] if part else 0
    return before if rest == 0 else before + (shape[part] - before) * rest // slices


def why_no_shape(profile: VolumeProfile | None, span: int) -> str | None:
    """Return why a vwap over ``span`` ns must go in a straight line, or None when it need not."""
    if span < SPAN_MIN:
        return f"vwap in less than {SPAN_MIN // NS_PER_MINUTE} minutes goes as twap"
    if profile is None:
        return "vwap without a volume history goes in a straight line"
    if profile.days < DAYS_MIN:
        return f"vwap needs {DAYS_MIN} days of volume, was {profile.days}; it goes in a straight line"
    return None
