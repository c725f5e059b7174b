"""What a fill costs: the square-root law by hand, the memory of our own takings, wide bars, and the estimates."""

from __future__ import annotations

from math import exp, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.order import Side
from bot.domain.scale import NS_PER_MINUTE
from paper import activity
from paper.impact import Depth, depth, remember
from paper.spec import ImpactSpec
from paper.state import Market
from tests.paper.builders import START, cents, lots, perpetual

# one day's sigma 4 %, 10,000 coins a day at 100: a coin's impact is 4 % x sqrt(1 / 10,000) = 4 bps
SPEC = ImpactSpec(
    half_spread_min=0.001,
    half_spread_of_minute_sigma=0.0,
    sigma_year_prior=0.04 * sqrt(365),
    volume_day_prior=1_000_000.0,
    volume_day_min=10_000.0,
)


def _market(price: str = "100") -> Market:
    market = Market(last=cents(price))
    activity.begin(market, perpetual(), SPEC, now=START, price=cents(price))
    return market


def _depth(market: Market, side: Side = Side.SELL, *, now: int = START) -> Depth:
    found = depth(market, perpetual(), SPEC, side=side, now=now)
    assert found is not None
    return found


def test_depth_before_the_first_price_is_none() -> None:
    """Without a price there is nothing to trade against."""
    assert depth(Market(), perpetual(), SPEC, side=Side.SELL, now=START) is None


@pytest.mark.parametrize(("amount", "bps"), [("1", 14.0), ("4", 18.0), ("100", 50.0)])
def test_distance_of_a_quantity_is_half_spread_and_square_root_impact(amount: str, bps: float) -> None:
    """10 bps of spread plus 4 bps per coin under the square root: 1, 4 and 100 coins by hand."""
    assert _depth(_market()).distance(lots(amount)) == pytest.approx(bps / 10_000)


def test_price_of_a_sale_is_below_and_of_a_purchase_above_the_last_price() -> None:
    """A coin at 14 bps from 100 costs 14 cents either way, rounded against the taker."""
    assert _depth(_market(), Side.SELL).price(lots(1)) in (cents("99.86"), cents("99.85"))
    assert _depth(_market(), Side.BUY).price(lots(1)) in (cents("100.14"), cents("100.15"))


def test_price_of_a_sale_beyond_all_depth_is_one_unit() -> None:
    """A price never reaches zero, however much is dumped."""
    assert _depth(_market()).price(lots(100_000_000)) == 1


def test_quantity_within_a_limit_is_what_the_slope_of_the_law_admits() -> None:
    """The last piece pays 1.5 times the impact: 6 bps of room after the spread is one coin."""
    found = _depth(_market()).quantity_within(cents("99.84"))
    assert found == pytest.approx(lots(1), abs=2)


@pytest.mark.parametrize(("limit", "fits"), [("99.91", False), ("99.90", False), ("99.89", True)])
def test_quantity_within_the_half_spread_is_nothing(limit: str, fits: bool) -> None:
    """A limit that does not reach the other side's best price fills nothing; a cent beyond, something."""
    assert (_depth(_market()).quantity_within(cents(limit)) > 0) is fits


def test_quantity_within_a_limit_of_a_purchase_mirrors_the_sale() -> None:
    """Buying up to 16 bps above is selling down to 16 bps below."""
    up = _depth(_market(), Side.BUY).quantity_within(cents("100.16"))
    down = _depth(_market(), Side.SELL).quantity_within(cents("99.84"))
    assert up == pytest.approx(down, abs=2)


def test_a_hundred_slices_at_once_cost_what_their_total_costs() -> None:
    """Slicing within a second buys nothing: the memory makes the children pay the parent's impact."""
    whole = _depth(_market()).distance(lots(100))
    market = _market()
    paid = 0.0
    for _ in range(100):
        paid += _depth(market).distance(lots(1)) / 100
        remember(market, SPEC, side=Side.SELL, quantity=lots(1), now=START)
    assert paid == pytest.approx(whole)


def test_memory_of_a_taking_is_half_after_five_minutes_and_only_on_its_side() -> None:
    """Depth grows back with a half-life of five minutes; the other side never lost it."""
    market = _market()
    remember(market, SPEC, side=Side.SELL, quantity=lots(8), now=START)
    assert _depth(market, Side.SELL).taken == lots(8)
    assert _depth(market, Side.SELL, now=START + 5 * NS_PER_MINUTE).taken == pytest.approx(lots(4))
    assert _depth(market, Side.SELL, now=START + 10 * NS_PER_MINUTE).taken == pytest.approx(lots(2))
    assert _depth(market, Side.BUY).taken == 0


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    amount=st.integers(1, 10**9),
    taken=st.floats(0, 1e9),
    room=st.integers(1, 5_000),
    side=st.sampled_from(Side),
)
def test_price_of_what_fits_a_limit_is_inside_it(amount: int, taken: float, room: int, side: Side) -> None:
    """Whatever was taken before, what the limit admits has an average price inside the limit, to the rounding."""
    found = Depth(side, base=10_000, half_spread=0.001, scale=4e-6, taken=taken, least=0.0)
    limit = 10_000 + side.sign * room
    quantity = min(amount, found.quantity_within(limit))
    if quantity:
        assert side.sign * (found.price(quantity) - limit) <= 1


