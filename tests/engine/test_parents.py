"""From episodes to parents, and back: what ends them, what takes them over, what is asked again."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import (
    EndEpisode,
    EndParent,
    LookUpOrder,
    OpenEpisode,
    OpenParent,
    ParentEnd,
    PlaceOrder,
    RecordDenial,
    ReserveNames,
    ReviseParent,
)
from bot.domain.events import (
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
)
from bot.domain.names import CHILDREN_MAX
from bot.domain.order import Side
from bot.domain.scale import NS_PER_SECOND
from bot.engine.deciding.parents import CHILDREN_PER_PARENT
from bot.engine.measures.layout import Layout
from tests.builders import GUARD, KEY, STOP, T0, ended, fill, layout, snapshot, trade
from tests.engine.driver import SLOW_STOP, Driver, long_of

S = NS_PER_SECOND
EMERGENCY = """
rules:
  emergency:
    for_each: account
    when: account.liquidation_distance < 4%
    do: {deleverage: {to: {liquidation_distance: 10%}}}
    execute: {algo: now, tactic: ladder}
"""


def with_minimum(quantity_min: int) -> Layout:
    """The two perpetuals, the first with a least quantity."""
    plain = layout()
    first = plain.instruments[0]
    bent = replace(first, filters=replace(first.filters, quantity_min=quantity_min))
    return Layout((bent, *plain.instruments[1:]), plain.tiers, plain.accounts)


# What ends a parent ---------------------------------------------------------------------------------------


def ends(driver: Driver) -> list[ParentEnd]:
    return [effect.reason for effect in driver.found(EndParent)]


def test_parent_when_all_is_sold_ends_as_filled_and_its_episode_as_met() -> None:
    """A stop that has sold everything is done."""
    driver = long_of(100, STOP)
    driver.step(trade(1, 7_500))
    driver.fill_all(2, price=7_490)
    assert driver.held == 0
    assert ends(driver) == [ParentEnd.FILLED]
    assert [effect.reason for effect in driver.found(EndEpisode)] == ["goal met"]


def test_parent_when_somebody_else_closes_ends_as_position_gone() -> None:
    """A person who sells first leaves nothing to sell; the parent says that it was not us."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    driver.external(2, 100, price=7_500)
    driver.run_timers(until=200)
    assert ends(driver) == [ParentEnd.POSITION_GONE]
    assert not driver.engine.book.parents
    assert driver.orders == []


def test_parent_when_the_position_is_turned_round_ends_and_sends_nothing_more() -> None:
    """A sell parent over a position that has become a short has nothing to do but end."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    driver.external(2, 250, price=7_500)
    driver.run_timers(until=200)
    assert driver.held == -150
    assert ends(driver) == [ParentEnd.POSITION_GONE]
    assert driver.found(RecordDenial) == []


def test_parent_when_what_is_left_is_below_the_minimum_ends_as_residual() -> None:
    """The venue takes no order so small: the rest is reported and the episode ends."""
    driver = long_of(105, STOP, shape=with_minimum(10))
    driver.step(trade(1, 7_500))
    driver.fill(driver.orders[0], 2, 100, price=7_490)
    assert driver.held == 5
    assert ends(driver) == [ParentEnd.RESIDUAL]
    assert not driver.engine.book.episodes


def test_parent_when_exactly_the_minimum_is_left_sells_it() -> None:
    """At the minimum the rest is still an order."""
    driver = long_of(110, STOP, shape=with_minimum(10))
    driver.step(trade(1, 7_500))
    driver.fill(driver.orders[0], 2, 100, price=7_490)
    driver.fill_all(3, price=7_490)
    assert ends(driver) == [ParentEnd.FILLED]


def test_parent_when_the_price_recovers_ends_as_goal_met() -> None:
    """A guard that the market has made superfluous stops selling."""
    driver = long_of(100, GUARD, usdt=100)
    driver.step(trade(1, 7_450))
    assert len(driver.found(OpenParent)) == 1
    driver.step(trade(2, 9_000))
    assert ends(driver) == [ParentEnd.GOAL_MET]
    driver.run_timers(until=100)
    assert len(driver.orders) <= 1


def test_parent_when_its_end_was_decided_gets_no_further_orders() -> None:
    """An ended parent stays ended."""
    driver = long_of(100, GUARD, usdt=100)
    driver.step(trade(1, 7_450))
    driver.step(trade(2, 9_000))
    driver.run_timers(until=300)
    gone = driver.found(EndParent)[0]
    after = driver.effects[driver.effects.index(gone) + 1:]
    assert not [effect for effect in after if isinstance(effect, PlaceOrder) and effect.parent == gone.parent]


# What the plan and the parent agree on --------------------------------------------------------------------


def test_parent_when_others_sell_and_the_plan_deepens_by_as_much_still_sells_to_the_plan() -> None:
    """What is to be sold in all may stay the same while what may be kept falls: the parent must learn of it."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    episode = next(iter(driver.engine.book.episodes.values()))
    # the plan of a guard over the same position, kept at 40, then cut by what somebody else has sold
    driver.engine.book.episodes[episode.number].keeps[0] = 40
    driver.engine.book.parents.clear()
    driver.engine.book.parent_of[0] = None
    driver.step(trade(2, 7_499))
    driver.engine.parents.reconcile(0, driver.engine.book.now)
    parent = next(iter(driver.engine.book.parents.values()))
    assert (parent.quantity, parent.keep) == (60, 40)
    driver.engine.book.episodes[episode.number].keeps[0] = 10
    driver.external(3, 30, price=7_499)
    assert parent.keep == 10
    driver.live_through(4, 200, price=7_499)
    assert driver.held == 10


