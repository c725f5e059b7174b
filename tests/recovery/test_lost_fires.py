"""A fire that died with its process before it was durable: its order is at the venue, its share is not sold twice."""

from __future__ import annotations

import pytest

from bot.domain.effects import PlanEpisode, PlannedCut, RaiseAlarm
from bot.domain.events import Restarted
from bot.domain.scale import NS_PER_SECOND
from bot.engine.record import checkpoint
from tests.builders import KEY, T0, ended, fill, layout, snapshot, trade
from tests.engine.driver import Trader, engine, long_of

REDUCE = """
rules:
  halve:
    for_each: position
    when: position.loss_ratio > 5%
    do: {reduce: 50%}
    execute: {algo: now}
"""
CLOSE = REDUCE.replace("{reduce: 50%}", "close")
FALLEN = 7_590


def after_a_lost_fire(rule: str, *, sold: int, price: float = FALLEN) -> Trader:
    """A long of 1,000 lots; a fire whose order sold so much and whose record died; then another process, at 20 s."""
    first = long_of(1_000, rule)
    durable = checkpoint.dump(first.engine.book)
    first.step(trade(10, FALLEN))
    (order,) = first.orders
    second = Trader(engine(rule, book=checkpoint.load(durable, layout())))
    second.step(Restarted(T0 + 20 * NS_PER_SECOND, "restart"))
    second.step(trade(20, price))
    if sold:
        second.step(fill(order, 20, sold, FALLEN, trade_id="lost"))
    second.step(ended(order, 20, sold))
    assert [alarm.code for alarm in second.found(RaiseAlarm)] == ["order_unrecorded"]
    return second


def cuts(driver: Trader) -> list[tuple[PlannedCut, ...]]:
    return [plan.cuts for plan in driver.found(PlanEpisode)]


@pytest.mark.parametrize("sold", [0, 1, 200, 500])
def test_reduce_after_a_lost_fire_keeps_half_of_what_was_held_before_it(sold: int) -> None:
    """Half of a thousand lots stays, however many of the other half the dead process had sold."""
    driver = after_a_lost_fire(REDUCE, sold=sold)
    driver.step(snapshot(21, usdt=9_000, btc=1_000 - sold, entry=8_000))
    assert cuts(driver) == [(PlannedCut(KEY, 500),)]
    driver.fill_all(22, price=FALLEN)
    assert driver.held == 500


def test_close_after_a_lost_fire_sells_what_is_left() -> None:
    """A goal that is no share needs no memory."""
    driver = after_a_lost_fire(CLOSE, sold=200)
    driver.step(snapshot(21, usdt=9_000, btc=800, entry=8_000))
    driver.fill_all(22, price=FALLEN)
    assert driver.held == 0


@pytest.mark.parametrize(("seconds", "keep"), [(79, 500), (81, 400)])
def test_reduce_long_after_a_lost_fire_is_a_fire_of_its_own(seconds: int, keep: int) -> None:
    """A minute after the start the rule that had fired would have done so again: a later fire is another."""
    driver = after_a_lost_fire(REDUCE, sold=200, price=7_990)
    driver.step(snapshot(21, usdt=9_000, btc=800, entry=8_000))
    driver.step(trade(seconds, FALLEN))
    assert cuts(driver) == [(PlannedCut(KEY, keep),)]


def test_reduce_counts_a_lost_fire_once() -> None:
    """The next fire of the same rule takes its share of what is held then."""
    driver = after_a_lost_fire(REDUCE, sold=200)
    driver.step(snapshot(21, usdt=9_000, btc=800, entry=8_000))
    driver.fill_all(22, price=FALLEN)
    driver.step(trade(23, 7_990))
    driver.step(trade(24, 7_500))
    driver.fill_all(25, price=7_500)
    assert cuts(driver) == [(PlannedCut(KEY, 500),), (PlannedCut(KEY, 250),)]


def test_checkpoint_between_a_lost_fire_and_its_plan_keeps_what_it_sold() -> None:
    """A second kill must not forget it."""
    driver = after_a_lost_fire(REDUCE, sold=200, price=7_990)
    body = checkpoint.dump(driver.engine.book)
    again = checkpoint.load(body, layout())
    assert again.lost[0].filled == 200
    assert checkpoint.dump(again) == body
