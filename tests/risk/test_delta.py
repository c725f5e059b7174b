"""A holding's delta against what it is worth a moment later: the derivative, taken by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.scale import CASH_UNIT, units_per_one
from bot.risk.delta import delta_of, quantity_of
from tests.risk.books import instrument as linear
from tests.risk.pools import inverse

LINEAR, INVERSE = linear(0), inverse(0)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(quantity=st.integers(-10**7, 10**7), mark=st.integers(100_000, 10_000_000))
def test_delta_of_linear_contracts_is_what_a_dollar_more_in_price_earns(quantity: int, mark: int) -> None:
    """One quote unit more per coin, times the coins: exactly."""
    dollar = units_per_one(LINEAR.price_digits)
    earned = LINEAR.value(price=mark + dollar, quantity=quantity) - LINEAR.value(price=mark, quantity=quantity)
    assert delta_of(LINEAR, quantity=quantity, mark=mark) == earned


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    contracts=st.integers(-10**5, 10**5), entry=st.integers(100_000, 10_000_000),
    mark=st.integers(100_000, 10_000_000), coins=st.integers(0, 1_000),
)
def test_delta_of_coins_and_inverse_contracts_is_the_slope_of_what_both_are_worth(
    contracts: int, entry: int, mark: int, coins: int
) -> None:
    """price x (coins + size x (1 / entry - 1 / price)) is a straight line; its slope is equity and value together."""
    unit = Fraction(units_per_one(INVERSE.price_digits))
    dollars = contracts * Fraction(INVERSE.contract_size) / units_per_one(INVERSE.quantity_digits)

    def worth(price: Fraction) -> Fraction:
        return price * (coins + dollars / (entry / unit) - dollars / price)

    slope = worth(mark / unit + 1) - worth(mark / unit)
    value = INVERSE.value(price=mark, quantity=contracts)
    equity = coins * CASH_UNIT + INVERSE.profit(
        entry_value=INVERSE.value(price=entry, quantity=contracts), value=value
    )
    found = Fraction(equity + delta_of(INVERSE, quantity=contracts, mark=mark), CASH_UNIT)
    assert found == pytest.approx(slope, abs=3e-8)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(delta=st.integers(0, 10**12), mark=st.integers(100_000, 10_000_000), is_inverse=st.booleans())
def test_quantity_of_a_delta_is_the_largest_that_is_not_above_it(delta: int, mark: int, *, is_inverse: bool) -> None:
    """A unit more would be too much: a hedge made of it never overshoots."""
    one = INVERSE if is_inverse else LINEAR
    found = quantity_of(one, delta=delta, mark=mark)
    assert delta_of(one, quantity=found, mark=mark) <= delta
    assert delta_of(one, quantity=found + 1, mark=mark) >= delta
