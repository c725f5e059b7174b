"""Curves: nothing before the start, all of it at the deadline, never less than before, and woken in time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copying import replace
from bot.domain.obligation import Obligation
from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.execution.curves import due, next_due_at, parent_due

PROPERTY = settings(derandomize=True, deadline=None, max_examples=120)
NAMES = st.sampled_from(["pen000sn000001", "pen001bn000042", "x"])


def obligation(
    quantity: int, *, start: int, span: int, interval: int, episode: int = 1, base: int = 0
) -> Obligation:
    """A duty along a twap; a span of zero is ``now``."""
    return Obligation(
        episode=episode, rule="guard", quantity=quantity, base=base, start=start, deadline=start + span,
        interval=interval, algo="twap" if span else "now", tactic="taker", order_class=OrderClass.MARGIN, collar=None,
        participation_max=None,
    )


@st.composite
def obligations(draw: st.DrawFn, quantity: st.SearchStrategy[int] | None = None) -> Obligation:
    """A duty of any size over up to an hour, in slices that need not divide it."""
    interval = draw(st.one_of(st.integers(1, 50), st.integers(NS_PER_SECOND, NS_PER_MINUTE)))
    return obligation(
        draw(st.integers(0, 10**9) if quantity is None else quantity),
        start=draw(st.integers(0, 10**18)), interval=interval,
        span=draw(st.one_of(st.just(0), st.integers(1, 60 * interval))),
    )


@PROPERTY
@given(duty=obligations(), parent=NAMES, data=st.data())
def test_due_over_time_never_falls(duty: Obligation, parent: str, data: st.DataObject) -> None:
    """What was due stays due: of any two instants the later one asks for at least as much, and never for too much."""
    width = duty.deadline - duty.start
    instants = st.integers(duty.start - 10, duty.deadline + width + 10)
    early, late = sorted((data.draw(instants), data.draw(instants)))
    assert 0 <= due(duty, parent, early) <= due(duty, parent, late) <= duty.quantity


@PROPERTY
@given(duty=obligations(), parent=NAMES)
def test_due_at_both_ends_is_nothing_and_everything(duty: Obligation, parent: str) -> None:
    """An instant before the start nothing, at the deadline all, and long after it no more than all."""
    assert due(duty, parent, duty.start - 1) == 0
    assert due(duty, parent, duty.deadline) == duty.quantity
    assert due(duty, parent, duty.deadline + 10**18) == duty.quantity


@PROPERTY
@given(duty=obligations(), parent=NAMES, data=st.data())
def test_due_after_a_whole_interval_is_the_linear_share(
    duty: Obligation, parent: str, data: st.DataObject
) -> None:
    """When the n-th interval ends n slices are due, wherever in it the jitter put the moment: no drift builds up."""
    slices = -(-(duty.deadline - duty.start) // duty.interval)
    if slices:
        passed = data.draw(st.integers(0, slices - 1))
        at = duty.start + passed * duty.interval
        expected = duty.quantity * passed // slices
        assert expected <= due(duty, parent, at) <= duty.quantity * (passed + 1) // slices
        if passed:
            assert due(duty, parent, at - 1) <= expected


@PROPERTY
@given(duty=obligations(quantity=st.integers(3_000, 10**9)), parent=NAMES, data=st.data())
def test_next_due_at_is_the_very_next_step_of_the_curve_or_its_end(
    duty: Obligation, parent: str, data: st.DataObject
) -> None:
    """The wake lies after now and not past the deadline; the curve is still until then, and steps up or ends at it."""
    now = data.draw(st.integers(duty.start - duty.interval, duty.deadline + 5))
    wake = next_due_at([duty], parent, now)
    if now >= duty.deadline:
        assert wake is None
        return
    assert wake is not None and now < wake <= duty.deadline
    assert due(duty, parent, wake - 1) == due(duty, parent, now)
    assert due(duty, parent, wake) > due(duty, parent, now) or wake == duty.deadline


@PROPERTY
@given(duty=obligations(quantity=st.integers(0, 20)), parent=NAMES, data=st.data())
def test_next_due_at_of_a_quantity_smaller_than_its_slices_misses_no_step(
    duty: Obligation, parent: str, data: st.DataObject
) -> None:
    """A few lots over many slices: some wakes find nothing new, but no step comes without a wake."""
    now = data.draw(st.integers(duty.start - duty.interval, duty.deadline))
    wake = next_due_at([duty], parent, now)
    if wake is not None:
        assert now < wake <= duty.deadline
        assert due(duty, parent, wake - 1) == due(duty, parent, now)


def moments(duty: Obligation, parent: str) -> list[int]:
    """Every instant at which the curve steps up, found by following its wakes."""
    found = []
    now = duty.start - 1
    while (wake := next_due_at([duty], parent, now)) is not None:
        if due(duty, parent, wake) > due(duty, parent, now):
            found.append(wake)
        now = wake
    return found


def test_jitter_of_a_parent_is_the_same_every_time_and_another_for_another() -> None:
    """The moments are a function of names alone: a restart repeats them, a second parent does not share them."""
    duty = obligation(6_000, start=10**18, span=10 * NS_PER_MINUTE, interval=10 * NS_PER_SECOND)
    assert moments(duty, "pen000sn000001") == moments(duty, "pen000sn000001")
    assert moments(duty, "pen000sn000001") != moments(duty, "pen000sn000002")
    assert moments(duty, "pen000sn000001") != moments(replace(duty, episode=2), "pen000sn000001")


def test_jitter_lies_inside_its_own_interval_and_fills_it() -> None:
    """One moment per interval, none outside, early and late ones alike, so that nobody can wait for them."""
    interval = 10 * NS_PER_SECOND
    duty = obligation(60_000, start=10**18, span=600 * interval, interval=interval)
    found = moments(duty, "pen000sn000001")
    assert [(moment - duty.start) // interval for moment in found] == list(range(600))
    places = [(moment - duty.start) % interval / interval for moment in found]
    assert 0.45 < sum(places) / 600 < 0.55
    assert min(places) < 0.02 and max(places) > 0.98


def test_jitter_is_the_same_in_every_process() -> None:
    """Pinned: another hash of the same names would move orders between a record and its replay."""
    duty = obligation(60, start=0, span=3 * NS_PER_SECOND, interval=NS_PER_SECOND)
    assert moments(duty, "pen000sn000001") == [544_269_855, 1_732_460_355, 2_600_755_043]


def test_due_of_now_is_everything_at_once() -> None:
    """No length of time: nothing the instant before, all of it at the start, no further wake."""
    duty = obligation(500, start=1_000, span=0, interval=5 * NS_PER_SECOND)
    assert (due(duty, "p", 999), due(duty, "p", 1_000)) == (0, 500)
    assert next_due_at([duty], "p", 999) == 1_000
    assert next_due_at([duty], "p", 1_000) is None


def test_due_when_the_last_slice_is_cut_short_is_whole_at_the_deadline() -> None:
    """Ten seconds in slices of three: the fourth comes due by the tenth second and not in the twelfth."""
    duty = obligation(400, start=0, span=10 * NS_PER_SECOND, interval=3 * NS_PER_SECOND)
    found = moments(duty, "pen000sn000001")
    assert len(found) == 4
    assert found[-1] <= 10 * NS_PER_SECOND
    assert due(duty, "pen000sn000001", 10 * NS_PER_SECOND) == 400


# Several duties on one parent ------------------------------------------------------------------------------


def test_parent_due_of_two_episodes_is_the_larger_and_never_the_sum() -> None:
    """Two rules that each want 100 sold want the same 100."""
    duties = [obligation(100, start=0, span=0, interval=1, episode=1),
              obligation(80, start=0, span=0, interval=1, episode=2)]
    assert parent_due(duties, "p", 0) == 100
    assert parent_due(duties[1:], "p", 0) == 80


def test_parent_due_of_increases_in_one_episode_adds_them_up() -> None:
    """An episode that later asked for 30 more wants 130, each part on its own curve."""
    first = obligation(100, start=0, span=0, interval=1)
    later = obligation(30, start=50, span=0, interval=1, base=60)
    assert parent_due([first, later], "p", 49) == 100
    assert parent_due([first, later], "p", 50) == 130


def test_parent_due_counts_an_episode_from_what_was_filled_when_it_began() -> None:
    """40 were filled when the second rule fired: its 80 mean 120 in all, more than the first rule's 100."""
    duties = [obligation(100, start=0, span=0, interval=1, episode=1),
              obligation(80, start=10, span=0, interval=1, episode=2, base=40)]
    assert parent_due(duties, "p", 10) == 120
    assert parent_due(duties, "p", 9) == 100


