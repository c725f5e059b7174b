"""The resting stop: one valid at the venue for every position, made before the old one is broken (I24)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bot.domain.account import PositionKey, PositionReport, PositionSide
from bot.domain.copying import replace
from bot.domain.effects import LookUpOrder, OpenEpisode, RecordDenial
from bot.domain.events import OrderOutcomeUnknown
from bot.domain.order import OrderClass, Side, TimeInForce, TriggerBy, TriggerKind
from bot.engine.measures.layout import HEDGE
from bot.engine.protection.protect import PROTECT
from bot.engine.spec import Per, ProtectSpec
from tests.builders import layout, snapshot, trade
from tests.engine.driver import WIDE
from tests.engine.guarded import Guarded, bought, filtered, guarded, ns

# A long of 1 at 8,000 with 2,000 in cash: 2,000 + (P - 8,000) = 0.4 % P, so P = 6,000 / 0.996 = 6,024.0964; the stop
# lies 1.5 % and 0.05 % of fee above: 6,117.4699. The short: 10,000 / 1.004 = 9,960.1594, less 1.55 %: 9,805.7769.
LONG_AT, SHORT_AT = 611_747, 980_577


# Where it lies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("btc", "side", "price"), [(1_000, Side.SELL, LONG_AT), (-1_000, Side.BUY, SHORT_AT)])
def test_protect_of_a_position_rests_one_stop_inside_its_liquidation_price(btc: int, side: Side, price: int) -> None:
    """One reduce-only market order for the whole position, triggered by the mark, rounded away from liquidation."""
    driver = guarded(btc)
    (stop,) = driver.placed
    assert (stop.side, stop.quantity, stop.trigger_price) == (side, 1_000, price)
    assert (stop.order_class, stop.limit_price, stop.reduce_only) == (OrderClass.STOP, None, True)
    assert (stop.trigger_kind, stop.trigger_by) == (TriggerKind.STOP, TriggerBy.MARK)
    assert stop.time_in_force is TimeInForce.GTC


@pytest.mark.parametrize(
    ("sigma", "buffer"),
    [(0.0, 0.015), (0.005, 0.015), (0.006, 0.018), (0.025 / 3, 0.025), (0.02, 0.025)],
    ids=["calm", "as much", "wilder", "at the most", "wildest"],
)
def test_buffer_is_the_larger_of_distance_and_sigmas_up_to_a_limit(sigma: float, buffer: float) -> None:
    """Three standard deviations of a minute, no less than 1.5 %, no more than 2.5 %, and the fee on top."""
    assert ProtectSpec().buffer(sigma, fee=0.0005) == pytest.approx(buffer + 0.0005)


@pytest.mark.parametrize("usdt", [7_999.0, 8_000.0])
def test_protect_of_a_long_paid_for_in_full_rests_no_stop(usdt: float) -> None:
    """A price of zero does not liquidate it, so there is no level for a stop, and no alarm either."""
    driver = guarded(usdt=usdt)
    assert len(driver.placed) == (usdt < 8_000)
    driver.run_timers(until=2)
    assert driver.alarms() == []


def test_protect_of_a_pair_rests_a_stop_for_the_leg_that_liquidates_only() -> None:
    """Long 1 and short 3 of the same market: a rise liquidates both, and closing the long would bring it nearer."""
    plain = layout()
    shape = replace(plain, accounts=(replace(plain.accounts[0], sides=HEDGE),))
    legs = ((PositionSide.LONG, 1_000), (PositionSide.SHORT, -3_000))
    driver = Guarded(shape=shape)
    driver.step(trade(0, 8_000))
    driver.step(replace(snapshot(0, usdt=4_000), positions=tuple(
        PositionReport(PositionKey(0, 0, side), quantity, quantity * 800_000 * 1_000) for side, quantity in legs
    )))
    (stop,) = driver.placed
    assert (stop.key.side, stop.side, stop.quantity) == (PositionSide.SHORT, Side.BUY, 3_000)
    driver.accept(0.1)
    driver.run_timers(until=30)
    assert driver.alarms() == []


def test_protect_per_none_rests_no_stop() -> None:
    """Who wants none gets none, and no alarm for it."""
    driver = guarded(protect=ProtectSpec(per=Per.NONE))
    driver.run_timers(until=600)
    assert driver.placed == []
    assert driver.alarms() == []


@pytest.mark.parametrize(("largest", "quantity"), [(999, 990), (1_000, 1_000)])
def test_protect_of_more_than_one_order_may_hold_covers_what_it_can_and_says_so(largest: int, quantity: int) -> None:
    """The venue's largest market order bounds the stop; what it leaves bare is not called protected."""
    driver = guarded(shape=filtered(market_quantity_max=largest, market_lot=10))
    driver.accept(0.1)
    driver.run_timers(until=30)
    assert [stop.quantity for stop in driver.placed] == [quantity]
    assert driver.alarms() == ["unprotected"] * (quantity < 1_000)


