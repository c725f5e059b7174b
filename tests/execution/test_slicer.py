"""Slices: never more than is due, left, held or allowed; whole lots; and no rest that nobody can sell."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.instrument import Filters
from bot.execution.slicer import (
    Progress,
    child_quantity,
    is_residual,
    left_to_send,
    limit_price,
    participation_cap,
    smallest_order,
)

PROPERTY = settings(derandomize=True, deadline=None, max_examples=150)


def filters(lot: int = 1, quantity_min: int = 1, quantity_max: int = 10**9) -> Filters:
    """The venue's limits on quantity."""
    return Filters(tick=1, lot=lot, quantity_min=quantity_min, quantity_max=quantity_max, notional_min=0)


def progress(quantity: int, *, filled: int = 0, working: int = 0, held: int | None = None, keep: int = 0) -> Progress:
    """A parent that is to sell the whole of what is held, unless told otherwise."""
    return Progress(quantity, filled, working, quantity - filled + keep if held is None else held, keep)


FILTERS = st.builds(
    filters, lot=st.integers(1, 10), quantity_min=st.integers(0, 30), quantity_max=st.integers(40, 200)
)


@st.composite
def states(draw: st.DrawFn) -> Progress:
    """A parent anywhere on its way; others may have sold more than we know."""
    quantity = draw(st.integers(0, 300))
    filled = draw(st.integers(0, quantity))
    keep = draw(st.sampled_from([0, 0, 50]))
    held = max(0, quantity - filled + keep - draw(st.sampled_from([0, 0, 40])))
    return Progress(quantity, filled, draw(st.sampled_from([0, 0, 25])), held, keep)


DUE = st.integers(0, 320)
CAP = st.none() | st.integers(0, 300)


@PROPERTY
@given(state=states(), due=DUE, cap=CAP, limits=FILTERS)
def test_child_quantity_of_any_state_never_overfills(
    state: Progress, due: int, cap: int | None, limits: Filters
) -> None:
    """With all that is working filled, the child too, no more is sold than asked, and no more than down to keep."""
    child = child_quantity(state, due=due, cap=cap, filters=limits)
    assert child >= 0
    if child:
        assert state.filled + state.working + child <= state.quantity
        assert state.held - state.working - child >= state.keep
        assert child <= limits.quantity_max
        assert cap is None or child <= cap


@PROPERTY
@given(state=states(), due=DUE, cap=CAP, limits=FILTERS)
def test_child_quantity_of_any_state_is_an_order_the_venue_takes(
    state: Progress, due: int, cap: int | None, limits: Filters
) -> None:
    """Whole lots and no less than the minimum, or nothing at all."""
    child = child_quantity(state, due=due, cap=cap, filters=limits)
    assert child % limits.lot == 0
    assert child == 0 or child >= max(limits.quantity_min, limits.lot)


@PROPERTY
@given(state=states(), due=DUE, cap=CAP, limits=FILTERS)
def test_child_quantity_runs_ahead_of_the_curve_by_less_than_one_minimum(
    state: Progress, due: int, cap: int | None, limits: Filters
) -> None:
    """Only to leave no unsellable rest is more sold than is due, and then less than one order of it."""
    child = child_quantity(state, due=due, cap=cap, filters=limits)
    if child:
        assert child < due - state.filled - state.working + smallest_order(limits) + limits.lot


@PROPERTY
@given(state=states(), due=DUE, cap=CAP, limits=FILTERS)
def test_child_quantity_leaves_no_rest_that_cannot_be_sold(
    state: Progress, due: int, cap: int | None, limits: Filters
) -> None:
    """What is left after a child is nothing, or a crumb below a lot, or enough for another order."""
    child = child_quantity(state, due=due, cap=cap, filters=limits)
    room = left_to_send(state)
    left = room - child
    smallest = smallest_order(limits)
    # Where there is no room for two orders, a rest is what the limits leave over.
    if child and room >= 2 * smallest + limits.lot:
        assert left < limits.lot or left >= smallest


