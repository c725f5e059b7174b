"""Time in a rule: clocks, ``time.between``, ``time.every``, and when a condition may change by time alone.

All in UTC. A week begins on Monday. ``time.between`` becomes plain comparisons with ``time.of_day`` or
``time.of_week``, and ``time.every`` one with the time since its period began, so that nothing after the
checker knows more about time than that it is a reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from bot.rules.language.dimension import DURATION
from bot.rules.language.errors import Fault
from bot.rules.language.functions import EVERY_LASTS, EVERY_LONGEST, EVERY_SHORTEST, TIME_CONDITIONS
from bot.rules.language.interpret import value_of
from bot.rules.language.measures import Subject
from bot.rules.language.syntax import ClockSyntax, ReadingSyntax, Syntax
from bot.rules.language.typed import (
    All,
    AnyOf,
    Compare,
    Condition,
    Derived,
    Literal,
    Read,
    ReadingRef,
    Relation,
    Truth,
    Value,
    compares_in,
    is_constant,
    reads_in,
)
from bot.rules.language.wording import duration_text

NS_PER_WEEK: Final = 7 * NS_PER_DAY
MONDAY: Final = 4 * NS_PER_DAY       # the epoch was a Thursday
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

OF_DAY: Final = ReadingRef("time.of_day")
OF_WEEK: Final = ReadingRef("time.of_week")
EVERY: Final = "time.every"

Beat = tuple[int, int]               # (period, phase from Monday 00:00), ns


# Reading time ---------------------------------------------------------------------------------------------


def time_value(ref: ReadingRef, now: int) -> float:
    """Return a reading of time at ``now``: ns since its day, week or period began."""
    return float((now - MONDAY) % _period(ref))


def _period(ref: ReadingRef) -> int:
    if ref == OF_DAY:
        return NS_PER_DAY
    return NS_PER_WEEK if ref == OF_WEEK else int(ref.args[0])


# Checking -------------------------------------------------------------------------------------------------


def is_time_condition(syntax: Syntax) -> bool:
    """True for what is written ``time.between(...)`` or ``time.every(...)``."""
    return isinstance(syntax, ReadingSyntax) and f"{syntax.subject}.{syntax.name}" in TIME_CONDITIONS


def clock_literal(syntax: ClockSyntax) -> Literal:
    """Return a clock as the time since its day began, or since Monday where it names a day."""
    hours, minutes = syntax.clock.split(":")
    of_day = int(hours) * NS_PER_HOUR + int(minutes) * NS_PER_MINUTE
    if syntax.day is None:
        return Literal(float(of_day), DURATION, syntax.clock)
    return Literal(float(DAYS.index(syntax.day) * NS_PER_DAY + of_day), DURATION, f"{syntax.day} {syntax.clock}")


def clock_text(time: float, *, is_of_week: bool) -> str:
    """Return a time since its day, or its week, began as a clock to the second, rounded down: ``fri 20:00:05``."""
    days, of_day = divmod(int(time), NS_PER_DAY)
    minutes, seconds = divmod(of_day // NS_PER_SECOND, 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return f"{DAYS[days % len(DAYS)]} {clock}" if is_of_week else clock


def clock_beside(syntax: ClockSyntax, other: Value) -> Literal:
    """Return the clock that ``other`` is compared with; raises Fault where that is not its day or week."""
    wanted = OF_DAY if syntax.day is None else OF_WEEK
    if not isinstance(other, Read) or other.ref != wanted:
        raise Fault(syntax.offset, f"time: {clock_literal(syntax).text} can be compared with {wanted} only; "
                                   "a length of time is written 90m or 8h")
    return clock_literal(syntax)


def stray_clock_fault(syntax: ClockSyntax) -> Fault:
    """Return the fault for a clock that nothing is compared with."""
    return Fault(syntax.offset, f"time: {clock_literal(syntax).text} stands in time.between(from, to), or beside "
                                "time.of_day or time.of_week; a length of time is written 90m or 8h")


def every_of(syntax: ReadingSyntax, arguments: Sequence[Value]) -> Read:
    """Return the time since a period began: what ``time.every`` is true by."""
    period = arguments[0] if len(arguments) == 1 else None
    if not isinstance(period, Literal) or period.dimension != DURATION:
        raise Fault(syntax.offset, "time.every: wants one duration; write for example time.every(8h)")
    if not EVERY_SHORTEST <= period.value <= EVERY_LONGEST:
        raise Fault(syntax.offset, f"time.every: its period is from {duration_text(EVERY_SHORTEST)} to "
                                   f"{duration_text(EVERY_LONGEST)}, was {period.text}; choose one between")
    derived = Derived(f"{EVERY}({period.text})", Subject.TIME, DURATION.unit)
    return Read(ReadingRef(EVERY, (int(period.value),), None, derived), DURATION)


def every_condition(read: Read) -> Truth:
    """Return the condition that is true for the first minute of a period."""
    return Compare(Relation.BELOW, read, Literal(float(EVERY_LASTS), DURATION, duration_text(EVERY_LASTS)))


def between_of(syntax: ReadingSyntax) -> tuple[Read, Truth]:
    """Return what ``time.between`` reads, and its condition; it passes midnight where ``from`` is later."""
    clocks = [argument for argument in syntax.arguments or () if isinstance(argument, ClockSyntax)]
    if len(clocks) != 2 or len(syntax.arguments or ()) != 2 or (clocks[0].day is None) != (clocks[1].day is None):
        raise Fault(syntax.offset, "time.between: wants two times of day, or two of the week; write for example "
                                   "time.between(09:30, 16:00) or time.between(fri 20:00, mon 06:00)")
    begins, ends = (clock_literal(clock) for clock in clocks)
    if begins.value == ends.value:
        raise Fault(clocks[1].offset, f"time.between: begins when it ends, was {begins.text} and {ends.text}; "
                                      "write two different times")
    read = Read(OF_DAY if clocks[0].day is None else OF_WEEK, DURATION)
    parts = (Compare(Relation.AT_LEAST, read, begins), Compare(Relation.BELOW, read, ends))
    return read, All(parts) if begins.value < ends.value else AnyOf(parts)


# When time alone may change a condition -------------------------------------------------------------------


def beats_of(condition: Condition) -> tuple[Beat, ...]:
    """Return every (period, phase) at which the condition may change although no reading of a market does.

    A comparison of time with a constant changes where the constant lies; one with anything else is looked
    at every minute.
    """
    found: dict[Beat, None] = {}
    for compare in compares_in(condition.root):
        found.update(dict.fromkeys(_beats(compare)))
    return tuple(found)


def next_moment(beats: Sequence[Beat], now: int) -> int | None:
    """Return the first moment after ``now`` that is on one of the beats, or None without any."""
    return min((now + period - (now - MONDAY - phase) % period for period, phase in beats), default=None)


def _beats(compare: Compare) -> Iterator[Beat]:
    sides = (compare.left, compare.right)
    if not any(read.ref.subject is Subject.TIME for side in sides for read in reads_in(side)):
        return
    time, limit = sides if isinstance(compare.left, Read) else (compare.right, compare.left)
    at = value_of(limit, lambda _: None) if is_constant(limit) else None
    if not isinstance(time, Read) or at is None:
        yield NS_PER_MINUTE, 0
        return
    period = _period(time.ref)
    yield period, 0
    if 0.0 <= at < period:
        yield period, int(at)
        yield period, int(at) + 1        # `>` becomes true just after its limit, `==` false
