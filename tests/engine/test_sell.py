"""What a person has let out by name: how much, once, or refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.copying import replace
from bot.domain.effects import (
    OpenEpisode,
)
from bot.domain.order import OrderClass, Side
from bot.domain.sale import Sale, TakeSale
from tests.builders import ETH_KEY, T0, snapshot, trade
from tests.engine.driver import WIDE, Trader, engine, long_of
from tests.engine.sold import NO_RULES, S, alarms, ends, mark, refusals, sale, say, short_of


def test_sale_at_once_sells_what_was_asked_and_not_a_lot_more() -> None:
    """Half a coin of one; reduce-only, in the class of cost, and the person is told when it is done."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, sale(quantity=500))
    driver.live_through(1, 30, price=8_000)
    assert driver.held == 500
    requests = [order.approved.request for order in driver.orders]
    assert sum(request.quantity for request in requests) == 500
    assert all(request.reduce_only and request.side is Side.SELL for request in requests)
    assert {request.order_class for request in requests} == {OrderClass.COST}
    assert (alarms(driver)[0], alarms(driver)[-1], ends(driver)) == ("sale_taken", "sale_ended", ["goal met"])


def test_sale_of_a_short_buys_it_back() -> None:
    """A sale lets a position out, whichever side it is on."""
    driver = short_of(1_000)
    say(driver, 1, sale(quantity=300))
    driver.live_through(1, 30, price=8_000)
    assert driver.held == -700
    assert {order.approved.request.side for order in driver.orders} == {Side.BUY}


@pytest.mark.parametrize("make", [long_of, lambda size, _: short_of(size)])
def test_sale_of_all_ends_flat_and_never_on_the_other_side(make: Any) -> None:
    """The whole position, then nothing: no order is out and no episode open."""
    driver = make(1_000, NO_RULES)
    say(driver, 1, sale(quantity=None, share=1.0, over=60))
    for second in range(1, 120):
        driver.live_through(second, second, price=8_000)
        assert driver.held * (1 if make is long_of else -1) >= 0
    assert driver.held == 0
    assert not driver.engine.book.episodes and not driver.engine.book.orders
    assert ends(driver) == ["goal met"]


def test_sale_over_a_time_goes_along_its_curve_and_is_done_at_its_end() -> None:
    """Nothing at once, about half at half time, all of it at the deadline."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale(quantity=600, over=600))
    driver.live_through(0, 300, price=8_000)
    assert 650 <= driver.held <= 750
    driver.live_through(301, 601, price=8_000)
    assert driver.held == 400
    assert len(driver.orders) > 20


@pytest.mark.parametrize(("share", "left"), [(0.5, 500), (0.333, 667), (1.0, 0)])
def test_sale_of_a_share_is_of_what_is_held_when_it_is_heard(share: float, left: int) -> None:
    """In whole lots, rounded up."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, sale(quantity=None, share=share))
    driver.live_through(1, 20, price=8_000)
    assert driver.held == left


# Said twice, and two of them -------------------------------------------------------------------------------


def test_sale_said_twice_by_one_name_is_sold_once() -> None:
    """In the same second, and again when it is over: a finger that slips costs nothing."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, sale(quantity=300))
    say(driver, 1, sale(quantity=300))
    driver.live_through(1, 30, price=8_000)
    say(driver, 40, sale(quantity=300))
    driver.live_through(40, 60, price=8_000)
    assert driver.held == 700
    assert alarms(driver).count("sale_known") == 2
    assert len(driver.found(TakeSale)) == 1


def test_sale_beside_another_adds_up_and_each_keeps_its_own_time() -> None:
    """600 over ten minutes and 300 over one: after that one 300 and a tenth of the others are gone."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale("slow", 600, over=600))
    say(driver, 0, sale("quick", 300, over=60))
    driver.live_through(0, 60, price=8_000)
    assert 600 <= driver.held <= 660
    driver.live_through(61, 601, price=8_000)
    assert driver.held == 100
    assert len(driver.found(OpenEpisode)) == 1


def test_sale_of_more_than_others_leave_is_refused_and_of_all_that_they_leave_is_not() -> None:
    """Two sales never promise the same lots twice."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 0, sale("slow", 600, over=600))
    say(driver, 1, sale("too much", 401))
    say(driver, 1, sale("the rest", 400))
    say(driver, 1, sale("nothing left", 1))
    assert refusals(driver) == ["only 0.4 can be sold, was 0.401", "all that is held is being sold already"]
    driver.live_through(1, 700, price=8_000)
    assert driver.held == 0


# Refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (sale(quantity=1_001), "only 1 can be sold, was 1.001"),
        (sale(quantity=0), "the venue takes no less than"),
        (sale(key=ETH_KEY), "nothing is held"),
        (sale(over=-1), "its time is over already"),
        (sale(tactic="hope"), "'hope' is not a valid Tactic"),
        (sale(collar=1.5), "collar: must be above 0% and below 100%"),
    ],
)
def test_sale_that_cannot_be_is_refused_with_its_reason_and_sells_nothing(what: Sale, why: str) -> None:
    """A slip of the finger is no order; and its name stays refused, whatever the account holds later."""
    driver = long_of(1_000, NO_RULES)
    driver.step(trade(0, 200, instrument=1))
    say(driver, 1, what)
    say(driver, 2, replace(what, quantity=100))
    driver.live_through(1, 30, price=8_000)
    assert driver.held == 1_000 and not driver.orders
    assert refusals(driver)[0].startswith(why)
    assert alarms(driver)[:2] == ["sale_refused", "sale_known"]


def test_sale_of_exactly_what_is_held_is_taken() -> None:
    """The other side of the limit."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, sale(quantity=1_000))
    driver.live_through(1, 30, price=8_000)
    assert driver.held == 0


def test_sale_is_refused_before_the_venues_word_and_without_a_price() -> None:
    """What is held, or what it is worth, is not known: nothing is decided by it."""
    driver = Trader(engine(NO_RULES))
    driver.step(trade(0, 8_000))
    say(driver, 0, sale("early"))
    driver.step(snapshot(1, usdt=10_000, btc=1_000, entry=8_000, eth=1_000, eth_entry=200))
    say(driver, 1, sale("unpriced", key=ETH_KEY))
    assert [why.partition(",")[0] for why in refusals(driver)] == ["what is held"] * 2
    say(driver, 1, sale("priced"))
    assert len(driver.found(TakeSale)) == 1


def test_sale_waits_while_prices_are_silent_and_goes_on_with_them() -> None:
    """Taken at a good price; then nobody speaks, and nothing is sold by an old one."""
    driver = Trader(engine(NO_RULES, limits=replace(WIDE, stale_after=5 * S)))
    driver.step(mark(0))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000))
    say(driver, 0, sale(quantity=600, over=60))
    driver.live_through(0, 50, price=8_000)
    assert 900 <= driver.held < 1_000
    for second in (51, 55, 59, 61):
        driver.step(mark(second))
        driver.live_through(second, second + 1, price=8_000)
    assert driver.held == 400


@pytest.mark.parametrize(("age", "is_taken"), [(0, True), (-1, False)])
def test_sale_heard_after_its_last_moment_is_refused(age: int, is_taken: bool) -> None:
    """A wish that lay about while nobody ran is no wish of now."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, sale(), until=T0 + S + age)
    assert bool(driver.found(TakeSale)) is is_taken
