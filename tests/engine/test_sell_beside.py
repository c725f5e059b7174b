"""Sales beside all else: halts, rules, other people, and a venue that does not answer."""

from __future__ import annotations

import pytest

from bot.domain.effects import (
    EndParent,
    ParentEnd,
)
from bot.domain.events import CommandKind, InstrumentStatus, OrderOutcomeUnknown
from bot.domain.instrument import TradingState
from bot.domain.order import Side
from bot.domain.sale import TakeSale
from tests.builders import STOP, T0, trade
from tests.engine.driver import SLOW_STOP, long_of
from tests.engine.sold import NO_RULES, S, alarms, command, ends, refusals, sale, say, take_back


def test_sale_of_a_frozen_account_goes_on() -> None:
    """Freezing stops what adds; this only reduces."""
    driver = long_of(1_000, NO_RULES)
    command(driver, 1, CommandKind.FREEZE)
    say(driver, 2, sale(quantity=500))
    driver.live_through(2, 30, price=8_000)
    assert driver.held == 500


@pytest.mark.parametrize("shut", [CommandKind.KILL, CommandKind.FLATTEN])
def test_sale_of_a_killed_account_is_refused_until_it_is_resumed(shut: CommandKind) -> None:
    """Who has killed it has said that nothing of the cost class is sent."""
    driver = long_of(1_000, NO_RULES)
    command(driver, 1, shut)
    say(driver, 1, sale("before"))
    assert refusals(driver)[0].endswith("resume it first")
    command(driver, 1, CommandKind.RESUME)
    say(driver, 1, sale("after"))
    assert [taken.sale.name for taken in driver.found(TakeSale)] == ["after"]


def test_kill_ends_a_sale_for_good() -> None:
    """Resuming does not begin it anew."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale(quantity=600, over=600))
    driver.live_through(0, 100, price=8_000)
    command(driver, 100, CommandKind.KILL)
    left = driver.held
    command(driver, 110, CommandKind.RESUME)
    driver.live_through(110, 700, price=8_000)
    assert driver.held == left
    assert driver.engine.book.sales["first"].ended == "kill by ann: a test"


def test_sale_taken_back_sells_no_more() -> None:
    """All sales of the position end with it, and it is said who wanted it."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale("one", 300, over=600))
    say(driver, 0, sale("two", 300, over=600))
    driver.live_through(0, 100, price=8_000)
    take_back(driver, 100, "one")
    left = driver.held
    driver.live_through(101, 700, price=8_000)
    assert driver.held == left > 400
    assert {record.ended for record in driver.engine.book.sales.values()} == {"taken back by ann: enough"}
    assert [end.reason for end in driver.found(EndParent)] == [ParentEnd.CANCELED]
    take_back(driver, 701, "one")
    take_back(driver, 701, "three")
    assert alarms(driver)[-2:] == ["command_refused"] * 2


@pytest.mark.parametrize(("over", "late_after"), [(0, 60), (100, 100)])
def test_sale_that_is_not_done_in_its_time_is_told_once_and_goes_on(over: float, late_after: int) -> None:
    """The venue takes nothing: at the deadline, or after a minute of trying at once, a person hears of it."""
    driver = long_of(1_000, NO_RULES)
    driver.step(InstrumentStatus(T0, T0, 0, TradingState.HALTED))
    say(driver, 0, sale(quantity=500, over=over))
    driver.live_through(0, late_after - 1, price=8_000)
    assert "sale_late" not in alarms(driver)
    driver.live_through(late_after, 200, price=8_000)
    assert alarms(driver).count("sale_late") == 1
    driver.step(InstrumentStatus(T0 + 201 * S, T0 + 201 * S, 0, TradingState.TRADING))
    driver.live_through(201, 230, price=8_000)
    assert driver.held == 500


def test_sale_of_a_halted_instrument_waits_for_the_venue() -> None:
    """The venue takes no order: none is sent, and the sale is not lost."""
    driver = long_of(1_000, NO_RULES)
    driver.step(InstrumentStatus(T0, T0, 0, TradingState.HALTED))
    say(driver, 1, sale(quantity=500))
    driver.live_through(1, 30, price=8_000)
    assert driver.held == 1_000
    driver.step(InstrumentStatus(T0 + 31 * S, T0 + 31 * S, 0, TradingState.TRADING))
    driver.live_through(31, 60, price=8_000)
    assert driver.held == 500


# Beside rules and other people -----------------------------------------------------------------------------


def test_stop_loss_that_fires_beside_a_sale_takes_over_and_nothing_is_sold_twice() -> None:
    """A sale over ten minutes, then a stop that sells at once: the parent is superseded, all goes, once."""
    driver = long_of(1_000, STOP)
    say(driver, 0, sale(quantity=600, over=600))
    driver.live_through(0, 60, price=8_000)
    driver.step(trade(61, 7_500))
    driver.live_through(61, 70, price=7_500)
    assert driver.held == 0
    assert next(end.reason for end in driver.found(EndParent)) is ParentEnd.SUPERSEDED
    assert sum(order.approved.request.quantity for order in driver.orders) == 1_000


def test_sale_beside_a_slow_stop_owes_the_furthest_of_both_and_not_their_sum() -> None:
    """The stop wants all of it within 100 s; the sale's 300 are among those."""
    driver = long_of(1_000, SLOW_STOP)
    driver.step(trade(1, 7_500))
    say(driver, 1, sale(quantity=300, over=100))
    driver.live_through(1, 50, price=7_500)
    assert 400 <= driver.held <= 620
    driver.live_through(51, 110, price=7_500)
    assert driver.held == 0


def test_sale_sells_no_more_when_somebody_adds_to_the_position() -> None:
    """Who buys a coin while half of one is being sold keeps the coin that he bought."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale(quantity=500, over=100))
    driver.live_through(0, 50, price=8_000)
    driver.external(50, 1_000, price=8_000, side=Side.BUY)
    driver.live_through(51, 200, price=8_000)
    assert driver.held == 1_500
    assert sum(order.approved.request.quantity for order in driver.orders) == 500


def test_sale_counts_what_somebody_else_sells_of_the_position() -> None:
    """What is to be kept was fixed; a stop, a person or the venue may reduce meanwhile."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale(quantity=500, over=100))
    driver.external(1, 400, price=8_000)
    driver.live_through(1, 200, price=8_000)
    assert driver.held == 500


def test_sale_ends_when_the_position_is_gone_and_leaves_its_successor_alone() -> None:
    """Closed by hand and opened anew: that one was never meant."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale(quantity=500, over=100))
    driver.external(1, 1_000, price=8_000)
    driver.external(2, 700, price=8_000, side=Side.BUY)
    driver.live_through(3, 200, price=8_000)
    assert driver.held == 700
    assert ends(driver) == ["position gone"]


def test_sale_whose_order_has_an_unknown_outcome_sends_it_by_no_second_name() -> None:
    """It counts as working: what may have been sold is not sold again."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, sale(quantity=500))
    name = driver.orders[0].approved.request.name
    driver.step(OrderOutcomeUnknown(T0 + 2 * S, 0, name, "timeout"))
    driver.run_timers(until=60)
    assert sum(order.approved.request.quantity for order in driver.orders) == 500
