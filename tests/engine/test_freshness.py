"""A price stream that stops is noticed: what is too old is no price, and a person is told."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import OpenEpisode, PlaceOrder, RaiseAlarm
from bot.domain.events import Event
from bot.domain.market import BookUpdate, CandlePoint, IndexPrice, MarkPrice, Quote
from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.measures.market import TOLD_LULL, TRADE_LULL
from bot.engine.spec import LimitsSpec
from tests.builders import snapshot, trade
from tests.engine.driver import WIDE, Driver, engine
from tests.engine.test_measures import IDLE, at, quote, ref_of

FIVE = replace(WIDE, stale_after=5 * NS_PER_SECOND)
FALLING = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    hold: 10s
    do: close
    execute: {algo: now}
"""


def mark(seconds: float, price: float, *, stamp: float | None = None, span: int = 0, instrument: int = 0) -> MarkPrice:
    return MarkPrice(at(seconds), at(seconds if stamp is None else stamp), instrument, round(price * 100), span)


def point(seconds: float, price: float, span: int = NS_PER_MINUTE) -> CandlePoint:
    return CandlePoint(at(seconds), at(seconds), 0, round(price * 100), 0, span)


def driven(*events: Event, rule: str = IDLE.format(reading="market.mark_price"), limits: LimitsSpec = FIVE) -> Driver:
    driver = Driver(engine(rule, limits=limits))
    for event in events:
        driver.step(event)
    return driver


def alarms(driver: Driver) -> list[tuple[str, float]]:
    """Code and seconds after the start of every alarm about freshness."""
    return [
        (alarm.code, (alarm.now - at(0)) / NS_PER_SECOND)
        for alarm in driver.found(RaiseAlarm) if alarm.code.startswith("market_")
    ]


HELD = (mark(0, 8_000), snapshot(1, usdt=2_000, btc=1_000, entry=8_000))


# When a market is silent ------------------------------------------------------------------------------------------

LIMITS: dict[str, tuple[tuple[Event, ...], float]] = {
    "marks": ((mark(0, 8_000),), 5.0),
    "marks_by_their_stamp": ((mark(0, 8_000, stamp=-2),), 3.0),
    "an_equal_mark_counts": ((mark(0, 8_000), mark(3, 8_000)), 8.0),
    "a_repeated_message_does_not": ((mark(0, 8_000), mark(3, 8_000, stamp=0)), 5.0),
    "trades_beside_marks_do_not": ((mark(0, 8_000), trade(3, 8_000.0)), 5.0),
    "marks_after_trades": ((trade(0, 8_000.0), mark(1, 8_000)), 6.0),
    "trades_alone": ((trade(0, 8_000.0),), TRADE_LULL / NS_PER_SECOND),
    "trades_at_one_price": ((trade(0, 8_000.0), trade(20, 8_000.0)), 20 + TRADE_LULL / NS_PER_SECOND),
    "points_of_minutes": ((point(0, 8_000), point(20, 8_001)), 140.0),
    "points_of_seconds": ((point(0, 8_000, NS_PER_SECOND),), 5.0),
    "points_of_days": ((point(0, 8_000, NS_PER_DAY),), 2 * 86_400.0),
    "marks_of_bars": ((mark(0, 8_000, span=NS_PER_MINUTE),), 120.0),
}


@pytest.mark.parametrize("name", LIMITS)
def test_market_is_silent_at_its_limit_and_not_before(name: str) -> None:
    """Seconds for a stream of marks, two spans for bars, minutes where only trades tell the price."""
    events, silent_at = LIMITS[name]
    driver = driven(*events)
    driver.run_timers(until=silent_at - 0.001)
    assert driver.engine.columns.mark[0] is not None
    driver.run_timers(until=silent_at)
    assert driver.engine.columns.mark[0] is None
    assert driver.engine.market.is_silent[0]


def test_longer_setting_is_kept_by_streams_of_every_pace() -> None:
    """Who allows ten minutes gets ten minutes, on trades and bars too."""
    for event in (mark(0, 8_000), trade(0, 8_000.0), point(0, 8_000)):
        driver = driven(event, limits=replace(FIVE, stale_after=10 * NS_PER_MINUTE))
        driver.run_timers(until=599.9)
        assert not driver.engine.market.is_silent[0]
        driver.run_timers(until=600)
        assert driver.engine.market.is_silent[0]