def test_protect_of_dust_rests_no_stop_and_alarms_nobody() -> None:
    """What the venue takes no order for cannot be protected, nor does it matter."""
    driver = guarded(9, shape=filtered(lot=10, quantity_min=10), usdt=1)
    driver.run_timers(until=60)
    assert driver.placed == []
    assert driver.alarms() == []


# Make before break ------------------------------------------------------------------------------------------------


def test_protect_of_a_grown_position_places_the_new_stop_before_the_old_one_is_cancelled() -> None:
    """At once, since the old one leaves a part bare; the old one goes when the venue has the new one, not sooner."""
    driver = guarded()
    driver.accept(0.1)
    bought(driver, 1, 500)
    assert [stop.quantity for stop in driver.placed] == [1_000, 1_500]
    assert driver.cancelled() == []
    driver.accept(1.1)
    assert driver.cancelled() == [driver.placed[0].name]
    driver.end_stop(1.2, 0)
    assert [stop.name for stop in driver.resting] == [driver.placed[1].name]


def test_protect_whose_replacement_is_refused_keeps_the_old_stop() -> None:
    """A stop that covers too little is better than none: it is not cancelled for one that never came."""
    driver = guarded()
    driver.accept(0.1)
    bought(driver, 1, 500)
    driver.refuse(1.1)
    driver.run_timers(until=1.9)
    assert driver.cancelled() == []
    assert driver.alarms() == ["external_external", "stop_refused", "unprotected"]


def test_protect_of_a_shrunk_position_follows_once_in_ten_seconds() -> None:
    """The venue caps the old stop at what is held, so there is time; but its size does not stay the original one."""
    driver = guarded()
    driver.accept(0.1)
    driver.external(1, 300, price=8_000)
    driver.external(2, 100, price=8_000)
    driver.run_timers(until=9.999)
    assert len(driver.placed) == 1
    driver.run_timers(until=10)
    assert [stop.quantity for stop in driver.placed] == [1_000, 600]


def test_protect_is_for_what_is_held_though_its_level_has_not_moved() -> None:
    """Half the position and half the cash: the same liquidation price, and a stop for half."""
    driver = guarded()
    driver.accept(0.1)
    driver.step(snapshot(1, usdt=1_000, btc=500, entry=8_000))
    driver.run_timers(until=10)
    assert [(stop.quantity, stop.trigger_price) for stop in driver.placed] == [(1_000, LONG_AT), (500, LONG_AT)]


@pytest.mark.parametrize(("eth", "stops"), [(199.60, 2), (199.40, 3)], ids=["within tolerance", "beyond it"])
def test_protect_follows_a_liquidation_price_that_another_market_moves(eth: float, stops: int) -> None:
    """25 ETH that fall by 0.4 move BTC's level by 10, of a tolerance of 0.2 %: 12; by 0.6, by 15. ETH's own stays."""
    driver = Guarded()
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=2_000, btc=1_000, entry=8_000, eth=25_000, eth_entry=200))
    for place in (0, 1):
        driver.accept(0.1, place)
    driver.step(trade(1, eth, instrument=1))
    driver.run_timers(until=9.9)
    assert len(driver.placed) == 2
    driver.run_timers(until=20)
    assert len(driver.placed) == stops


def test_protect_of_a_closed_position_cancels_its_stop() -> None:
    """Nothing is held, so nothing is to be closed."""
    driver = guarded()
    driver.accept(0.1)
    driver.external(1, 1_000, price=8_000)
    assert driver.cancelled() == [driver.placed[0].name]
    driver.end_stop(1.1)
    assert driver.resting == []


def test_protect_of_a_turned_position_cancels_the_old_side_and_places_the_other() -> None:
    """A person sold twice what was held: a sell stop would add to the short."""
    driver = guarded()
    driver.accept(0.1)
    driver.external(1, 2_000, price=8_000)
    assert driver.cancelled() == [driver.placed[0].name]
    assert [stop.side for stop in driver.placed] == [Side.SELL, Side.BUY]
    assert driver.placed[1].name[:-3] != driver.placed[0].name[:-3]


