"""Prices of children: at the collar, from mark or index, inside the venue's band; at the touch, some ticks back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copying import replace
from bot.domain.instrument import Filters
from bot.execution.price import is_left_behind, joining_price, taking_price

PROPERTY = settings(derandomize=True, deadline=None, max_examples=150)
PLAIN = Filters(tick=5, lot=1, quantity_min=1, quantity_max=10**9, notional_min=0)
BUY, SELL = 1, -1


@pytest.mark.parametrize(
    ("sign", "index", "limit"),
    [
        (SELL, None, 9_900), (SELL, 10_000, 9_900), (SELL, 9_950, 9_855), (SELL, 10_500, 9_900), (SELL, 5_000, 9_600),
        (BUY, None, 10_100), (BUY, 10_050, 10_150), (BUY, 9_000, 10_100), (BUY, 50_000, 10_400),
    ],
)
def test_taking_price_goes_from_mark_or_index_and_never_past_the_widest(sign: int, index: int | None, limit: int
                                                                       ) -> None:
    """1 % past whichever of 10,000 and the index lets the exit through, at most 4 % past the mark, on tick."""
    price = taking_price(mark=10_000, index=index, collar=0.01, widest=0.04, sign=sign, filters=PLAIN)
    assert price == limit


@pytest.mark.parametrize(
    ("sign", "band", "limit"),
    [(SELL, "0.95", 9_900), (SELL, "0.99", 9_900), (SELL, "0.9902", 9_905),
     (BUY, "1.05", 10_100), (BUY, "1.01", 10_100), (BUY, "1.0098", 10_095)],
)
def test_taking_price_stays_inside_the_venues_band(sign: int, band: str, limit: int) -> None:
    """On either side of the band's edge: outside it the price stands at the last tick inside."""
    filters = replace(PLAIN, **{"price_down" if sign < 0 else "price_up": Decimal(band)})
    assert taking_price(mark=10_000, index=None, collar=0.01, widest=0.04, sign=sign, filters=filters) == limit


def test_taking_price_of_a_buy_stays_at_or_below_the_venues_highest() -> None:
    """10,052 is no multiple of the tick: 10,050 is the highest that may be asked."""
    filters = replace(PLAIN, price_max=10_052)
    assert taking_price(mark=10_000, index=None, collar=0.01, widest=0.04, sign=BUY, filters=filters) == 10_050


@PROPERTY
@given(
    mark=st.integers(200, 10**9), index=st.none() | st.integers(1, 10**9), collar=st.floats(0.0001, 0.08),
    sign=st.sampled_from([BUY, SELL]), tick=st.integers(1, 100), away=st.decimals("0.01", "0.2", places=4),
)
def test_taking_price_is_always_on_tick_inside_widest_and_band(
    mark: int, index: int | None, collar: float, sign: int, tick: int, away: Decimal
) -> None:
    """Whatever index and collar say, neither the gate nor the venue has a reason to refuse the price."""
    filters = replace(PLAIN, tick=tick, price_up=1 + away, price_down=1 - away)
    price = taking_price(mark=mark, index=index, collar=collar, widest=0.08, sign=sign, filters=filters)
    assert price % tick == 0
    slack = tick if mark * collar < tick or mark * float(away) < tick else 0
    assert (price - mark) * sign <= 0.08 * mark + slack
    if slack == 0:
        assert mark * (1 - away) <= price <= mark * (1 + away)


@pytest.mark.parametrize(
    ("sign", "back", "price"), [(SELL, 0, 101), (SELL, 2, 103), (BUY, 0, 99), (BUY, 2, 97), (BUY, 500, 1)]
)
def test_joining_price_is_our_own_sides_best_and_so_many_ticks_behind(sign: int, back: int, price: int) -> None:
    """A sale joins the ask, a buy the bid; further back is further from the market, and never nothing."""
    assert joining_price(bid=99, ask=101, steps_back=back, sign=sign, tick=1) == price


@pytest.mark.parametrize(
    ("sign", "limit", "back", "behind"),
    [(SELL, 101, 0, False), (SELL, 102, 0, True), (SELL, 102, 1, False), (SELL, 100, 0, False),
     (BUY, 99, 0, False), (BUY, 98, 0, True), (BUY, 98, 1, False), (BUY, 100, 0, False)],
)
def test_order_is_left_behind_when_others_offer_better(sign: int, limit: int, back: int, behind: bool) -> None:
    """At the touch, or in front of it, an order stays; behind it by more than it stood back, it moves."""
    assert is_left_behind(limit, bid=99, ask=101, steps_back=back, sign=sign, tick=1) is behind
