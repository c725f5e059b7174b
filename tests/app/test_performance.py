"""Drawdown, Sharpe, Sortino and Calmar: on the value of a unit, by hand and against numpy."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.performance import (
    HOURS_MIN,
    HOURS_PER_YEAR,
    CashFlow,
    hourly_returns,
    max_drawdown,
    performance,
    unit_values,
)
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR, NS_PER_MINUTE

HOUR, MINUTE = NS_PER_HOUR, NS_PER_MINUTE
RISES_AND_FALLS = [0.02, -0.01] * (HOURS_MIN // 2)


def hours_of(returns: list[float], start: float = 1000.0) -> list[tuple[int, float]]:
    """Values at whole hours that return these."""
    values = [(0, start)]
    for number, one in enumerate(returns, 1):
        values.append((number * HOUR, values[-1][1] * (1 + one)))
    return values


# Units ---------------------------------------------------------------------------------------------------


def test_unit_is_worth_the_equity_when_no_cash_moved() -> None:
    """Without a deposit or withdrawal the two are the same."""
    assert unit_values([0, 1, 2], [10.0, 12.0, 9.0], []) == [(0, 10.0), (1, 12.0), (2, 9.0)]


def test_deposit_and_withdrawal_change_no_unit_value() -> None:
    """100 falls to 80; 80 more come in, then all loses a tenth, then half is taken out: a unit is worth 72."""
    flows = [CashFlow(2, 80 * CASH_UNIT, 160 * CASH_UNIT), CashFlow(4, 144 * CASH_UNIT, 72 * CASH_UNIT)]
    found = unit_values([0, 1, 2, 3, 4], [100.0, 80.0, 160.0, 144.0, 72.0], flows)
    assert [value for _, value in found] == pytest.approx([100, 80, 80, 72, 72], rel=1e-12)
    assert max_drawdown(found) == pytest.approx(0.28, rel=1e-12)


def test_equity_that_was_gone_stays_gone_whatever_is_paid_in() -> None:
    """The insurance fund brings a deficit to zero, and somebody pays in again: the unit is worth nothing."""
    flows = [CashFlow(1, -5 * CASH_UNIT, 0), CashFlow(2, 0, 50 * CASH_UNIT)]
    found = unit_values([0, 1, 2], [100.0, 0.0, 50.0], flows)
    assert found == [(0, 100.0), (1, 0.0), (2, 0.0)]
    assert max_drawdown(found) == 1


def test_unit_below_nothing_between_two_flows_is_worth_nothing() -> None:
    """A drawdown is never more than the whole."""
    found = unit_values([0, 1, 2], [100.0, -40.0, 30.0], [])
    assert found == [(0, 100.0), (1, 0.0), (2, 0.0)]


def test_withdrawal_of_everything_ends_the_series() -> None:
    """What nobody holds a unit of has no value, and that is no loss."""
    found = unit_values([0, 1, 2], [100.0, 110.0, 0.0], [CashFlow(2, 110 * CASH_UNIT, 0)])
    assert found == [(0, 100.0), (1, 110.0)]
    assert max_drawdown(found) == 0


# Drawdown ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "deepest"),
    [([], None), ([0.0], None), ([5.0], 0.0), ([1.0, 2.0, 3.0], 0.0), ([4.0, 3.0, 5.0, 4.0], 0.25),
     ([4.0, 5.0, 3.0, 6.0, 4.5], 0.4), ([2.0, 0.0], 1.0)],
)
def test_drawdown_is_the_deepest_fall_from_an_earlier_peak(line: list[float], deepest: float | None) -> None:
    """By hand; the deepest one is not always the last, nor the one from the highest peak."""
    found = max_drawdown(list(enumerate(line)))
    assert found == (None if deepest is None else pytest.approx(deepest, rel=1e-12))


# Hours ---------------------------------------------------------------------------------------------------


def test_hours_take_the_last_value_known_when_each_ends() -> None:
    """A minute past the hour belongs to the next one; what is left of an hour at the end counts in none."""
    values = [
        (0, 100.0), (59 * MINUTE, 110.0), (61 * MINUTE, 500.0), (119 * MINUTE, 121.0), (2 * HOUR + MINUTE, 7.0),
        (2 * HOUR + 50 * MINUTE, 9.0),
    ]
    assert hourly_returns(values) == pytest.approx([0.1, 0.1], rel=1e-12)


def test_hours_without_a_point_return_nothing() -> None:
    """Three hours of silence are three hours in which the account is not known to have moved."""
    assert hourly_returns([(0, 100.0), (4 * HOUR, 150.0)]) == pytest.approx([0, 0, 0, 0.5], rel=1e-12)


@pytest.mark.parametrize(("last", "count"), [(HOUR - 1, 0), (HOUR, 1), (HOUR + 1, 1)])
def test_hour_counts_from_the_moment_it_is_whole(last: int, count: int) -> None:
    """A nanosecond short of an hour is none."""
    assert len(hourly_returns([(0, 100.0), (last, 101.0)])) == count


# Ratios --------------------------------------------------------------------------------------------------


def test_ratios_of_a_day_are_those_of_hand_arithmetic() -> None:
    """Twelve hours of +2 % and twelve of -1 %: mean 0.5 %, deviation 1.5 % x sqrt(24/23), downside 1 % x sqrt(1/2)."""
    found = performance(hours_of(RISES_AND_FALLS), drawdown=0.01)
    assert found.sharpe == pytest.approx(0.005 / (0.015 * sqrt(24 / 23)) * sqrt(8760), rel=1e-9)
    assert found.sortino == pytest.approx(0.005 / (0.01 * sqrt(0.5)) * sqrt(8760), rel=1e-9)
    assert found.calmar == pytest.approx(0.005 * 8760 / 0.01, rel=1e-9)
    assert found.why == {}


@given(st.lists(st.integers(-200, 200).map(lambda mils: mils / 1000), min_size=HOURS_MIN, max_size=60))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_sharpe_is_numpys_mean_over_sample_deviation(returns: list[float]) -> None:
    """An implementation from outside agrees on any run of hours."""
    found = performance(hours_of(returns), drawdown=0.5)
    deviation = float(np.std(returns, ddof=1))
    if deviation > 1e-6:
        assert found.sharpe == pytest.approx(float(np.mean(returns)) / deviation * sqrt(HOURS_PER_YEAR), rel=1e-6)
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    if downside:
        assert found.sortino == pytest.approx(float(np.mean(returns)) / downside * sqrt(HOURS_PER_YEAR), rel=1e-6)


@pytest.mark.parametrize(("count", "is_told"), [(HOURS_MIN - 1, False), (HOURS_MIN, True)])
def test_run_shorter_than_a_day_has_no_ratios(count: int, is_told: bool) -> None:
    """Twenty-three hours are too short, and it says so; a day is told."""
    found = performance(hours_of((RISES_AND_FALLS * 2)[:count]), drawdown=0.01)
    assert [ratio is not None for ratio in (found.sharpe, found.sortino, found.calmar)] == [is_told] * 3
    reason = "too short: 23 whole hours, and 24 are the least"
    assert found.why == ({} if is_told else dict.fromkeys(("sharpe", "sortino", "calmar"), reason))


def test_account_that_lost_everything_has_no_ratios() -> None:
    """No return is counted from nothing."""
    found = performance([*hours_of(RISES_AND_FALLS), (25 * HOUR, 0.0)], drawdown=1.0)
    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)
    assert set(found.why.values()) == {"equity was gone"}


def test_account_that_stood_still_says_why_each_ratio_is_missing() -> None:
    """Nothing varied, nothing was lost, nothing fell: three zeros that no number can be divided by."""
    found = performance(hours_of([0.0] * HOURS_MIN), drawdown=0.0)
    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)
    assert found.why == {
        "sharpe": "every hour returned the same", "sortino": "no hour lost", "calmar": "there was no drawdown"
    }


@pytest.mark.parametrize(
    ("equity", "said"),
    [
        ([], "too short: 0 whole hours"),
        ([1_000.0], "too short: 0 whole hours"),
        ([-5.0] * 30, "equity was gone"),                    # never anything there
        ([1_000.0] * 20 + [-5.0] + [800.0] * 20, "equity was gone"),
    ],
    ids=["no sample", "one sample", "negative from the start", "below nothing and back"],
)
def test_series_that_no_ratio_can_be_made_of_give_none_and_say_why(equity: list[float], said: str) -> None:
    """Whoever reads them meets a reason, never an infinity or a division that failed."""
    values = unit_values([hour * HOUR for hour in range(len(equity))], equity, [])
    found = performance(values, drawdown=max_drawdown(values))
    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)
    assert set(found.why) == {"sharpe", "sortino", "calmar"}
    assert all(reason.startswith(said) for reason in found.why.values())
