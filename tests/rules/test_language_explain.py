"""A condition with its readings, as a person reads it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.rules.language.dimension import DURATION, NUMBER, RATIO, Dimension, amount_of, price_of, quotient
from bot.rules.language.explain import explain
from bot.rules.language.typed import ReadingRef
from bot.rules.language.wording import duration_text, number_text, shows_apart, value_text
from tests.rules.language_builders import BTC, ETH, Readings, condition, lookup_in

LINES: list[tuple[str, Readings, str]] = [
    (
        "account.liquidation_distance < clamp(6 * account.sigma(15m), 5%, 8%)",
        {"account.liquidation_distance": 0.0493, "account.sigma(15m)": 0.0092},
        "account.liquidation_distance 4.93 % < clamp(6 * account.sigma(15m) 0.92 %, 5 %, 8 %) = 5.52 %",
    ),
    (
        "position.loss_ratio > 8% and not (position.age > 90s or account.equity < 250_000 USDT)",
        {"position.loss_ratio": 0.08125, "position.age": 5400e9, "account.equity": 1234567.891},
        "position.loss_ratio 8.12 % > 8 % and not (position.age 1.5h > 1.5m or "
        "account.equity 1_234_567.89 USDT < 250_000 USDT)",
    ),
    ("account.margin_ratio > 70%", {}, "account.margin_ratio unavailable > 70 %"),
    ("account.margin_ratio > 70%", {"account.margin_ratio": math.nan}, "account.margin_ratio unavailable > 70 %"),
    ("account.leverage > 3", {"account.leverage": math.inf}, "account.leverage infinite > 3"),
    ("account.leverage / 2 > 3", {}, "account.leverage unavailable / 2 = unavailable > 3"),
    ("market.mark_price < 60_000 USDT", {"market.mark_price": 59000.5},
     "market.mark_price 59_000.5 USDT < 60_000 USDT"),
    ("market.funding_rate > 1bps", {"market.funding_rate": 0.000034},
     "market.funding_rate 0.0034 % > 0.01 %"),
    ("market.mark_price < 97% * max(market.mark_price, 15m)",
     {"market.mark_price": 7760.5, "max(market.mark_price, 15m)": 8000.0},
     "market.mark_price 7_760.5 USDT < 97 % * max(market.mark_price, 15m) 8_000 USDT = 7_760 USDT"),
    ("rate(account.equity, 15m) < -100 USDT / 1m", {"rate(account.equity, 15m)": -150 / 60e9},
     "rate(account.equity, 15m) -150 USDT per minute < -100 USDT / 1m = -100 USDT per minute"),
    ("rate(account.leverage, 1h) > 1 / 1h", {"rate(account.leverage, 1h)": 2 / 3600e9},
     "rate(account.leverage, 1h) 0.0333 per minute > 1 / 1h = 0.0167 per minute"),
    ("default(market.funding_rate, 0) < 1% and rsi(market.close, 14, 1m) > 70", {"rsi(market.close, 14, 1m)": 71.234},
     "default(market.funding_rate unavailable, 0) = 0 % < 1 % and rsi(market.close, 14, 1m) 71.23 > 70"),
    ("time.between(09:30, 16:00) or time.every(8h)", {"time.of_day": 36_000e9, "time.every(8h)": 7_200e9},
     "time.of_day 10:00:00 >= 09:30 and time.of_day 10:00:00 < 16:00 or time.every(8h) 2h < 1m"),
    ("position.amount - 1 BTC < -2 BTC", {"position.amount": -1.5},
     "position.amount -1.5 BTC - 1 BTC = -2.5 BTC < -2 BTC = -2 BTC"),
    ("account.leverage * (1 + account.leverage) > 3", {"account.leverage": 2.0},
     "account.leverage 2 * (1 + account.leverage 2) = 6 > 3"),
    # one more digit where two would show both sides as equal
    ("account.liquidation_distance < 5%", {"account.liquidation_distance": 0.049999},
     "account.liquidation_distance 4.9999 % < 5 %"),
    ("account.liquidation_distance < 5%", {"account.liquidation_distance": 0.0499999999999},
     "account.liquidation_distance 4.99999999999 % < 5 %"),
    ("account.liquidation_distance < 5%", {"account.liquidation_distance": 0.05},
     "account.liquidation_distance 5 % < 5 %"),
]


@pytest.mark.parametrize(("text", "readings", "line"), LINES)
def test_explain_writes_one_line_in_the_units_of_a_person(text: str, readings: Readings, line: str) -> None:
    """Per cent, money with its currency, durations in words; readings behind their names."""
    assert explain(condition(text), lookup_in(readings)) == line


def test_reading_is_written_as_a_person_would_write_it() -> None:
    """The text of a reading can be pasted back into a rule."""
    window = ReadingRef("account.sigma", (900_000_000_000,))
    other = ReadingRef("market.mark_price", (), ETH)
    assert str(window) == "account.sigma(15m)"
    assert str(other) == 'market("ETH/USDT:USDT").mark_price'
    for ref in (window, other):
        text = f"{ref} > {ref}"
        assert condition(text, symbols=(BTC, ETH)).readings == (ref,)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(900e9, "15m"), (90_000_000_000, "90s"), (86400e9, "1d"), (36 * 3600e9, "36h"), (250e6, "250ms"),
     (1_500_000, "1.5ms"), (60e9, "1m"), (61e9, "61s")],
)
def test_duration_text_uses_the_largest_unit_that_divides(nanoseconds: float, text: str) -> None:
    """A window reads as it was most likely written."""
    assert duration_text(nanoseconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.5, "-0.5"), (1234567.0, "1_234_567"), (0.00123456, "0.00123"), (99.999, "100"),
     (-math.inf, "-infinite"), (1.7e308, "1.700e+308"), (5e-324, "0")],
)
def test_number_text_rounds_for_reading(value: float, text: str) -> None:
    """Two decimals, more for small numbers, groups for large ones, no trailing zeros."""
    assert number_text(value, 2) == text


MONEY = amount_of("USDT")
SCALES = st.sampled_from([1e-12, 1e-3, 0.01, 0.99, 1.0, 59_950.0, 6e10, 3.6e12, 1e12, 1e15, 1e17])
SIZES = st.builds(lambda scale, share: scale * share, SCALES, st.floats(-2, 2))
VALUES = st.one_of(st.none(), st.just(math.nan), st.just(math.inf), SIZES)
DIMENSIONS = (NUMBER, RATIO, DURATION, MONEY, price_of(quote="USDT", base="BTC"), quotient(MONEY, DURATION))


@given(
    one=VALUES, other=VALUES, near=st.floats(-0.05, 0.05), is_near=st.booleans(),
    decimals=st.sampled_from([2, 4, 8, 12]), dimension=st.sampled_from(DIMENSIONS),
)
@settings(derandomize=True, deadline=None, max_examples=600)
def test_values_that_are_plainly_apart_never_read_alike(
    one: float | None, other: float | None, near: float, is_near: bool, decimals: int, dimension: Dimension
) -> None:
    """Whoever is told that two values are apart need not write them down to see it."""
    if is_near and one is not None:
        other = one * (1 + near)
    if shows_apart(one, other, dimension):
        assert value_text(one, dimension, decimals) != value_text(other, dimension, decimals)


@pytest.mark.parametrize(("one", "other", "apart"), [(100.0, 100.03, True), (100.0, 100.02, False), (None, 1.0, False)])
def test_values_are_plainly_apart_from_two_hundredths_on(one: float | None, other: float, apart: bool) -> None:
    """On both sides of the bound, and where one of them is not there."""
    assert shows_apart(one, other, MONEY) is apart
