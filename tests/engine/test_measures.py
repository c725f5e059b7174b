"""Every measure of a rule, fed by real events through the engine, with a value worked out by hand."""

from __future__ import annotations

from math import inf, log, sqrt

import pytest

from bot.domain.copying import replace
from bot.domain.events import CashMoved, Event
from bot.domain.market import (
    CandlePoint,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.measures.layout import AccountSlot, Layout
from bot.rules.language.measures import MEASURES
from bot.rules.language.typed import ReadingRef
from tests.builders import T0, layout, snapshot, trade
from tests.engine.driver import Driver, engine

MINUTE = NS_PER_MINUTE
IDLE = """
rules:
  idle:
    for_each: position
    when: position.loss_ratio > 90% and {reading} == {reading}
    do: close
"""


def ref_of(text: str) -> ReadingRef:
    """``market.volume(1m)`` with its argument in ns, ``market.depth(10bps)`` with a ratio."""
    if text.startswith("underlying("):
        return ReadingRef("underlying.net_delta", (), "BTC")
    name, _, given = text.rstrip(")").partition("(")
    if not given:
        return ReadingRef(name)
    if given.endswith("bps"):
        return ReadingRef(name, (float(given[:-3]) / 1e4,))
    return ReadingRef(name, (int(given[:-1]) * {"m": MINUTE, "h": NS_PER_HOUR}[given[-1]],))


def read(text: str, *events: Event, position: int = 0, account: int = 0, shape: Layout | None = None) -> float | None:
    """The reading after the events, in an engine whose only rule reads it."""
    driver = Driver(engine(IDLE.format(reading=text), shape=shape))
    for event in events:
        driver.step(event)
    driver.engine.watch.look_again(account)
    return driver.engine.readings.value(ref_of(text), position=position, account=account)


def at(seconds: float) -> int:
    return T0 + round(seconds * NS_PER_SECOND)


def quote(seconds: float, bid: float, bid_quantity: int, ask: float, ask_quantity: int) -> Quote:
    now = at(seconds)
    return Quote(now, now, 0, round(bid * 100), bid_quantity, round(ask * 100), ask_quantity)


def sided(seconds: float, price: float, quantity: int, side: int) -> Trade:
    now = at(seconds)
    return Trade(now, now, 0, round(price * 100), quantity, side)


def cash(seconds: float, usdt: float) -> CashMoved:
    return CashMoved(at(seconds), at(seconds), 0, "USDT", round(usdt * CASH_UNIT), "transfer")


# 1 BTC at 8,000 on 2,000 USDT; maintenance 0.4 % below 50,000 USDT at the bundled brackets.
LONG = (trade(0, 8_000.0), snapshot(1, usdt=2_000.0, btc=1_000, entry=8_000.0))
BOTH = (
    trade(0, 8_000.0), trade(0, 200.0, instrument=1),
    snapshot(1, usdt=2_000.0, btc=1_000, entry=8_000.0, eth=-10_000, eth_entry=200.0),
)

VALUES: dict[str, tuple[str, tuple[Event, ...], float]] = {
    "equity": ("account.equity", (*LONG, trade(2, 7_900.0)), 1_900.0),
    "wallet": ("account.wallet", (*LONG, trade(2, 7_900.0)), 2_000.0),
    "collateral": ("account.collateral_value", (*LONG, trade(2, 7_900.0)), 2_000.0),
    "initial_margin": ("account.initial_margin", LONG, 400.0),               # 8,000 at 20x
    "available": ("account.available", LONG, 1_600.0),
    "leverage": ("account.leverage", LONG, 4.0),
    "gross": ("account.gross_notional", BOTH, 10_000.0),
    "net": ("account.net_notional", BOTH, 6_000.0),
    "maintenance": ("account.maintenance_margin", LONG, 32.0),
    "margin_ratio": ("account.margin_ratio", LONG, 0.016),
    # 2,000 - 8,000 m = 0.004 x 8,000 (1 - m)
    "distance": ("account.liquidation_distance", LONG, 1_968 / 7_968),
    "worst_of_one": ("account.liquidation_distance_worst", LONG, 1_968 / 7_968),
    # 2,000 - 10,000 m = 0.004 x 8,000 (1 - m) + 0.004 x 2,000 (1 + m)
    "worst_of_two": ("account.liquidation_distance_worst", BOTH, (2_000 - 32 - 8) / (10_000 - 32 + 8)),
    "drawdown": ("account.drawdown", (*LONG, trade(2, 8_200.0), trade(3, 7_980.0)), 220 / 2_200),
    "drawdown_at_the_high": ("account.drawdown", (*LONG, trade(2, 8_200.0)), 0.0),
    # half of the equity of 2,000 is taken out at the high: the mark is halved, and 100 lost is a tenth
    "drawdown_after_withdrawal": ("account.drawdown", (*LONG, cash(2, -1_000.0), trade(3, 7_900.0)), 0.1),
    "drawdown_after_deposit": ("account.drawdown", (*LONG, trade(2, 7_800.0), cash(3, 1_800.0)), 0.1),
    "position_drawdown": (
        "position.drawdown", (*LONG, trade(2, 8_400.0), trade(3, 8_100.0)), 300 / 8_000
    ),
    # the price at which 2,000 + (p - 8,000) = 0.004 p
    "liquidation_price": ("position.liquidation_price", LONG, 6_000 / 0.996),
    "position_distance": ("position.liquidation_distance", LONG, 1 - 6_000 / 0.996 / 8_000),
    "mid": ("market.mid", (quote(0, 99.0, 5, 100.01, 5),), 99.505),
    "spread": ("market.spread_bps", (quote(0, 99.0, 5, 101.0, 5),), 0.02),
    # the ask is the thinner side: 2 BTC at 100.05
    "depth": ("market.depth(10bps)", (quote(0, 99.95, 3_000, 100.05, 2_000),), 200.1),
    "depth_of_a_wide_market": ("market.depth(10bps)", (quote(0, 99.0, 3_000, 101.0, 2_000),), 0.0),
    "imbalance": ("market.imbalance(10bps)", (quote(0, 99.95, 3_000, 100.05, 1_000),), 0.5),
    "premium": (
        "market.premium", (MarkPrice(at(0), at(0), 0, 1_010_000), IndexPrice(at(0), at(0), 0, 1_000_000)), 0.01
    ),
    "funding_rate": ("market.funding_rate", (FundingRate(at(0), at(0), 0, -25_000, at(60)),), -0.00025),
    "next_funding": (
        "market.next_funding", (FundingRate(at(0), at(0), 0, 10_000, at(60)), trade(20, 8_000.0)), 40.0 * NS_PER_SECOND
    ),
    "open_interest": ("market.open_interest", (OpenInterest(at(0), at(0), 0, 1_234_500),), 1_234.5),
    # the sells of 1 BTC are older than the minute
    "order_flow": (
        "market.order_flow(1m)",
        (sided(0, 8_000.0, 1_000, -1), sided(40, 8_001.0, 5_000, 1), sided(70, 8_002.0, 2_000, -1)), 3.0,
    ),
    "volume": (
        "market.volume(1m)", (trade(0, 8_000.0), trade(40, 8_000.0), trade(70, 8_000.0, quantity=500)), 1.5
    ),
    "volume_of_candles": (
        "market.volume(1m)",
        (CandlePoint(at(0), at(0), 0, 800_000, 0), CandlePoint(at(70), at(70), 0, 800_000, 2_500)), 2.5,
    ),
    "return": ("market.return(1m)", (trade(0, 8_000.0), trade(30, 9_000.0), trade(61, 7_600.0)), -0.05),
    "liquidations": (
        "market.liquidations(1m)",
        (ForcedTrade(at(0), at(0), 0, 800_000, 1_000, -1), ForcedTrade(at(30), at(30), 0, 800_000, 500, -1),
         ForcedTrade(at(70), at(70), 0, 700_000, 1_000, 1)),
        11_000.0,
    ),
    "market_age": ("market.age", (trade(0, 8_000.0), trade(5, 200.0, instrument=1)), 5.0 * NS_PER_SECOND),
    "position_age": ("position.age", (*LONG, trade(31, 8_000.0)), 30.0 * NS_PER_SECOND),
    # the prior of BTC, 60 % a year, over one of its hours
    "volatility": ("market.volatility(1h)", (trade(0, 8_000.0),), 0.6 / sqrt(365 * 24)),
    "portfolio_equity": ("portfolio.equity", LONG, 2_000.0),
}


@pytest.mark.parametrize("name", VALUES)
def test_measure_after_events_is_the_value_worked_out_by_hand(name: str) -> None:
    """What a rule reads is what a person gets from the same events with pencil and paper."""
    text, events, expected = VALUES[name]
    assert read(text, *events) == pytest.approx(expected, rel=1e-12)


UNAVAILABLE: dict[str, tuple[str, tuple[Event, ...]]] = {
    "account_without_a_snapshot": ("account.liquidation_distance_worst", (trade(0, 8_000.0),)),
    "drawdown_without_a_mark": ("account.drawdown", (snapshot(1, usdt=2_000.0, btc=1_000, entry=8_000.0),)),
    "drawdown_after_a_jump": ("account.drawdown", (*LONG, snapshot(2, usdt=3_000.0, btc=1_000, entry=8_000.0))),
    "position_drawdown_when_flat": ("position.drawdown", (trade(0, 8_000.0), snapshot(1, usdt=2_000.0))),
    "liquidation_price_when_flat": ("position.liquidation_price", (trade(0, 8_000.0), snapshot(1, usdt=2_000.0))),
    "liquidation_price_out_of_reach": (
        "position.liquidation_price", (trade(0, 8_000.0), snapshot(1, usdt=9_000.0, btc=1_000, entry=8_000.0))
    ),
    "margin_ratio_in_cross": ("position.margin_ratio", LONG),
    "adl_rank": ("position.adl_rank", LONG),
    "mid_of_one_side": ("market.mid", (quote(0, 99.0, 5, 0.0, 0),)),
    "spread_without_quotes": ("market.spread_bps", LONG),
    "depth_without_quotes": ("market.depth(10bps)", LONG),
    "imbalance_of_nothing_near": ("market.imbalance(10bps)", (quote(0, 99.0, 5, 101.0, 5),)),
    "premium_without_an_index": ("market.premium", LONG),
    "next_funding_when_paid": (
        "market.next_funding", (FundingRate(at(0), at(0), 0, 10_000, at(60)), trade(60, 8_000.0))
    ),
    "open_interest_untold": ("market.open_interest", LONG),
    "order_flow_of_candles": (
        "market.order_flow(1m)",
        (CandlePoint(at(0), at(0), 0, 800_000, 0), CandlePoint(at(70), at(70), 0, 800_000, 2_500)),
    ),
    "volume_uncovered": ("market.volume(1m)", (trade(0, 8_000.0), trade(59, 8_001.0))),
    "return_uncovered": ("market.return(1m)", (trade(0, 8_000.0), trade(59, 8_001.0))),
    "liquidations_untold": ("market.liquidations(1m)", (trade(0, 8_000.0), trade(90, 8_001.0))),
    "portfolio_without_a_snapshot": ("portfolio.margin_ratio", (trade(0, 8_000.0),)),
}


@pytest.mark.parametrize("name", UNAVAILABLE)
def test_measure_that_cannot_be_known_is_unavailable(name: str) -> None:
    """Nothing is made up: a reading without its source is None, and neither fires nor clears."""
    text, events = UNAVAILABLE[name]
    assert read(text, *events) is None


EDGES: dict[str, tuple[str, tuple[Event, ...], float]] = {
    "worst_when_flat": ("account.liquidation_distance_worst", (trade(0, 8_000.0), snapshot(1, usdt=2_000.0)), inf),
    "worst_when_gone": ("account.liquidation_distance_worst", (*LONG, trade(2, 6_020.0)), 0.0),
    "distance_when_gone": ("position.liquidation_distance", (*LONG, trade(2, 6_020.0)), 0.0),
    "distance_out_of_reach": (
        "position.liquidation_distance", (trade(0, 8_000.0), snapshot(1, usdt=9_000.0, btc=1_000, entry=8_000.0)), inf
    ),
    "drawdown_of_everything": ("account.drawdown", (*LONG, trade(2, 5_000.0)), 1.5),
}


@pytest.mark.parametrize("name", EDGES)
def test_measure_at_its_edge_is_what_the_table_says(name: str) -> None:
    """Gone is 0, out of reach is infinite, and a drawdown past nothing is more than everything."""
    text, events, expected = EDGES[name]
    assert read(text, *events) == expected


def test_every_measure_of_the_table_has_a_column_of_its_own() -> None:
    """No row of the table is without something that works it out."""
    made = engine(IDLE.format(reading="account.equity"))
    for row in MEASURES.values():
        column = made.readings.column_of(ref_of(row.example))
        assert len(column) == {"account": 1, "position": 2, "market": 2}.get(row.subject.value, 1)


def test_portfolio_of_two_accounts_is_their_sum_or_the_worse_of_them() -> None:
    """Money adds up; of ratios and distances the worst account counts, and one that is unknown hides all."""
    one = layout()
    shape = Layout(one.instruments, one.tiers, (*one.accounts, AccountSlot("second", "USDT", (0,), 0.0005, 20.0)))
    rich = LONG[1]
    poor = replace(
        snapshot(2, usdt=1_000.0, btc=1_000, entry=8_000.0), account=1,
        positions=tuple(
            replace(report, key=replace(report.key, account=1))
            for report in snapshot(2, usdt=1_000.0, btc=1_000, entry=8_000.0).positions
        ),
    )
    both = (LONG[0], rich, poor)
    assert read("portfolio.equity", *both, shape=shape) == 3_000.0
    assert read("portfolio.leverage", *both, shape=shape) == 8.0
    assert read("portfolio.liquidation_distance", *both, shape=shape) == pytest.approx(968 / 7_968, rel=1e-12)
    assert read("portfolio.equity", *both[:2], shape=shape) is None


def test_jump_of_equity_is_alarmed_and_explained_by_the_deposit_that_follows() -> None:
    """Cash that a snapshot shows first hides the drawdown until its transfer is told; it is not counted twice."""
    driver = Driver(engine(IDLE.format(reading="account.drawdown")))
    for event in (*LONG, trade(2, 7_800.0), snapshot(3, usdt=3_800.0, btc=1_000, entry=8_000.0)):
        driver.step(event)
    assert driver.engine.book.accounts[0].unexplained == 1_800 * CASH_UNIT
    driver.step(replace(cash(4, 1_800.0), stamp=at(3)))
    driver.engine.watch.look_again(0)
    account = driver.engine.book.accounts[0]
    assert (account.wallet, account.unexplained) == (3_800 * CASH_UNIT, 0)
    found = driver.engine.readings.value(ReadingRef("account.drawdown"), position=0, account=0)
    assert found == pytest.approx(0.1, rel=1e-12)


def test_volatility_of_a_price_that_halved_in_a_minute_is_above_the_prior() -> None:
    """A return of log 2 in one minute of a long history moves the fast average by 1 - 0.5^(1/60) of its square."""
    events = [trade(0, 8_000.0), *(trade(60 * minute, 8_000.0) for minute in range(1, 3))]
    events += [trade(180, 4_000.0), trade(240, 4_000.0)]
    found = read("market.volatility(1m)", *events)
    share = 1 - 0.5 ** (1 / 60)
    assert found is not None and found > sqrt(share) * log(2) * 0.99
