"""Plans of cuts to a gross or net exposure: the limit is kept, and one lot less sold would break it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.effects import Goal, GoalKind
from bot.risk.deleverage import forecast_level, measure, wanted
from bot.risk.margin import Holding, account_margin
from tests.risk.books import holding, sizes, usdt
from tests.risk.test_deleverage import PROPERTY, costs, mixed_books, plan, rates

GROSS, NET = GoalKind.GROSS_NOTIONAL, GoalKind.NET_NOTIONAL


def signed_values(held: Sequence[Holding], keeps: Sequence[int]) -> list[int]:
    """What is left of each holding, by price times quantity alone: hundredths x thousandths of 10^-8 cash."""
    return [keep * h.mark * 1_000 * (1 if h.quantity > 0 else -1) for h, keep in zip(held, keeps, strict=True)]


def gross(held: Sequence[Holding], keeps: Sequence[int]) -> int:
    return sum(abs(value) for value in signed_values(held, keeps))


def net(held: Sequence[Holding], keeps: Sequence[int]) -> int:
    return sum(signed_values(held, keeps))


@PROPERTY
@given(book=mixed_books(), share=st.floats(0.01, 0.99))
def test_plan_cuts_to_a_gross_reaches_it_with_the_heavier_side(
    book: tuple[int, list[Holding]], share: float
) -> None:
    """Any book, any limit: it is kept, with less than a slice and a lot to spare, and the book tips no further."""
    equity, held = book
    limit = gross(held, sizes(held)) * share
    found = plan(Goal(GROSS, limit / 1e8, "USDT"), equity, held, costs(held))
    assert found.reached
    assert gross(held, found.keeps) <= limit + 1
    assert abs(net(held, found.keeps)) <= max(abs(net(held, sizes(held))), max(
        size * h.mark * 1_000 // 48 + h.mark * 1_000 for h, size in zip(held, sizes(held), strict=True)
    ))


@PROPERTY
@given(book=mixed_books(), share=st.floats(0.01, 0.99))
def test_plan_cuts_to_a_net_sells_the_heavy_side_alone(book: tuple[int, list[Holding]], share: float) -> None:
    """The lighter legs hold the net down: none of them is touched, whatever they would cost."""
    equity, held = book
    before = net(held, sizes(held))
    found = plan(Goal(NET, abs(before) * share / 1e8, "USDT"), equity, held, costs(held))
    for h, size, keep in zip(held, sizes(held), found.keeps, strict=True):
        assert keep == size or h.quantity * before > 0
    after = net(held, found.keeps)
    assert abs(after) <= abs(before)
    assert found.reached == (abs(after) <= abs(before) * share + 1)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", [GROSS, NET])
def test_plan_cuts_to_an_exposure_sells_the_lot_that_does_it_and_no_more(kind: GoalKind, sign: int) -> None:
    """50 coins at 1,000, at most 20,000.5: 20 coins may stay, 20.001 are worth 20,001; both sides alike."""
    held = [holding(sign * 50_000, mark=1_000)]
    found = plan(Goal(kind, 20_000.5, "USDT"), usdt(5_000), held, rates(held, 0.001))
    assert found.keeps == (20_000,)
    assert plan(Goal(kind, 20_001.0, "USDT"), usdt(5_000), held, rates(held, 0.001)).keeps == (20_001,)


def test_plan_cuts_to_an_exposure_asks_nothing_of_the_equity() -> None:
    """An account under water has the same exposure as one that is not, and sells the same."""
    held = [holding(50_000, mark=1_000)]
    for equity in (usdt(-10), 0, usdt(1_000_000)):
        assert plan(Goal(GROSS, 20_000.0, "USDT"), equity, held, rates(held, 0.001)).keeps == (20_000,)


def test_plan_cuts_to_a_net_that_is_kept_already_cuts_nothing() -> None:
    """Long 50,000 and short 45,000 is a net of 5,000: at the limit nothing is sold, a cent below it is."""
    held = [holding(50_000, mark=1_000), holding(-45_000, mark=1_000, index=1)]
    at_limit = plan(Goal(NET, 5_000.0, "USDT"), usdt(5_000), held, rates(held, 0.001, 0.001))
    assert (at_limit.keeps, at_limit.reached) == ((50_000, 45_000), True)
    below = plan(Goal(NET, 4_999.99, "USDT"), usdt(5_000), held, rates(held, 0.001, 0.001))
    assert below.keeps == (49_999, 45_000)


def test_plan_cuts_to_a_net_below_a_lot_does_not_tip_the_book_over() -> None:
    """A lot is worth 1,000 and the limit is 100: selling one would leave the book short by 400, so none is sold.

    Long 50,600 against 50,000: with one lot less the net is -400, and no nearer to the limit than it has to be.
    """
    held = [holding(50_600, mark=1_000, lot=1_000), holding(-50_000, mark=1_000, index=1, lot=1_000)]
    found = plan(Goal(NET, 100.0, "USDT"), usdt(5_000), held, rates(held, 0.001, 0.001))
    assert not found.reached
    assert found.keeps[1] == 50_000
    assert abs(net(held, found.keeps)) <= abs(net(held, sizes(held)))


def test_plan_cuts_to_a_gross_prefers_the_cheaper_leg() -> None:
    """Two alike longs, one twice as dear to sell: the cheaper one pays for the limit."""
    held = [holding(1_000, mark=10_000), holding(1_000, mark=10_000, index=1)]
    found = plan(Goal(GROSS, 15_000.0, "USDT"), usdt(1_500), held, rates(held, 0.002, 0.001))
    assert found.keeps == (1_000, 500)


def test_measure_of_an_exposure_is_the_margin_sums_turned_round() -> None:
    """More is safer for every goal: gross and net count below nothing, in whole units of the currency."""
    held = [holding(1_000, mark=50_000), holding(-2_000, mark=5_000, index=1)]
    totals = account_margin(0, held)
    assert measure(Goal(GROSS, 1.0), 0, held) == -totals.gross / 1e8 == -60_000
    assert measure(Goal(NET, 1.0), 0, held) == -totals.net / 1e8 == -40_000
    assert wanted(Goal(GROSS, 40_000.0)) == -40_000
    short = forecast_level(Goal(NET, 1.0), 0, held, rates(held, 0.0, 0.0), [0, 2_000])
    assert short == -10_000
