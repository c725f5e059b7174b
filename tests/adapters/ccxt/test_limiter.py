"""The limiter in virtual time: quotas hold, urgent requests do not wait, and nobody waits for ever."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.limiter import (
    BAN_MIN,
    BINANCE_QUOTAS,
    READS_AT_ONCE,
    SHARES,
    WAITING_MAX,
    Lane,
    Limiter,
    Quota,
    Ticket,
    Unit,
)
from bot.domain.scale import NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND

MINUTE = Quota(Unit.WEIGHT, NS_PER_MINUTE, 100, "x-used")
ORDERS = Quota(Unit.ORDERS, 10 * NS_PER_SECOND, 10, "x-orders")


class Traffic:
    """Lives through requests in virtual time; each is answered ``round_trip`` after it left."""

    def __init__(self, limiter: Limiter, round_trip: int = 50 * NS_PER_MS) -> None:
        self.limiter = limiter
        self.round_trip = round_trip
        self.left: dict[int, int] = {}
        self.late: dict[int, int] = {}
        self._answers: list[tuple[int, int, Ticket]] = []
        self._order = count()
        self.now = 0

    def until(self, moment: int) -> None:
        """Let time pass."""
        for _ in range(100_000):
            self._admit()
            wake = self.limiter.next_at(self.now)
            moments = [at for at in (wake, self._answers[0][0] if self._answers else None) if at is not None]
            if not moments or min(moments) > moment:
                self.now = moment
                self._admit()
                return
            self.now = max(min(moments), self.now)
            while self._answers and self._answers[0][0] <= self.now:
                self.limiter.finish(heappop(self._answers)[2])
        raise AssertionError("time stood still")

    def _admit(self) -> None:
        admission = self.limiter.admit(self.now)
        for ticket in admission.go:
            self.left[ticket.number] = self.now
            heappush(self._answers, (self.now + self.round_trip, next(self._order), ticket))
        for ticket in admission.late:
            self.late[ticket.number] = self.now


def test_limiter_emergency_behind_a_hundred_polls_leaves_at_once() -> None:
    """T8: 100 order books of weight 20 are queued; an emergency order leaves in its own instant, whenever it comes."""
    waits = []
    for arrival_ms in range(0, 60_000, 1_000):
        traffic = Traffic(Limiter(BINANCE_QUOTAS))
        for _ in range(100):
            traffic.limiter.ask(Lane.READ, weight=20)
        traffic.until(arrival_ms * NS_PER_MS)
        ticket = traffic.limiter.ask(Lane.RISK, weight=1, orders=1)
        asked = traffic.now
        traffic.until(asked + 2 * NS_PER_SECOND)
        waits.append(traffic.left[ticket.number] - asked)
    assert sorted(waits)[int(len(waits) * 0.99)] <= NS_PER_SECOND
    assert max(waits) == 0


def test_limiter_emergency_behind_a_flood_of_slices_leaves_at_once() -> None:
    """Slices may fill four fifths of the order quota and no more: the rest is there when the danger comes."""
    traffic = Traffic(Limiter(BINANCE_QUOTAS))
    slices = [traffic.limiter.ask(Lane.SLICE, weight=1, orders=1) for _ in range(400)]
    traffic.until(NS_PER_SECOND)
    risks = [traffic.limiter.ask(Lane.RISK, weight=1, orders=1) for _ in range(60)]
    traffic.until(NS_PER_SECOND)
    assert sum(ticket.number in traffic.left for ticket in slices) == 240
    assert all(traffic.left[ticket.number] == NS_PER_SECOND for ticket in risks)
    extra = traffic.limiter.ask(Lane.RISK, weight=1, orders=1)
    traffic.until(9 * NS_PER_SECOND)
    assert extra.number not in traffic.left                  # the venue would refuse the 301st
    traffic.until(10 * NS_PER_SECOND)
    assert traffic.left[extra.number] == 10 * NS_PER_SECOND


def test_limiter_emergency_after_a_429_leaves_within_a_second_and_reads_wait() -> None:
    """Too many requests: polls stop for as long as the venue asks, the emergency is tried once a second."""
    traffic = Traffic(Limiter(BINANCE_QUOTAS))
    traffic.limiter.refuse(0, is_ban=False, wait=30 * NS_PER_SECOND)
    poll = traffic.limiter.ask(Lane.READ, weight=1)
    risks = [traffic.limiter.ask(Lane.RISK, weight=1, orders=1) for _ in range(3)]
    traffic.until(29 * NS_PER_SECOND)
    assert [traffic.left[ticket.number] // NS_PER_SECOND for ticket in risks] == [1, 2, 3]
    assert poll.number not in traffic.left
    traffic.until(30 * NS_PER_SECOND)
    assert traffic.left[poll.number] == 30 * NS_PER_SECOND


@pytest.mark.parametrize(("wait", "expected"), [(None, BAN_MIN), (5 * NS_PER_SECOND, 5 * NS_PER_SECOND)])
def test_limiter_after_a_418_sends_nothing_until_the_ban_ends(wait: int | None, expected: int) -> None:
    """Requests during a ban make it longer, the urgent ones too."""
    traffic = Traffic(Limiter(BINANCE_QUOTAS))
    traffic.limiter.refuse(0, is_ban=True, wait=wait)
    risk = traffic.limiter.ask(Lane.RISK, weight=1, orders=1)
    traffic.until(expected - 1)
    assert traffic.left == {}
    traffic.until(expected)
    assert traffic.left == {risk.number: expected}


@pytest.mark.parametrize(("until", "goes"), [(NS_PER_MINUTE - 1, False), (NS_PER_MINUTE, True)])
def test_limiter_request_is_late_when_its_time_has_passed(until: int, goes: bool) -> None:
    """An order that waited past its time is told so, one nanosecond after; one that may go at its last instant goes."""
    traffic = Traffic(Limiter([MINUTE]))
    traffic.limiter.ask(Lane.RISK, weight=100)
    traffic.until(0)
    ticket = traffic.limiter.ask(Lane.RISK, weight=1, valid_until=until)
    traffic.until(2 * NS_PER_MINUTE)
    assert (ticket.number in traffic.left) is goes
    assert (ticket.number in traffic.late) is not goes
    if not goes:
        assert traffic.late[ticket.number] == until + 1


def test_limiter_queue_that_is_full_refuses_the_newest() -> None:
    """A flood of polls is told at once that there is no place; those before it keep theirs."""
    traffic = Traffic(Limiter([MINUTE], reads_at_once=0))
    tickets = [traffic.limiter.ask(Lane.READ, weight=1) for _ in range(WAITING_MAX + 1)]
    assert traffic.limiter.waiting == WAITING_MAX
    traffic.until(0)
    assert list(traffic.late) == [tickets[-1].number]


def test_limiter_reads_run_only_so_many_at_once() -> None:
    """The ninth poll leaves when the first is answered; who gave up frees the place as well."""
    limiter = Limiter(BINANCE_QUOTAS)
    tickets = [limiter.ask(Lane.READ, weight=1) for _ in range(READS_AT_ONCE + 2)]
    assert len(limiter.admit(0).go) == READS_AT_ONCE
    assert limiter.next_at(0) is None
    limiter.finish(tickets[0])
    assert [ticket.number for ticket in limiter.admit(1).go] == [tickets[READS_AT_ONCE].number]
    limiter.withdraw(tickets[1])
    limiter.withdraw(tickets[-1])
    assert limiter.admit(2).go == ()


@pytest.mark.parametrize(("used", "reads", "risks"), [
    ("58", True, True), ("59", False, True), ("99", False, True), ("100", False, False),
])
def test_limiter_counts_what_the_venue_says_is_used(used: str, reads: bool, risks: bool) -> None:
    """Another program on the address uses up the quota: the venue's count holds until its minute ends."""
    limiter = Limiter([MINUTE])
    wall = 1_700_000_000 * NS_PER_SECOND + 20 * NS_PER_SECOND        # 20 s before that minute ends
    limiter.hear(0, {"x-used": used, "x-orders": "nonsense"}, wall)
    read, risk = limiter.ask(Lane.READ, weight=1), limiter.ask(Lane.RISK, weight=1)
    gone = {ticket.number for ticket in limiter.admit(0).go}
    assert (read.number in gone, risk.number in gone) == (reads, risks)
    end = limiter.next_at(0)
    assert end == (None if reads else NS_PER_MINUTE - wall % NS_PER_MINUTE)
    if end is not None:
        limiter.admit(end)
        assert limiter.waiting == 0