def test_parent_counted_while_a_fill_was_on_its_way_sells_the_rest_all_the_same() -> None:
    """A snapshot shows a fill before its report: the total counted in between is put right by the report."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    driver.run_timers(until=15)
    order = driver.orders[0]
    size = order.approved.request.quantity
    late = fill(order, 16, size, 7_500)
    driver.step(snapshot(16, usdt=9_990, btc=100 - size, entry=8_000))
    driver.external(17, 20, price=7_500, side=Side.BUY)
    parent = next(iter(driver.engine.book.parents.values()))
    parent.quantity -= size                          # as a revision in between would have left it
    driver.step(replace(late, now=T0 + 18 * S))
    driver.step(ended(order, 18, size))
    driver.live_through(19, 250, price=7_500)
    assert driver.held == 0
    assert ends(driver) == [ParentEnd.FILLED]


def test_parent_is_revised_when_the_trader_adds_to_what_is_being_sold() -> None:
    """A close is a close: what is bought into it while it runs is sold as well."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    driver.external(2, 50, price=7_500, side=Side.BUY)
    assert driver.found(ReviseParent)[-1].quantity == 150
    driver.live_through(3, 250, price=7_490)
    assert driver.held == 0
    assert sum(order.approved.request.quantity for order in driver.orders) == 150


def test_names_are_reserved_before_the_orders_that_use_them() -> None:
    """The first reservation comes with the position, long before any rule fires."""
    driver = long_of(100, STOP)
    assert len(driver.found(ReserveNames)) == 1
    driver.step(trade(1, 7_500))
    reserved = driver.found(ReserveNames)[0]
    assert driver.orders[0].parent == reserved.parent
    assert (reserved.key, reserved.side, reserved.quantity_max) == (KEY, Side.SELL, 100)


def test_reservation_grows_with_the_position() -> None:
    """What is reserved covers all that may have to be sold."""
    driver = long_of(100, STOP)
    driver.external(1, 50, price=8_000, side=Side.BUY)
    driver.external(2, 30, price=8_000)
    reserved = driver.found(ReserveNames)
    assert [effect.quantity_max for effect in reserved] == [100, 150]
    assert len({effect.parent for effect in reserved}) == 1


def test_parent_that_uses_up_its_names_is_followed_by_another() -> None:
    """A venue that refuses for half a day does not run us out of names."""
    driver = long_of(100, STOP)
    driver.step(trade(1, 7_500))
    parent = next(iter(driver.engine.book.parents.values()))
    driver.step(ended(driver.orders[-1], 1, 0))
    last = driver.orders[-1]
    parent.next_child = CHILDREN_MAX - 2
    driver.engine.book.reservations[parent.name].end = CHILDREN_MAX - 1
    driver.step(ended(last, 2, 0))
    driver.run_timers(until=30)
    assert ends(driver) == [ParentEnd.SUPERSEDED]
    driver.fill_all(31, price=7_490)
    assert driver.held == 0


def test_parent_that_takes_over_goes_on_with_the_schedule_where_it_stood() -> None:
    """What the predecessor sold counts: the successor is not behind by it, and sells nothing at once."""
    driver = long_of(1_000, SLOW_STOP)
    driver.step(trade(1, 7_500))
    driver.live_through(2, 60, price=7_500)
    before = driver.held
    assert 300 <= before <= 600
    next(iter(driver.engine.book.parents.values())).next_child = CHILDREN_PER_PARENT
    driver.step(snapshot(60.5, usdt=10_000, btc=before, entry=8_000))
    assert ends(driver) == [ParentEnd.SUPERSEDED]
    driver.fill_all(60.6, price=7_500)
    assert before - driver.held <= 100
    driver.live_through(61, 102, price=7_500)
    assert driver.held == 0


# Urgency --------------------------------------------------------------------------------------------------


def test_emergency_takes_over_from_the_guards_schedule() -> None:
    """What was being sold over a minute is sold at once when the emergency comes."""
    driver = long_of(100, GUARD, EMERGENCY, usdt=100)
    driver.step(trade(1, 7_450))
    slow = driver.found(OpenParent)[-1]
    assert slow.obligations[0].algo == "twap"
    driver.step(trade(2, 7_250))
    fast = driver.found(OpenParent)[-1]
    assert ends(driver) == [ParentEnd.SUPERSEDED]
    assert {duty.algo for duty in fast.obligations} == {"twap", "now"}
    assert fast.parent != slow.parent
    assert [order.parent for order in driver.orders if order.now == T0 + 2 * S] == [fast.parent]


