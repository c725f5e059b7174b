"""A stop that is triggered, one of a lost record, and the names of stops."""

from __future__ import annotations

from bot.domain.effects import EndParent, ParentEnd
from bot.domain.events import OrderAccepted
from bot.domain.names import parse_name
from bot.engine.spec import Per, ProtectSpec
from tests.builders import snapshot, trade
from tests.engine.driver import SLOW_STOP
from tests.engine.guarded import Guarded, bought, guarded, ns

# Triggered --------------------------------------------------------------------------------------------------------


def test_protect_that_waits_takes_nothing_from_what_may_be_sold() -> None:
    """It rests for the whole position, and a rule still sells the whole position."""
    driver = guarded(1_000, SLOW_STOP.replace("twap, over: 100s, slice: 10s,", "now,"))
    driver.accept(0.1)
    driver.step(trade(1, 7_500))
    assert [order.approved.request.quantity for order in driver.orders] == [1_000]


def test_protect_that_is_triggered_counts_as_working_and_its_fills_are_nobodys_but_ours() -> None:
    """A TWAP stands still while the stop sells what is left, is not credited with it, and ends for want of a position.
    """
    driver = guarded(1_000, SLOW_STOP)
    driver.accept(0.1)
    driver.step(trade(1, 7_500))
    driver.run_timers(until=12)
    driver.fill_all(12, price=7_500)
    sold = 1_000 - driver.held
    assert 0 < sold < 1_000
    before = len(driver.orders)
    driver.trigger(13, 0)
    assert driver.engine.book.working[0] == 1_000
    assert "stop_triggered" in driver.alarms()
    driver.run_timers(until=60)
    assert len(driver.orders) == before
    (parent,) = driver.engine.book.parents.values()
    driver.fill_stop(61, driver.held, price=6_100, place=0)
    assert parent.filled == sold
    assert driver.held == 0
    driver.end_stop(61.1, 0, filled=1_000 - sold)
    assert driver.engine.book.working[0] == 0
    assert [end.reason for end in driver.found(EndParent)] == [ParentEnd.POSITION_GONE]


def test_protect_whose_trigger_was_not_told_learns_of_it_from_a_fill() -> None:
    """A lost message is no reason to count the same lots twice."""
    driver = guarded()
    driver.accept(0.1)
    driver.fill_stop(5, 400, price=6_100)
    assert driver.resting == []
    assert (driver.held, driver.engine.book.working[0]) == (600, 600)
    driver.end_stop(5.1, filled=400)
    assert driver.engine.book.working[0] == 0


def test_protect_whose_end_comes_before_its_fills_waits_for_them() -> None:
    """It is over and has sold 400: those count as working until their trades are told."""
    driver = guarded()
    driver.accept(0.1)
    driver.end_stop(5, filled=400)
    assert driver.engine.book.working[0] == 400
    driver.fill_stop(5.1, 400, price=6_100, place=0)
    assert (driver.held, driver.engine.book.working[0]) == (600, 0)


def test_protect_of_what_a_triggered_stop_left_places_the_next() -> None:
    """The market was too thin for all of it: what is left has a stop again."""
    driver = guarded()
    driver.accept(0.1)
    driver.trigger(5)
    driver.fill_stop(5, 400, price=6_130)
    assert len(driver.placed) == 1
    driver.end_stop(5.1, 0, filled=400)
    assert [stop.quantity for stop in driver.placed] == [1_000, 600]


def test_protect_that_the_venue_ended_is_placed_again() -> None:
    """A person cancelled it in the app: a position must have one."""
    driver = guarded()
    driver.accept(0.1)
    driver.end_stop(5)
    assert len(driver.placed) == 2


# Names ------------------------------------------------------------------------------------------------------------


def test_protect_names_its_stops_from_a_counter_of_their_own() -> None:
    """Parents have the same names, and so the same slices, with stops and without."""
    names = []
    for protect in (ProtectSpec(), ProtectSpec(per=Per.NONE)):
        driver = guarded(1_000, SLOW_STOP, protect=protect)
        driver.step(trade(1, 7_500))
        names.append(list(driver.engine.book.parents))
    assert names[0] == names[1] != []
    stop = parse_name("pen", guarded().placed[0].name)
    assert stop is not None
    assert stop.is_stop


def test_protect_that_finds_a_stop_of_a_lost_record_ends_it_and_never_uses_its_name() -> None:
    """An older journal was restored: the venue has a stop of ours that the book never sent."""
    lost = guarded()
    bought(lost, 1, 500)
    lost.accept(1.1, 0)
    unknown = lost.placed[0].name
    driver = Guarded()
    driver.step(trade(0, 8_000))
    driver.step(OrderAccepted(ns(0), 0, unknown))
    assert driver.cancelled() == [unknown]
    assert driver.alarms() == ["order_unrecorded"]
    driver.step(snapshot(0, usdt=2_000, btc=1_000, entry=8_000))
    (stop,) = driver.placed
    assert stop.name[:-3] != unknown[:-3]
    assert driver.engine.book.accounts[0].next_counter == 1
