"""Accounts of several margin pools: totals and readings against the plain sums of ``bot.risk.pool``, and by hand."""

from __future__ import annotations

from math import inf, isclose
from random import Random

import pytest

from bot.domain.account import Balance, MarginMode, PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.effects import Goal, GoalKind, RaiseAlarm
from bot.domain.events import AssetsExchanged, CashMoved, FillOrigin, FundingPaid, Liquidity, OrderFilled
from bot.domain.market import OpenInterest, Quote
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT
from bot.engine.engine import Engine
from bot.engine.measures.columns import Columns
from bot.engine.measures.layout import HEDGE, CollateralSlot, Layout
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.engine.spec import SurvivalSpec
from bot.risk.collateral import Asset
from bot.risk.holding import Holding
from bot.risk.pool import Pool, account_distances, account_worst_distance, isolated_pool, pool_margin
from tests.builders import BTC, ETH, T0, orders, rules, trade
from tests.engine.driver import WIDE, Driver
from tests.engine.pooled import COIN, INVERSE, KINDS, random_word, report, shape, standing, told

SEEDS = 6
STEPS = 60
CLOSE_NOW = """
rules:
  guard:
    for_each: account
    when: account.liquidation_distance < 6%
    do: {deleverage: {to: {liquidation_distance: 20%}}}
    execute: {algo: now, collar: 2%}
"""


def plain_pools(layout: Layout, book: Book, columns: Columns) -> list[Pool]:
    """The account's pools from nothing: isolated holdings alone, the rest with all that is left."""
    slot, account = layout.accounts[0], book.accounts[0]
    coin = "BTC" if slot.settle == "BTC" else None
    cash, together, pools = account.wallet, [], []
    for position, key in enumerate(layout.keys):
        mark = columns.mark[key.instrument]
        if not book.quantity[position] or mark is None:
            continue
        holding = Holding(
            key, layout.instruments[key.instrument], layout.tiers[key.instrument], book.quantity[position],
            book.entry_value[position], mark,
        )
        if key.mode is MarginMode.ISOLATED:
            pools.append(isolated_pool(holding, book.margin[position]))
            cash -= book.margin[position]
        else:
            together.append(holding)
    assets = [Asset(slot.settle, cash, underlying=coin)]
    for each in slot.collateral:
        amount = account.assets.get(each.asset, 0)
        price = CASH_UNIT if each.instrument is None else (columns.mark[each.instrument] or 0) * 10**6
        moved_by = None if each.instrument is None else layout.instruments[each.instrument].underlying
        if amount:
            assets.append(Asset(each.asset, amount, price, each.rate_ppm, moved_by))
    return [Pool(tuple(assets), tuple(together)), *pools]


