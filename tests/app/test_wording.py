"""Numbers as a trader reads them, and lines with fewer points that look the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.report.thin import POINTS_MAX, kept_places
from bot.app.wording import (
    NA,
    base_of,
    bps,
    cash,
    change,
    clock,
    clock_pattern,
    currency_of,
    distance_words,
    duration,
    moment,
    number,
    percent,
    price,
    quantity,
    short_symbol,
    signed_cash,
    spoken,
    unit_of,
)

SECOND = 1_000_000_000
NOTHINGS = [None, float("nan"), float("inf"), float("-inf"), "", "abc", "NaN", "-Infinity", "1e999", True, [], {}]


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        ("0.00351234", "BTC", "0.003512 BTC"), ("0.48123", "BTC", "0.4812 BTC"), (12.34567, "ETH", "12.35 ETH"),
        (123.456, "SOL", "123.46 SOL"), (2_345.6, "SOL", "2,346 SOL"), (0, "BTC", "0.00 BTC"),
        (0.004, "USDT", "0.00 USDT"), (0.486, "DAI", "0.49 DAI"),
        (0.486, "", "0.49"), (None, "BTC", NA),
    ],
)
def test_cash_in_coins_has_the_digits_that_matter(value: object, currency: str, expected: str) -> None:
    """A fee of three thousandths of a bitcoin is no fee of nothing; money is told to the cent."""
    assert cash(value, currency) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(9.99, "999 %"), (10.0, "over 1,000 %"), (150_527.0, "over 1,000 %"), (0.0486, "4.86 %"), (None, NA), ("x", NA)],
)
def test_distance_that_nobody_will_see_is_not_told_to_the_percent(fraction: object, expected: str) -> None:
    """A hedged book may be liquidated at a price fifteen million percent away; that is no figure for a person."""
    assert distance_words(fraction) == expected


@pytest.mark.parametrize("missing", NOTHINGS, ids=repr)
def test_words_of_what_is_no_number_are_not_available(missing: object) -> None:
    """None, nan, infinities and text that is no number read n/a in every unit."""
    assert number(missing) is None
    assert {word(missing) for word in (percent, change, bps, cash, signed_cash, price, quantity)} == {NA}


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0.0493, "4.93 %"), ("0.61", "61 %"), (0.09994, "9.99 %"), (0.09996, "10.0 %"), (0.1994, "19.9 %"),
        (0.1996, "20 %"), (0, "0 %"), (-0.00001, "0 %"), (-0.312, "-31 %"), (12.5, "1,250 %"),
    ],
)
def test_percent_keeps_the_decimals_that_matter(fraction: object, expected: str) -> None:
    """Near liquidation hundredths count, at 60 % they do not."""
    assert percent(fraction) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (bps(34.2), "34 bps"), (bps(3.44), "3.4 bps"), (bps(-9.96), "-10 bps"), (change(-0.352), "-35.2 %"),
        (change(0.004), "+0.4 %"), (cash("12345.678", "USDT"), "12,346 USDT"), (cash(999.4), "999.40"),
        (cash(999.5), "1,000"), (signed_cash(5), "+5.00"), (signed_cash(-5), "-5.00"), (signed_cash(0), "0.00"),
        (price("5123.456789"), "5,123.46"), (price(0.01234567), "0.0123457"), (price(67_000), "67,000.0"),
        (quantity("1.230000"), "1.23"), (quantity(1_250_000), "1,250,000"), (quantity(0), "0"),
        (quantity(0.00001), "0.00001"),
    ],
)
def test_words_of_amounts_are_as_long_as_they_need_to_be(word: str, expected: str) -> None:
    """Six significant digits, separators, no zeros that say nothing."""
    assert word == expected


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (None, NA), (-1, NA), (0, "less than a second"), (48 * SECOND, "48 s"), (119 * SECOND, "119 s"),
        (120 * SECOND, "2 min"), (14 * 60 * SECOND, "14 min"), (7500 * SECOND, "2 h 05 min"),
        (76 * 3600 * SECOND, "3 d 4 h"),
    ],
)
def test_duration_uses_the_units_that_matter(span: int | None, expected: str) -> None:
    """Seconds up to two minutes, minutes up to two hours, then hours and days."""
    assert duration(span) == expected


def test_moment_reads_the_summary_s_times_exactly() -> None:
    """Microseconds survive, a zone is honoured, what is no time is None."""
    assert moment("2020-03-12T10:44:00.000001Z") == 1_584_009_840_000_001_000
    assert moment("2020-03-12T12:44:00+02:00") == moment("2020-03-12T10:44:00") == 1_584_009_840 * SECOND
    assert moment("noon") is None and moment(None) is None and moment(True) is None
    assert clock(1_584_009_840 * SECOND) == "10:44:00"
    assert clock("noon") == clock(1 << 80) == NA


def test_clock_shows_the_day_once_a_run_has_two() -> None:
    """Within one UTC day the time is enough; across midnight it is not."""
    day = 24 * 3600 * SECOND
    assert clock_pattern(0, day - 1) == "%H:%M:%S"
    assert clock_pattern(0, day) == clock_pattern(None, day) == "%d %b %H:%M:%S"


@pytest.mark.parametrize(
    ("symbol", "base", "currency", "short"),
    [
        ("BTC/USDT:USDT", "BTC", "USDT", "BTC/USDT"),
        ("BTC/USD:BTC", "BTC", "BTC", "BTC/USD:BTC"),
        ("BTC/USD:BTC-240329-50000-C", "BTC", "BTC", "BTC/USD:BTC-240329-50000-C"),
        ("BTC/USDT:USDT-240329", "BTC", "USDT", "BTC/USDT:USDT-240329"),
        ("ETH/USDC", "ETH", "USDC", "ETH/USDC"),
        ("BTC/USDT:USDT long", "BTC", "USDT", "BTC/USDT long"),
        ("BTC/USD:BTC short", "BTC", "BTC", "BTC/USD:BTC short"),
        ("strange", "strange", "", "strange"),
    ],
)
def test_symbols_are_shortened_only_where_nothing_is_lost(symbol: str, base: str, currency: str, short: str) -> None:
    """A linear perpetual needs no settlement behind it; inverse, dated and options do."""
    assert (base_of(symbol), currency_of(symbol), short_symbol(symbol)) == (base, currency, short)


def test_quantities_are_counted_in_contracts_only_where_they_are_inverse() -> None:
    """500 of BTC/USD:BTC are no 500 BTC; spot and linear perpetuals are counted in their base."""
    found = {symbol: unit_of(symbol) for symbol in ("BTC/USDT:USDT", "BTC/USD:BTC short", "BTC/USDT", "strange")}
    assert list(found.values()) == ["BTC", "contracts", "BTC", "strange"]


def test_spoken_makes_one_printable_line_of_anything() -> None:
    """Lists and tables read as phrases; control and direction marks cannot reach a screen."""
    assert spoken({"a": [1, None], "b": float("inf")}) == "a 1, n/a, b n/a"
    assert spoken("x\x1b[31m\n\u202ey") == "x?[31m??y"


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=400), st.integers(5, 60)
)
def test_thinned_line_keeps_ends_extremes_and_gaps(line: list[float | None], points_max: int) -> None:
    """However few points are left, the first and last, the lowest and highest, and some gap are among them."""
    places = kept_places(line, points_max)
    assert len(places) <= max(points_max, 1)
    assert places == sorted(set(places)) and places[0] == 0 and places[-1] == len(line) - 1
    values = [value for value in line if value is not None]
    kept = [line[place] for place in places]
    if values:
        assert min(values) in kept and max(values) in kept
    assert (None in line) == (None in kept)


def test_thinned_line_is_untouched_up_to_its_limit() -> None:
    """A line of the limit's length keeps all points, one more is thinned."""
    assert len(kept_places([1.0] * POINTS_MAX)) == POINTS_MAX
    assert len(kept_places([1.0] * (POINTS_MAX + 1))) < POINTS_MAX


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(200, 2000), st.tuples(st.floats(0, 1), st.floats(0, 1)), st.integers(20, 199))
def test_thinned_line_with_a_focus_stays_within_its_limit(
    size: int, ends: tuple[float, float], points_max: int
) -> None:
    """Wherever the closer look lies, the limit holds, both ends stay, and the part has half of the points."""
    start, end = sorted(round(end * size) for end in ends)
    line = [float(place * 7919 % 997) for place in range(size)]
    places = kept_places(line, points_max, (start, end))
    assert len(places) <= points_max
    assert places == sorted(set(places)) and places[0] == 0 and places[-1] == size - 1
    inside = sum(1 for place in places if start <= place < end)
    assert inside >= min((points_max - 2) // 6, end - start)


def test_thinned_line_shows_a_small_focus_whole() -> None:
    """A quarter of an hour within days of minutes is drawn minute by minute."""
    line = [float(place) for place in range(7200)]
    places = kept_places(line, 1500, (3000, 3200))
    assert set(range(3000, 3200)) <= set(places)
    assert not set(range(3000, 3200)) <= set(kept_places(line, 1500))
