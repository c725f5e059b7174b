"""No price from anywhere: what is done for a held position, and that nothing is decided by a price that stands."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import OpenEpisode
from bot.domain.market import CandlePoint, MarkPrice
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.measures.market import TRADE_LULL
from bot.engine.spec import BlindSpec, LimitsSpec, Per, ProtectSpec
from tests.builders import snapshot, trade
from tests.engine.driver import WIDE
from tests.engine.guarded import Guarded, filtered, ns

FIVE = replace(WIDE, stale_after=5 * NS_PER_SECOND)
BARE = ProtectSpec(per=Per.NONE)
STOP_AT_LOSS = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
"""


def mark(seconds: float, price: float) -> MarkPrice:
    return MarkPrice(ns(seconds), ns(seconds), 0, round(price * 100))


def dark(
    *texts: str, btc: int = 1_000, price: float = 8_000, protect: ProtectSpec | None = None,
    blind: BlindSpec | None = None, limits: LimitsSpec = FIVE, shape: object = None,
) -> Guarded:
    """A long of ``btc`` whose last mark came at second 0; its stop, if it is to have one, was accepted."""
    driver = Guarded(*texts, protect=protect, blind=blind, limits=limits, shape=shape)  # type: ignore[arg-type]
    driver.step(mark(0, price))
    driver.step(snapshot(0, usdt=2_000, btc=btc, entry=8_000))
    if driver.placed:
        driver.accept(0)
    return driver


def test_blind_for_less_than_a_minute_asks_nothing() -> None:
    """The mark is old after 5 s, and that is all until 60 s have passed since the last one."""
    driver = dark()
    driver.run_timers(until=59.999)
    assert driver.alarms() == ["market_stale"]
    assert driver.asked() == []


def test_blind_for_a_minute_asks_for_the_stop_and_sends_nothing_while_it_rests() -> None:
    """At 60 s a person is told and the stop is looked up; the venue has it, so there is nothing to do."""
    driver = dark()
    driver.run_timers(until=60)
    assert driver.alarms() == ["market_stale", "blind"]
    assert (driver.placed[0].name, 60.0) in driver.asked()
    driver.accept(60.1)
    driver.run_timers(until=600)
    assert driver.alarms() == ["market_stale", "blind"]
    assert len(driver.placed) == 1
    assert driver.orders == []


@pytest.mark.parametrize(
    ("btc", "share", "quantity"), [(1_000, 0.5, 500), (3, 0.5, 2), (1, 0.5, 1), (1_000, 1.0, 1_000)],
    ids=["half", "rounded up", "the smallest", "all"],
)
def test_blind_without_a_stop_lets_a_share_of_the_position_wait_at_the_venue(
    btc: int, share: float, quantity: int
) -> None:
    """Reduce-only, at the level where a stop belonged when it could last be known: no price of ours is in it."""
    driver = dark(btc=btc, price=8_000, protect=BARE, blind=BlindSpec(else_reduce=share))
    if btc < 1_000:
        driver.step(snapshot(0.5, usdt=btc * 2.0, btc=btc, entry=8_000))
    driver.run_timers(until=59.9)
    assert driver.placed == []
    driver.run_timers(until=61)
    (stop,) = driver.placed
    assert (stop.quantity, stop.reduce_only, stop.limit_price) == (quantity, True, None)
    assert stop.trigger_price == 611_747
    assert driver.orders == []


def test_blind_whose_stop_is_missed_by_the_venue_places_one_for_half() -> None:
    """The look-up is there to find that out; one witness is enough for a reduce-only order."""
    driver = dark()
    driver.run_timers(until=60)
    driver.miss(60.1)
    assert [stop.quantity for stop in driver.placed] == [1_000, 500]
    driver.accept(60.2)
    driver.miss(65.3, 0)
    driver.run_timers(until=300)
    assert len(driver.placed) == 2
    assert "unprotected" in driver.alarms()


def test_blind_that_is_not_to_verify_trusts_the_stop() -> None:
    """It was read back a moment before; who says so is not asked again sooner than usual."""
    driver = dark(blind=BlindSpec(verify_stop=False))
    driver.run_timers(until=60)
    assert driver.asked() == [(driver.placed[0].name, 60.0)]
    assert "blind" in driver.alarms()


def test_blind_that_is_to_reduce_nothing_only_tells() -> None:
    """0 % is a choice, and the alarm says what follows from it."""
    driver = dark(protect=BARE, blind=BlindSpec(else_reduce=0.0))
    driver.run_timers(until=300)
    assert driver.placed == []
    assert driver.alarms() == ["market_stale", "blind"]


