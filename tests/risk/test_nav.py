"""Net asset value by units: deposits are not profit, withdrawals no loss."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.scale import CASH_UNIT
from bot.risk.nav import drawdown, mark_after_flow

PROPERTY = settings(derandomize=True, deadline=None, max_examples=150)


def test_mark_after_a_withdrawal_shrinks_with_the_equity() -> None:
    """Half taken out at the high is no drawdown; a tenth lost afterwards is a tenth."""
    mark = mark_after_flow(2_000 * CASH_UNIT, before=2_000 * CASH_UNIT, after=1_000 * CASH_UNIT)
    assert mark == 1_000 * CASH_UNIT
    assert drawdown(mark, 1_000 * CASH_UNIT) == 0.0
    assert drawdown(mark, 900 * CASH_UNIT) == pytest.approx(0.1, rel=1e-12)


def test_deposit_in_a_drawdown_makes_it_no_smaller() -> None:
    """Down a fifth from 1,000, then 8,000 more: 8,800 is still a fifth below what its units were worth."""
    mark = mark_after_flow(1_000 * CASH_UNIT, before=800 * CASH_UNIT, after=8_800 * CASH_UNIT)
    assert mark == 11_000 * CASH_UNIT
    assert drawdown(mark, 8_800 * CASH_UNIT) == pytest.approx(0.2, rel=1e-12)


@pytest.mark.parametrize(
    ("equity", "fall"), [(1_001, 0.0), (1_000, 0.0), (999, 0.001), (0, 1.0), (-100, 1.1)],
)
def test_drawdown_is_the_fall_from_the_mark_and_never_below_nothing(equity: int, fall: float) -> None:
    """Above the mark there is none; an account that owes has lost more than all."""
    assert drawdown(1_000, equity) == pytest.approx(fall, rel=1e-12)


@pytest.mark.parametrize(("mark", "before"), [(None, 300), (1_000, 0), (1_000, -200)])
@pytest.mark.parametrize(("after", "anew"), [(500, 500), (1, 1), (0, None), (-5, None)])
def test_mark_without_anything_to_count_from_begins_anew(
    mark: int | None, before: int, after: int, anew: int | None
) -> None:
    """Nothing has no value per unit: new money begins at its own high, and no money has none."""
    assert mark_after_flow(mark, before=before, after=after) == anew


@PROPERTY
@given(steps=st.lists(st.tuples(st.integers(-40, 60), st.integers(-50, 300)), min_size=1, max_size=30))
def test_drawdown_of_any_history_is_that_of_one_unit_left_alone(steps: list[tuple[int, int]]) -> None:
    """Whatever was paid in and out between, the fall is what money that stayed would have suffered."""
    equity = mark = 1_000 * CASH_UNIT
    alone, best = Fraction(1), Fraction(1)
    for percent, flow_percent in steps:
        before = equity + equity * percent // 100
        alone *= Fraction(before, equity)
        best = max(best, alone)
        equity = before + before * flow_percent // 100
        moved = mark_after_flow(max(mark, before), before=before, after=equity)
        assert moved is not None
        mark = moved
        assert drawdown(mark, equity) == pytest.approx(float(1 - alone / best), rel=1e-9, abs=1e-9)