# What is unavailable ----------------------------------------------------------------------------------------------

OF_THE_MARK = (
    "market.mark_price", "market.return(1m)", "market.volatility(1h)", "position.loss_ratio", "position.notional",
    "account.equity", "account.liquidation_distance", "account.margin_ratio", "portfolio.equity",
)


@pytest.mark.parametrize("text", OF_THE_MARK)
def test_reading_of_a_silent_market_is_unavailable_until_it_is_heard_again(text: str) -> None:
    """Nothing of a position or an account that holds it is made from a frozen price."""
    driver = driven(*HELD, *(mark(second, 8_000 + second) for second in range(2, 65, 3)),
                    rule=IDLE.format(reading=text))

    def value() -> float | None:
        return driver.engine.readings.value(ref_of(text), position=0, account=0)

    assert value() is not None
    driver.run_timers(until=70)
    assert value() is None
    driver.step(mark(71, 8_000))
    assert value() is not None


TOLD: dict[str, tuple[str, Event]] = {
    "mid": ("market.mid", quote(0, 7_999.0, 5, 8_001.0, 5)),
    "depth_of_quotes": ("market.depth(10bps)", quote(0, 7_999.0, 5, 8_001.0, 5)),
    "spread_of_a_book": (
        "market.spread_bps", BookUpdate(at(0), at(0), 0, ((799_900, 5),), ((800_100, 5),), True)
    ),
    "imbalance_of_a_book": (
        "market.imbalance(10bps)", BookUpdate(at(0), at(0), 0, ((799_900, 5),), ((800_100, 5),), True)
    ),
    "index": ("market.index_price", IndexPrice(at(0), at(0), 0, 800_000)),
    "premium": ("market.premium", IndexPrice(at(0), at(0), 0, 800_000)),
}


@pytest.mark.parametrize("name", TOLD)
def test_reading_told_beside_the_mark_is_unavailable_when_it_stops_alone(name: str) -> None:
    """Marks that go on do not make quotes, a book or an index of a minute ago true."""
    text, told = TOLD[name]
    lull = TOLD_LULL / NS_PER_SECOND
    driver = driven(told, mark(lull - 0.5, 8_000), rule=IDLE.format(reading=text))
    assert driver.engine.readings.value(ref_of(text), position=0, account=0) is not None
    driver.step(mark(lull, 8_001))
    assert driver.engine.readings.value(ref_of(text), position=0, account=0) is None


def test_last_price_beside_marks_is_unavailable_when_nobody_trades_any_more() -> None:
    """A last price of minutes ago is history, though the mark goes on."""
    lull = TRADE_LULL / NS_PER_SECOND
    driver = driven(mark(0, 8_000), trade(0, 8_000.0), mark(lull - 0.5, 8_002),
                    rule=IDLE.format(reading="market.last_price"))
    last = ref_of("market.last_price")
    assert driver.engine.readings.value(last, position=0, account=0) == 8_000.0
    driver.step(mark(lull, 8_001))
    assert driver.engine.readings.value(last, position=0, account=0) is None


def test_age_of_a_silent_market_goes_on() -> None:
    """How long it has been silent is the one thing that is known of it."""
    driver = driven(*HELD, rule=IDLE.format(reading="market.age"))
    driver.run_timers(until=5)
    assert driver.engine.readings.value(ref_of("market.age"), position=0, account=0) == 5.0 * NS_PER_SECOND


# What is decided --------------------------------------------------------------------------------------------------


def test_silence_stops_the_hold_of_a_rule_and_a_new_price_takes_it_up() -> None:
    """A loss that was seen for some seconds does not ripen in the dark; the hold goes on where it stood still."""
    driver = driven(*HELD, mark(2, 7_500), rule=FALLING)
    driver.run_timers(until=60)
    assert driver.found(OpenEpisode) == []
    for second in range(60, 70):
        driver.step(mark(second, 7_500))
        driver.run_timers(until=second)
    (fired,) = driver.found(OpenEpisode)
    assert (fired.now - at(60)) / NS_PER_SECOND == pytest.approx(5.0)     # 5 of 10 s were served before the silence


