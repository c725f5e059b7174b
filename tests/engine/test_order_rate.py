"""The pace of an account's messages: what thrift may send in a second, and what is kept for the emergency (C4, R24)."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copying import replace
from bot.domain.effects import CancelOrder, PlaceOrder, PlaceStop
from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.controls.sizes import may_send, sends_max
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.engine.spec import LimitsSpec
from tests.builders import ETH_KEY, STOP, T0, layout, snapshot, trade
from tests.engine.driver import WIDE, Driver, engine
from tests.engine.guarded import guarded

CAPPED = replace(WIDE, order_notional_max=Money(Decimal(400), "USDT"), order_rate_max=10.0)
BTC_FOR_THRIFT = """
rules:
  thrift:
    for_each: position
    when: position.loss_ratio > 2%
    do: close
    execute: {algo: now, order_class: cost}
"""
ETH_FOR_SURVIVAL = STOP.replace("position.loss_ratio > 5%", "position.loss_ratio > 8%")


def flooded() -> Driver:
    """A thrifty sale of twenty orders begins at second 1, one for survival of four in the same second."""
    driver = Driver(engine(BTC_FOR_THRIFT, ETH_FOR_SURVIVAL, limits=CAPPED))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000, eth=8_000, eth_entry=200))
    driver.step(trade(1, 7_800))
    driver.step(trade(1.5, 180, instrument=1))
    return driver


def sent(driver: Driver, order_class: OrderClass) -> list[PlaceOrder]:
    return [order for order in driver.orders if order.approved.request.order_class is order_class]


def test_flood_of_thrifty_orders_leaves_three_of_ten_for_the_emergency() -> None:
    """Seven leave at once, and half a second later the emergency finds the three that were kept, and no more."""
    driver = flooded()
    assert len(sent(driver, OrderClass.COST)) == 7
    emergency = sent(driver, OrderClass.MARGIN)
    assert len(emergency) == 3
    assert {order.approved.request.key for order in emergency} == {ETH_KEY}


def test_flood_in_any_second_stays_at_the_rate_and_goes_on_in_the_next() -> None:
    """What was refused is queued in its parent and leaves later; no second sees more than ten messages."""
    driver = flooded()
    driver.run_timers(until=6)
    moments = [order.now for order in driver.orders]
    assert len(moments) > 20
    for moment in moments:
        assert sum(moment - NS_PER_SECOND < other <= moment for other in moments) <= 10


def test_flood_without_a_share_kept_leaves_nothing_for_the_emergency() -> None:
    """The other side of the setting: the emergency waits for its second to begin."""
    driver = Driver(engine(BTC_FOR_THRIFT, ETH_FOR_SURVIVAL, limits=replace(CAPPED, order_rate_reserve=0.0)))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000, eth=8_000, eth_entry=200))
    driver.step(trade(1, 7_800))
    driver.step(trade(1.5, 180, instrument=1))
    assert len(sent(driver, OrderClass.COST)) == 10
    assert sent(driver, OrderClass.MARGIN) == []


def test_cancels_count_towards_the_rate() -> None:
    """A cancel is a message like any other, of an order that is known and of one that is not."""
    book = Book.empty(layout())
    limits = LimitsSpec(order_rate_max=3.0, order_rate_reserve=0.0)
    fold(book, CancelOrder(0, "pena00sn000001000", T0))
    fold(book, CancelOrder(0, "pena00sn000001001", T0))
    assert may_send(book, 0, limits, T0 + NS_PER_SECOND - 1, OrderClass.COST)
    fold(book, CancelOrder(0, "pena00sn000001002", T0))
    assert not may_send(book, 0, limits, T0 + NS_PER_SECOND - 1, OrderClass.COST)
    assert may_send(book, 0, limits, T0 + NS_PER_SECOND, OrderClass.COST)


def test_more_sent_than_may_be_leaves_nothing() -> None:
    """A reload can lower the limit below what was sent in this second."""
    book = Book.empty(layout())
    book.accounts[0].sends.extend([T0] * 9)
    assert not may_send(book, 0, LimitsSpec(order_rate_max=2.0), T0)


@given(gaps=st.lists(st.integers(0, NS_PER_SECOND), max_size=12), rate=st.integers(1, 6), after=st.integers(0, 10**9))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_pace_is_what_a_count_of_the_last_second_says(gaps: list[int], rate: int, after: int) -> None:
    """One look at the message that is so many back tells what counting them all would."""
    moments = list(accumulate(gaps, initial=T0))
    book = Book.empty(layout())
    book.accounts[0].sends.extend(moments)
    now = moments[-1] + after
    recent = sum(moment > now - NS_PER_SECOND for moment in moments)
    assert may_send(book, 0, LimitsSpec(order_rate_max=float(rate)), now) is (recent < rate)


@pytest.mark.parametrize(
    ("rate", "share", "left"),
    [(10.0, 0.3, 7), (10.0, 0.9, 1), (10.0, 0.0, 10), (10.0, 0.99, 1), (1.0, 0.3, 1), (2.9, 0.3, 2), (100.0, 0.3, 70)],
)
def test_share_kept_is_rounded_so_that_one_order_a_second_always_remains(rate: float, share: float, left: int) -> None:
    """Thrift is slowed, never shut out, and survival may use all of the rate."""
    limits = LimitsSpec(order_rate_max=rate, order_rate_reserve=share)
    assert sends_max(limits, OrderClass.COST) == sends_max(limits, OrderClass.HEDGE) == left
    assert sends_max(limits, OrderClass.MARGIN) == sends_max(limits, OrderClass.STOP) == int(rate)


@pytest.mark.parametrize("share", [-0.01, 1.0])
def test_share_outside_its_range_is_refused(share: float) -> None:
    """All of the rate cannot be kept back, nor less than none of it."""
    with pytest.raises(ValueError, match="order_rate_reserve: must be at least 0% and below 100%"):
        LimitsSpec(order_rate_reserve=share)


def test_stop_leaves_though_thrift_has_used_its_part() -> None:
    """The stop at the venue is what is left of us on the worst day: it never waits behind thrift."""
    driver = guarded(1_000, BTC_FOR_THRIFT, limits=CAPPED)
    driver.accept(0)
    driver.step(trade(20, 7_800))
    assert len(driver.orders) == 7
    driver.step(snapshot(20.2, usdt=1_500, btc=1_000, entry=8_000))
    assert len(driver.found(PlaceStop)) == 2
