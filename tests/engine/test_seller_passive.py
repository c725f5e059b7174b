"""The passive tactic: joins the touch, follows it, takes what is overdue, sells nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from bot.domain.effects import CancelOrder, LookUpOrder, PauseParent, PlaceOrder, Relaxation, RelaxParent
from bot.domain.events import OrderAccepted, OrderEnded, OrderRejected
from bot.domain.market import Quote
from bot.domain.order import OrderRequest, OrderStatus, TimeInForce
from bot.domain.scale import NS_PER_SECOND as S
from bot.engine.record import checkpoint
from bot.engine.record.fold import fold
from bot.engine.selling.passive import REPRICE_EVERY, REST_FOR
from bot.execution.refusals import WOULD_TAKE
from tests.builders import T0, fill, trade
from tests.engine.driver import Trader, long_of

PASSIVE = """
rules:
  profit:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: twap, over: 100s, slice: 10s, tactic: passive, patience: 20s, order_class: cost, collar: 1%}
"""


PATIENT = PASSIVE.replace("patience: 20s", "patience: 90s").replace("100s, slice: 10s", "1000s, slice: 100s")


def at(seconds: float) -> int:
    return T0 + round(seconds * S)


def quote(seconds: float, bid: float, ask: float) -> Quote:
    """Best bid and ask, ten of each."""
    return Quote(at(seconds), at(seconds), 0, round(bid * 100), 10_000, round(ask * 100), 10_000)


def fired(text: str = PASSIVE, *, usdt: float = 10_000) -> Trader:
    """A long of 1 BTC whose rule has fired at 7,500, quoted 7,499.90 to 7,500.10."""
    driver = long_of(1_000, text, usdt=usdt)
    driver.step(quote(0.5, 7_499.9, 7_500.1))
    driver.step(trade(1, 7_500))
    return driver


def requests(driver: Trader) -> list[OrderRequest]:
    return [order.approved.request for order in driver.orders]


def accept(driver: Trader, order: PlaceOrder, seconds: float) -> None:
    driver.step(OrderAccepted(at(seconds), 0, order.approved.request.name))


def first_joined(driver: Trader) -> PlaceOrder:
    """Wait for the first slice and let the venue take it."""
    while not driver.orders:
        assert driver.wake is not None
        driver.run_timers(until=(driver.wake - T0) / S)
    order = driver.orders[0]
    accept(driver, order, since(order))
    return order


def since(order: PlaceOrder) -> float:
    """When an order was placed, in seconds."""
    return (order.now - T0) / S


def canceled(driver: Trader, order: PlaceOrder, seconds: float, filled: int = 0) -> None:
    driver.step(OrderEnded(at(seconds), 0, order.approved.request.name, OrderStatus.CANCELED, filled))


def requote(driver: Trader, seconds: float, bid: float, ask: float) -> None:
    driver.step(quote(seconds, bid, ask))
    driver.run_timers(until=seconds + 1.2)


def test_passive_slice_joins_the_best_ask_post_only_and_dies_by_itself() -> None:
    """A sale waits at the best ask, and a dead process leaves it there for half a minute at most."""
    order = first_joined(fired())
    request = order.approved.request
    assert request.limit_price == 750_010
    assert request.time_in_force is TimeInForce.POST_ONLY
    assert request.good_until == order.now + REST_FOR
    assert request.reduce_only


def test_passive_order_that_others_undercut_moves_to_the_new_touch() -> None:
    """Better offers than ours: cancelled, and joined again only when the venue has said that it is gone."""
    driver = fired(PATIENT)
    order = first_joined(driver)
    requote(driver, since(order) + 1, 7_499.7, 7_499.9)
    cancels = driver.found(CancelOrder)
    assert [cancel.name for cancel in cancels] == [order.approved.request.name]
    assert len(driver.orders) == 1
    canceled(driver, order, since(order) + 2.5)
    driver.run_timers(until=since(order) + 4)
    assert [request.limit_price for request in requests(driver)] == [750_010, 749_990]


def test_passive_order_at_the_touch_stays_whatever_the_other_side_does() -> None:
    """A better bid, or a worse ask behind us, is no reason to give up the place in the queue."""
    driver = fired(PATIENT)
    start = since(first_joined(driver))
    requote(driver, start + 1, 7_500.0, 7_500.1)
    requote(driver, start + 3, 7_500.0, 7_500.3)
    assert driver.found(CancelOrder) == []


def test_passive_order_is_moved_at_most_once_a_second() -> None:
    """However the touch runs, an order stands for a second before it is moved."""
    driver = fired(PATIENT)
    start = since(first_joined(driver))
    for step in range(1, 40):
        now = start + step / 10
        driver.step(quote(now, 7_499.9 - step / 10, 7_500.0 - step / 10))
        driver.step(OrderAccepted(at(now), 0, "web"))        # anything that makes it look again
        driver.run_timers(until=now)
        for cancel in driver.found(CancelOrder):
            if cancel.name in driver.engine.book.orders:
                driver.step(OrderEnded(at(now), 0, cancel.name, OrderStatus.CANCELED, 0))
    assert len(driver.found(CancelOrder)) >= 2
    placed = {order.approved.request.name: order.now for order in driver.orders}
    for cancel in driver.found(CancelOrder):
        assert cancel.now - placed[cancel.name] >= REPRICE_EVERY


def test_post_only_refusal_joins_again_one_tick_back() -> None:
    """The quotes were older than the market: the next order stands a tick behind them, and one more each time."""
    driver = fired()
    driver.run_timers(until=11)
    for refusals in range(1, 4):
        request = driver.orders[-1].approved.request
        second = (driver.engine.book.now - T0) / S + 0.05
        driver.step(OrderRejected(at(second), 0, request.name, WOULD_TAKE, "would take"))
        driver.run_timers(until=second + 1.1)
        assert requests(driver)[-1].limit_price == 750_010 + refusals
        assert len(driver.orders) == refusals + 1
    assert driver.found(RelaxParent) == []


def test_order_that_rested_behind_the_touch_and_ended_joins_the_touch_again() -> None:
    """A refusal says how old the quotes were then, not now: once the venue took an order, the next begins anew."""
    driver = fired(PATIENT)
    refused = first_joined(driver).approved.request.name
    start = since(driver.orders[0])
    driver = fired(PATIENT)
    driver.run_timers(until=start)
    driver.step(OrderRejected(at(start + 0.1), 0, refused, WOULD_TAKE, "would take"))
    driver.run_timers(until=start + 1.5)
    accept(driver, driver.orders[1], start + 1.6)
    canceled(driver, driver.orders[1], start + 1.7)
    driver.run_timers(until=start + 3)
    assert [request.limit_price for request in requests(driver)] == [750_010, 750_011, 750_010]


def test_resting_order_that_ends_unfilled_is_no_shortfall_of_the_ladder() -> None:
    """Nobody took our offer: that is what waiting means, and no reason to widen a collar later."""
    driver = fired(PATIENT)
    order = first_joined(driver)
    fold(driver.engine.book, OrderEnded(at(40), 0, order.approved.request.name, OrderStatus.EXPIRED, 0))
    (parent,) = driver.engine.book.parents.values()
    assert parent.fell_short is None
    assert driver.engine.book.working[0] == 0


def test_passive_sale_behind_by_more_than_its_patience_takes_what_is_overdue() -> None:
    """Nobody takes our offer: after 20 s what was due then is taken at the collar, the rest goes on waiting."""
    driver = fired()
    for second in range(2, 60):
        driver.run_timers(until=second)
        for order in driver.orders:
            name = order.approved.request.name
            live = driver.engine.book.orders.get(name)
            if live is None:
                continue
            if live.good_until is None:
                driver.fill(order, second, price=7_499.9)
            elif live.cancel_asked is not None:
                canceled(driver, order, second)
    takers = [request for request in requests(driver) if request.time_in_force is TimeInForce.IOC]
    assert takers
    first = next(order for order in driver.orders if order.approved.request in takers)
    assert 20 * S <= first.now - driver.orders[0].now < REST_FOR
    assert {request.limit_price for request in takers} == {742_500}
    sold = 1_000 - driver.held
    assert 200 <= sold <= 400                        # of 600 due by the curve, what was due 20 s ago
    assert driver.found(RelaxParent) == []


def test_taking_waits_for_the_cancel_and_never_sells_the_resting_quantity_twice() -> None:
    """A cancel in flight still counts as working: what fills meanwhile is not sold again."""
    driver = fired()
    order = first_joined(driver)
    driver.run_timers(until=since(order) + 22)       # long before its own end
    assert order.approved.request.name in [cancel.name for cancel in driver.found(CancelOrder)]
    size = order.approved.request.quantity
    driver.step(fill(order, since(order) + 22.1, size, 7_500.1))
    driver.step(OrderEnded(at(since(order) + 22.2), 0, order.approved.request.name, OrderStatus.FILLED, size))
    book = driver.engine.book
    live = sum(each.leaves for each in book.orders.values())
    assert live == book.working[0]
    assert 1_000 - driver.held + live <= 1_000


def test_passive_sale_held_back_by_volume_rests_one_small_order_and_not_one_per_trade() -> None:
    """A hundredth of the volume allows a little more with every trade: that is one order at a time, not thirty."""
    driver = fired(PASSIVE.replace("collar: 1%", "collar: 1%, participation_max: 1%"))
    for second in range(2, 20):
        driver.step(trade(second, 7_500, quantity=200))
        driver.run_timers(until=second + 0.9)
    assert [request.quantity < 50 for request in requests(driver)] == [True]


def test_passive_without_quotes_takes_and_says_why() -> None:
    """Nowhere to join: it sells like a taker, with the reason, and waits again once there are quotes."""
    driver = long_of(1_000, PASSIVE)
    driver.step(trade(1, 7_500))
    driver.live_through(2, 20, price=7_500)
    steps = driver.found(RelaxParent)
    assert [(step.what, step.level) for step in steps] == [(Relaxation.PASSIVITY, 1)]
    assert "no quotes" in steps[0].why
    assert {request.time_in_force for request in requests(driver)} == {TimeInForce.IOC}
    before = len(driver.orders)
    driver.step(quote(21, 7_499.9, 7_500.1))
    driver.run_timers(until=45)
    assert driver.found(RelaxParent)[-1].level == 0
    assert {request.time_in_force for request in requests(driver)[before:]} == {TimeInForce.POST_ONLY}


def test_passivity_is_the_first_thing_that_survival_lets_go_of() -> None:
    """Below the floor a margin sale takes at once: passivity, then the deadline, both said before the order."""
    driver = fired(PASSIVE.replace("cost", "margin"), usdt=700)
    driver.step(trade(2, 7_480))
    kinds = [step.what for step in driver.found(RelaxParent)]
    assert kinds == [Relaxation.PASSIVITY, Relaxation.DEADLINE]
    assert all("survival" in step.why for step in driver.found(RelaxParent))
    assert requests(driver)[-1].time_in_force is TimeInForce.IOC
    assert sum(request.quantity for request in requests(driver)) > 100


def test_resting_orders_of_an_ended_parent_are_cancelled() -> None:
    """The trader sold the rest himself: our offer is not left behind at the venue."""
    driver = fired()
    order = first_joined(driver)
    driver.external(since(order) + 1, 1_000, price=7_500)
    assert not driver.engine.book.parents
    assert [cancel.name for cancel in driver.found(CancelOrder)] == [order.approved.request.name]


def test_resting_orders_are_cancelled_when_the_budget_is_spent() -> None:
    """What must not go on must not rest either: half a slice far below arrival, the other half is taken back."""
    driver = fired(PATIENT.replace("collar: 1%", "collar: 1%, budget: 2%"))
    order = first_joined(driver)
    driver.step(fill(order, since(order) + 1, 50, 3_000))
    assert len(driver.found(PauseParent)) == 1
    assert [cancel.name for cancel in driver.found(CancelOrder)] == [order.approved.request.name]


def test_resting_order_larger_than_what_is_still_held_is_cancelled() -> None:
    """The trader sold most of it himself: our offer is not to be the one that flips the position."""
    driver = fired(PATIENT)
    order = first_joined(driver)
    driver.external(since(order) + 1, 950, price=7_500)
    assert order.approved.request.quantity > driver.held
    assert [cancel.name for cancel in driver.found(CancelOrder)] == [order.approved.request.name]


def test_resting_order_past_its_own_end_is_cancelled_and_asked_again() -> None:
    """A venue without an end for such orders, or one that did not hear us: we end it, and ask every five seconds."""
    driver = fired(PATIENT)
    order = first_joined(driver)
    driver.run_timers(until=since(order) + 50)
    asked = [cancel.now for cancel in driver.found(CancelOrder) if cancel.name == order.approved.request.name]
    assert len(asked) >= 2
    assert asked[0] >= order.now + REST_FOR


def test_resting_order_that_the_venue_has_taken_is_not_asked_about_while_it_rests() -> None:
    """It is where it should be; an order that the venue never answered for is asked about after five seconds."""
    driver = fired(PATIENT)
    taken = first_joined(driver)
    driver.run_timers(until=since(taken) + 29)
    assert [look.name for look in driver.found(LookUpOrder)] == []
    silent = fired(PATIENT)
    while not silent.orders:
        silent.run_timers(until=((silent.wake or 0) - T0) / S)
    silent.run_timers(until=since(silent.orders[0]) + 6)
    assert [look.name for look in silent.found(LookUpOrder)] == [silent.orders[0].approved.request.name]


# Always ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_passive_sale_in_any_weather_never_sells_more_than_was_asked(seed: int) -> None:
    """Fills race cancels, refusals and silence: what was sold and what may still be is never more than the position.

    The venue keeps its own count; the sale ends whole when the weather clears.
    """
    rng = Random(seed)
    text = PASSIVE if seed % 2 else PASSIVE.replace("order_class: cost", "order_class: margin")
    driver = fired(text)
    price, second, trades = 7_500.0, 1.0, 0
    answered: dict[str, int] = {}
    for _ in range(900):
        second += 0.25
        if rng.random() < 0.3:
            price += rng.choice((-0.3, -0.1, 0.1, 0.2))
            driver.step(quote(second, price - 0.1, price + 0.1))
        driver.run_timers(until=second)
        asked = {cancel.name for cancel in driver.found(CancelOrder)}
        for order in driver.orders:
            request = order.approved.request
            left = request.quantity - answered.get(request.name, 0)
            if request.name in driver.engine.book.orders and left:
                trades += answer(driver, order, left, asked, (rng, second, trades), answered)
        sold = sum(answered.values())
        assert 1_000 - driver.held <= sold
        live = sum(each.leaves for each in driver.engine.book.orders.values())
        assert live == driver.engine.book.working[0]
        assert 1_000 - driver.held + live <= 1_000
        if driver.held == 0:
            break
    assert driver.held == 0
    assert not driver.engine.book.parents


def answer(
    driver: Trader, order: PlaceOrder, left: int, asked: Sequence[str] | set[str], moment: tuple[Random, float, int],
    answered: dict[str, int],
) -> int:
    """Let the venue do one thing with an order that is out, or nothing; return how many trades it made."""
    rng, second, trades = moment
    request = order.approved.request
    roll = rng.random()
    rests = request.good_until is not None
    if roll < 0.02 and not answered.get(request.name):
        driver.step(OrderRejected(at(second), 0, request.name, WOULD_TAKE if rests else "-1001", "no"))
        return 0
    if (rests and roll < 0.10) or (not rests and roll < 0.8):
        size = left if rng.random() < 0.5 else max(1, left // 2)
        answered[request.name] = answered.get(request.name, 0) + size
        driver.step(fill(order, second, size, (request.limit_price or 0) / 100, trade_id=f"w{trades}"))
        if size == left:
            driver.step(OrderEnded(at(second), 0, request.name, OrderStatus.FILLED, request.quantity))
        return 1
    is_over = request.good_until is not None and at(second) >= request.good_until
    if (not rests) or is_over or (request.name in asked and roll < 0.5):
        status = OrderStatus.CANCELED if rests else OrderStatus.EXPIRED
        driver.step(OrderEnded(at(second), 0, request.name, status, answered.get(request.name, 0)))
    return 0


def test_restart_in_a_passive_sale_finds_its_resting_order_and_its_curve_again() -> None:
    """A checkpoint holds what rests, until when, and how far back it stood: the same book, byte for byte."""
    driver = fired(PATIENT)
    order = first_joined(driver)
    driver.step(OrderRejected(at(since(order) + 90), 0, "web", WOULD_TAKE, "a stranger's"))
    body = checkpoint.dump(driver.engine.book)
    again = checkpoint.load(body, driver.engine.layout)
    assert checkpoint.dump(again) == body
    kept = again.orders[order.approved.request.name]
    assert kept.good_until == order.approved.request.good_until
    assert again.parents == driver.engine.book.parents
