"""How a bar is lived through, and how several streams become one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.tapes.candles import read_candles
from bot.adapters.tapes.merge import merge
from bot.adapters.tapes.walk import walk, walk_all
from bot.domain.market import Candle, CandlePoint, MarketEvent, MarkPrice
from tests.adapters.tape_files import MINUTE_NS, START_NS, candle_lines, instrument, write

BAR = Candle(START_NS, MINUTE_NS, 3, 10_000, 10_300, 9_900, 10_200, 5_500)


@pytest.mark.parametrize(
    ("held_sign", "prices"),
    [
        (1, [10_000, 9_900, 10_300, 10_200]),
        (0, [10_000, 9_900, 10_300, 10_200]),
        (-1, [10_000, 10_300, 9_900, 10_200]),
    ],
)
def test_walk_goes_to_the_adverse_extreme_first(held_sign: int, prices: list[int]) -> None:
    """A long meets the low first, a short the high; who holds nothing sees the low first."""
    assert [point.price for point in walk(BAR, held_sign)] == prices


def test_walk_stamps_are_thirds_and_the_last_nanosecond() -> None:
    """0 s, 20 s, 40 s and 59.999999999 s of a minute; the volume comes with the close alone."""
    points = walk(BAR, 1)
    assert [point.now - START_NS for point in points] == [0, 20 * 10**9, 40 * 10**9, 60 * 10**9 - 1]
    assert all(point.stamp == point.now and point.instrument == 3 for point in points)
    assert [point.volume for point in points] == [0, 0, 0, 5_500]


def test_walk_of_a_span_that_three_does_not_divide_rounds_down() -> None:
    """Ten nanoseconds: 0, 3, 6, 9."""
    bar = Candle(100, 10, 0, 5, 6, 4, 5, 1)
    assert [point.now for point in walk(bar, 0)] == [100, 103, 106, 109]


def test_walk_all_of_five_bars_is_the_hand_written_path(tmp_path: Path) -> None:
    """Five bars, long in the first two, short in the third, then flat: twenty points by hand."""
    signs = iter([1, 1, -1, 0, 0])
    candles = read_candles(write(tmp_path / "t.csv", candle_lines()), instrument())
    points = list(walk_all(candles, lambda _: next(signs)))
    assert [point.price for point in points] == [
        10_000, 9_900, 10_300, 10_200,
        10_200, 9_800, 10_250, 9_850,
        9_850, 9_900, 8_000, 9_700,
        9_700, 9_700, 9_700, 9_700,
        9_700, 9_100, 9_750, 9_200,
    ]  # fmt: skip
    third = [0, 20 * 10**9, 40 * 10**9, MINUTE_NS - 1]
    assert [point.now for point in points] == [START_NS + n * MINUTE_NS + t for n in range(5) for t in third]


def test_walk_all_in_a_merge_asks_for_the_sign_only_after_the_open_was_consumed() -> None:
    """A position opened at the bar's open decides the bar's path, even with another stream beside."""
    held = [0]
    other = (MarkPrice(START_NS + n * 10**9, 0, 0, 1) for n in range(1, 60))
    prices = []
    for point in merge([walk_all([BAR], lambda _: held[0]), other]):
        if isinstance(point, CandlePoint):
            held[0] = -1
            prices.append(point.price)
    assert prices == [10_000, 10_300, 9_900, 10_200]


def _marks(times: list[int], stream: int) -> Iterator[MarketEvent]:
    return (MarkPrice(now, now, stream, position) for position, now in enumerate(times))


def _trace(streams: list[list[int]]) -> list[tuple[int, int, int]]:
    merged = merge([_marks(times, stream) for stream, times in enumerate(streams)])
    return [(event.now, event.instrument, event.price) for event in merged if isinstance(event, MarkPrice)]


@pytest.mark.parametrize(
    "streams",
    [
        [],
        [[]],
        [[], []],
        [[1, 2, 3]],
        [[1, 2, 3], []],
        [[], [1, 2, 3]],
        [[1, 3, 5], [2, 4, 6]],
        [[1, 1, 2], [1, 1, 2], [1, 2, 2]],
        [[3], [1, 3]],
        [[5], [4], [3], [2], [1]],
        [[1, 1, 1, 9, 9], [1, 9], [0, 9, 10]],
    ],
)
def test_merge_is_a_stable_sort_by_time(streams: list[list[int]]) -> None:
    """In time order; at equal times in the order of the streams, and within one in its own order."""
    expected = sorted(
        ((now, stream, position) for stream, times in enumerate(streams) for position, now in enumerate(times)),
        key=lambda entry: (entry[0], entry[1]),
    )
    assert _trace(streams) == expected


def test_merge_of_one_stream_is_the_stream_itself() -> None:
    """A single tape pays nothing for the merge."""
    stream = _marks([2, 1], 0)
    assert merge([stream]) is stream


def test_merge_takes_from_endless_streams_one_event_at_a_time() -> None:
    """No stream is read ahead by more than one event."""
    taken = [0, 0]

    def endless(stream: int) -> Iterator[MarketEvent]:
        while True:
            taken[stream] += 1
            yield MarkPrice(taken[stream] * (stream + 1), 0, stream, 0)

    merged = merge([endless(0), endless(1)])
    assert [next(merged).now for _ in range(6)] == [1, 2, 2, 3, 4, 4]
    assert taken[0] <= 5
    assert taken[1] <= 3