def test_protect_asks_again_for_a_cancel_that_was_lost() -> None:
    """An unanswered cancel leaves the stop there; it is asked for every five seconds."""
    driver = guarded()
    driver.accept(0.1)
    driver.external(1, 1_000, price=8_000)
    driver.run_timers(until=11)
    assert driver.cancelled() == [driver.placed[0].name] * 3


def test_protect_that_cancels_an_old_stop_asks_about_it_when_no_answer_has_come() -> None:
    """The answer to a cancel says what became of the stop; only a lost one is worth a question of its own."""
    driver = guarded()
    driver.accept(0.1)
    driver.run_timers(until=30)
    driver.external(30, 1_000, price=8_000)
    driver.run_timers(until=34.9)
    assert driver.asked() == []
    driver.run_timers(until=35.5)
    assert driver.asked() == [(driver.placed[0].name, 35.0)]


def test_protect_that_grows_faster_than_the_venue_answers_ends_the_oldest_stops_and_gets_its_own() -> None:
    """Each answer finds a position that has grown again: four may stand, then the oldest goes for a larger one."""
    driver = guarded()
    for number in range(4):
        bought(driver, 1 + number, 500)
        driver.accept(1.1 + number)
    assert [stop.quantity for stop in driver.placed] == [1_000, 1_500, 2_000, 2_500]
    assert driver.cancelled() == [driver.placed[0].name]
    driver.end_stop(6, 0)
    driver.run_timers(until=7)
    assert driver.placed[-1].quantity == 3_000
    driver.accept(7.1)
    assert driver.cancelled() == [stop.name for stop in driver.placed[:-1]]


def test_protect_ends_what_an_older_stop_did_when_a_newer_one_does_it_as_well() -> None:
    """The newer is not quite what it should be by now, but it covers the position: two are one too many."""
    driver = guarded()
    driver.accept(0.1)
    driver.external(1, 300, price=8_000)
    driver.run_timers(until=10.1)
    assert [stop.quantity for stop in driver.placed] == [1_000, 700]
    driver.external(10.2, 300, price=8_000)
    driver.accept(10.3)
    assert driver.cancelled() == [driver.placed[0].name]
    assert len(driver.placed) == 2


# Read back --------------------------------------------------------------------------------------------------------


def test_protect_asks_the_venue_for_its_stop_once_a_minute() -> None:
    """An accepted stop may vanish: it is looked up, and no answer changes nothing."""
    driver = guarded()
    driver.accept(0.1)
    driver.run_timers(until=59.9)
    assert driver.asked() == []
    driver.run_timers(until=120)
    name = driver.placed[0].name
    assert driver.asked() == [(name, 60.0), (name, 120.0)]


def test_protect_whose_stop_is_missed_by_one_witness_places_another() -> None:
    """Both may be there for a moment: reduce-only, they do no harm, and a bare position does."""
    driver = guarded()
    driver.accept(0.1)
    driver.run_timers(until=60)
    driver.miss(60.1)
    assert len(driver.placed) == 2
    driver.accept(60.2)
    assert driver.cancelled() == [driver.placed[0].name]
    driver.miss(60.3, 0)
    assert len(driver.resting) == 2
    driver.miss(65.3, 0)
    assert [stop.name for stop in driver.resting] == [driver.placed[1].name]


def test_protect_that_one_witness_misses_is_trusted_no_more() -> None:
    """Its replacement is refused as well: nothing is known to rest, and a person is told."""
    driver = guarded()
    driver.accept(0.1)
    driver.run_timers(until=60)
    driver.miss(60.1)
    assert "unprotected" not in driver.alarms()
    driver.refuse(60.2)
    assert driver.alarms()[-1] == "unprotected"


def test_protect_after_a_restart_asks_for_the_stop_and_trusts_it_meanwhile() -> None:
    """The book says that one rests: no second one is sent, and the venue is asked before anything else."""
    before = guarded()
    before.accept(0.1)
    driver = before.restart(5)
    assert driver.found(LookUpOrder)[-1].name == driver.placed[0].name
    driver.step(trade(5, 8_000))
    driver.step(snapshot(5, usdt=2_000, btc=1_000, entry=8_000))
    driver.accept(5.1)
    driver.run_timers(until=20)
    assert len(driver.placed) == 1
    driver.miss(20)
    assert len({stop.name for stop in driver.placed}) == 2


