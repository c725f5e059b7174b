"""Names that a dead process had reserved: one of their orders may be on the wire still, and must not be sent again."""

from __future__ import annotations

import pytest

from bot.domain.events import OrderAccepted, Restarted
from bot.domain.names import child_name, parent_of
from bot.domain.scale import NS_PER_SECOND
from bot.engine.record import checkpoint
from tests.builders import T0, fill, layout, snapshot, trade
from tests.engine.driver import Trader, engine, long_of
from tests.engine.guarded import guarded

HALVE = """
rules:
  halve:
    for_each: position
    when: position.loss_ratio > 5%
    do: {reduce: 50%}
    execute: {algo: now}
"""
SLICES = """
rules:
  slices:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: twap, over: 100s, slice: 10s, collar: 2%}
"""
FALLEN = 7_590


def reborn(dead: Trader, rule: str, *, record: bytes | None = None) -> Trader:
    """Another process with what was durable of the first one, at 20 s, before it has the venue's word."""
    body = checkpoint.dump(dead.engine.book) if record is None else record
    driver = Trader(engine(rule, book=checkpoint.load(body, layout())))
    driver.step(Restarted(T0 + 20 * NS_PER_SECOND, "restart"))
    driver.step(trade(20, FALLEN))
    return driver


def names(driver: Trader) -> list[str]:
    return [order.approved.request.name for order in driver.orders]


def test_name_that_a_dead_process_may_have_sent_is_never_used_again() -> None:
    """A fire died with its process, its order is on no page yet: the fire that comes again sells under other names."""
    dead = long_of(1_000, HALVE)
    record = checkpoint.dump(dead.engine.book)
    dead.step(trade(10, FALLEN))
    (lost,) = names(dead)
    driver = reborn(dead, HALVE, record=record)
    assert driver.orders == []                       # nothing before the venue's word
    driver.step(snapshot(21, usdt=9_000, btc=1_000, entry=8_000))
    (sent,) = names(driver)
    assert parent_of(sent) != parent_of(lost)


def test_child_that_a_dead_process_may_have_sent_is_never_used_again() -> None:
    """The same for the next slices of a parent that the record knows."""
    dead = long_of(1_000, SLICES)
    dead.step(trade(0, FALLEN))
    dead.run_timers(until=12)
    known = names(dead)
    record = checkpoint.dump(dead.engine.book)
    reserved = dead.engine.book.reservations[parent_of(known[0])].end
    dead.fill_all(12, price=FALLEN)
    dead.run_timers(until=40)
    lost = names(dead)[len(known):]
    assert lost
    driver = reborn(dead, SLICES, record=record)
    driver.step(snapshot(21, usdt=9_000, btc=1_000, entry=8_000))
    driver.fill_all(21, price=FALLEN)
    driver.run_timers(until=60)
    assert names(driver) and not {*names(driver)} & {*known, *lost}
    assert driver.engine.book.parents[parent_of(known[0])].next_child > reserved


def test_late_fill_of_a_name_that_was_given_up_counts_for_who_sells_now() -> None:
    """It came after all, past every window: what it sold is not sold a second time."""
    dead = long_of(1_000, HALVE)
    record = checkpoint.dump(dead.engine.book)
    dead.step(trade(10, FALLEN))
    (lost,) = dead.orders
    driver = reborn(dead, HALVE, record=record)
    driver.step(snapshot(21, usdt=9_000, btc=1_000, entry=8_000))
    (sent,) = driver.orders
    driver.step(OrderAccepted(T0 + 22 * NS_PER_SECOND, 0, lost.approved.request.name))
    driver.step(fill(lost, 22, 500, FALLEN, trade_id="late"))
    assert driver.engine.book.parents == {}          # half is sold: the parent of today has met its end
    assert sent.approved.request.name in driver.engine.book.orders     # and what is out of it only reduces


def test_stop_name_that_a_dead_process_may_have_sent_is_never_used_again() -> None:
    """A stop that was decided and not recorded may be on its way: the next one leaves all reserved names alone."""
    dead = guarded()
    dead.accept(1)
    (known,) = dead.placed
    line = dead.engine.book.stop_lines[0]
    assert line.parent is not None
    end = dead.engine.book.reservations[line.parent].end
    driver = dead.restart(20)
    driver.step(trade(20, 8_000))
    driver.step(snapshot(21, usdt=2_000, btc=1_000, entry=8_000))
    driver.end_stop(22)
    driver.run_timers(until=40)
    fresh = [stop.name for stop in driver.placed if stop.name != known.name]
    assert fresh and all(name >= child_name(line.parent, end) for name in fresh)


@pytest.mark.parametrize("kills", [1, 2])
def test_names_are_given_up_at_every_restart_and_what_a_lost_fire_sold_is_kept(kills: int) -> None:
    """A fire whose order sold 200 of 500 was lost; the process dies again before it could plan: 300 are left."""
    dead = long_of(1_000, HALVE)
    record = checkpoint.dump(dead.engine.book)
    dead.step(trade(10, FALLEN))
    (order,) = dead.orders
    driver = dead
    for kill in range(kills):
        driver = Trader(engine(HALVE, book=checkpoint.load(record, layout())))
        driver.step(Restarted(T0 + (20 + kill) * NS_PER_SECOND, "restart"))
        driver.step(trade(20 + kill, 7_990))
        if kill == 0:
            driver.step(fill(order, 20, 200, FALLEN, trade_id="lost"))
        driver.step(snapshot(20.5 + kill, usdt=9_000, btc=800, entry=8_000))
        record = checkpoint.dump(driver.engine.book)
    driver.step(trade(25, FALLEN))
    driver.fill_all(26, price=FALLEN)
    assert driver.held == 500
