"""The volume profile and the curves of a vwap: where others usually trade, never bent backwards, whole at the end."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.obligation import Obligation
from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from bot.execution.curves import due
from bot.execution.profile import (
    BUSY_MAX,
    BUSY_MIN,
    BUSY_SPAN,
    MINUTES_PER_DAY,
    PARTS_MAX,
    PPM,
    VolumeProfile,
    busyness,
    curve_shape,
    share_at,
    why_no_shape,
)

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
DAY = 18_333 * NS_PER_DAY
HOUR = 60 * NS_PER_MINUTE


def profile(volume_of_hour: dict[int, int], *, days: int = 5, usual: int = 10) -> VolumeProfile:
    """Five equal days; the minutes of some hours bring more or less than usual."""
    minutes = tuple(days * volume_of_hour.get(minute // 60, usual) for minute in range(MINUTES_PER_DAY))
    return VolumeProfile(days, minutes)


def duty(shape: tuple[int, ...] | None, *, over: int, quantity: int = 1_000_000, start: int = DAY) -> Obligation:
    return Obligation(
        episode=1, rule="r", quantity=quantity, base=0, start=start, deadline=start + over, interval=over // 60,
        algo="vwap", tactic="taker", order_class=OrderClass.COST, collar=None, participation_max=None, shape=shape,
    )


# Volumes by hand ------------------------------------------------------------------------------------------


def test_usual_volume_over_an_hour_is_what_one_day_brings() -> None:
    """Ten a minute are 600 an hour, half a minute brings five, and midnight is no border."""
    even = profile({})
    assert even.usual(DAY, DAY + HOUR) == 600
    assert even.usual(DAY, DAY + 30 * NS_PER_SECOND) == 5
    late = profile({23: 40})
    assert late.usual(DAY - HOUR, DAY + HOUR) == 40 * 60 + 600


def test_shape_over_a_busy_and_a_quiet_hour_is_three_quarters_and_one() -> None:
    """30 a minute, then 10: of two hours three quarters of the volume comes in the first."""
    shape = curve_shape(profile({9: 30, 10: 10}), start=DAY + 9 * HOUR, deadline=DAY + 11 * HOUR, busy=1.0)
    assert shape is not None
    assert len(shape) == PARTS_MAX
    assert share_at(shape, passed=1, slices=2) == 750_000
    assert share_at(shape, passed=1, slices=4) == 375_000
    assert share_at(shape, passed=3, slices=4) == 875_000


def test_shape_of_an_even_day_is_a_straight_line() -> None:
    """Where every minute brings the same, a vwap is a twap."""
    shape = curve_shape(profile({}), start=DAY, deadline=DAY + HOUR, busy=1.0)
    assert shape == tuple(PPM * part // 60 for part in range(1, 61))


def test_shape_without_any_volume_is_none() -> None:
    """Nobody trades at that time of day: no shape, rather than a division by zero."""
    assert curve_shape(profile({9: 0}), start=DAY + 9 * HOUR, deadline=DAY + 10 * HOUR, busy=1.0) is None


def test_shape_of_a_busy_day_sells_earlier_and_of_a_quiet_one_later() -> None:
    """A day that brings more than usual does so now rather than later: the excess halves every hour."""
    def half(busy: float) -> int:
        shape = curve_shape(profile({}), start=DAY, deadline=DAY + 4 * HOUR, busy=busy)
        assert shape is not None
        return share_at(shape, passed=1, slices=2)

    assert half(0.5) < half(1.0) == 500_000 < half(2.0)
    # by hand, continuous: 1 + e^(-kt), k = ln 2 / 60: (120 + (1 - 1/4) / k) / (240 + (1 - 1/16) / k)
    assert half(2.0) == pytest.approx(1e6 * (120 + 0.75 / 0.0115525) / (240 + 0.9375 / 0.0115525), rel=1e-4)


@pytest.mark.parametrize(
    ("traded", "busy"), [(300, 1.0), (600, 2.0), (0, BUSY_MIN), (74, BUSY_MIN), (76, 76 / 300), (10**6, BUSY_MAX)]
)
def test_busyness_is_todays_volume_over_the_usual_and_bounded(traded: int, busy: float) -> None:
    """300 are usual in half an hour; one print or one silence does not move a whole sale."""
    assert busyness(profile({}), traded=traded, now=DAY + BUSY_SPAN) == pytest.approx(busy)


def test_busyness_where_nothing_is_usual_is_one() -> None:
    """Nothing to compare with."""
    assert busyness(profile({0: 0}), traded=5, now=DAY + BUSY_SPAN) == 1.0


@pytest.mark.parametrize(
    ("days", "minutes", "word"),
    [(5, 30, None), (5, 29, "30 minutes"), (4, 30, "was 4"), (None, 600, "without a volume history"), (28, 600, None)],
)
def test_vwap_says_why_it_goes_in_a_straight_line(days: int | None, minutes: int, word: str | None) -> None:
    """Under 30 minutes, under 5 days, or without history: linear, and the reason is told."""
    known = None if days is None else profile({}, days=days)
    why = why_no_shape(known, minutes * NS_PER_MINUTE)
    assert why is None if word is None else word in (why or "")


# Always ---------------------------------------------------------------------------------------------------

VOLUMES = st.lists(st.integers(0, 10**9), min_size=24, max_size=24)


@PROPERTY
@given(volumes=VOLUMES, start=st.integers(0, NS_PER_DAY), minutes=st.integers(1, 3 * MINUTES_PER_DAY),
       busy=st.floats(BUSY_MIN, BUSY_MAX))
def test_shape_always_rises_to_everything(volumes: list[int], start: int, minutes: int, busy: float) -> None:
    """Cumulative, never falling, whole at the end, whatever the history was."""
    known = profile(dict(enumerate(volumes)))
    shape = curve_shape(known, start=start, deadline=start + minutes * NS_PER_MINUTE, busy=busy)
    if shape is None:
        return
    assert list(shape) == sorted(shape)
    assert shape[-1] == PPM
    assert shape[0] >= 0


@PROPERTY
@given(volumes=VOLUMES, quantity=st.integers(0, 10**12), data=st.data())
def test_due_along_a_shape_never_falls_and_ends_whole(volumes: list[int], quantity: int, data: st.DataObject) -> None:
    """The same promises as of a straight line: nothing before, everything at the deadline, never less than before."""
    over = 90 * NS_PER_MINUTE
    shape = curve_shape(profile(dict(enumerate(volumes))), start=DAY, deadline=DAY + over, busy=1.0)
    along = duty(shape, over=over, quantity=quantity)
    early, late = sorted(data.draw(st.tuples(*[st.integers(DAY - 10, DAY + over + 10)] * 2)))
    assert 0 <= due(along, "pen000sn000001", early) <= due(along, "pen000sn000001", late) <= quantity
    assert due(along, "pen000sn000001", DAY - 1) == 0
    assert due(along, "pen000sn000001", DAY + over) == quantity


@PROPERTY
@given(shape=st.lists(st.integers(0, PPM), min_size=1, max_size=20), slices=st.integers(1, 500), data=st.data())
def test_share_lies_on_the_line_between_the_points(shape: list[int], slices: int, data: st.DataObject) -> None:
    """Exact fractions say the same, to the unit that is rounded away."""
    points = (*sorted(shape)[:-1], PPM)
    passed = data.draw(st.integers(0, slices))
    at = Fraction(passed * len(points), slices)
    part = int(at)
    before = points[part - 1] if part else 0
    exact = Fraction(before) if part == len(points) else before + (points[part] - before) * (at - part)
    assert 0 <= exact - share_at(points, passed=passed, slices=slices) < 1
