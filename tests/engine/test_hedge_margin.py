"""What margin lets a hedge do: by the gate for each order, by the plan for all of them; and cuts that spare hedges."""

from __future__ import annotations

import pytest

from bot.domain.account import Balance
from bot.domain.copying import replace
from bot.domain.denials import DenialCode, Denied
from bot.domain.effects import PlanEpisode, RecordDenial, ReserveNames
from bot.domain.events import AccountSnapshot
from bot.domain.names import child_name, parent_name
from bot.domain.order import Approved, OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT
from bot.engine.engine import Engine
from bot.engine.gate import Gate
from bot.engine.measures.columns import Columns
from bot.engine.measures.deltas import net_delta
from bot.engine.measures.distance_with import distance_with
from bot.engine.measures.layout import Layout
from bot.engine.measures.market import Market
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.engine.spec import LimitsSpec, SurvivalSpec
from bot.rules.ruleset import RuleSet, make_rule
from bot.rules.spec import RuleBook
from bot.settings.load import load_text
from tests.builders import KEY, T0, layout, trade
from tests.engine.driver import WIDE, Trader
from tests.engine.gate_bench import HELD, MARK, PARENT, RESERVED, Bench, hedge, order
from tests.engine.hedged import HEDGE, PERP_KEY, Hedger, hedger
from tests.engine.pooled import INVERSE
from tests.engine.pooled import shape as pooled_shape

IDLE = HEDGE.replace("0.5 BTC", "5_000 BTC")


def judged(driver: Hedger, quantity: int, limits: LimitsSpec) -> Approved | Denied:
    """The gate's word on a sale of the perpetual that is not reduce-only."""
    engine = driver.engine
    name = parent_name("pen", PERP_KEY, Side.SELL, engine.book.accounts[0].next_counter)
    fold(engine.book, ReserveNames(name, PERP_KEY, Side.SELL, 0, 32, quantity))
    request = OrderRequest(
        name=child_name(name, 0), key=PERP_KEY, side=Side.SELL, quantity=quantity, limit_price=795_000,
        time_in_force=TimeInForce.IOC, reduce_only=False, order_class=OrderClass.HEDGE,
    )
    return Gate(engine.book, engine.columns, engine.market, limits).judge(request, engine.book.now)


# The gate -------------------------------------------------------------------------------------------------


def gate_of_two(btc: int, eth: int, cash: int) -> Gate:
    """A gate over an account with both coins at one price; of ETH the mark is still to come."""
    book = Book.empty(layout())
    book.accounts[0].adopted = True
    book.accounts[0].wallet = cash * CASH_UNIT
    book.quantity[:] = [btc, eth]
    book.entry_value[:] = [btc * MARK * 1_000, eth * MARK * 1_000]
    columns = Columns(book.layout, book)
    columns.move_price(0, MARK)
    columns.rebuild(0)
    fold(book, ReserveNames(PARENT, KEY, Side.SELL, 0, RESERVED, btc))
    return Gate(book, columns, Market(book.layout), Bench().limits)


def test_hedge_of_an_account_whose_margin_is_unknown_is_refused_and_an_exit_is_not() -> None:
    """A mark of another position is missing: nobody can say what a hedge would do, and selling needs no such word."""
    gate = gate_of_two(HELD, 5, cash=100_000)

    refused = gate.judge(hedge(), T0)

    assert isinstance(refused, Denied) and refused.code is DenialCode.ACCOUNT_UNMEASURED
    assert isinstance(gate.judge(order(), T0), Approved)
    gate.columns.move_price(1, MARK)
    assert isinstance(gate.judge(hedge(), T0), Approved)


@pytest.mark.parametrize(("eth", "code"), [(-2_000, DenialCode.HEDGE_WORSENS_MARGIN), (2_000, None), (0, None)])
def test_hedge_that_brings_liquidation_nearer_is_refused(eth: int, code: DenialCode | None) -> None:
    """Selling the long leg of a book that is short in all makes BTC's delta smaller and the account's danger larger."""
    gate = gate_of_two(HELD, eth, cash=3_000)
    gate.columns.move_price(1, MARK)

    verdict = gate.judge(hedge(), T0)

    assert (verdict.code if isinstance(verdict, Denied) else None) is code, verdict


@pytest.mark.parametrize(("quantity", "code"), [(2_000, None), (2_001, DenialCode.HEDGE_RAISES_DELTA)])
def test_coins_are_a_delta_that_may_be_sold_short_to_the_last_of_them(quantity: int, code: DenialCode | None) -> None:
    """Two coins in the wallet are hedged by two short, and by no thousandth more."""
    verdict = judged(hedger(IDLE, coins=2.0, usdt=50_000), quantity, WIDE)
    assert (verdict.code if isinstance(verdict, Denied) else None) is code, verdict


