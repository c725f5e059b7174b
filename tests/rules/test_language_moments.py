"""Time in rules: clocks against the calendar, and the moments at which time alone changes a condition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from bot.rules.language.interpret import interpret
from bot.rules.language.measures import Subject
from bot.rules.language.moments import OF_DAY, OF_WEEK, beats_of, next_moment, time_value
from bot.rules.language.typed import Condition, ReadingRef
from tests.rules.language_builders import condition

MONDAY = 1_583_712_000 * NS_PER_SECOND       # 2020-03-09 00:00 UTC
WEEK = 7 * NS_PER_DAY
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def truth_at(each: Condition, now: int) -> bool | None:
    """What the condition says at ``now``, with 30 minutes for every reading that is not of time."""

    def lookup(ref: ReadingRef) -> float | None:
        return time_value(ref, now) if ref.subject is Subject.TIME else 30.0 * NS_PER_MINUTE

    return interpret(each, lookup)


def test_time_readings_follow_the_calendar() -> None:
    """Python's own calendar knows the day of the week and the time of day."""
    random = Random(1)
    for _ in range(500):
        seconds = random.randrange(4_000_000_000)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        of_day = moment.hour * 3_600 + moment.minute * 60 + moment.second
        now = seconds * NS_PER_SECOND
        assert time_value(OF_DAY, now) == of_day * NS_PER_SECOND
        assert time_value(OF_WEEK, now) == (moment.weekday() * 86_400 + of_day) * NS_PER_SECOND


@pytest.mark.parametrize(
    ("text", "day", "clock", "expected"),
    [
        ("time.between(09:30, 16:00)", 0, "09:29:59", False),
        ("time.between(09:30, 16:00)", 0, "09:30:00", True),
        ("time.between(09:30, 16:00)", 6, "15:59:59", True),
        ("time.between(09:30, 16:00)", 6, "16:00:00", False),
        ("time.between(22:00, 06:00)", 2, "21:59:59", False),
        ("time.between(22:00, 06:00)", 2, "22:00:00", True),
        ("time.between(22:00, 06:00)", 3, "05:59:59", True),
        ("time.between(22:00, 06:00)", 3, "06:00:00", False),
        ("time.between(fri 20:00, mon 06:00)", 4, "19:59:59", False),
        ("time.between(fri 20:00, mon 06:00)", 4, "20:00:00", True),
        ("time.between(fri 20:00, mon 06:00)", 6, "12:00:00", True),
        ("time.between(fri 20:00, mon 06:00)", 0, "05:59:59", True),
        ("time.between(fri 20:00, mon 06:00)", 0, "06:00:00", False),
        ("time.between(tue 00:00, wed 12:00)", 1, "00:00:00", True),
        ("time.between(tue 00:00, wed 12:00)", 2, "12:00:00", False),
        ("time.every(8h)", 0, "08:00:00", True),
        ("time.every(8h)", 0, "08:00:59", True),
        ("time.every(8h)", 0, "08:01:00", False),
        ("time.every(8h)", 5, "15:59:59", False),
        ("time.every(7d)", 0, "00:00:00", True),
        ("time.every(7d)", 3, "00:00:00", False),
        ("time.of_week < tue 00:00", 0, "23:59:59", True),
        ("time.of_week < tue 00:00", 1, "00:00:00", False),
    ],
)
def test_time_condition_at_a_moment(text: str, day: int, clock: str, expected: bool) -> None:
    """From the first time until just before the second; over midnight and over the weekend too."""
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    now = MONDAY + day * NS_PER_DAY + (hours * 3_600 + minutes * 60 + seconds) * NS_PER_SECOND
    assert truth_at(condition(text), now) is expected


def random_time(random: Random) -> str:
    """Any condition on time that a person might write."""
    first, second = (f"{random.randrange(24):02}:{random.randrange(60):02}" for _ in range(2))
    days = random.choice(DAYS), random.choice(DAYS)
    relation = random.choice(("<", "<=", ">", ">=", "==", "!="))
    length = f"{random.randrange(1, 1_500)}m"
    return random.choice((
        f"time.between({first}, {'12:34' if first == second else second})",
        f"time.between({days[0]} {first}, {days[1]} {'12:34' if first == second else second})",
        f"time.every({random.randrange(2, 600)}m)",
        f"time.of_day {relation} {first}",
        f"{days[0]} {first} {relation} time.of_week",
        f"time.of_day {relation} 5h + {length}",
        f"time.every(5h) {relation} {length}",
    ))


def test_next_moment_misses_no_change_of_a_condition_on_time() -> None:
    """From one moment to the next nothing changes: looked at just after, between, and just before."""
    random = Random(2)
    changes = 0
    for _ in range(150):
        each = condition(f"{random_time(random)} {random.choice(('and', 'or'))} not {random_time(random)}")
        beats = beats_of(each)
        now = MONDAY + random.randrange(WEEK)
        for _ in range(40):
            following = next_moment(beats, now)
            assert following is not None and following > now
            inside = {truth_at(each, at) for at in (now, now + random.randrange(following - now), following - 1)}
            assert len(inside) == 1, (each.source.text, now, following)
            changes += truth_at(each, following) not in inside
            now = following
    assert changes > 500


def test_next_moment_of_a_sum_with_time_is_the_next_minute() -> None:
    """What is no plain comparison with a constant is looked at every minute."""
    for text in ("time.of_day - 1h > 30m", "time.of_day > market.age", "2 * time.of_week > 3d"):
        beats = beats_of(condition(text))
        assert next_moment(beats, MONDAY) == MONDAY + NS_PER_MINUTE
        assert next_moment(beats, MONDAY + NS_PER_MINUTE - 1) == MONDAY + NS_PER_MINUTE


def test_next_moment_without_time_is_none() -> None:
    """A rule that does not read time is never woken by it."""
    assert next_moment(beats_of(condition("account.leverage > 3 and position.age > 1h")), MONDAY) is None


def test_next_moment_of_an_hour_counts_from_its_beginning() -> None:
    """At the moment itself the next one is asked for, not the same again."""
    beats = beats_of(condition("time.every(1h)"))
    assert next_moment(beats, MONDAY - 1) == MONDAY
    assert next_moment(beats, MONDAY) == MONDAY + NS_PER_MINUTE
    assert next_moment(beats, MONDAY + NS_PER_MINUTE + 1) == MONDAY + NS_PER_HOUR
