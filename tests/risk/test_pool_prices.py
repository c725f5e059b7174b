"""Prices of liquidation and bankruptcy: cross, isolated, inverse, and the two legs of hedge mode."""

from __future__ import annotations

from fractions import Fraction
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import PositionSide
from bot.domain.copying import replace
from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT
from bot.risk.holding import Holding
from bot.risk.margin import account_margin, bankruptcy_price, initial_margin, liquidation_price
from bot.risk.pool import (
    Pool,
    isolated_pool,
    pool_bankruptcy_price,
    pool_distances,
    pool_liquidation_price,
)
from bot.risk.tiers import PPM
from tests.risk.books import usdt
from tests.risk.pool_judge import maintenance
from tests.risk.pools import coin, flat_table, held, instrument, inverse, pools, usdt_asset

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def spare_at(pool: Pool, position: int, price: Fraction) -> tuple[Fraction, Fraction]:
    """Equity and maintenance of a pool with one instrument at another price, index prices as they are."""
    moving = pool.holdings[position].instrument
    equity = must = Fraction(0)
    for asset in pool.assets:
        balance = Fraction(asset.amount)
        for holding in pool.holdings:
            if holding.instrument.settle != asset.name:
                continue
            value = Fraction(holding.value)
            if holding.instrument.index == moving.index:
                size = holding.quantity * holding.instrument.value_multiplier
                value = size / price if moving.kind is InstrumentKind.INVERSE else size * price
            gain = value - holding.entry_value
            balance += -gain if holding.instrument.kind is InstrumentKind.INVERSE else gain
            must += maintenance(holding.tiers, abs(value)) * asset.index_price / CASH_UNIT
        rate = Fraction(asset.rate_ppm, PPM) if balance > 0 else 1
        equity += balance * rate * asset.index_price / CASH_UNIT
    return equity, must


@PROPERTY
@given(pool=pools(), choice=st.integers(0, 8))
def test_liquidation_price_of_any_pool_leaves_equity_at_maintenance(pool: Pool, choice: int) -> None:
    """At the price that is named equity is maintenance; nothing nearer does it, and None means that nothing does."""
    if not pool.holdings:
        return
    position = choice % len(pool.holdings)
    price = pool_liquidation_price(pool, position)
    mark = Fraction(pool.holdings[position].mark)
    equity, must = spare_at(pool, position, mark)
    if price is None:
        for factor in (Fraction(1, 10**6), Fraction(1, 2), Fraction(2), Fraction(10**6)):
            beyond, needed = spare_at(pool, position, mark * factor)
            assert (beyond > needed) == (equity > must)
        return
    there, needed = spare_at(pool, position, Fraction(price))
    scale = abs(equity) + must + abs(there) + needed + CASH_UNIT
    assert abs(there - needed) <= scale * Fraction(1, 10**9)
    half_way = (Fraction(price) + mark) / 2
    between, between_needed = spare_at(pool, position, half_way)
    if equity > must:
        assert between - between_needed >= -scale * Fraction(1, 10**9)


@PROPERTY
@given(pool=pools(), choice=st.integers(0, 8))
def test_bankruptcy_price_of_any_pool_leaves_no_equity(pool: Pool, choice: int) -> None:
    """At the bankruptcy price equity is nothing, whatever the brackets say."""
    if not pool.holdings:
        return
    position = choice % len(pool.holdings)
    price = pool_bankruptcy_price(pool, position)
    if price is None:
        return
    equity, _ = spare_at(pool, position, Fraction(pool.holdings[position].mark))
    there, _ = spare_at(pool, position, Fraction(price))
    assert abs(there) <= (abs(equity) + abs(there) + CASH_UNIT * 10**6) * Fraction(1, 10**9)


def hedged(*, long: int, short: int, mark: float = 30_000) -> list[Holding]:
    """Both legs of one BTC perpetual, thousandths of a coin."""
    of = instrument()
    return [held(of, long, mark=mark, side=LONG), held(of, -short, mark=mark, side=SHORT)]


def test_liquidation_price_in_hedge_mode_is_binances_formula() -> None:
    """(WB + cum_L + cum_S - L EP_L + S EP_S) / (L mmr_L + S mmr_S - L + S), each leg in its own bracket."""
    legs = hedged(long=10_000, short=1_000)
    price = liquidation_price(usdt(20_000), legs, 0)
    assert price is not None
    # 10 long x ~27,900 = ~280,000 is in bracket 2 (0.5 %, cum 50), 1 short x ~27,900 in bracket 1 (0.4 %, cum 0)
    theirs = (20_000 + 50 + 0 - 10 * 30_000 + 1 * 30_000) / (10 * 0.005 + 1 * 0.004 - 10 + 1)
    assert isclose(price / 100, theirs, rel_tol=1e-12)


def test_liquidation_price_in_hedge_mode_is_one_for_both_legs() -> None:
    """A price moves both legs, so it liquidates both."""
    legs = hedged(long=10_000, short=1_000)
    assert liquidation_price(usdt(20_000), legs, 0) == liquidation_price(usdt(20_000), legs, 1)


