"""Units as people write them: what each text means, and which are refused on either side of a limit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.units import Money
from bot.settings.document import inline_scalar
from bot.settings.errors import SettingsError
from bot.settings.quantities import read_duration, read_money, read_rate, read_ratio
from bot.settings.scalars import read_decimal, read_float, read_integer

DAY = 86_400 * 10**9
GOOD: dict[Callable[..., object], dict[str, object]] = {
    read_ratio: {
        "70%": 0.7, "0.7": 0.7, "25bps": 0.0025, "2.5%": 0.025, "0": 0.0, "0%": 0.0, "100%": 1.0, "1.0": 1.0,
        "0.999": 0.999, "-20%": -0.2, "-0.2": -0.2, "-1.0": -1.0, "500%": 5.0, "1 %": 0.01,
        "7 bps": 0.0007, "1e-3": 0.001,
        "1_000bps": 0.1, "+5%": 0.05, "0.1%": 0.001,
    },
    read_duration: {
        "250ms": 250 * 10**6, "90s": 90 * 10**9, "10m": 600 * 10**9, "1h": 3600 * 10**9, "1d": DAY, "0s": 0,
        "1.5h": 5400 * 10**9, "0.5ms": 500_000, "0.000001ms": 1, "36500d": 36_500 * DAY, "1_000ms": 10**9,
        "2 h": 7200 * 10**9,
    },
    read_rate: {"10/s": 10.0, "600/m": 10.0, "1.5/s": 1.5, "0/s": 0.0, "3600/h": 1.0, "1_000/s": 1000.0},
    read_money: {
        "250_000 USDT": Money(Decimal(250_000), "USDT"), "0.5 BTC": Money(Decimal("0.5"), "BTC"),
        "-1 USD": Money(Decimal(-1), "USD"), "0 USDC": Money(Decimal(0), "USDC"),
        "1 1000SATS": Money(Decimal(1), "1000SATS"),
        "1e3 USDT": Money(Decimal(1000), "USDT"),
    },
    read_integer: {"0": 0, "-5": -5, "+5": 5, "1_000": 1000, "9" * 18: 10**18 - 1, "-0": 0},
    read_decimal: {
        "1.50": Decimal("1.5"), "1e3": Decimal(1000), "1E-18": Decimal("1e-18"), "-0.5": Decimal("-0.5"),
        "1_000.000_1": Decimal("1000.0001"), "0": Decimal(0), "0.0": Decimal(0), "0e5": Decimal(0),
        "1e17": Decimal(10**17),
    },
    read_float: {"3": 3.0, "2.5": 2.5, "1e-9": 1e-9},
}
BAD: dict[Callable[..., object], dict[str, str]] = {
    read_ratio: {
        "1": "1% or 100%", "-1": "-1% or -100%", "1.01": "1.01% or 101", "70": "70% or 7000%",
        "5 percent": "5%", "5bp": "25bps",
        "%": "5%", "5  %": "5%", "05%": "octal", "1:30": "base 60", "nan": "finite", "inf%": "5%",
        "1,5%": "5%", "1e99%": "18 digits",
        ".5": "before the point", "5.%": "after the point", "1/2": "5%", "five": "5%",
    },
    read_duration: {
        "0": "0s", "10": "10s or 10m", "5M": "ms, s, m, h or d", "1h30m": "ms, s, m, h or d",
        "-1s": "zero or more", "1w": "ms, s",
        "0.0000001ms": "whole nanoseconds", "36500.001d": "36500d", "010s": "octal", "1:30": "base 60",
        "s": "ms, s", "1 minute": "ms, s",
        ".5s": "ms, s", "infs": "ms, s", "5min": "ms, s", "5us": "ms, s",
    },
    read_rate: {
        "10": "10/s", "10/": "10/s", "/s": "10/s", "10/d": "10/s", "10 /s": "10/s", "10/ s": "10/s",
        "-1/s": "zero or more",
        "10/s/s": "10/s", "01/s": "octal", "nan/s": "finite", "x": "10/s",
    },
    read_money: {
        "250000": "a currency", "250_000 usdt": "250_000 USDT", "$5": "a currency",
        "5USDT": "250_000 USDT", "5 ": "a currency",
        "250,000 USDT": "group digits with _", "USDT 5": "a currency", "5  USDT": "5 USDT",
        "5 U$": "250_000 USDT", "010 USDT": "octal",
        "5 123": "250_000 USDT", "nan USDT": "finite", "5%": "a currency", "1e19 USDT": "18 digits",
    },
    read_integer: {
        "1e18": "18 digits", "9" * 19: "18 digits", "1.0": "write 1", "--1": "1_000", "1 000": "1_000",
        "": "remove the key",
    },
    read_decimal: {
        "1e18": "18 digits", "1e-19": "18 after", "123456789012345678.12345678901": "28 in all",
        "+": "1_000", "1e": "1_000",
        "0_1": "octal", "00": "octal", "1_": "1_000", "_1": "1_000", "1._5": "1_000",
        "Infinity": "finite", "1e+100": "1_000",
    },
    read_float: {"1e400": "1_000", "nan": "finite"},
}


@pytest.mark.parametrize(
    ("read", "text", "expected"), [(read, text, value) for read, rows in GOOD.items() for text, value in rows.items()]
)
def test_reader_of_a_good_text_returns_the_value(
    read: Callable[..., object], text: str, expected: object
) -> None:
    """Each unit means what a trader would say it means."""
    value = read(inline_scalar(text, "c.yaml"), "key")
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("read", "text", "cure"), [(read, text, cure) for read, rows in BAD.items() for text, cure in rows.items()]
)
def test_reader_of_a_bad_text_says_what_to_write(read: Callable[..., object], text: str, cure: str) -> None:
    """A text that two people could read differently is refused, with what to write instead."""
    with pytest.raises(SettingsError) as caught:
        read(inline_scalar(text, "c.yaml"), "key")
    assert cure in caught.value.cure
    assert str(caught.value).startswith("c.yaml: key ")


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.decimals(min_value=-(10**9), max_value=10**9, places=8))
def test_decimal_of_any_amount_reads_back_exactly(number: Decimal) -> None:
    """No amount changes between the file and the engine."""
    assert read_decimal(inline_scalar(f"{number:f}", "c.yaml"), "key") == number


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(min_value=0, max_value=10**9))
def test_ratio_in_bps_equals_the_same_ratio_in_percent(bps: int) -> None:
    """25bps and 0.25% are the same number, to the last bit."""
    percent = f"{Decimal(bps) / 100:f}%"
    in_bps, in_percent = inline_scalar(f"{bps}bps", "c.yaml"), inline_scalar(percent, "c.yaml")
    assert read_ratio(in_bps, "key") == read_ratio(in_percent, "key")


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(min_value=0, max_value=10**6))
def test_duration_in_minutes_equals_the_same_duration_in_seconds(minutes: int) -> None:
    """Units of time agree with each other exactly."""
    long, short = f"{minutes}m", f"{minutes * 60}s"
    assert read_duration(inline_scalar(long, "c.yaml"), "key") == read_duration(inline_scalar(short, "c.yaml"), "key")
