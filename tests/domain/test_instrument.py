"""What a quantity at a price is worth in cash, and the kinds that are refused rather than valued wrongly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.denials import DenialCode
from bot.domain.errors import Unsupported
from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT
from tests.risk.books import instrument


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    digits=st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: sum(pair) <= 8),
    price=st.integers(0, 10**12),
    quantity=st.integers(-(10**12), 10**12),
)
def test_value_at_any_scales_is_price_times_quantity_exactly(
    digits: tuple[int, int], price: int, quantity: int
) -> None:
    """Whatever scales a venue's prices and lots have, the cash is the exact product, signed like the quantity."""
    perpetual = instrument(price_digits=digits[0], quantity_digits=digits[1])
    exact = Fraction(price, 10 ** digits[0]) * Fraction(quantity, 10 ** digits[1]) * CASH_UNIT
    assert perpetual.value(price=price, quantity=quantity) == exact


@pytest.mark.parametrize(
    ("price_digits", "quantity_digits", "size", "expected"),
    [(2, 3, "1", 1_000), (4, 4, "1", 1), (0, 0, "0.001", 100_000), (2, 0, "0.0001", 100), (5, 4, "10", 1)],
)
def test_value_multiplier_at_scales_that_fit_is_whole(
    price_digits: int, quantity_digits: int, size: str, expected: int
) -> None:
    """The contract's size is part of the value; together with the scales it must come to whole cash units."""
    perpetual = instrument(price_digits=price_digits, quantity_digits=quantity_digits, contract_size=Decimal(size))
    assert perpetual.value_multiplier == expected


@pytest.mark.parametrize(
    ("price_digits", "quantity_digits", "size"),
    [(5, 4, "1"), (4, 4, "0.1"), (2, 2, "0.00001"), (4, 4, "1.5"), (2, 2, "0"), (2, 2, "-1")],
)
def test_value_multiplier_at_scales_too_fine_is_refused(price_digits: int, quantity_digits: int, size: str) -> None:
    """Cash that would need a part of 10^-8 is refused by the instrument's name, never rounded."""
    perpetual = instrument(price_digits=price_digits, quantity_digits=quantity_digits, contract_size=Decimal(size))
    with pytest.raises(Unsupported, match=r"BTC/USDT:USDT: .* were"):
        _ = perpetual.value_multiplier


def test_value_of_an_option_is_refused() -> None:
    """An option is not worth its strike times anything; it is refused instead of valued wrongly."""
    with pytest.raises(Unsupported, match="option instruments are not priced yet"):
        replace(instrument(), kind=InstrumentKind.OPTION).value(price=1, quantity=1)


@pytest.mark.parametrize(
    ("quantity", "price", "coins"),
    [(100, 5_000_00, "2"), (-100, 5_000_00, "-2"), (1, 30_000_00, "0.00333333"), (-1, 30_000_00, "-0.00333333")],
)
def test_value_of_an_inverse_contract_is_coins(quantity: int, price: int, coins: str) -> None:
    """100 contracts of 100 USD at 5,000 are two coins, long or short; what does not divide goes towards zero."""
    inverse = replace(
        instrument(quantity_digits=0, contract_size=Decimal(100)), kind=InstrumentKind.INVERSE, settle="BTC"
    )
    assert inverse.value(price=price, quantity=quantity) == int(Decimal(coins) * CASH_UNIT)


def test_profit_of_an_inverse_long_is_made_when_the_price_rises() -> None:
    """Bought 10,000 USD of coin at 5,000 and worth it at 10,000: two coins became one, the long has gained one."""
    inverse = replace(
        instrument(quantity_digits=0, contract_size=Decimal(100)), kind=InstrumentKind.INVERSE, settle="BTC"
    )
    for quantity, coins in ((100, 1), (-100, -1)):
        entry_value = inverse.value(price=5_000_00, quantity=quantity)
        value = inverse.value(price=10_000_00, quantity=quantity)
        assert inverse.profit(entry_value=entry_value, value=value) == coins * CASH_UNIT


def test_denial_codes_are_subject_condition_with_a_sentence_of_their_own() -> None:
    """The docs print one sentence per code; two codes with one sentence would silently be one code."""
    assert len(DenialCode.__members__) == len(list(DenialCode))
    for name, code in DenialCode.__members__.items():
        assert name == name.upper() and "_" in name
        assert len(code.value.split()) >= 5 and code.value[0].islower() and not code.value.endswith(".")


def test_position_keys_of_two_legs_are_different_holdings() -> None:
    """In hedge mode the long and the short leg of one instrument are two holdings, as are cross and isolated."""
    keys = [PositionKey(0, 0, side, mode) for side in PositionSide for mode in MarginMode]
    assert len(set(keys)) == len(keys)


def test_position_keys_offer_no_order_that_fails_in_hedge_mode() -> None:
    """Keys once sorted by their fields, which raised as soon as two differed in the leg only; now none claims to."""
    assert "__lt__" not in vars(PositionKey)