def test_sale_under_way_sends_nothing_at_a_frozen_price_and_goes_on_with_the_next() -> None:
    """No order is priced by a mark that is too old; what is due is sent when one comes."""
    slow = FALLING.replace("hold: 10s", "hold: 0s").replace("{algo: now}", "{algo: twap, over: 100s, slice: 10s}")
    driver = driven(*HELD, mark(2, 7_500), rule=slow)
    driver.run_timers(until=60)
    before = driver.found(PlaceOrder)
    assert all(order.now < at(7) for order in before)
    driver.step(mark(61, 7_400))
    (after,) = driver.orders[len(before):]
    assert after.now == at(61)
    assert after.approved.request.limit_price is not None and after.approved.request.limit_price <= 740_000


def test_late_price_does_not_end_a_silence() -> None:
    """What arrives older than the limit is as good as nothing, though it is new to us."""
    driver = driven(*HELD)
    driver.run_timers(until=20)
    driver.step(mark(21, 7_000, stamp=15))
    assert driver.engine.columns.mark[0] is None
    driver.step(mark(21, 7_000, stamp=16.1))
    assert driver.engine.columns.mark[0] == 700_000


# Who is told ------------------------------------------------------------------------------------------------------


def test_holder_is_told_once_when_a_market_falls_silent_and_once_when_it_is_back() -> None:
    """One alarm at the limit, none while it lasts, one at the first price that counts."""
    driver = driven(*HELD)
    driver.run_timers(until=300)
    assert alarms(driver) == [("market_stale", 5.0)]
    (alarm,) = driver.found(RaiseAlarm)
    assert alarm.detail == (
        "BTC/USDT:USDT: the last price, 8000, is 5 s old; nothing is decided by it until one comes; held by main"
    )
    driver.step(mark(301, 7_000, stamp=290))
    driver.step(mark(302, 8_000))
    driver.step(mark(303, 8_001))
    driver.run_timers(until=308)
    assert alarms(driver) == [("market_stale", 5.0), ("market_fresh", 302.0), ("market_stale", 308.0)]


def test_silence_of_a_market_that_nobody_holds_is_no_alarm() -> None:
    """A market on the list that does not trade is nobody's emergency, and the held one's account goes on."""
    driver = driven(mark(0, 200, instrument=1), *HELD, *(mark(second, 8_000) for second in range(2, 30, 3)))
    assert driver.engine.market.is_silent == [False, True]
    assert driver.engine.columns.known[0]
    assert alarms(driver) == []


def test_setting_of_zero_is_refused() -> None:
    """Every price would be stale."""
    with pytest.raises(ValueError, match="stale_after: must be above 0"):
        LimitsSpec(stale_after=0)
    assert LimitsSpec().stale_after == 5 * NS_PER_SECOND


def test_quotes_alone_are_no_mark() -> None:
    """A market of which only quotes are told has no mark to grow old."""
    driver = driven(Quote(at(0), at(0), 0, 799_900, 5, 800_100, 5))
    assert driver.wake is None


def test_freshness_mark_that_was_too_old_when_it_came_is_none_and_fires_nothing() -> None:
    """A page of a minute ago that comes now is no price of now: the same fall told in time does fire."""
    rule = FALLING.replace("    hold: 10s\n", "")
    late = driven(*HELD, mark(1, 8_000), mark(2, 7_000, stamp=-60), rule=rule)
    assert late.engine.columns.mark[0] == 800_000
    assert late.found(OpenEpisode) == []
    assert driven(*HELD, mark(1, 8_000), mark(2, 7_000), rule=rule).found(OpenEpisode) != []


def test_freshness_live_marks_after_bars_are_missed_as_soon_as_live_marks_are() -> None:
    """The history of a start is of bars, whose next one may take two minutes; what is heard now comes every second."""
    driver = driven(mark(0, 8_000, span=NS_PER_MINUTE), mark(1, 8_000))
    driver.run_timers(until=6.0)
    assert driver.engine.columns.mark[0] is None
