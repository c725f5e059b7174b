"""The deposit that would do: just enough, and one cash unit less is not."""

from __future__ import annotations

from fractions import Fraction
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copying import replace
from bot.domain.errors import ContractError
from bot.domain.scale import CASH_UNIT
from bot.risk.pool import Pool, isolated_pool, pool_distances
from bot.risk.top_up import add_margin, top_up
from tests.risk.books import usdt
from tests.risk.pool_judge import spare
from tests.risk.pools import coin, flat_table, held, instrument, inverse, pools, usdt_asset

PROPERTY = settings(derandomize=True, deadline=None, max_examples=80)


def with_deposit(pool: Pool, name: str, deposit: int) -> Pool:
    """The pool after a deposit of one of its assets."""
    assets = tuple(
        replace(asset, amount=asset.amount + deposit) if asset.name == name else asset for asset in pool.assets
    )
    return replace(pool, assets=assets)


def stands(pool: Pool, distance: float) -> bool:
    """True when nothing lacks after either move, in exact fractions."""
    moves = (-min(Fraction(distance), Fraction(1)), Fraction(distance))
    return all(spare(pool, move) >= 0 for move in moves)


@PROPERTY
@given(pool=pools(), distance=st.floats(0.01, 2.0), choice=st.integers(0, 3))
def test_top_up_of_any_pool_is_the_least_that_does(pool: Pool, distance: float, choice: int) -> None:
    """With it the distance stands, judged by exact sums; with one cash unit less it does not."""
    name = pool.assets[choice % len(pool.assets)].name
    deposit = top_up(pool, distance=distance, asset=name)
    if deposit is None:
        assert not stands(with_deposit(pool, name, 10**30), distance)
        return
    assert stands(with_deposit(pool, name, deposit), distance)
    if deposit:
        assert not stands(with_deposit(pool, name, deposit - 1), distance)


def test_top_up_of_a_long_is_the_hand_sum() -> None:
    """1 BTC at 50,000 with 1,000: a fall of 25 % takes 12,500 and leaves 37,500 at 0.4 %, 150 to hold: 11,650."""
    pool = Pool((usdt_asset(1_000),), (held(instrument(), 1_000, mark=50_000, tiers=flat_table("0.004")),))
    assert top_up(pool, distance=0.25, asset="USDT") == usdt(12_500 + 150 - 1_000)
    assert top_up(pool, distance=0.5, asset="USDT") == usdt(25_000 + 100 - 1_000)


def test_top_up_of_a_pool_that_stands_there_is_nothing() -> None:
    """At the distance nothing is asked for; just beyond it something is."""
    pool = Pool((usdt_asset(12_650),), (held(instrument(), 1_000, mark=50_000, tiers=flat_table("0.004")),))
    assert pool_distances(pool).nearest == 0.25
    assert top_up(pool, distance=0.25, asset="USDT") == 0
    needed = top_up(pool, distance=0.2500001, asset="USDT")
    assert needed is not None
    assert needed > 0


def test_top_up_of_an_asset_that_does_not_count_is_none() -> None:
    """An asset at a collateral rate of 0 helps no distance."""
    position = held(instrument(), 1_000, mark=50_000)
    pool = Pool((usdt_asset(100), coin("ETH", 0.0, rate=0.0)), (position,))
    assert top_up(pool, distance=0.1, asset="ETH") is None


def test_top_up_of_an_asset_that_is_owed_pays_back_first() -> None:
    """A debt counts in full, so its repayment does too; only what is beyond it has the haircut."""
    position = held(instrument(), 1_000, mark=50_000, tiers=flat_table("0.004"))
    pool = Pool((usdt_asset(1_000), replace(usdt_asset(-1_000, rate=0.5), name="USDC")), (position,))
    # 12,650 needed at a fall of 25 %; 0 is there: 1,000 paid back, and the other 11,650 at half
    assert top_up(pool, distance=0.25, asset="USDC") == usdt(1_000 + 2 * 11_650)


def test_add_margin_of_an_isolated_inverse_long_is_in_coins_that_fall() -> None:
    """500 contracts of 100 USD at 50,000 are one coin; after a fall of a fifth it is worth 1.25: 0.25 and margin."""
    position = held(inverse(face=100), 500, mark=50_000, tiers=flat_table("0.01"))
    added = add_margin(position, margin=CASH_UNIT // 10, distance=0.2)
    assert added is not None
    assert abs(added - round((0.25 + 0.0125 - 0.1) * CASH_UNIT)) <= 1
    reached = isolated_pool(position, CASH_UNIT // 10 + added)
    assert pool_distances(reached).nearest >= 0.2 - 1e-12


def test_add_margin_against_a_fall_to_nothing_is_none_in_coins() -> None:
    """No number of coins is worth anything at a price of nothing; dollars are."""
    inverse_long = held(inverse(face=100), 500, mark=50_000)
    assert add_margin(inverse_long, margin=CASH_UNIT, distance=1.0) is None
    linear_long = held(instrument(), 1_000, mark=50_000)
    assert add_margin(linear_long, margin=0, distance=1.0) == usdt(50_000)
    assert pool_distances(isolated_pool(linear_long, usdt(50_001))).down == inf


def test_top_up_in_an_unknown_asset_says_what_the_pool_has() -> None:
    """A caller's slip is named."""
    pool = Pool((usdt_asset(1),), (held(instrument(), 1, mark=50_000),))
    with pytest.raises(ContractError, match="BUSD must be one of the pool's assets"):
        top_up(pool, distance=0.1, asset="BUSD")
