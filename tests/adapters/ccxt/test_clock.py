"""The venue's clock against ours, measured over ways of any length."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.clock import ALARM_OFFSET, QUESTIONS, Offset, Stamps, measure, offset_of
from bot.domain.scale import NS_PER_HOUR, NS_PER_MS

WAYS = st.integers(0, 3_000 * NS_PER_MS)


@given(
    ahead=st.integers(-2 * NS_PER_HOUR, 2 * NS_PER_HOUR),
    ways=st.lists(st.tuples(WAYS, WAYS, st.integers(0, 50 * NS_PER_MS)), min_size=1, max_size=6),
)
@settings(derandomize=True, deadline=None, max_examples=200)
def test_offset_is_right_to_within_half_the_shortest_round_trip(ahead: int, ways: list[tuple[int, int, int]]) -> None:
    """However unequal the ways there and back are, the bound holds, and the quickest question counts."""
    questions, now = [], 10 * NS_PER_HOUR
    for there, back, thinking in ways:
        arrived = now + there
        questions.append(Stamps(now, arrived + ahead, arrived + thinking + ahead, arrived + thinking + back))
        now += NS_PER_HOUR
    found = offset_of(questions)
    assert found is not None
    assert found.round_trip == min(there + back for there, back, _ in ways)
    assert abs(found.ahead - ahead) <= found.round_trip // 2 + 1


def test_offset_of_a_clock_that_jumped_meanwhile_is_none() -> None:
    """A round trip of less than nothing is no measurement."""
    assert offset_of([]) is None
    assert offset_of([Stamps(100, 0, 0, 50)]) is None
    assert offset_of([Stamps(100, 0, 200, 150)]) is None


@pytest.mark.parametrize(
    ("ahead", "round_trip", "alarming"),
    [
        (ALARM_OFFSET, 0, False), (ALARM_OFFSET + 1, 0, True), (-ALARM_OFFSET - 1, 0, True),
        (ALARM_OFFSET + 5, 10, False), (ALARM_OFFSET + 6, 10, True), (0, 10 * ALARM_OFFSET, False),
    ],
)
def test_offset_alarms_only_beyond_what_the_way_explains(ahead: int, round_trip: int, alarming: bool) -> None:
    """A slow network is not a wrong clock: the limit counts what no delay can explain."""
    assert Offset(ahead, round_trip).is_alarming is alarming


def test_measure_asks_a_few_times_and_takes_the_quickest() -> None:
    """Five questions over ways of different length."""
    async def run() -> tuple[Offset | None, int]:
        clock, asked = 0, 0
        delays = [80, 10, 200, 40, 90]

        def now() -> int:
            return clock

        async def ask() -> int:
            nonlocal clock, asked
            half = delays[asked] * NS_PER_MS // 2
            asked += 1
            clock += half
            told = clock + 300 * NS_PER_MS
            clock += half
            return told

        return await measure(ask, now), asked

    found, asked = asyncio.run(run())
    assert asked == QUESTIONS
    assert found == Offset(300 * NS_PER_MS, 10 * NS_PER_MS)
    assert found.is_alarming
