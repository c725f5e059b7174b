"""Net asset value by units: deposits are not profit, withdrawals no loss."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import ContractError
from bot.domain.scale import CASH_UNIT
from bot.risk.nav import after_flow, drawdown, followed, opened, value_per_unit

PROPERTY = settings(derandomize=True, deadline=None, max_examples=150)


def test_value_per_unit_follows_profit_and_not_deposits() -> None:
    """1,000 earns a tenth, gets 5,000 more and earns a tenth again: a fifth and a hundredth in all."""
    fund = opened(1_000 * CASH_UNIT)
    fund = after_flow(fund, flow=5_000 * CASH_UNIT, equity=1_100 * CASH_UNIT)
    assert value_per_unit(fund, 6_100 * CASH_UNIT) == pytest.approx(1.1, rel=1e-12)
    assert value_per_unit(fund, 6_710 * CASH_UNIT) == pytest.approx(1.21, rel=1e-12)


def test_drawdown_after_a_withdrawal_is_of_what_was_lost() -> None:
    """Half taken out at the high is no drawdown; a tenth lost afterwards is a tenth."""
    fund = followed(opened(1_000 * CASH_UNIT), 2_000 * CASH_UNIT)
    fund = after_flow(fund, flow=-1_000 * CASH_UNIT, equity=2_000 * CASH_UNIT)
    assert drawdown(fund, 1_000 * CASH_UNIT) == 0.0
    assert drawdown(fund, 900 * CASH_UNIT) == pytest.approx(0.1, rel=1e-12)
    assert drawdown(fund, -100 * CASH_UNIT) == pytest.approx(1.1, rel=1e-12)


def test_fund_whose_high_is_not_passed_keeps_it() -> None:
    """The high-water mark moves at a cash unit above it, and neither at it nor below."""
    fund = opened(1_000 * CASH_UNIT)
    assert followed(fund, 1_000 * CASH_UNIT) is fund
    assert followed(fund, 999 * CASH_UNIT) is fund
    assert followed(fund, 1_000 * CASH_UNIT + 1).high_equity == 1_000 * CASH_UNIT + 1


@pytest.mark.parametrize(("equity", "flow"), [(0, 500), (-200, 700), (300, -300)])
def test_fund_of_nothing_opens_anew_with_what_comes(equity: int, flow: int) -> None:
    """Nothing has no value per unit: new money begins at one, and no money at all is an error."""
    fund = opened(1_000)
    if equity + flow > 0:
        assert after_flow(fund, flow=flow, equity=equity) == opened(equity + flow)
    else:
        with pytest.raises(ContractError, match="opens with equity above 0, was 0"):
            after_flow(fund, flow=flow, equity=equity)


@PROPERTY
@given(steps=st.lists(st.tuples(st.integers(-40, 60), st.integers(-50, 300)), min_size=1, max_size=30))
def test_value_per_unit_of_any_history_is_the_product_of_returns(steps: list[tuple[int, int]]) -> None:
    """Whatever was paid in and out between, the value is what one unit left alone would have earned."""
    equity = 1_000 * CASH_UNIT
    fund = opened(equity)
    alone, best = Fraction(1), Fraction(1)
    for percent, flow_percent in steps:
        after = equity + equity * percent // 100
        alone *= Fraction(after, equity)
        best = max(best, alone)
        fund = followed(fund, after)
        flow = after * flow_percent // 100
        fund, equity = after_flow(fund, flow=flow, equity=after), after + flow
        assert value_per_unit(fund, equity) == pytest.approx(float(alone), rel=1e-9)
        assert drawdown(fund, equity) == pytest.approx(float(1 - alone / best), rel=1e-9, abs=1e-9)
