"""Fewer points for the same picture: every dip and peak of a line stays."""

from __future__ import annotations

from collections.abc import Sequence

POINTS_MAX = 1500                    # twice the pixels of a chart's width; more cannot be seen
_POINTS_PER_BUCKET = 3               # the lowest, the highest, and where the line breaks


def kept_places(
    line: Sequence[float | None], points_max: int = POINTS_MAX, focus: tuple[int, int] | None = None
) -> list[int]:
    """Return ascending indexes into ``line``, at most ``points_max``, that keep its extremes, ends and gaps.

    The line is cut into buckets of equal count; of each bucket stay the first lowest, the first highest
    and the first missing point. ``focus``, from one index up to another, is a part looked at closely: it
    gets half of the points.
    """
    size = len(line)
    if size <= points_max:
        return list(range(size))
    buckets = max(1, (points_max - 2) // _POINTS_PER_BUCKET)
    kept = [0, size - 1]
    if focus is None:
        kept += _bucketed(line, 0, size, buckets)
    else:
        start, end = focus
        outside = size - (end - start)
        before = buckets // 2 * start // outside if outside else 0
        kept += _bucketed(line, 0, start, before)
        kept += _bucketed(line, start, end, buckets - buckets // 2)
        kept += _bucketed(line, end, size, buckets // 2 - before)
    return sorted(dict.fromkeys(kept))


def _bucketed(line: Sequence[float | None], start: int, end: int, buckets: int) -> list[int]:
    size = end - start
    kept: list[int] = []
    for bucket in range(buckets):
        kept += _extremes(line, start + bucket * size // buckets, start + (bucket + 1) * size // buckets)
    return kept


def _extremes(line: Sequence[float | None], start: int, end: int) -> list[int]:
    lowest = highest = gap = None
    low, high = float("inf"), float("-inf")
    for place in range(start, end):
        value = line[place]
        if value is None:
            gap = place if gap is None else gap
            continue
        if value < low:
            low, lowest = value, place
        if value > high:
            high, highest = value, place
    return [place for place in (lowest, highest, gap) if place is not None]
