"""Collateral with haircuts, and the totals of pools that stand on it."""

from __future__ import annotations

from fractions import Fraction
from math import inf

import pytest
from hypothesis import given, settings

from bot.domain.copying import replace
from bot.domain.errors import ContractError, Unsupported
from bot.domain.scale import CASH_UNIT
from bot.risk.collateral import (
    Asset,
    MarginStatus,
    collateral_value,
    counted_value,
    exchanged_for,
    margin_status,
    uni_mmr,
)
from bot.risk.holding import Holding
from bot.risk.margin import account_margin, distances_of, liquidation_distances, worst_distance_of
from bot.risk.pool import (
    Pool,
    account_distances,
    account_worst_distance,
    isolated_pool,
    pool_distances,
    pool_margin,
    pool_worst_distance,
)
from tests.risk.books import usdt
from tests.risk.pool_judge import spare
from tests.risk.pools import coin, held, instrument, inverse, pools, usdt_asset
from tests.risk.test_margin import books

PROPERTY = settings(derandomize=True, deadline=None, max_examples=100)


@pytest.mark.parametrize(("amount", "counted"), [(1.0, 47_500.0), (0.0, 0.0), (-1.0, -50_000.0)])
def test_counted_value_has_the_haircut_on_what_is_owned_only(amount: float, counted: float) -> None:
    """A coin counts for 95 %; a coin that is owed, for all of it."""
    asset = coin("BTC", amount, rate=0.95, price="50000")
    assert counted_value(asset, asset.amount) == usdt(counted)
    assert collateral_value([asset, usdt_asset(10)]) == usdt(counted + 10)


