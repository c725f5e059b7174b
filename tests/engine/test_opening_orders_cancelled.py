"""Other people's orders that could make it worse go first: in an emergency, and where the account is not seen."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import CancelOrder, PlaceOrder, RaiseAlarm
from bot.domain.events import Command, CommandKind
from bot.domain.market import MarkPrice
from bot.domain.open_order import CancelForeignOrder, OpenOrder
from bot.domain.order import Side
from bot.domain.scale import NS_PER_SECOND
from bot.engine.spec import BlindSpec
from tests.builders import ETH_KEY, STOP, T0, snapshot, trade
from tests.engine.driver import WIDE
from tests.engine.foreign import Watched, resting
from tests.engine.guarded import IDLE_RULE, ns

THRIFTY_STOP = STOP.replace("{algo: now}", "{algo: now, order_class: cost}")


def test_emergency_cancels_opening_orders_before_it_sells() -> None:
    """The buys of the whole account go, first and by the venue's ids; exits and our own stay."""
    driver = Watched().begin(
        resting("1"), resting("2", Side.SELL, 500), resting("3", Side.SELL, 900, reduce_only=True),
        resting("4", key=ETH_KEY), resting("5", name="pen000bn000000000"),
    )
    assert driver.cancels == []
    driver.step(trade(1, 6_300))
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1", "4"]
    assert all("guard" in cancel.why for cancel in driver.cancels)
    kinds = [type(effect) for effect in driver.last]
    assert PlaceOrder not in kinds or kinds.index(CancelForeignOrder) < kinds.index(PlaceOrder)
    alarms = [alarm for alarm in driver.found(RaiseAlarm) if alarm.code == "foreign_order_cancelled"]
    assert "main BTC/USDT:USDT: buy of 0.1 at 7000 (1, web_1) is cancelled: guard fired" in (
        alarms[0].detail.replace("7000.00", "7000").replace("0.100", "0.1")
    )


def test_calm_cancels_nothing() -> None:
    """Below no bound of any rule other people's orders are none of our business."""
    driver = Watched().begin(resting("1"))
    driver.step(trade(1, 7_500))
    driver.run_timers(until=60)
    assert driver.cancels == []


def test_opted_out_account_keeps_everybodys_orders() -> None:
    """``cancel_opening: false``: the sale goes on, and the person's orders stay."""
    driver = Watched(cancel_opening=False).begin(resting("1"))
    driver.step(trade(1, 6_300))
    driver.run_timers(until=30)
    assert driver.orders
    assert driver.cancels == []


def test_rule_of_one_position_cancels_in_its_market_alone() -> None:
    """A stop-loss of BTC is no reason to touch orders in ETH."""
    driver = Watched(STOP).begin(resting("1"), resting("2", key=ETH_KEY), usdt=10_000)
    driver.step(trade(1, 7_500))
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1"]


def test_rule_of_the_cost_class_cancels_nothing() -> None:
    """A sale for thrift is no emergency."""
    driver = Watched(THRIFTY_STOP).begin(resting("1"), usdt=10_000)
    driver.step(trade(1, 7_500))
    assert driver.orders
    assert driver.cancels == []


def test_order_that_comes_during_the_emergency_is_cancelled_too() -> None:
    """As long as the cause lasts, and not a moment longer."""
    driver = Watched(STOP).begin(usdt=10_000)
    driver.step(trade(1, 7_500))
    driver.see(1.1, resting("9"), 2)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["9"]
    driver.step(replace(snapshot(2, usdt=9_500), number=2, orders=(resting("9"),)))
    assert not driver.engine.book.episodes
    driver.see(2.1, resting("10"), 3)
    driver.run_timers(until=30)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["9"]


def test_cancel_without_an_answer_is_asked_again_and_told_once() -> None:
    """After five seconds it was lost; when the venue says that the order is gone there is nothing left to ask."""
    driver = Watched().begin(resting("1"))
    driver.step(trade(1, 6_300))
    driver.run_timers(until=5.9)
    assert len(driver.cancels) == 1
    driver.run_timers(until=6.1)
    assert len(driver.cancels) == 2
    assert driver.alarms().count("foreign_order_cancelled") == 1
    driver.lose(7, "1", 2)
    driver.run_timers(until=30)
    assert len(driver.cancels) == 2


