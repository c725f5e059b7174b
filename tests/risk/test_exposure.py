"""Exposure: gross and net of a book, the move that brings it to a limit, and what a share in whole lots leaves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import ContractError
from bot.domain.scale import CASH_UNIT
from bot.risk.exposure import exposure_of, kept_after, limit_of, move_to_exposure

GROSS, NET = GoalKind.GROSS_NOTIONAL, GoalKind.NET_NOTIONAL
PROPERTY = settings(derandomize=True, deadline=None, max_examples=100)


@pytest.mark.parametrize(
    ("values", "gross", "net"), [((), 0, 0), ((5, 3), 8, 8), ((-5, -3), 8, 8), ((5, -8), 13, 3), ((5, -5), 10, 0)]
)
def test_exposure_of_a_book_adds_or_offsets_its_legs(values: tuple[int, ...], gross: int, net: int) -> None:
    """Gross adds longs and shorts, net offsets them, and a limit on net holds on both sides."""
    assert exposure_of(GROSS, values) == gross
    assert exposure_of(NET, values) == net


def test_exposure_of_another_goal_is_refused() -> None:
    """A distance is no exposure; asking for it here is our own mistake."""
    with pytest.raises(ContractError, match="exposure: a goal of kind liquidation_distance is none"):
        exposure_of(GoalKind.LIQUIDATION_DISTANCE, [1])


def test_limit_of_a_goal_is_its_amount_in_cash() -> None:
    """200,000.01 USDT are so many 10^-8; a goal without an amount is our own mistake."""
    assert limit_of(Goal(GROSS, 200_000.01, "USDT")) == 20_000_001 * CASH_UNIT // 100
    with pytest.raises(ContractError, match="goal net_notional needs a target"):
        limit_of(Goal(NET))


def test_move_to_exposure_is_the_one_that_makes_the_book_worth_it() -> None:
    """100 and -40 are 140 gross and 60 net: 10 % more makes 154 and 66; what is there already needs no move."""
    assert move_to_exposure(GROSS, 154, [100, -40]) == pytest.approx(0.1)
    assert move_to_exposure(NET, 66, [100, -40]) == pytest.approx(0.1)
    assert move_to_exposure(NET, 60, [100, -40]) == 0.0
    assert move_to_exposure(NET, 59, [100, -40]) == 0.0
    assert move_to_exposure(NET, 1, [50, -50]) is None


@pytest.mark.parametrize(
    ("share", "held", "lot", "kept"),
    [
        (0.5, 1_000, 1, 500), (0.5, 1_001, 1, 500), (0.07, 100, 1, 93), (0.1, 10, 1, 9), (0.25, 31, 10, 21),
        (0.99, 31, 10, 0), (0.5, 1, 1, 0), (1e-05, 1_000, 1, 999), (0.5, 0, 1, 0),
    ],
)
def test_kept_after_a_share_is_rounded_to_lots_so_that_the_share_is_sold(
    share: float, held: int, lot: int, kept: int
) -> None:
    """7 % of 100 lots is 7 and not 8, though 0.07 x 100 is a little above 7 in floats."""
    assert kept_after(share, held=held, lot=lot) == kept


@PROPERTY
@given(percent=st.integers(1, 99), held=st.integers(1, 10**9), lot=st.sampled_from([1, 7, 100]))
def test_kept_after_sells_the_share_and_less_than_a_lot_more(percent: int, held: int, lot: int) -> None:
    """By whole numbers alone: what is sold is no less than the share, and a lot less would be."""
    sold = held - kept_after(percent / 100, held=held, lot=lot)
    assert sold * 100 >= percent * held
    assert (sold - lot) * 100 < percent * held
    assert sold <= held
