"""Sources that contradict each other: no profit or loss is counted by any of them, margin is by the mark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copying import replace
from bot.domain.effects import OpenEpisode, RaiseAlarm
from bot.domain.events import Reloaded, Restarted
from bot.domain.market import CandlePoint, IndexPrice, MarketFact, MarkPrice, Trade
from bot.domain.scale import NS_PER_SECOND
from bot.engine.measures.market import TOLD_LULL
from bot.engine.record import checkpoint
from bot.engine.spec import LimitsSpec
from bot.rules.language.measures import MEASURES
from bot.rules.language.typed import ReadingRef
from tests.builders import GUARD, STOP, T0, rules, snapshot, trade
from tests.engine.driver import WIDE, Trader, engine, long_of

S = NS_PER_SECOND
OF_PROFIT = ("position.loss_ratio", "position.unrealised_pnl", "position.drawdown", "account.drawdown")
OF_MARGIN = (
    "account.margin_ratio", "account.liquidation_distance", "account.equity", "position.liquidation_price",
    "position.liquidation_distance", "position.notional", "market.mark_price",
)
TRAILING = """
rules:
  trailing:
    for_each: position
    when: position.drawdown > 5%
    do: close
    execute: {algo: now}
"""
DRAWDOWN = """
rules:
  drawdown:
    for_each: account
    when: account.drawdown > 5%
    do: {deleverage: {to: {leverage: 1}}}
    execute: {algo: now}
"""
FOR_A_WHILE = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    hold: 10s
    do: close
    execute: {algo: now}
"""


def mark(seconds: float, price: float, *, instrument: int = 0) -> MarkPrice:
    now = T0 + round(seconds * S)
    return MarkPrice(now, now, instrument, round(price * 100))


def index(seconds: float, price: float, *, instrument: int = 0) -> IndexPrice:
    now = T0 + round(seconds * S)
    return IndexPrice(now, now, instrument, round(price * 100))


def quoted(*texts: str, usdt: float = 10_000, limits: LimitsSpec = WIDE) -> Trader:
    """A long of 1 BTC bought at 8,000, with mark, last and index all there."""
    driver = long_of(1_000, *texts, usdt=usdt, limits=limits)
    driver.step(index(0, 8_000))
    driver.step(mark(0, 8_000))
    return driver


def alarms(driver: Trader) -> list[str]:
    return [alarm.code for alarm in driver.found(RaiseAlarm)]


def fires(driver: Trader) -> list[str]:
    return [fire.rule for fire in driver.found(OpenEpisode)]


def value(driver: Trader, name: str) -> float | None:
    return driver.engine.readings.value(ReadingRef(name), position=0, account=0)


# What waits and what does not -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["mark", "last", "index"])
@pytest.mark.parametrize("name", [*OF_PROFIT, *OF_MARGIN])
def test_reading_while_one_source_stands_alone_is_unavailable_if_it_is_of_profit(name: str, source: str) -> None:
    """Whichever of the three has the wick: profit and loss are not known, margin and the mark itself are."""
    driver = quoted(TRAILING, DRAWDOWN, usdt=2_000)
    assert name in MEASURES
    value(driver, name)                              # makes its column
    driver.step({"mark": mark, "last": trade, "index": index}[source](1, 7_800))     # type: ignore[operator]
    driver.step(snapshot(1, usdt=2_000, btc=1_000, entry=8_000))
    assert (value(driver, name) is None) is (name in OF_PROFIT)


@pytest.mark.parametrize(("last", "is_known"), [(7_840.01, True), (7_840, True), (7_839.99, False)],
                         ids=["nearer", "at the limit", "a tick further"])
def test_readings_of_profit_are_known_up_to_the_limit(last: float, is_known: bool) -> None:
    """2 % of the mark, the limit included."""
    driver = quoted(STOP)
    driver.step(trade(1, last))
    assert (value(driver, "position.loss_ratio") is not None) is is_known
    assert alarms(driver) == ["prices_diverge"] * (not is_known)


@pytest.mark.parametrize(("low", "is_known"), [(7_920, True), (7_919.99, False)])
def test_any_two_sources_are_held_against_each_other(low: float, is_known: bool) -> None:
    """Each within a percent or so of the mark, and yet two percent apart."""
    driver = quoted(STOP)
    driver.step(index(1, 8_080))
    driver.step(trade(1, low))
    assert (value(driver, "position.loss_ratio") is not None) is is_known