def test_hundred_orders_are_cancelled_at_the_pace_of_the_account() -> None:
    """Ten a second leave, and none of them twice: a venue that is flooded answers nobody."""
    many = tuple(resting(str(n)) for n in range(40))
    driver = Watched(limits=replace(WIDE, order_rate_max=10.0)).begin(*many)
    driver.step(trade(1, 6_300))
    assert len(driver.cancels) == 10
    driver.run_timers(until=1.9)
    assert len(driver.cancels) == 10
    driver.run_timers(until=4.9)
    assert sorted(cancel.order.venue_id for cancel in driver.cancels) == sorted(order.venue_id for order in many)
    for cancel in driver.cancels:
        assert sum(cancel.now - NS_PER_SECOND < other.now <= cancel.now for other in driver.cancels) <= 10


def test_flatten_cancels_opening_orders_and_freeze_and_kill_do_not() -> None:
    """Flat is to stay flat; a freeze or a kill stops us, and a person's own orders are the person's."""
    for kind, cancelled in ((CommandKind.FREEZE, []), (CommandKind.KILL, []), (CommandKind.FLATTEN, ["1", "2"])):
        driver = Watched().begin(resting("1"), resting("2", key=ETH_KEY))
        driver.step(Command(ns(1), 0, kind, "test", by="ann"))
        assert [cancel.order.venue_id for cancel in driver.cancels] == cancelled, kind


# Blind ----------------------------------------------------------------------------------------------------


def dark(*orders: OpenOrder, cancel_opening: bool = True, blind: BlindSpec | None = None) -> Watched:
    """A long whose last mark came at second 0, with a limit of 5 s on its age."""
    driver = Watched(
        IDLE_RULE, cancel_opening=cancel_opening, blind=blind, limits=replace(WIDE, stale_after=5 * NS_PER_SECOND),
    )
    driver.step(MarkPrice(T0, T0, 0, 800_000))
    driver.step(replace(snapshot(0, usdt=2_000, btc=1_000, entry=8_000), number=1, orders=orders))
    return driver


def test_blind_for_twenty_seconds_cancels_what_could_open() -> None:
    """Not at 19.9 s, at 20 s: the exits stay, and at 60 s the stop follows as before."""
    driver = dark(resting("1"), resting("2", Side.SELL, 500))
    driver.run_timers(until=19.999)
    assert driver.cancels == []
    driver.run_timers(until=20)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1"]
    assert "BTC/USDT:USDT has no price for 20 s" in driver.cancels[0].why
    assert driver.orders == []


def test_blind_that_sees_again_cancels_nothing_more() -> None:
    """With a price there is no cause any more, and orders that come later stay."""
    driver = dark(resting("1"))
    driver.run_timers(until=20)
    driver.lose(20.5, "1", 2)
    driver.step(MarkPrice(ns(21), ns(21), 0, 800_000))
    driver.see(21.5, resting("3"), 3)
    driver.run_timers(until=24)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1"]


@pytest.mark.parametrize(("after", "at"), [(30, 30), (3, 5)], ids=["later", "not before it is noticed"])
def test_blind_cancels_when_its_setting_says(after: int, at: float) -> None:
    """``blind: {cancel_after: ...}``, counted from the last price."""
    driver = dark(resting("1"), blind=BlindSpec(cancel_after=after * NS_PER_SECOND))
    driver.run_timers(until=at - 0.001)
    assert driver.cancels == []
    driver.run_timers(until=at)
    assert len(driver.cancels) == 1


def test_blind_account_that_opted_out_keeps_its_orders() -> None:
    """The setting is one for all emergencies."""
    driver = dark(resting("1"), cancel_opening=False)
    driver.run_timers(until=120)
    assert driver.cancels == []


def test_no_emergency_cancels_an_order_of_ours_as_a_foreign_one() -> None:
    """Ours leave by their names, through the same door."""
    driver = Watched().begin(resting("1", name="pen000bn000000000"))
    driver.step(trade(1, 6_300))
    assert driver.cancels == []
    assert driver.found(CancelOrder) == []