def test_limiter_header_of_the_minute_before_does_not_count_twice() -> None:
    """An answer that comes just after the minute turned names the old count, which we hold ourselves: not added up."""
    limiter = Limiter([MINUTE])
    limiter.ask(Lane.RISK, weight=50)
    limiter.admit(0)
    limiter.hear(NS_PER_SECOND, {"x-used": "50"}, 60 * NS_PER_SECOND)
    assert limiter.level(NS_PER_SECOND, Unit.WEIGHT) == 0.5
    assert limiter.level(NS_PER_SECOND, Unit.ORDERS) == 0.0


@given(
    asked=st.lists(
        st.tuples(
            st.integers(0, 90_000), st.sampled_from(list(Lane)), st.integers(1, 30), st.integers(0, 1),
            st.none() | st.integers(0, 120_000),
        ),
        min_size=1, max_size=60,
    )
)
@settings(derandomize=True, deadline=None, max_examples=100)
def test_limiter_always_holds_the_quotas_and_loses_nobody(
    asked: list[tuple[int, Lane, int, int, int | None]],
) -> None:
    """Whatever is asked when, no span holds more than its share, each ticket ends once, and none is late too early."""
    limiter = Limiter([MINUTE, ORDERS])
    traffic = Traffic(limiter)
    tickets: dict[int, Ticket] = {}
    for at, lane, weight, orders, valid in sorted(asked, key=lambda each: each[0]):
        traffic.until(at * NS_PER_MS)
        until = None if valid is None else (at + valid) * NS_PER_MS
        ticket = limiter.ask(lane, weight=weight, orders=orders, valid_until=until)
        tickets[ticket.number] = ticket
    traffic.until(90 * NS_PER_MINUTE)
    assert sorted([*traffic.left, *traffic.late]) == sorted(tickets)
    for number, at in traffic.late.items():
        assert at == (tickets[number].valid_until or 0) + 1
    for number, at in traffic.left.items():
        until_or_none = tickets[number].valid_until
        assert until_or_none is None or at <= until_or_none
    for quota in (MINUTE, ORDERS):
        for number, at in traffic.left.items():
            own = tickets[number]
            units = own.weight if quota.unit is Unit.WEIGHT else own.orders
            before = sum(
                (each.weight if quota.unit is Unit.WEIGHT else each.orders)
                for each in tickets.values()
                if each.number in traffic.left and at - quota.span < traffic.left[each.number]
                and _is_before(each, own, traffic)
            )
            assert not units or before + units <= quota.limit * SHARES[own.lane]


def _is_before(each: Ticket, own: Ticket, traffic: Traffic) -> bool:
    """True when one left before the other; within an instant the more urgent lane is first."""
    if each.number == own.number:
        return False
    key = (traffic.left[each.number], each.lane, each.number)
    return key < (traffic.left[own.number], own.lane, own.number)