def test_protect_of_an_unknown_outcome_waits_for_two_witnesses() -> None:
    """It may be there: it is looked up at once and every five seconds, and only then sent under another name."""
    driver = guarded()
    driver.step(OrderOutcomeUnknown(ns(0.2), 0, driver.placed[0].name, "toy"))
    driver.run_timers(until=0.3)
    assert driver.asked() == [(driver.placed[0].name, 0.2)]
    assert len(driver.placed) == 1
    driver.miss(0.4)
    driver.miss(5.4, 0)
    assert driver.placed[0].name not in [stop.name for stop in driver.resting]
    assert len(driver.placed) >= 2


# Unprotected ------------------------------------------------------------------------------------------------------


def test_protect_alarms_when_no_answer_has_come_for_three_seconds() -> None:
    """At 3 s and not before; and again, that it is over."""
    driver = guarded()
    driver.run_timers(until=2.999)
    assert driver.alarms() == []
    driver.run_timers(until=3)
    assert driver.alarms() == ["unprotected"]
    driver.run_timers(until=10)
    driver.accept(10)
    assert driver.alarms() == ["unprotected", "protected"]


def test_protect_that_is_refused_alarms_at_once_and_tries_again_less_and_less() -> None:
    """After 1, 2, 4 seconds and so on: a venue that takes no stops is not stormed."""
    driver = guarded()
    sent = [0.0]
    for second in range(1, 200):
        if driver.resting:
            driver.refuse(second - 0.5)
        before = len(driver.placed)
        driver.run_timers(until=second)
        sent += [second] * (len(driver.placed) - before)
    assert driver.alarms()[:2] == ["stop_refused", "unprotected"]
    assert driver.alarms().count("unprotected") == 1
    gaps = [after - before for before, after in pairwise(sent)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 60
    assert len(sent) < 12


@pytest.mark.parametrize(("price", "closes"), [(6_117.48, False), (6_117.47, True)], ids=["just above", "at it"])
def test_protect_that_is_refused_closes_from_here_at_the_same_level(price: float, closes: bool) -> None:
    """Where the stop would have been triggered, an ordinary order of the margin class, with a limit, goes out."""
    driver = guarded()
    driver.refuse(0.1)
    driver.step(trade(2, price))
    driver.run_timers(until=4)
    fires = driver.found(OpenEpisode)
    assert [fire.rule for fire in fires] == [PROTECT] * closes
    assert [order.approved.request.quantity for order in driver.orders] == [1_000] * closes
    for order in driver.orders:
        request = order.approved.request
        assert request.order_class is OrderClass.MARGIN
        assert request.limit_price is not None
        assert request.reduce_only


def test_protect_of_a_position_past_its_level_closes_it_at_once() -> None:
    """The venue would refuse a stop that the mark has passed; nothing is gained by asking."""
    driver = guarded(usdt=120)
    assert driver.placed == []
    assert driver.found(RecordDenial) == []
    assert driver.alarms() == ["unprotected"]
    assert [fire.rule for fire in driver.found(OpenEpisode)] == [PROTECT]
    assert sum(order.approved.request.quantity for order in driver.orders) == 1_000


def test_protect_whose_venue_says_nothing_of_a_trigger_closes_after_three_seconds() -> None:
    """The mark has passed the stop, so it should be gone: it is asked for, and the position is closed from here."""
    driver = guarded()
    driver.accept(0.1)
    driver.step(trade(10, 6_100))
    driver.run_timers(until=12.9)
    assert driver.found(OpenEpisode) == []
    driver.run_timers(until=13.1)
    assert driver.asked()[-1][0] == driver.placed[0].name
    assert [fire.rule for fire in driver.found(OpenEpisode)] == [PROTECT]


def test_protect_is_never_held_up_by_the_rate_of_orders_for_long() -> None:
    """Two positions, one order a second: the second stop goes a second later, and nothing is denied."""
    driver = Guarded(limits=replace(WIDE, order_rate_max=1.0))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=2_000, btc=1_000, entry=8_000, eth=10_000, eth_entry=200))
    assert len(driver.placed) == 1
    driver.run_timers(until=1)
    assert len(driver.placed) == 2
    assert driver.found(RecordDenial) == []