def test_child_quantity_follows_the_curve_in_whole_lots() -> None:
    """37 are due of 100 in lots of 10: 30 now; the 7 wait for their lot to be full."""
    assert child_quantity(progress(100), due=37, cap=None, filters=filters(lot=10)) == 30
    assert child_quantity(progress(100, filled=30), due=37, cap=None, filters=filters(lot=10)) == 0
    assert child_quantity(progress(100, filled=30), due=40, cap=None, filters=filters(lot=10)) == 10


@pytest.mark.parametrize(("due", "expected"), [(4, 0), (5, 5), (6, 6), (0, 0), (-3, 0)])
def test_child_quantity_below_the_minimum_waits(due: int, expected: int) -> None:
    """The venue takes five at least: four wait, five go."""
    assert child_quantity(progress(100), due=due, cap=None, filters=filters(quantity_min=5)) == expected


@pytest.mark.parametrize(("due", "expected"), [(94, 94), (95, 95), (96, 100), (99, 100), (100, 100)])
def test_child_quantity_takes_a_rest_along_that_could_not_be_sold_later(due: int, expected: int) -> None:
    """Of 100 with a minimum of five: selling 96 would leave four that nobody takes, so all go; 95 leave five."""
    assert child_quantity(progress(100), due=due, cap=None, filters=filters(quantity_min=5)) == expected


@pytest.mark.parametrize(("cap", "expected"), [(100, 100), (99, 95), (96, 95), (95, 95), (94, 94), (4, 0), (0, 0)])
def test_child_quantity_under_a_cap_keeps_the_cap_and_leaves_a_whole_order(cap: int, expected: int) -> None:
    """A cap is never passed to take a rest along: less is sold, so that what is left can be an order."""
    assert child_quantity(progress(100), due=100, cap=cap, filters=filters(quantity_min=5)) == expected


@pytest.mark.parametrize(("largest", "expected"), [(100, 100), (97, 95), (50, 50)])
def test_child_quantity_above_the_venues_maximum_is_split(largest: int, expected: int) -> None:
    """The venue's largest order splits the rest, and not so that an unsellable part stays."""
    limits = filters(quantity_min=5, quantity_max=largest)
    assert child_quantity(progress(100), due=100, cap=None, filters=limits) == expected


def test_child_quantity_where_only_one_order_fits_sends_it_and_leaves_the_crumb() -> None:
    """Nine under a cap of eight with a minimum of five: eight go, for two orders there is not enough."""
    assert child_quantity(progress(9), due=9, cap=8, filters=filters(quantity_min=5)) == 8


def test_child_quantity_counts_what_is_working_as_sold() -> None:
    """An order whose outcome is not known may have filled: its quantity is not sent again."""
    assert child_quantity(progress(100, working=100), due=100, cap=None, filters=filters()) == 0
    assert child_quantity(progress(100, working=60), due=100, cap=None, filters=filters()) == 40
    assert child_quantity(progress(100, filled=20, working=60), due=80, cap=None, filters=filters()) == 0


def test_child_quantity_stops_at_what_is_still_held() -> None:
    """Somebody else sold: of 100 asked only 30 are held above keep, so 30 go and never 31."""
    assert child_quantity(progress(100, held=50, keep=20), due=100, cap=None, filters=filters()) == 30
    assert child_quantity(progress(100, held=20, keep=20), due=100, cap=None, filters=filters()) == 0
    assert child_quantity(progress(100, held=5, keep=20), due=100, cap=None, filters=filters()) == 0


@pytest.mark.parametrize(("lot", "least", "expected"), [(1, 0, 1), (1, 5, 5), (10, 5, 10), (10, 10, 10), (10, 11, 20)])
def test_smallest_order_is_the_minimum_in_whole_lots(lot: int, least: int, expected: int) -> None:
    """A minimum between two lots means the upper one."""
    assert smallest_order(filters(lot=lot, quantity_min=least)) == expected


@pytest.mark.parametrize(("filled", "expected"), [(94, False), (95, False), (96, True), (99, True), (100, False)])
def test_is_residual_is_true_below_one_minimum_and_not_at_nothing(filled: int, expected: bool) -> None:
    """Five can still be sold, four cannot, none is no residual but the end."""
    assert is_residual(progress(100, filled=filled), filters(quantity_min=5)) is expected


# Limit price ----------------------------------------------------------------------------------------------