@pytest.mark.parametrize("divergence", [0.02, 0.10])
def test_how_far_sources_may_lie_apart_is_a_limit_of_the_configuration(divergence: float) -> None:
    """``limits.divergence``, the gate's own."""
    driver = quoted(STOP, limits=replace(WIDE, divergence=divergence))
    driver.step(mark(1, 7_590))
    assert fires(driver) == ["stop"] * (divergence == 0.10)


# A wick -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [STOP, TRAILING, DRAWDOWN], ids=["loss", "position drawdown", "account drawdown"])
def test_wick_of_the_mark_alone_fires_no_rule_on_loss_and_a_fall_of_all_does(rule: str) -> None:
    """One source is wrong; all together are the market."""
    driver = quoted(rule)
    driver.step(mark(1, 7_300))
    driver.step(mark(2, 8_000))
    assert fires(driver) == []
    for price in (mark, index, trade):
        assert fires(driver) == []
        driver.step(price(3, 7_300))
    assert len(fires(driver)) == 1


def test_wick_of_the_mark_alone_fires_the_guard() -> None:
    """The venue liquidates by its mark, right or wrong: whoever waits for a better one is liquidated."""
    driver = quoted(GUARD, usdt=1_000)
    driver.step(mark(1, 7_300))
    assert fires(driver) == ["guard"]


@pytest.mark.parametrize("price", [8_300, 8_160])
def test_wick_upwards_raises_no_best_mark(price: float) -> None:
    """A trailing stop would fire when the wick is over, at a price that nobody ever had."""
    driver = quoted(TRAILING, DRAWDOWN)
    is_wick = price > 8_200
    driver.step(mark(1, price))
    driver.step(mark(2, 8_000))
    assert driver.engine.readings.peaks.best_mark[0] == (800_000 if is_wick else 816_000)
    assert value(driver, "position.drawdown") == pytest.approx(0 if is_wick else 0.02)
    assert value(driver, "account.drawdown") == pytest.approx(0 if is_wick else 160 / 10_160)


def test_hold_stands_still_while_sources_disagree() -> None:
    """Five seconds served, a wick of the index, and five more: nothing is forgotten and nothing is fired early."""
    driver = quoted(FOR_A_WHILE)
    for price in (trade, index, mark):
        driver.step(price(1, 7_500))
    driver.run_timers(until=6)
    driver.step(index(6, 8_000))
    driver.run_timers(until=50)
    assert fires(driver) == []
    driver.step(index(50, 7_500))
    driver.run_timers(until=54.9)
    assert fires(driver) == []
    driver.run_timers(until=55)
    assert fires(driver) == ["stop"]


def test_account_waits_for_every_market_that_it_holds_and_no_other() -> None:
    """ETH's sources disagree: that is the account's business while it holds ETH."""
    for eth in (0, 10_000):
        driver = Trader(engine(DRAWDOWN))
        driver.step(trade(0, 8_000))
        driver.step(trade(0, 200, instrument=1))
        driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000, eth=eth, eth_entry=200))
        driver.step(trade(1, 8_000.01))
        driver.step(index(2, 190, instrument=1))
        assert (value(driver, "account.drawdown") is None) is (eth > 0)


# Which sources count ----------------------------------------------------------------------------------------------


def test_single_source_is_enough() -> None:
    """A tape of candles or trades has no other; it is all there is, and the summary says so."""
    driver = long_of(1_000, STOP)
    driver.step(trade(1, 7_300))
    assert fires(driver) == ["stop"]


@pytest.mark.parametrize("age", [TOLD_LULL - 1, TOLD_LULL], ids=["just young enough", "too old"])
@pytest.mark.parametrize("source", ["last", "index"])
def test_source_that_was_not_told_lately_is_none(source: str, age: int) -> None:
    """What a market was a minute ago contradicts nothing that it is now."""
    driver = quoted(STOP)
    told = T0 + S
    driver.step(Trade(told, told, 0, 800_000, 1, 0))
    driver.step(IndexPrice(told, told, 0, 800_000))
    fresh = {"last": index, "index": trade}[source]
    driver.step(fresh(1 + age / S, 7_500))           # type: ignore[operator]
    driver.step(MarkPrice(told + age, told + age, 0, 750_000))
    assert fires(driver) == ["stop"] * (age == TOLD_LULL)