def test_quote_on_the_tape_is_the_touched_price_without_a_modelled_spread() -> None:
    """Where the tape says bid and ask, they stand for the half spread."""
    market = _market()
    market.bid, market.ask = cents("99.95"), cents("100.05")
    assert (_depth(market, Side.SELL).base, _depth(market, Side.SELL).half_spread) == (cents("99.95"), 0.0)
    assert _depth(market, Side.BUY).base == cents("100.05")


def test_half_spread_is_never_below_a_tick() -> None:
    """At a price of 0.05 the tick of a cent is 20 %, and nobody trades for less."""
    market = _market("0.05")
    assert _depth(market).half_spread == pytest.approx(0.2)


# Wide bars ------------------------------------------------------------------------------------------------


def _bars(market: Market, *widths: int) -> None:
    for place, width in enumerate(widths):
        activity.open_bar(market, SPEC, width=width, ends=START + (place + 1) * NS_PER_MINUTE)


@pytest.mark.parametrize(("width", "floor"), [(500, 0), (501, 251)])
def test_bar_wider_than_five_medians_costs_half_of_its_range(width: int, floor: int) -> None:
    """Exactly five times the median is still usual; a cent more, and half the range is the least distance."""
    market = _market()
    _bars(market, 100, 100, 90, 110, 100, width)
    assert market.bar_floor == floor


def test_wide_bar_moves_fills_and_refuses_tighter_limits_until_it_ends() -> None:
    """In a bar from 100 to 90, a sale is at 95 or worse, and a limit above that fills nothing."""
    market = _market()
    _bars(market, 10, 10, 10, 10, 10, 1_000)
    inside = START + 6 * NS_PER_MINUTE - 1
    assert _depth(market, now=inside).price(lots(1)) == cents("95")
    assert _depth(market, now=inside).quantity_within(cents("95.01")) == 0
    assert _depth(market, now=inside).quantity_within(cents("95")) > 0
    assert _depth(market, now=inside + 1).price(lots(1)) >= cents("99.85")


def test_bars_before_there_are_five_are_never_wide() -> None:
    """A median of four bars says nothing."""
    market = _market()
    _bars(market, 1, 1, 1, 1, 1_000)
    assert market.bar_floor == 0


def test_bars_remembered_are_sixty() -> None:
    """Old ranges leave: after sixty wide bars a wide one is usual."""
    market = _market()
    _bars(market, *[1] * 100, *[1_000] * 60, 1_001)
    assert (len(market.bar_ranges), market.bar_floor) == (60, 0)


# Estimates ------------------------------------------------------------------------------------------------


def test_sigma_before_data_is_the_prior_and_with_data_that_of_the_tape() -> None:
    """Ten hours of 1 % minutes leave nothing of the prior."""
    market = _market()
    assert activity.sigma_minute(market, SPEC) == pytest.approx(0.04 / sqrt(1_440))
    now = START
    for minute in range(600):
        now += NS_PER_MINUTE
        market.last = round(1_000_000 * exp(0.01 * (minute % 2)))
        market.close = market.close if minute else market.last
        activity.close_minutes(market, now)
    assert activity.sigma_minute(market, SPEC) == pytest.approx(0.01, rel=1e-2)


def test_volume_of_a_tape_without_volumes_stays_the_prior() -> None:
    """Zero in every bar means that the tape does not carry volume, not that nobody traded."""
    market = _market()
    activity.close_minutes(market, START + 90 * NS_PER_MINUTE)
    assert activity.volume_day(market, perpetual(), SPEC) == pytest.approx(lots(10_000))


def test_volume_of_a_day_follows_the_tape_once_it_has_any() -> None:
    """A coin a minute for ten hours is 1,440 coins a day."""
    market = _market()
    for minute in range(1, 601):
        market.volume = lots(1)
        activity.close_minutes(market, START + minute * NS_PER_MINUTE)
        assert market.volume == 0
    assert activity.volume_day(market, perpetual(), SPEC) == pytest.approx(lots(1_440), rel=1e-2)


def test_a_day_without_data_counts_as_one_calm_hour() -> None:
    """A gap is no evidence of calm: sigma falls by what an hour would do, and the minute clock catches up."""
    gap, hour = _market(), _market()
    activity.close_minutes(gap, START + 1_440 * NS_PER_MINUTE)
    activity.close_minutes(hour, START + 61 * NS_PER_MINUTE)
    assert gap.variance_sum == pytest.approx(hour.variance_sum)
    assert gap.minute_ends == START + 1_441 * NS_PER_MINUTE