@pytest.mark.parametrize(("above", "code"), [(-1e-6, None), (1e-6, DenialCode.HEDGE_WORSENS_MARGIN)])
def test_first_position_of_an_account_is_a_hedge_while_liquidation_stays_far(
    above: float, code: DenialCode | None
) -> None:
    """Coins alone are never liquidated, so any hedge brings liquidation nearer: it may, down to the limit."""
    driver = hedger(IDLE, coins=2.0, usdt=10_000)
    after = distance_with(driver.engine.columns, 0, -1_000)
    assert 1.0 < after < 2.0
    verdict = judged(driver, 1_000, replace(WIDE, hedge_distance_min=after + above))
    assert (verdict.code if isinstance(verdict, Denied) else None) is code, verdict


# The plan -------------------------------------------------------------------------------------------------


def test_hedge_goes_as_far_as_liquidation_stays_off_and_tells_the_rest() -> None:
    """10,000 USDT behind a short: at half a price's way to liquidation about 2.4 coins may be short, of 4.5 wanted."""
    driver = hedger(coins=5.0, usdt=10_000)
    driver.live_through(0.5, 20, price=8_000)
    sold = -driver.holds[0]
    assert 2_200 < sold < 2_500
    assert driver.engine.columns.distance[0] >= WIDE.hedge_distance_min - 0.01
    assert driver.alarms().count("hedge_falls_short") == 1
    assert not driver.found(RecordDenial)


COINS = """
rules:
  dollars:
    for_each: account
    when: abs(underlying("BTC").net_delta) > 0.1 BTC
    do: {hedge_delta: {with: "BTC/USD:BTC", band: 0.1 BTC, to: 0 BTC}}
    execute: {algo: now}
"""


def coin_account(coins: float, price: float) -> Trader:
    """An account that is settled in the coin, with one inverse contract of 100 dollars to trade."""
    shape: Layout = pooled_shape((INVERSE,))
    found = load_text(COINS, "rules.yaml", RuleBook, {}).rules
    rules = RuleSet(tuple(make_rule(name, spec, (INVERSE,)) for name, spec in found.items()))
    driver = Trader(Engine(shape, rules, limits=WIDE, survival=(SurvivalSpec(),), marker="pen"))
    driver.step(trade(0, price))
    driver.step(AccountSnapshot(T0, T0, 0, (Balance("BTC", round(coins * CASH_UNIT)),), ()))
    return driver


def test_coin_account_is_turned_into_dollars_by_inverse_contracts() -> None:
    """Two coins at 8,000 are 160 contracts of 100 dollars short: what they are worth in dollars stays where it is."""
    driver = coin_account(2.0, 8_000)
    driver.fill_all(1, price=8_000)
    held = driver.held
    assert held == -160 * 1_000
    for second, price in ((10, 6_000.0), (20, 12_000.0)):
        driver.step(trade(second, price))
        equity = driver.engine.columns.equity[0] / CASH_UNIT
        assert equity * price == pytest.approx(16_000, rel=1e-6)
        assert abs(net_delta(driver.engine.columns, 0, "BTC") or 0) / CASH_UNIT < 1e-5


# Cuts that spare the hedge --------------------------------------------------------------------------------

LEVERAGE = """
rules:
  leverage:
    for_each: account
    when: account.leverage > 6
    do: {deleverage: {to: {leverage: 4}}}
    execute: {algo: now}
"""


def levered(bands: dict[str, int]) -> Hedger:
    """A long of 2 coins, nearly all of it hedged by the future, and a larger short of ETH at 200."""
    driver = Hedger(LEVERAGE)
    slot = replace(driver.engine.layout.accounts[0], delta_bands=bands)
    object.__setattr__(driver.engine.layout, "accounts", (slot,))
    driver.mark(0)
    for second in range(1, 4):
        driver.step(trade(second, 8_000, instrument=2, quantity=10**7))
        driver.step(trade(second, 200, instrument=1, quantity=1))
    driver.tell(4, usdt=5_000, perp=2_000, future=-1_900, eth=-60_000)
    return driver


@pytest.mark.parametrize(
    ("bands", "least", "most"), [({}, 0, 101), ({"BTC": CASH_UNIT}, 102, 1_001), ({"BTC": 9 * CASH_UNIT}, 1_002, 2_000)]
)
def test_deleverage_cuts_the_hedge_no_further_than_its_band(bands: dict[str, int], least: int, most: int) -> None:
    """A tenth of a coin is open: cuts open no more of it, with `delta_band: {BTC: 1}` up to a whole one, and so on."""
    plan = levered(bands).found(PlanEpisode)[0]
    keeps = {cut.key.instrument: cut.keep for cut in plan.cuts}
    assert least <= abs(keeps.get(0, 2_000) - keeps.get(2, 1_900)) <= most


def test_deleverage_that_reaches_its_goal_in_no_other_way_leaves_the_band_and_says_so() -> None:
    """One coin, and one short as its hedge: leverage falls only by buying the short back, and a person is told."""
    driver = Hedger(LEVERAGE)
    driver.mark(0)
    driver.tell(1, usdt=1_000, coins=1.0, perp=-1_000)
    assert driver.alarms().count("delta_band_left") == 1
    driver.fill_all(2, price=8_000)
    assert -520 < driver.holds[0] < -400
