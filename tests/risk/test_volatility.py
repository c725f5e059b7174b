"""Volatility: two averages by hand, the prior, empty minutes, and the square root of time."""

from __future__ import annotations

from math import log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from bot.risk.volatility import FAST_DECAY, HISTORY_MINUTES, SLOW_DECAY, Volatility, prior_variance

YEAR_MINUTES = 525_600


def fed(closes: dict[int, int], *, until: int, underlying: str = "BTC") -> Volatility:
    """An estimate that saw these closes, by minute, and then that ``until`` had begun."""
    volatility = Volatility.starting(underlying)
    for minute, close in closes.items():
        volatility.roll(minute)
        volatility.close = close
    volatility.roll(until)
    return volatility


def walk(minutes: int, *, step: float, first: int = 0) -> dict[int, int]:
    """Closes that go up and down by one factor every minute."""
    return {first + minute: round(10_000_000 * (1 + step * (minute % 2))) for minute in range(minutes)}


def test_decay_halves_the_weight_after_its_half_life() -> None:
    """An hour for the fast average, a day for the slow one."""
    for decay, minutes in ((FAST_DECAY, 60), (SLOW_DECAY, 1_440)):
        assert decay**minutes == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize(("underlying", "yearly"), [("BTC", 0.60), ("ETH", 1.20), ("DOGE", 1.20)])
def test_sigma_before_any_price_is_the_stated_prior(underlying: str, yearly: float) -> None:
    """A bot that has seen nothing assumes 60 % a year for BTC and 120 % for all others."""
    volatility = Volatility.starting(underlying)
    assert volatility.sigma(365 * NS_PER_DAY) == pytest.approx(yearly, rel=1e-12)
    assert prior_variance(underlying) == pytest.approx(yearly**2 / YEAR_MINUTES, rel=1e-12)


def test_roll_over_three_minutes_is_the_average_by_hand() -> None:
    """Two returns, +2 % and -1 %, one after the other into both averages that began at the prior."""
    volatility = fed({7: 10_000, 8: 10_200, 9: 10_098}, until=10)
    for half_life, found in ((60, volatility.fast), (1_440, volatility.slow)):
        decay = 0.5 ** (1 / half_life)
        expected = 0.6**2 / YEAR_MINUTES
        for change in (log(10_200 / 10_000), log(10_098 / 10_200)):
            expected = decay * expected + (1 - decay) * change**2
        assert found == pytest.approx(expected, rel=1e-12)
    assert volatility.minutes_seen == 2


def test_roll_over_empty_minutes_counts_each_as_no_return() -> None:
    """Three minutes without a trade are three returns of zero, and the next price carries the whole move."""
    gapped = fed({0: 10_000, 1: 10_100, 5: 10_302}, until=6)
    filled = fed({0: 10_000, 1: 10_100, 2: 10_100, 3: 10_100, 4: 10_100, 5: 10_302}, until=6)
    assert gapped.fast == pytest.approx(filled.fast, rel=1e-12)
    assert gapped.slow == pytest.approx(filled.slow, rel=1e-12)
    assert gapped.minutes_seen == filled.minutes_seen == 5


def test_roll_of_a_first_minute_learns_nothing() -> None:
    """One close is no return, and an empty stretch after it is none that was seen to be calm."""
    volatility = fed({100: 10_000}, until=101)
    assert volatility.minutes_seen == 0
    assert volatility.fast == volatility.slow == volatility.prior


def test_per_minute_of_a_calm_market_keeps_the_prior_until_six_hours_are_seen() -> None:
    """Five hours and fifty-nine minutes of calm still mean the prior; at six hours the calm counts."""
    almost = fed(walk(HISTORY_MINUTES, step=1e-6), until=HISTORY_MINUTES)
    enough = fed(walk(HISTORY_MINUTES + 1, step=1e-6), until=HISTORY_MINUTES + 1)
    assert (almost.minutes_seen, enough.minutes_seen) == (HISTORY_MINUTES - 1, HISTORY_MINUTES)
    assert almost.per_minute() == prior_variance("BTC")
    assert 0 < enough.per_minute() < prior_variance("BTC")


def test_per_minute_of_a_wild_market_passes_the_prior_at_once() -> None:
    """The prior is a floor and no ceiling: one wild minute is felt before there is any history."""
    volatility = fed({0: 10_000, 1: 9_000}, until=2)
    assert volatility.per_minute() == volatility.fast > prior_variance("BTC")


def test_per_minute_is_the_larger_of_both_averages() -> None:
    """A wild hour lifts the fast average above the slow one; a calm day after it leaves the slow one above."""
    wild = fed(walk(500, step=0.01), until=500)
    assert wild.per_minute() == wild.fast > wild.slow
    calm = dict.fromkeys(range(500, 500 + 1_440), 10_000_000)
    after = fed({**walk(500, step=0.01), **calm}, until=500 + 1_440)
    assert after.per_minute() == after.slow > after.fast


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    moves=st.lists(st.tuples(st.integers(1, 3_000), st.integers(1, 10**9)), min_size=1, max_size=40),
    underlying=st.sampled_from(["BTC", "ETH"]),
)
def test_sigma_of_any_history_is_finite_and_above_zero(moves: list[tuple[int, int]], underlying: str) -> None:
    """Frozen, gapped or absurd prices: sigma is a positive number, so that no guard divides by it or waits for 0."""
    closes = {}
    minute = 0
    for gap, close in moves:
        minute += gap
        closes[minute] = close
    sigma = fed(closes, until=minute + 1, underlying=underlying).sigma(15 * NS_PER_MINUTE)
    assert 0 < sigma < 100


def test_sigma_scales_with_the_square_root_of_time() -> None:
    """Four times the window is twice the sigma; a minute is the minute's own."""
    volatility = fed(walk(400, step=0.001), until=400)
    assert volatility.sigma(4 * NS_PER_HOUR) == pytest.approx(2 * volatility.sigma(NS_PER_HOUR), rel=1e-12)
    assert volatility.sigma(NS_PER_MINUTE) == pytest.approx(sqrt(volatility.per_minute()), rel=1e-12)
    assert volatility.sigma(0) == 0.0


def test_sigma_of_steady_moves_tends_to_their_size() -> None:
    """A market that moves 0.2 % every minute has a minute's sigma of 0.2 %, whatever the prior said."""
    volatility = fed(walk(15_000, step=0.002), until=15_000)
    assert volatility.sigma(NS_PER_MINUTE) == pytest.approx(log(1.002), rel=0.01)