@PROPERTY
@given(
    mark=st.integers(1, 10**12), collar=st.sampled_from([0.0005, 0.001, 0.01, 0.02, 0.035, 0.04, 0.07, 0.08, 0.333]),
    sign=st.sampled_from([1, -1]), tick=st.sampled_from([1, 2, 5, 7, 25, 50, 1_000]),
)
def test_limit_price_is_on_tick_and_inside_the_collar(mark: int, collar: float, sign: int, tick: int) -> None:
    """Rounded towards the mark on both sides, so that the gate's own collar never refuses our own order."""
    assume(mark > 2 * tick)
    price = limit_price(mark=mark, collar=collar, sign=sign, tick=tick)
    assert price > 0 and price % tick == 0
    assert (price - mark) * sign / mark <= collar


@PROPERTY
@given(
    mark=st.integers(1_000, 10**10), collar=st.sampled_from([0.001, 0.01, 0.02, 0.08]),
    sign=st.sampled_from([1, -1]), tick=st.sampled_from([1, 5, 7, 25]),
)
def test_limit_price_goes_as_far_as_a_tick_allows(mark: int, collar: float, sign: int, tick: int) -> None:
    """No tick of the collar is given away: one more would be outside."""
    price = limit_price(mark=mark, collar=collar, sign=sign, tick=tick)
    exact = mark * (1 + sign * Fraction(str(collar)))
    further = price + sign * tick
    assert (further - exact) * sign > -Fraction(1, 10**4)


@pytest.mark.parametrize(
    ("mark", "collar", "sign", "tick", "expected"),
    [
        (10_000, 0.01, -1, 1, 9_900),
        (10_000, 0.01, 1, 1, 10_100),
        (10_001, 0.01, -1, 1, 9_901),            # 9900.99
        (10_001, 0.01, 1, 1, 10_101),            # 10101.01
        (10_000, 0.01, -1, 7, 9_905),            # 9900 is no multiple of 7; 9905 is, nearer the mark
        (10_000, 0.01, 1, 7, 10_094),            # 10100 rounds down
        (558_010, 0.08, -1, 10, 513_370),        # 513369.2
        (100, 0.01, -1, 30, 120),                # coarser than the collar: above the mark, but inside it
    ],
)
def test_limit_price_by_hand(mark: int, collar: float, sign: int, tick: int, expected: int) -> None:
    """Exact, just inside, and on ticks that divide nothing."""
    assert limit_price(mark=mark, collar=collar, sign=sign, tick=tick) == expected


# Participation --------------------------------------------------------------------------------------------


@PROPERTY
@given(share=st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9]), traded=st.integers(0, 10**12), ours=st.integers(0, 10**11))
def test_participation_cap_keeps_our_share_of_all_volume(share: float, traded: int, ours: int) -> None:
    """Ours over all, ours included, is at most the share with the cap sent in full, and above it with one more."""
    cap = participation_cap(share=share, traded=traded, ours=ours)
    exact = Fraction(str(share))
    assert cap >= 0
    if cap:
        assert Fraction(ours + cap, ours + cap + traded) <= exact * (1 + Fraction(1, 10**12))
    assert Fraction(ours + cap + 2, ours + cap + 2 + traded) > exact or traded == 0


@pytest.mark.parametrize(
    ("share", "traded", "ours", "expected"),
    [(0.1, 900, 0, 100), (0.1, 900, 40, 60), (0.1, 900, 100, 0), (0.1, 900, 500, 0), (0.5, 70, 0, 70), (0.1, 0, 0, 0)],
)
def test_participation_cap_by_hand(share: float, traded: int, ours: int, expected: int) -> None:
    """A tenth of all where others traded 900 is 100 of 1,000; what we traded comes off; no volume, no room."""
    assert participation_cap(share=share, traded=traded, ours=ours) == expected


@pytest.mark.parametrize("share", [1.0, 1.5])
def test_participation_cap_of_everything_is_refused(share: float) -> None:
    """A share of one is no cap, and the sum behind it has no answer."""
    with pytest.raises(ValueError, match="participation: a share of one is no cap, was"):
        participation_cap(share=share, traded=1, ours=0)