def test_points_of_bars_of_one_moment_are_one_price() -> None:
    """Mark and trades on candles are told one after the other: by the last of them they agree again."""
    driver = Trader(engine(STOP))
    minute = 60 * S
    for at, price in ((0, 800_000), (20, 740_000)):
        now = T0 + at * S
        driver.step(MarkPrice(now, now, 0, price, minute))
        driver.step(CandlePoint(now, now, 0, price, 0, minute))
        if not at:
            driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000))
    assert fires(driver) == ["stop"]


MOVES = st.lists(
    st.tuples(
        st.sampled_from((mark, trade, index)), st.sampled_from((-3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3)),
        st.sampled_from((0.0, 0.5, 20.0, 61.0)),
    ),
    min_size=1, max_size=40,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(MOVES)
def test_market_is_disputed_after_any_prices_if_any_two_told_lately_are_too_far_apart(
    moves: list[tuple[Callable[[float, float], MarketFact], float, float]]
) -> None:
    """Prices within the range in which they agree are not compared one by one, and nothing is missed by that."""
    driver = quoted(STOP)
    market, columns = driver.engine.market, driver.engine.columns
    second, level = 1.0, 8_000.0
    for tell, percent, later in moves:
        second += later
        driver.step(tell(second, round(level * (1 + percent / 100), 2)))
        now = T0 + round(second * S)
        told = [columns.mark[0]]
        for price, stamp in ((market.last[0], market.trade_stamp[0]), (market.index[0], market.index_stamp[0])):
            if price is not None and now - stamp < TOLD_LULL:
                told.append(price)
        prices = [price for price in told if price is not None]
        is_apart = max(prices) - min(prices) > 0.02 * prices[0]
        assert columns.is_disputed[0] is is_apart, (percent, prices)
        assert columns.disputes == is_apart


def test_limit_that_was_reloaded_counts_from_the_next_price_on() -> None:
    """What agreed by the old limit is looked at again."""
    driver = quoted(STOP)
    driver.step(mark(1, 7_930))
    engine_ = driver.engine
    engine_.replace_rules(
        rules(STOP), limits=replace(WIDE, divergence=0.005), survival=engine_.desk.survival,
    )
    driver.step(Reloaded(T0 + 2 * S, "other"))
    driver.step(mark(3, 7_931))
    assert alarms(driver) == ["prices_diverge"]


# What a person is told --------------------------------------------------------------------------------------------


def test_holder_is_told_once_with_all_prices_and_again_when_it_has_been_over_for_a_while() -> None:
    """It may flap at the limit for hours: one alarm, and one all-clear after ten calm seconds."""
    driver = quoted(STOP)
    for second in range(1, 7):
        driver.step(mark(second, 7_800 if second % 2 else 8_000))
    assert alarms(driver) == ["prices_diverge"]
    told = driver.found(RaiseAlarm)[0].detail
    assert all(word in told for word in ("mark 7800", "last 8000", "index 8000", "2.00%", "main"))
    driver.step(mark(14.9, 8_001))
    assert alarms(driver) == ["prices_diverge"]
    driver.step(mark(15, 8_000))
    assert alarms(driver) == ["prices_diverge", "prices_agree"]


def test_nobody_is_told_of_a_market_that_nobody_holds() -> None:
    """It is one reason to look less at alarms."""
    driver = Trader(engine(STOP))
    driver.step(trade(0, 8_000))
    driver.step(index(1, 7_000))
    driver.step(snapshot(2, usdt=10_000))
    driver.step(trade(3, 8_001))
    assert alarms(driver) == []


def test_restart_amid_a_divergence_finds_it_again_from_the_prices() -> None:
    """Nothing of it is kept: the prices that are told again say it."""
    driver = quoted(STOP)
    driver.step(mark(1, 7_500))
    book = checkpoint.load(checkpoint.dump(driver.engine.book), driver.engine.layout)
    again = Trader(engine(STOP, book=book))
    for price in (trade(1, 8_000), index(1, 8_000), mark(1, 7_500)):
        again.engine.warm(price)
    again.step(Restarted(T0 + 2 * S, "test"))
    again.step(snapshot(2, usdt=10_000, btc=1_000, entry=8_000))
    assert fires(again) == []
    assert alarms(again) == []
    again.step(mark(3, 7_501))
    assert alarms(again) == ["prices_diverge"]
    assert fires(again) == []
