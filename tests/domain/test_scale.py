"""Fixed-point numbers keep every digit that a person or a venue wrote, and refuse what they cannot keep."""

from __future__ import annotations

from decimal import Decimal, getcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.scale import cash_text, to_decimal, to_fixed, to_fixed_rounded, to_text, units_per_one

PROPERTY = settings(derandomize=True, deadline=None, max_examples=200)
INTEGERS = st.integers(min_value=-(10**40), max_value=10**40)
DIGITS = st.integers(min_value=0, max_value=18)


@PROPERTY
@given(value=INTEGERS, digits=DIGITS)
def test_to_fixed_of_its_own_text_is_the_same_integer(value: int, digits: int) -> None:
    """What we print can be read back without losing a digit, however long the number is."""
    assert to_fixed(to_text(value, digits), digits) == value


@PROPERTY
@given(value=INTEGERS, digits=DIGITS)
def test_to_decimal_of_any_integer_is_exact(value: int, digits: int) -> None:
    """The decimal behind an integer is that integer over a power of ten, not a rounding of it."""
    assert Fraction(to_decimal(value, digits)) == Fraction(value, 10**digits)


@PROPERTY
@given(value=INTEGERS, digits=DIGITS)
def test_to_text_is_plain_and_short(value: int, digits: int) -> None:
    """No exponent, no trailing zero after a point, no minus zero: other tools read this."""
    text = to_text(value, digits)
    assert set(text) <= set("-.0123456789")
    assert Fraction(text) == Fraction(value, 10**digits)
    assert not ("." in text and text.endswith(("0", ".")))
    assert text.startswith("-") == (value < 0)


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        ("1.5", 8, 150_000_000),
        ("-0.00000001", 8, -1),
        ("1e-8", 8, 1),
        ("1E+3", 2, 100_000),
        ("1.500", 1, 15),
        (7, 3, 7_000),
        (Decimal("0.10"), 2, 10),
        ("-0", 8, 0),
    ],
)
def test_to_fixed_of_a_number_that_fits_is_exact(value: str | int | Decimal, digits: int, expected: int) -> None:
    """Digits at the edge of the scale, exponents and trailing zeros all mean what they say."""
    assert to_fixed(value, digits) == expected


@pytest.mark.parametrize(
    "value",
    [
        "1.000000001",
        "0.000000001",
        "1.0000000000000000000000000000000000000001",
        "100000000000000000000000000000.000000001",
        "1e-400",
    ],
)
def test_to_fixed_with_a_digit_too_many_is_refused(value: str) -> None:
    """One digit more than the scale holds is an error however far out it stands, never a silent rounding."""
    with pytest.raises(ValueError, match="more than 8 decimals, was"):
        to_fixed(value, 8)


@pytest.mark.parametrize(
    "value", ["nan", "NaN", "sNaN", "inf", "-Infinity", "", "ten", "1,5", "1e999999", "1e100", "9" * 1_001]
)
@pytest.mark.parametrize("convert", [to_fixed, to_fixed_rounded])
def test_fixed_of_what_is_no_finite_number_is_refused(convert: object, value: str) -> None:
    """NaN, infinity, words and numbers of absurd size are refused by one kind of error, which names them."""
    assert callable(convert)
    with pytest.raises(ValueError, match="not a finite decimal, was"):
        convert(value, 8)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.005", 0), ("0.015", 2), ("0.025", 2), ("-0.015", -2), ("0.0050001", 1), (0.1, 10), (5580.1, 558_010)],
)
def test_to_fixed_rounded_of_a_half_goes_to_even(value: str | float, expected: int) -> None:
    """Tapes may carry more digits than ours; the tie goes to the even unit, so that no side is favoured."""
    assert to_fixed_rounded(value, 2) == expected


@PROPERTY
@given(value=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), digits=DIGITS)
def test_to_fixed_rounded_of_a_float_is_the_nearest_unit(value: float, digits: int) -> None:
    """A float is taken at its exact binary value and is never more than half a unit off."""
    assert abs(Fraction(to_fixed_rounded(value, digits)) - Fraction(value) * 10**digits) <= Fraction(1, 2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_to_fixed_rounded_of_a_float_that_is_no_number_is_refused(value: float) -> None:
    """A NaN in a tape is bad data, not a price of zero."""
    with pytest.raises(ValueError, match="not a finite decimal"):
        to_fixed_rounded(value, 2)


def test_to_fixed_under_a_narrow_decimal_context_is_still_exact() -> None:
    """Somebody else's decimal precision, set in this process, does not reach our prices."""
    precision = getcontext().prec
    getcontext().prec = 4
    try:
        assert to_fixed("123456.789", 3) == 123_456_789
        assert to_decimal(123_456_789, 3) == Decimal("123456.789")
    finally:
        getcontext().prec = precision


def test_cash_text_of_cash_is_in_whole_units_of_the_currency() -> None:
    """Cash is counted at 10^-8 and printed in the currency."""
    assert (cash_text(150_000_000), cash_text(-1), cash_text(0)) == ("1.5", "-0.00000001", "0")


def test_units_per_one_of_a_scale_is_its_power_of_ten() -> None:
    """No digits means that the unit is one."""
    assert [units_per_one(digits) for digits in (0, 1, 8)] == [1, 10, 100_000_000]