def test_maintenance_in_hedge_mode_is_each_legs_own() -> None:
    """Ten against ten is margined as two positions of ten, not as none and not as one of twenty."""
    legs = hedged(long=10_000, short=10_000)
    alone = account_margin(0, legs[:1]).maintenance
    assert account_margin(0, legs).maintenance == 2 * alone
    assert alone == usdt(10 * 30_000 * 0.005 - 50)


def test_liquidation_price_of_an_even_hedge_is_far_above() -> None:
    """Long and short alike: a rise makes both legs' maintenance grow until it is all there is, a fall never does."""
    price = liquidation_price(usdt(20_000), hedged(long=10_000, short=10_000), 0)
    assert price is not None
    assert price / 100 > 60_000


def test_liquidation_price_past_liquidation_is_the_way_back() -> None:
    """An account that is gone already names the price at which it would not be, on the other side of the mark."""
    price = liquidation_price(usdt(100), [held(instrument(), 10_000, mark=30_000)], 0)
    assert price is not None
    assert price / 100 > 30_000


@pytest.mark.parametrize("quantity", [1_000, -1_000])
def test_isolated_inverse_position_is_liquidated_where_its_coins_are_gone(quantity: int) -> None:
    """0.1 coins behind 100,000 USD at 40,000: margin + 100,000 (1/40,000 - 1/p) = 1 % of 100,000/p, by hand."""
    position = held(inverse(face=100), quantity, mark=40_000, tiers=flat_table("0.01"))
    price = pool_liquidation_price(isolated_pool(position, CASH_UNIT // 10), 0)
    assert price is not None
    by_hand = 1.01 / (1 / 40_000 + 0.1 / 100_000) if quantity > 0 else 0.99 / (1 / 40_000 - 0.1 / 100_000)
    assert isclose(price / 100, by_hand, rel_tol=1e-12)


def test_inverse_short_with_its_coins_is_never_liquidated_by_a_rise() -> None:
    """Coins hedged one to one by an inverse short are dollars: no rise harms them."""
    position = held(inverse(face=100), -500, mark=50_000)
    pool = Pool((coin("BTC", 1.0, price="50000"),), (position,))
    assert pool_distances(pool).up > 100
    price = pool_liquidation_price(isolated_pool(position, CASH_UNIT), 0)
    assert price is None or price > 100 * position.mark


def test_distance_of_an_isolated_position_is_that_to_its_own_price() -> None:
    """A pool of one instrument and cash: the common move is the move to the liquidation price, and to no other."""
    position = held(instrument(), 1_000, mark=50_000)
    pool = isolated_pool(position, usdt(5_000))
    price = pool_liquidation_price(pool, 0)
    assert price is not None
    assert isclose(1 - price / position.mark, pool_distances(pool).down, rel_tol=1e-12)


def test_liquidation_price_without_a_position_is_none() -> None:
    """Nothing held is not liquidated."""
    flat = replace(held(instrument(), 1, mark=50_000), quantity=0, entry_value=0)
    assert liquidation_price(usdt(1), [flat], 0) is None
    assert bankruptcy_price(usdt(1), [flat], 0) is None


def test_bankruptcy_price_lies_past_the_liquidation_price() -> None:
    """Between the two lies what the venue's liquidation may cost."""
    legs = [held(instrument(), 1_000, mark=50_000)]
    liquidated, bankrupt = liquidation_price(usdt(5_000), legs, 0), bankruptcy_price(usdt(5_000), legs, 0)
    assert liquidated is not None
    assert bankrupt is not None
    assert isclose(bankrupt / 100, 45_000, rel_tol=1e-12)
    assert bankrupt < liquidated < legs[0].mark


@pytest.mark.parametrize(
    ("quantity", "leverage", "margin"),
    [
        (1_000, 10, 5_000 * CASH_UNIT), (-1_000, 10, 5_000 * CASH_UNIT), (3, 7, 2_142_857_143),
        (1_000, 125, 400 * CASH_UNIT), (12_000, 125, 6_000 * CASH_UNIT), (12_001, 125, 600_050 * CASH_UNIT // 75 + 1),
    ],
)
def test_initial_margin_is_value_over_leverage_up_to_the_brackets(quantity: int, leverage: int, margin: int) -> None:
    """Rounded up to a cash unit; 50,000 may still be opened at 125, 600,000 at 100, and more at 75."""
    assert initial_margin(held(instrument(), quantity, mark=50_000), leverage=leverage) == margin


def test_pool_of_one_currency_has_the_totals_of_its_account() -> None:
    """A cross account of one currency is the plainest pool."""
    legs = (held(instrument(), 1_000, mark=50_000, entry=48_000), held(instrument(1, "ETH"), -9_000, mark=3_000))
    pool = Pool((usdt_asset(7_000),), legs)
    assert pool_liquidation_price(pool, 0) == liquidation_price(usdt(7_000), legs, 0)
    assert pool_bankruptcy_price(pool, 1) == bankruptcy_price(usdt(7_000), legs, 1)