def test_orders_of_a_superseded_parent_that_are_still_out_are_not_sold_again() -> None:
    """The successor counts what its predecessor has under way."""
    driver = long_of(100, SLOW_STOP, EMERGENCY, usdt=120)
    driver.step(trade(1, 7_550))
    driver.run_timers(until=15)
    before = sum(driver.engine.book.working)
    assert before > 0
    driver.step(trade(16, 7_000))
    assert ParentEnd.SUPERSEDED in ends(driver)
    assert sum(driver.engine.book.working) <= driver.held


def test_two_closes_of_one_position_sell_it_once() -> None:
    """Two rules that want the same position gone share one parent and one sale."""
    other = STOP.replace("stop:", "other:").replace("5%", "6%")
    driver = long_of(100, STOP, other)
    driver.step(trade(1, 7_400))
    assert len(driver.found(OpenEpisode)) == 2
    assert len(driver.found(OpenParent)) == 1
    assert driver.engine.book.working[0] == 100
    driver.fill_all(2, price=7_400)
    assert sum(order.approved.request.quantity for order in driver.orders) == 100
    assert not driver.engine.book.episodes


def sold_by(*texts: str) -> list[tuple[int, int]]:
    """When and how much was sent through one fall of the market."""
    driver = long_of(100, *texts, usdt=100)
    for second, price in ((1, 7_600), (10, 7_450), (20, 7_250)):
        driver.step(trade(second, price))
        driver.live_through(second, second + 5, price=price)
    return [(order.now - T0, order.approved.request.quantity) for order in driver.orders]


def test_order_of_the_rules_changes_no_order() -> None:
    """Files in another order give the same sales at the same moments."""
    first = sold_by(GUARD, EMERGENCY, SLOW_STOP)
    assert len(first) > 1
    assert sold_by(SLOW_STOP, EMERGENCY, GUARD) == first


# Unknown outcomes -----------------------------------------------------------------------------------------


def test_order_of_unknown_outcome_is_asked_about_and_counts_as_working() -> None:
    """Nothing is sold in its place until it is settled."""
    driver = long_of(100, STOP)
    driver.step(trade(1, 7_500))
    name = driver.orders[0].approved.request.name
    driver.step(OrderOutcomeUnknown(T0 + 2 * S, 0, name, "503"))
    assert [ask.name for ask in driver.found(LookUpOrder)] == [name]
    driver.run_timers(until=60)
    assert len(driver.orders) == 1


def test_order_missed_by_two_witnesses_is_sold_again_under_another_name() -> None:
    """Absent twice, five seconds apart: it never was, and its quantity is free again."""
    driver = long_of(100, STOP)
    driver.step(trade(1, 7_500))
    name = driver.orders[0].approved.request.name
    driver.step(OrderOutcomeUnknown(T0 + 2 * S, 0, name, "503"))
    driver.step(OrderNotFound(T0 + 3 * S, 0, name))
    driver.run_timers(until=7.9)
    assert len(driver.found(LookUpOrder)) == 1
    driver.run_timers(until=8)
    assert len(driver.found(LookUpOrder)) == 2
    driver.step(OrderNotFound(T0 + 8 * S, 0, name))
    driver.run_timers(until=10)
    assert [order.approved.request.quantity for order in driver.orders] == [100, 100]
    assert driver.orders[1].approved.request.name != name


def test_question_without_an_answer_is_asked_again_every_five_seconds() -> None:
    """A look-up lost on the way does not leave an order in doubt for ever, nor is the venue flooded."""
    driver = long_of(100, STOP)
    driver.step(trade(1, 7_500))
    name = driver.orders[0].approved.request.name
    driver.step(OrderOutcomeUnknown(T0 + 2 * S, 0, name, "503"))
    for second in range(3, 63):
        driver.step(trade(second, 7_500 - second))
        driver.run_timers(until=second + 0.5)
    asked = [(ask.now - T0) / S for ask in driver.found(LookUpOrder)]
    assert asked == [2 + 5 * n for n in range(13)]


@pytest.mark.parametrize("accepted", [False, True], ids=["no word of it", "accepted"])
def test_order_that_never_ends_is_asked_about_every_five_seconds(accepted: bool) -> None:
    """Our children die at once by themselves; one of which nothing is heard for 5 s is asked about."""
    driver = long_of(100, STOP)
    driver.step(trade(1, 7_500))
    name = driver.orders[0].approved.request.name
    if accepted:
        driver.step(OrderAccepted(T0 + S, 0, name))
    for second in range(2, 30):
        driver.run_timers(until=second)
        if driver.last and isinstance(driver.last[-1], LookUpOrder) and accepted:
            driver.step(OrderNotFound(driver.engine.book.now, 0, name))
    asked = [(ask.now - T0) / S for ask in driver.found(LookUpOrder)]
    assert asked == [6, 11, 16, 21, 26]
    assert len(driver.orders) == 1