def test_counted_value_is_rounded_down_either_way() -> None:
    """Never more than there is, never less than is owed."""
    thin = Asset("X", 1, index_price=CASH_UNIT // 2, rate_ppm=999_999)
    assert counted_value(thin, 1) == 0
    assert counted_value(thin, -1) == -1


def test_haircut_of_unrealised_profit_is_that_of_its_asset() -> None:
    """Profit settles in the asset, so it counts as the asset does: 100 won beside 900 held, at 90 %."""
    position = held(instrument(), 1_000, mark=50_100, entry=50_000)
    totals = pool_margin(Pool((usdt_asset(900, rate=0.9),), (position,)))
    assert totals.equity == usdt(900)
    assert totals.wallet == usdt(810)


@pytest.mark.parametrize(("index_price", "rate_ppm"), [(0, 1), (-1, 1), (1, -1), (1, 1_000_001)])
def test_asset_without_a_price_or_rate_is_refused(index_price: int, rate_ppm: int) -> None:
    """A price of nothing is a fault of the data, and no value."""
    with pytest.raises(ContractError, match=r"^collateral BTC: .*must be .*, was "):
        Asset("BTC", 1, index_price, rate_ppm)


def test_exchanged_for_a_deficit_is_rounded_up() -> None:
    """What is sold after its haircut covers what is owed."""
    assert exchanged_for(20_000 * CASH_UNIT, rate_ppm=975_000) == 2_051_282_051_283
    assert exchanged_for(975, rate_ppm=975_000) == 1_000


@pytest.mark.parametrize(
    ("equity", "status"),
    [
        (1_501, MarginStatus.FREE), (1_500, MarginStatus.REMINDER), (1_201, MarginStatus.REMINDER),
        (1_200, MarginStatus.NO_NEW_ORDERS), (1_051, MarginStatus.NO_NEW_ORDERS), (1_050, MarginStatus.LIQUIDATION),
        (1_001, MarginStatus.LIQUIDATION), (1_000, MarginStatus.LIQUIDATION_AND_CLAIM),
        (-5, MarginStatus.LIQUIDATION_AND_CLAIM),
    ],
)
def test_margin_status_changes_at_each_bound_and_not_before(equity: int, status: MarginStatus) -> None:
    """Both sides of every bound of Binance's ladder."""
    assert margin_status(uni_mmr(equity, 1_000)) is status


def test_uni_mmr_of_an_account_with_nothing_to_hold_is_endless() -> None:
    """No maintenance, no danger."""
    assert uni_mmr(5, 0) == inf
    assert margin_status(inf) is MarginStatus.FREE


@PROPERTY
@given(pool=pools())
def test_pool_margin_of_any_pool_is_the_exact_sum(pool: Pool) -> None:
    """Equity less maintenance is what exact fractions find, rounded to the safe side by less than we can hold."""
    totals = pool_margin(pool)
    exact = spare(pool, Fraction(0))
    lost = exact - (totals.equity - totals.maintenance)
    dearest = max(asset.index_price for asset in pool.assets) // CASH_UNIT + 1
    assert -dearest * len(pool.holdings) <= lost <= 2 * len(pool.assets)


@PROPERTY
@given(book=books())
def test_distances_of_a_plain_pool_are_those_of_the_fast_walk(book: tuple[int, list[Holding]]) -> None:
    """Two ways of one sum: tangents of the whole, and the walk from bound to bound of the engine's hot path."""
    wallet, legs = book
    pool = Pool((replace(usdt_asset(), amount=wallet),), tuple(legs))
    values, tables = [leg.value for leg in legs], [leg.tiers for leg in legs]
    equity = pool_margin(pool).equity
    walked, found = distances_of(equity, values, tables), pool_distances(pool)
    assert found.down == pytest.approx(walked.down, rel=1e-9, abs=1e-12)
    assert found.up == pytest.approx(walked.up, rel=1e-9, abs=1e-12)
    assert pool_worst_distance(pool) == pytest.approx(
        worst_distance_of(equity, values, tables), rel=1e-9, abs=1e-12
    )


def test_pool_of_coins_alone_is_at_no_risk() -> None:
    """Coins without a position may fall to nothing; nobody liquidates them."""
    pool = Pool((usdt_asset(5), coin("BTC", 2.0)), ())
    assert pool_distances(pool).nearest == inf
    assert pool_worst_distance(pool) == inf


def test_pool_of_a_borrowed_coin_is_liquidated_by_its_rise() -> None:
    """1 BTC owed at 50,000 against 75,000: half as much again is the end."""
    pool = Pool((usdt_asset(75_000), coin("BTC", -1.0, price="50000")), ())
    assert pool_distances(pool).up == 0.5
    assert pool_distances(pool).down == inf


def test_distance_of_coins_behind_a_long_is_nearer_than_of_dollars() -> None:
    """Collateral that falls with the position: 1 BTC behind 1 BTC long loses twice."""
    position = held(instrument(), 1_000, mark=50_000)
    on_coins = Pool((usdt_asset(0), coin("BTC", 1.0, price="50000")), (position,))
    on_dollars = Pool((usdt_asset(50_000),), (position,))
    assert 0.49 < pool_distances(on_coins).down < 0.5
    assert pool_distances(on_dollars).down > 0.99


def test_account_distance_is_that_of_its_nearest_pool() -> None:
    """An isolated position is liquidated whatever the cross account still has."""
    position = held(instrument(), 1_000, mark=50_000)
    cross = Pool((usdt_asset(100_000),), (held(instrument(1, "ETH"), -1_000, mark=3_000),))
    isolated = isolated_pool(position, usdt(2_500))
    assert account_distances([cross, isolated]).down == pool_distances(isolated).down
    assert account_distances([cross, isolated]).up == pool_distances(cross).up
    assert account_worst_distance([cross, isolated]) == pool_worst_distance(isolated)
    assert account_distances([]).nearest == inf
    assert account_worst_distance([]) == inf


def test_worst_distance_of_a_coin_account_is_its_nearer_side() -> None:
    """A coin and its contracts move as one, so the worst is the worse of up and down."""
    contract = inverse(face=100)
    for quantity in (900, -1_900):
        pool = isolated_pool(held(contract, quantity, mark=50_000), CASH_UNIT)
        assert pool_worst_distance(pool) == pool_distances(pool).nearest < inf


def test_liquidation_distances_of_an_inverse_account_are_its_pools() -> None:
    """The sums of a coin-margined account and of a pool of the coin are one."""
    legs = (held(inverse(face=100), 900, mark=50_000), held(inverse(1, face=100, expiry="-261225"), -100, mark=50_500))
    pool = Pool((replace(coin("BTC", 1.0), index_price=CASH_UNIT),), legs)
    assert liquidation_distances(CASH_UNIT, legs) == pool_distances(pool)
    assert account_margin(CASH_UNIT, legs) == pool_margin(pool)


def test_pool_of_what_does_not_belong_together_is_refused() -> None:
    """Each slip of a caller has its own words."""
    linear, coined = held(instrument(), 1, mark=50_000), held(inverse(1), 1, mark=50_000)
    with pytest.raises(ContractError, match="given once"):
        Pool((usdt_asset(1), usdt_asset(2)), ())
    with pytest.raises(ContractError, match="settles in USDT; give that asset"):
        Pool((coin("BTC", 1.0),), (linear,))
    with pytest.raises(ContractError, match="is not held"):
        Pool((usdt_asset(1),), (replace(linear, quantity=0),))
    with pytest.raises(Unsupported, match=r"linear; .* keeps its price"):
        Pool((replace(usdt_asset(1), underlying="BTC"),), (linear,))
    with pytest.raises(Unsupported, match=r"inverse; .* moves with its market"):
        Pool((replace(coin("BTC", 1.0), underlying=None),), (coined,))