def test_blind_whose_stop_is_refused_tries_again_later() -> None:
    """It is refused by the venue: once more after a second, two, four."""
    driver = dark(protect=BARE)
    driver.run_timers(until=60)
    driver.refuse(60.1)
    driver.run_timers(until=61)
    assert len(driver.placed) == 1
    driver.run_timers(until=61.1)
    assert len(driver.placed) == 2


@pytest.mark.parametrize("protect", [ProtectSpec(), BARE], ids=["per position", "none"])
def test_blind_that_sees_again_goes_back_to_what_is_configured(protect: ProtectSpec) -> None:
    """The half stop makes way for a whole one, or for none, and a person is told that it is over."""
    driver = dark(protect=protect)
    driver.run_timers(until=60)
    if driver.placed:
        driver.miss(60.1)
    driver.accept(60.2)
    half = driver.placed[-1]
    assert half.quantity == 500
    driver.step(mark(100, 7_900))
    driver.run_timers(until=101)
    assert driver.alarms()[-1] != "blind"
    assert "blind_over" in driver.alarms()
    if protect.per is Per.POSITION:
        assert driver.placed[-1].quantity == 1_000
        assert half.name not in driver.cancelled()
        driver.accept(101)
    assert half.name in driver.cancelled()


def test_blind_position_that_is_closed_meanwhile_is_blind_no_more() -> None:
    """A person sold it by hand: nothing is held, so nothing is to be done."""
    driver = dark()
    driver.run_timers(until=70)
    driver.external(70, 1_000, price=8_000)
    assert driver.alarms()[-1] == "blind_over"
    assert driver.placed[0].name in driver.cancelled()


def test_blind_without_a_position_is_no_blindness() -> None:
    """A market that nobody holds may be silent for as long as it likes."""
    driver = Guarded(limits=FIVE)
    driver.step(mark(0, 8_000))
    driver.step(snapshot(0, usdt=2_000))
    driver.run_timers(until=600)
    assert driver.alarms() == []


def test_blind_that_never_saw_a_price_tells_and_places_nothing() -> None:
    """Without any price no level was ever known: a person is told so."""
    driver = Guarded(limits=FIVE, protect=BARE)
    driver.step(snapshot(0, usdt=2_000, btc=1_000, entry=8_000))
    driver.run_timers(until=54.9)
    assert driver.alarms() == []
    driver.run_timers(until=55)
    assert driver.alarms() == ["blind"]
    assert driver.placed == []


def test_blind_decides_nothing_by_the_price_that_stands_still() -> None:
    """The last mark was beyond the stop-loss in every way, but it came too late to be one (I18)."""
    driver = dark(STOP_AT_LOSS)
    stale = MarkPrice(ns(100), ns(1), 0, 700_000)
    driver.run_timers(until=100)
    driver.step(stale)
    driver.run_timers(until=200)
    assert driver.found(OpenEpisode) == []
    assert driver.orders == []


@pytest.mark.parametrize(("seconds", "alarmed"), [(174.9, False), (175, True)])
def test_blind_on_minute_bars_counts_from_when_two_of_them_are_missing(seconds: float, alarmed: bool) -> None:
    """A bar's length is not blindness: two spans are patience, and the rest of the minute comes after."""
    driver = Guarded(limits=FIVE)
    driver.step(CandlePoint(ns(0), ns(0), 0, 800_000, 0, NS_PER_MINUTE))
    driver.step(snapshot(0, usdt=2_000, btc=1_000, entry=8_000))
    driver.accept(0)
    driver.run_timers(until=seconds)
    assert ("blind" in driver.alarms()) is alarmed


def test_blind_on_trades_alone_counts_from_their_lull() -> None:
    """A thin market may go without a trade for minutes."""
    driver = Guarded(limits=FIVE)
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=2_000, btc=1_000, entry=8_000))
    driver.accept(0)
    lull = TRADE_LULL / NS_PER_SECOND
    driver.run_timers(until=lull + 54.9)
    assert "blind" not in driver.alarms()
    driver.run_timers(until=lull + 55)
    assert "blind" in driver.alarms()


def test_blind_stop_fits_the_venues_largest_market_order() -> None:
    """Whole lots, and no more than one order may hold."""
    driver = dark(protect=BARE, shape=filtered(market_quantity_max=400))
    driver.run_timers(until=61)
    assert [stop.quantity for stop in driver.placed] == [400]


@pytest.mark.parametrize("share", [-0.01, 1.01])
def test_blind_spec_refuses_a_share_that_is_none(share: float) -> None:
    """Less than nothing and more than all."""
    with pytest.raises(ValueError, match="else_reduce: must be 0% to 100%"):
        BlindSpec(else_reduce=share)