def same(found: float, exact: float) -> bool:
    return found == exact or isclose(found, exact, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_columns_of_pools_after_every_step_equal_the_plain_sums(kind: str, seed: int) -> None:
    """Whatever is held and however prices went, an account stands where its pools, summed from nothing, stand."""
    symbols, terms = KINDS[kind]
    layout, rng = shape(symbols, **terms), Random(f"{kind} {seed}")
    book = Book.empty(layout)
    columns = Columns(layout, book)
    fold(book, random_word(layout, rng, 0))
    looked_at = 0
    for step in range(STEPS):
        instrument = rng.randrange(len(layout.instruments)) if step >= len(symbols) else step
        old = columns.mark[instrument] or (1_000_000 if instrument == 0 else 25_000)
        columns.move_price(instrument, max(1, int(old * rng.choice((rng.gauss(1.0, 0.01), rng.uniform(0.7, 1.4))))))
        if rng.random() < 0.2:
            fold(book, random_word(layout, rng, step + 1))
            columns.rebuild(0)
        if not columns.known[0]:
            assert None in columns.mark
            continue
        pools = plain_pools(layout, book, columns)
        totals = [pool_margin(pool) for pool in pools]
        assert columns.equity[0] == sum(each.equity for each in totals)
        assert columns.maintenance(0) == sum(each.maintenance for each in totals)
        assert columns.gross[0] == sum(each.gross for each in totals)
        if columns.gross[0]:
            looked_at += 1
            held = [pool for pool in pools if pool.holdings]
            assert columns.margin_ratio(0) == max(each.margin_ratio for each in totals)
            assert same(columns.distance[0], account_distances(held).nearest)
            if columns.pools[0] is not None:
                assert same(columns.pools[0].worst_distance(), account_worst_distance(held))
        else:
            assert columns.distance[0] == inf
    assert looked_at > STEPS // 3


def reading(layout: Layout, snapshot_told: object, marks: tuple[int, ...], *texts: str) -> Engine:
    """An engine that has been told an account and its marks; the rules make the readings."""
    made = Engine(layout, rules(*texts), limits=WIDE, survival=(SurvivalSpec(),), marker="pen")
    for instrument, mark in enumerate(marks):
        made.step(trade(0, mark / 100, instrument=instrument))
    made.step(snapshot_told)  # type: ignore[arg-type]
    return made


def value(made: Engine, measure: str, position: int = 0) -> float | None:
    """One measure of an account or position, as rules read it."""
    if measure.startswith("account."):
        return made.readings.accounts.compute(measure, ())(0)
    return made.readings.positions.compute(measure)(position)


def test_inverse_long_reads_in_the_coin_as_by_hand() -> None:
    """1,000 contracts of 100 USD at 10,000 are 10 BTC, at 8,000 they are 12.5: 2.5 BTC lost, a quarter."""
    layout = shape((INVERSE,))
    key = layout.keys[0]
    made = reading(layout, told({"BTC": 5}, report(layout, key, 1_000_000, 1_000_000)), (800_000,))
    assert value(made, "account.equity") == 2.5
    assert value(made, "account.wallet") == 5
    assert value(made, "account.gross_notional") == 12.5
    assert value(made, "position.loss_ratio") == 0.25
    assert value(made, "position.unrealised_pnl") == -2.5
    assert value(made, "position.entry_price") == 10_000
    assert value(made, "position.notional") == 100_000
    assert value(made, "position.amount") == 12.5
    # 5 + 10 - X = 0.005 X - 0.01 in the bracket from 10 to 20 BTC: X = 15.01 / 1.005 coins for 100,000 USD
    price = 100_000 / (15.01 / 1.005)
    assert value(made, "position.liquidation_price") == pytest.approx(price)
    assert value(made, "position.liquidation_distance") == pytest.approx(1 - price / 8_000)
    # the common move sees the same: the coin is what everything is counted in
    assert value(made, "account.liquidation_distance") == pytest.approx(1 - price / 8_000)
    assert value(made, "position.margin_ratio") is None


def test_market_of_inverse_contracts_is_read_in_coins_and_in_quote_units() -> None:
    """500 contracts of 100 USD are 5 BTC at 10,000, and 50,000 USD at any price."""
    made = reading(shape((INVERSE,)), told({"BTC": 1}), (1_000_000,))
    markets = made.readings.markets
    volume, depth = markets.compute("market.volume", (60 * 10**9,)), markets.compute("market.depth", (0.01,))
    interest = markets.compute("market.open_interest", ())
    for second in range(1, 120):
        made.step(trade(second, 10_000, quantity=500_000 if second == 100 else 0))
    now = T0 + 119 * 10**9
    made.step(OpenInterest(now, now, 0, 2_000_000))
    made.step(Quote(now, now, 0, 999_900, 500_000, 1_000_100, 700_000))
    assert volume(0) == 5.0
    assert interest(0) == 20.0
    assert depth(0) == 50_000


def test_isolated_long_is_liquidated_by_its_own_margin_whatever_the_wallet_holds() -> None:
    """1 BTC at 10,000 with 1,000 of margin goes at 9,000 / 0.996, though 50,000 lie beside it."""
    layout = shape((BTC, ETH), isolated=(0,))
    told_account = told({"USDT": 51_000}, report(layout, layout.keys[0], 1_000, 1_000_000, margin=1_000))
    made = reading(layout, told_account, (950_000, 25_000))
    assert value(made, "position.liquidation_price") == pytest.approx(9_000 / 0.996)
    assert value(made, "position.margin_ratio") == pytest.approx(38 / 500)
    assert value(made, "account.margin_ratio") == pytest.approx(38 / 500)
    assert value(made, "account.liquidation_distance") == pytest.approx(1 - 9_000 / 0.996 / 9_500)
    assert value(made, "account.equity") == 50_500
    assert value(made, "account.available") == 50_000
    assert value(made, "account.initial_margin") == 475


def test_legs_of_one_market_move_together_and_show_no_loss_on_the_way() -> None:
    """A long and a short of one size lose nothing by any price: the worst equity is the only one there was."""
    layout = shape((BTC,), sides=HEDGE)
    long, short = layout.keys
    assert (long.side, short.side) == (PositionSide.LONG, PositionSide.SHORT)
    word = told({"USDT": 1_000}, report(layout, long, 1_000, 10**6), report(layout, short, -1_000, 10**6))
    _, columns = standing(layout, word, 1_000_000)
    for mark in (900_000, 1_200_000, 500_000):
        columns.move_price(0, mark)
        assert columns.equity[0] == 1_000 * CASH_UNIT
    assert columns.extremes[0].equity == 1_000 * CASH_UNIT


def test_collateral_counts_after_its_haircut_and_falls_with_its_market() -> None:
    """500 USDT and 0.1 BTC at 95 % count for 1,450 at 10,000 and for 975 at 5,000; a debt counts in full."""
    layout = shape((BTC,), collateral=(COIN,))
    made = reading(layout, told({"USDT": 500, "BTC": 0.1}), (1_000_000,))
    assert value(made, "account.collateral_value") == 1_450
    assert value(made, "account.wallet") == 500
    made.step(trade(1, 5_000))
    assert value(made, "account.collateral_value") == 975
    assert value(made, "account.liquidation_distance") == inf
    made.step(CashMoved(T0 + 2 * 10**9, T0 + 2 * 10**9, 0, "BTC", -CASH_UNIT * 2 // 10, "transfer"))
    assert value(made, "account.equity") == 0
    made.step(told({"USDT": 500, "BTC": 0}, second=3))
    assert value(made, "account.collateral_value") == 500


def test_account_whose_collateral_has_no_price_yet_is_not_known() -> None:
    """Half a sum is worse than none, of assets as of positions."""
    layout = shape((ETH, BTC), collateral=(CollateralSlot("BTC", 950_000, 1),))
    word = told({"USDT": 500, "BTC": 0.1}, report(layout, layout.keys[0], 1_000, 25_000))
    book, columns = standing(layout, word, 25_000)
    assert not columns.known[0]
    columns.move_price(1, 1_000_000)
    assert columns.known[0]
    assert book.accounts[0].assets == {"BTC": CASH_UNIT // 10}


def fill(key: PositionKey, side: Side, quantity: int, price: int, trade_id: str, fee: int = 0) -> OrderFilled:
    return OrderFilled(
        T0 + 10**9, T0 + 10**9, 0, "x", trade_id, key, side, price, quantity, fee, Liquidity.TAKER,
        FillOrigin.EXTERNAL, modelled=False,
    )


def test_fills_of_an_isolated_position_take_margin_and_give_its_share_back() -> None:
    """0.3 BTC at 10,000 with 7x takes 428.57142858, rounded up; a third closed gives a third back, rounded down."""
    layout = shape((BTC,), isolated=(0,), leverages={0: 7.0})
    key = layout.keys[0]
    book, _ = standing(layout, told({"USDT": 1_000}), 1_000_000)
    fold(book, fill(key, Side.BUY, 300, 1_000_000, "a", fee=CASH_UNIT))
    assert book.margin == [42_857_142_858]
    assert book.accounts[0].wallet == 999 * CASH_UNIT
    fold(book, FundingPaid(T0 + 2 * 10**9, T0 + 2 * 10**9, 0, key, 2 * CASH_UNIT))
    assert book.margin == [42_657_142_858]
    assert book.accounts[0].wallet == 997 * CASH_UNIT
    fold(book, fill(key, Side.SELL, 100, 1_010_000, "b"))
    assert book.margin == [42_657_142_858 - 42_657_142_858 // 3]
    assert book.accounts[0].wallet == 1_007 * CASH_UNIT
    fold(book, fill(key, Side.SELL, 500, 1_000_000, "c"))
    assert book.quantity == [-300]
    assert book.margin == [42_857_142_858]


def test_fills_of_inverse_contracts_realise_profit_in_the_coin() -> None:
    """Bought 1,000 at 10,000 and half sold at 12,500: 5 BTC went in, 4 come out of the trade, 1 BTC is won."""
    layout = shape((INVERSE,))
    key = layout.keys[0]
    book, columns = standing(layout, told({"BTC": 2}), 1_000_000)
    fold(book, fill(key, Side.BUY, 1_000_000, 1_000_000, "a"))
    fold(book, fill(key, Side.SELL, 500_000, 1_250_000, "b"))
    assert book.accounts[0].realised == CASH_UNIT
    assert book.accounts[0].wallet == 3 * CASH_UNIT
    assert book.entry_value == [5 * CASH_UNIT]
    columns.rebuild(0)
    assert columns.unrealised(0) == 0
    fold(book, fill(key, Side.SELL, 500_000, 800_000, "c"))
    assert book.accounts[0].wallet == CASH_UNIT * 7 // 4


def test_guard_closes_the_isolated_position_that_is_near_and_leaves_the_cross_one() -> None:
    """Each pool is a goal of its own: ETH is 5 % from liquidation and goes whole, BTC stands far off and stays."""
    layout = shape((BTC, ETH), isolated=(1,))
    btc, eth = layout.keys
    word = told(
        {"USDT": 51_000}, report(layout, btc, 1_000, 10**6), report(layout, eth, 40_000, 25_000, margin=600)
    )
    driver = Driver(Engine(layout, rules(CLOSE_NOW), limits=WIDE, survival=(SurvivalSpec(),), marker="pen"))
    for event in (trade(0, 10_000), trade(0, 250, instrument=1), word):
        driver.step(event)
    sent = orders(driver.effects)
    assert [(order.approved.request.key, order.approved.request.quantity) for order in sent] == [(eth, 40_000)]
    goal = Goal(GoalKind.LIQUIDATION_DISTANCE, 0.2)
    assert not driver.engine.desk.reaches(goal, 0)


def test_inverse_deleveraging_reaches_its_goal_with_the_fewest_contracts() -> None:
    """What is left after the plan stands at the goal; one contract more and it would not."""
    layout = shape((INVERSE,))
    key = layout.keys[0]
    made = reading(layout, told({"BTC": 1}, report(layout, key, 1_000_000, 10**6)), (1_000_000,))
    desk = made.desk
    case = desk.case(0)
    free = replace(case, cost_of=lambda _place, _quantity: 0.0)
    plan = desk.plan(Goal(GoalKind.LIQUIDATION_DISTANCE, 0.2), free, keeps=[1_000_000], lowest=[0])
    (keep,) = plan.keeps
    assert plan.reached and keep % 1_000 == 0
    for kept, is_enough in ((keep, True), (keep + 1_000, False)):
        _, columns = standing(layout, told({"BTC": 1}, report(layout, key, kept, 10**6)), 1_000_000)
        assert (columns.distance[0] >= 0.2) is is_enough


def test_snapshot_with_a_leg_that_is_not_configured_raises_an_alarm() -> None:
    """A venue in hedge mode behind a one-way configuration: what nobody measures, somebody is told of."""
    layout = shape((BTC,))
    stranger = PositionKey(0, 0, PositionSide.SHORT)
    word = told({"USDT": 1_000}, report(layout, layout.keys[0], 500, 10**6), report(layout, stranger, -200, 10**6))
    driver = Driver(Engine(layout, rules(CLOSE_NOW), limits=WIDE, survival=(SurvivalSpec(),), marker="pen"))
    driver.step(trade(0, 10_000))
    driver.step(word)
    (alarm,) = [each for each in driver.found(RaiseAlarm) if each.code == "position_unguarded"]
    assert alarm.detail.startswith("main BTC/USDT:USDT short: the venue holds -0.2 (short, cross)")
    assert driver.engine.book.quantity == [500]


def test_exchange_of_assets_moves_both_wallets_at_one_moment() -> None:
    """A debt paid with BTC: no step shows an account that gave and did not receive; told twice, it counts once."""
    layout = shape((BTC,), collateral=(COIN,))
    made = reading(layout, told({"USDT": -100, "BTC": 0.1}), (1_000_000,))
    assert value(made, "account.collateral_value") == 850
    sold, bought = Balance("BTC", 1_052_632), Balance("USDT", 100 * CASH_UNIT)
    made.step(AssetsExchanged(T0 + 10**9, T0 + 10**9, 0, sold, bought, number=1))
    made.step(AssetsExchanged(T0 + 2 * 10**9, T0 + 10**9, 0, sold, bought, number=1))
    assert made.book.accounts[0].wallet == 0
    assert made.book.accounts[0].assets == {"BTC": 8_947_368}
    assert value(made, "account.equity") == pytest.approx(850, abs=1e-3)