def test_parent_due_without_obligations_is_nothing() -> None:
    """A parent whose duties have all been taken back asks for nothing and for no wake."""
    assert parent_due([], "p", 0) == 0
    assert next_due_at([], "p", 0) is None


@PROPERTY
@given(duties=st.lists(obligations(), min_size=1, max_size=4), parent=NAMES, data=st.data())
def test_parent_due_of_any_duties_is_at_least_each_alone(
    duties: list[Obligation], parent: str, data: st.DataObject
) -> None:
    """Joining duties never slows one down, and their order does not matter while they begin at nothing filled."""
    each = [replace(duty, episode=index % 2, start=10**9, deadline=10**9 + duty.deadline - duty.start)
            for index, duty in enumerate(duties)]
    now = data.draw(st.integers(10**9, max(duty.deadline for duty in each)))
    together = parent_due(each, parent, now)
    assert together >= max(due(duty, parent, now) for duty in each)
    assert together == parent_due(each[::-1], parent, now)
    wakes = [wake for duty in each if (wake := next_due_at([duty], parent, now)) is not None]
    assert next_due_at(each, parent, now) == (min(wakes) if wakes else None)


@pytest.mark.parametrize("now", [0, 1, 10**18])
def test_next_due_at_long_after_every_deadline_is_none(now: int) -> None:
    """What is over sets no timer."""
    duties = [obligation(5, start=0, span=0, interval=1), obligation(5, start=-100, span=100, interval=7)]
    assert next_due_at(duties, "p", now) is None
