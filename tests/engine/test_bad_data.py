"""Facts of a market that cannot be so: told to a person, used for nothing, on both sides of each bound."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.domain.copying import replace
from bot.domain.effects import RaiseAlarm
from bot.domain.market import (
    BookUpdate,
    CandlePoint,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketFact,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from bot.domain.scale import NS_PER_HOUR, NS_PER_SECOND
from bot.engine.measures.bad_data import TOLD_EVERY, fault_of
from bot.engine.spec import LimitsSpec
from tests.builders import STOP, T0, snapshot, trade
from tests.engine.driver import WIDE, Driver, Trader, engine

NAN: Any = float("nan")
FIVE = replace(WIDE, stale_after=5 * NS_PER_SECOND)
AHEAD = LimitsSpec().stale_after
AT = T0 + NS_PER_SECOND

GOOD: list[MarketFact] = [
    Trade(AT, AT, 0, 1, 0, -1),
    CandlePoint(AT, AT, 0, 1, 0),
    MarkPrice(AT, AT, 0, 1),
    IndexPrice(AT, AT, 0, 1),
    ForcedTrade(AT, AT, 0, 1, 0, 1),
    OpenInterest(AT, AT, 0, 0),
    Quote(AT, AT, 0, 0, 0, 0, 0),
    BookUpdate(AT, AT, 0, ((1, 0),), ((2, 5),), is_snapshot=True),
    FundingRate(AT, AT, 0, -7, AT),
]
BAD: list[tuple[MarketFact, str]] = [
    (Trade(AT, AT, 0, 0, 1, -1), "price of 0"),
    (Trade(AT, AT, 0, -1, 1, -1), "price of -1"),
    (Trade(AT, AT, 0, NAN, 1, -1), "price of nan"),
    (Trade(AT, AT, 0, 1, -1, -1), "quantity of -1"),
    (Trade(AT, AT, 0, 1, NAN, -1), "quantity of nan"),
    (CandlePoint(AT, AT, 0, 0, 0), "price of 0"),
    (CandlePoint(AT, AT, 0, 1, -1), "quantity of -1"),
    (MarkPrice(AT, AT, 0, 0), "price of 0"),
    (MarkPrice(AT, AT, 0, NAN), "price of nan"),
    (IndexPrice(AT, AT, 0, -5), "price of -5"),
    (ForcedTrade(AT, AT, 0, 0, 1, 1), "price of 0"),
    (OpenInterest(AT, AT, 0, -1), "quantity of -1"),
    (Quote(AT, AT, 0, -1, 1, 5, 1), "price of -1"),
    (Quote(AT, AT, 0, 4, 1, 5, -1), "quantity of -1"),
    (BookUpdate(AT, AT, 0, ((0, 1),), (), is_snapshot=True), "price of 0"),
    (BookUpdate(AT, AT, 0, (), ((5, 1), (6, -1)), is_snapshot=True), "quantity of -1"),
]


def alarms(driver: Driver) -> list[str]:
    return [alarm.code for alarm in driver.found(RaiseAlarm)]


@pytest.mark.parametrize("event", GOOD, ids=lambda event: type(event).__name__)
def test_fault_of_the_least_that_can_be_is_none(event: MarketFact) -> None:
    """The smallest price, nothing traded, an empty side, a negative rate, now: all of that happens."""
    assert fault_of(event, ahead_max=AHEAD) is None


@pytest.mark.parametrize(("event", "fault"), BAD, ids=lambda each: each if isinstance(each, str) else "")
def test_fault_of_what_cannot_be_names_it(event: MarketFact, fault: str) -> None:
    """One step below the least is wrong, and so is what is no number."""
    assert fault in (fault_of(event, ahead_max=AHEAD) or "")


@pytest.mark.parametrize("event", GOOD, ids=lambda event: type(event).__name__)
def test_fault_of_a_stamp_ahead_begins_beyond_what_clocks_may_differ(event: MarketFact) -> None:
    """A stamp may lie ahead by as much as a mark may be old, and not a nanosecond more."""
    assert fault_of(msgspec.structs.replace(event, stamp=AT + AHEAD), ahead_max=AHEAD) is None
    assert "ahead" in (fault_of(msgspec.structs.replace(event, stamp=AT + AHEAD + 1), ahead_max=AHEAD) or "")


@pytest.mark.parametrize(("event", "fault"), BAD, ids=lambda each: each if isinstance(each, str) else "")
def test_engine_takes_bad_data_as_an_alarm_and_nothing_else(event: MarketFact, fault: str) -> None:
    """Before any price as well as after one, nothing is known after it that was not known before."""
    driver = Driver(engine(STOP, limits=FIVE))
    driver.step(event)
    assert alarms(driver) == ["bad_data"]
    assert fault in driver.found(RaiseAlarm)[0].detail
    market, mark = driver.engine.market, driver.engine.columns.mark[0]
    assert (mark, market.last[0], market.index[0], market.bid[0], market.traded[0]) == (None, None, None, None, 0)


@pytest.mark.parametrize("price", [0, -1, NAN], ids=["zero", "negative", "nan"])
@pytest.mark.parametrize("kind", [Trade, MarkPrice])
def test_price_that_is_none_neither_fires_nor_clears(kind: type[Trade | MarkPrice], price: int) -> None:
    """A stop-loss is not run by a price of nothing, and what it began is not called off by it."""
    def bad(second: float) -> MarketFact:
        at = T0 + round(second * NS_PER_SECOND)
        return Trade(at, at, 0, price, 1, -1) if kind is Trade else MarkPrice(at, at, 0, price)

    driver = Trader(engine(STOP.replace("algo: now", "algo: twap, over: 100s"), limits=FIVE))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000))
    driver.step(bad(1))
    assert driver.orders == []
    assert not driver.engine.book.episodes
    driver.step(trade(2, 7_500))
    assert len(driver.engine.book.episodes) == 1
    driver.step(bad(3))
    assert len(driver.engine.book.episodes) == 1
    assert driver.engine.columns.mark[0] == 750_000
    assert alarms(driver) == ["bad_data"]


def test_stamp_an_hour_ahead_hides_no_silence() -> None:
    """A mark from a clock that runs ahead would be young for an hour: it is not used, and silence shows in 5 s."""
    driver = Trader(engine(STOP, limits=FIVE))
    driver.step(MarkPrice(T0, T0, 0, 800_000))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000))
    driver.step(MarkPrice(T0 + NS_PER_SECOND, T0 + NS_PER_HOUR, 0, 800_100))
    assert driver.engine.columns.mark[0] == 800_000
    driver.run_timers(until=5)
    assert alarms(driver) == ["bad_data", "market_stale"]
    assert driver.engine.columns.mark[0] is None


def test_bad_data_is_told_once_a_minute_of_each_kind_in_each_market() -> None:
    """A broken feed repeats itself a thousand times; a person is told once, and again when it goes on."""
    driver = Driver(engine(STOP, limits=FIVE))
    for at in (T0, T0 + 1, T0 + TOLD_EVERY - 1):
        driver.step(Trade(at, at, 0, 0, 1, -1))
    assert alarms(driver) == ["bad_data"]
    driver.step(Trade(T0 + TOLD_EVERY, T0, 0, 0, 1, -1))
    assert len(alarms(driver)) == 2
    driver.step(Trade(T0 + TOLD_EVERY, T0, 1, 0, 1, -1))
    driver.step(MarkPrice(T0 + TOLD_EVERY, T0, 0, 0))
    assert len(alarms(driver)) == 4
