"""From episodes to parents to orders, and back: what ends them, what takes them over, what is asked again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from bot.domain.account import PositionReport
from bot.domain.denials import DenialCode
from bot.domain.effects import (
    EndEpisode,
    EndParent,
    LookUpOrder,
    OpenEpisode,
    OpenParent,
    ParentEnd,
    PlaceOrder,
    PlanEpisode,
    RaiseAlarm,
    RecordDenial,
    Relaxation,
    RelaxParent,
    ReserveNames,
    ReviseParent,
)
from bot.domain.events import (
    AccountSnapshot,
    Command,
    CommandKind,
    FillOrigin,
    Liquidity,
    OrderAccepted,
    OrderFilled,
    OrderNotFound,
    OrderOutcomeUnknown,
)
from bot.domain.names import CHILDREN_MAX
from bot.domain.order import Side
from bot.domain.scale import NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.layout import Layout
from bot.engine.parents import NAMES_AT_ONCE
from bot.engine.spec import LimitsSpec
from tests.builders import ETH_KEY, GUARD, KEY, STOP, T0, ended, fill, layout, snapshot, trade
from tests.engine.driver import WIDE, Driver, engine

S = NS_PER_SECOND
SLOW_STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: twap, over: 100s, slice: 10s, collar: 2%}
"""
EMERGENCY = """
rules:
  emergency:
    for_each: account
    when: account.liquidation_distance < 4%
    do: {deleverage: {to: {liquidation_distance: 10%}}}
    execute: {algo: now, tactic: ladder}
"""


class Trader(Driver):
    """A driver that can answer orders; prices in quote units, quantities in thousandths."""

    trades = 0

    def fill(self, order: PlaceOrder, seconds: float, quantity: int | None = None, *, price: float) -> None:
        """The venue fills an order, wholly unless told, and ends it."""
        size = order.approved.request.quantity if quantity is None else quantity
        self.trades += 1
        if size:
            self.step(fill(order, seconds, size, price, trade_id=f"o{self.trades}"))
        self.step(ended(order, seconds, size))

    def fill_all(self, seconds: float, *, price: float) -> None:
        """Fill everything that is out until nothing is."""
        for _ in range(200):
            out = [order for order in self.orders if order.approved.request.name in self.engine.book.orders]
            if not out:
                return
            self.fill(out[0], seconds, price=price)
        raise AssertionError("orders without end")

    def live_through(self, start: float, end: float, *, price: float) -> None:
        """Second by second: wakes, and every order filled at once at the price."""
        second = start
        while second <= end:
            self.run_timers(until=second)
            self.fill_all(max(second, (self.engine.book.now - T0) / S), price=price)
            second += 1

    def external(self, seconds: float, quantity: int, *, price: float, side: Side = Side.SELL) -> None:
        """Somebody else trades our position."""
        now = T0 + round(seconds * S)
        self.trades += 1
        pattern = OrderFilled(
            now, now, 0, "web", f"e{self.trades}", KEY, side, round(price * 100), quantity, 0,
            liquidity=Liquidity.TAKER, origin=FillOrigin.EXTERNAL, modelled=False,
        )
        self.step(pattern)

    @property
    def held(self) -> int:
        return self.engine.book.quantity[0]


def long_of(btc: int, *texts: str, usdt: float = 10_000, limits: LimitsSpec = WIDE, shape: Layout | None = None
            ) -> Trader:
    """A long bought at 8,000, at a price of 8,000."""
    driver = Trader(engine(*texts, limits=limits, shape=shape))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=usdt, btc=btc, entry=8_000))
    return driver


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
    assert NAMES_AT_ONCE < CHILDREN_MAX


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


@pytest.mark.parametrize("texts", [(GUARD, EMERGENCY, SLOW_STOP), (SLOW_STOP, EMERGENCY, GUARD)])
def test_order_of_the_rules_changes_no_order(texts: tuple[str, ...]) -> None:
    """Files in another order give the same sales at the same moments."""
    driver = long_of(100, *texts, usdt=100)
    for second, price in ((1, 7_600), (10, 7_450), (20, 7_250)):
        driver.step(trade(second, price))
        driver.live_through(second, second + 5, price=price)
    sold = [(order.now - T0, order.approved.request.quantity) for order in driver.orders]
    reference = SOLD.setdefault("first", sold)
    assert sold == reference


SOLD: dict[str, list[tuple[int, int]]] = {}


# The gate's limits in the slicer --------------------------------------------------------------------------


def test_orders_above_the_cap_are_split() -> None:
    """What is worth more than one order may be is sold in several, none of them denied."""
    limits = LimitsSpec(order_notional_max=Money(Decimal(300), "USDT"), order_rate_max=100.0)
    driver = long_of(100, STOP, limits=limits)
    driver.step(trade(1, 7_500))
    assert [order.approved.request.quantity for order in driver.orders] == [40, 40, 20]
    assert driver.found(RecordDenial) == []


def test_order_cap_below_the_smallest_order_is_refused_aloud() -> None:
    """A limit that lets nothing out is no silent halt: every second the gate says why."""
    limits = LimitsSpec(order_notional_max=Money(Decimal(7), "USDT"), order_rate_max=100.0)
    driver = long_of(100, STOP, limits=limits)
    driver.step(trade(1, 7_500))
    driver.run_timers(until=3)
    assert [(denial.now - T0) // S for denial in driver.found(RecordDenial)] == [1, 2, 3]
    assert {denial.code for denial in driver.found(RecordDenial)} == {DenialCode.NOTIONAL_ABOVE_MAX}
    assert [alarm.code for alarm in driver.found(RaiseAlarm)] == ["order_denied"] * 3


def test_orders_beyond_the_rate_wait_for_the_next_second() -> None:
    """The rate limit delays an exit by a second and refuses nothing."""
    limits = LimitsSpec(order_notional_max=Money(Decimal(80), "USDT"), order_rate_max=3.0)
    driver = long_of(100, STOP, limits=limits)
    driver.step(trade(1, 7_500))
    assert len(driver.orders) == 3
    driver.run_timers(until=1.999)
    assert len(driver.orders) == 3
    driver.run_timers(until=2)
    assert len(driver.orders) == 6
    assert driver.found(RecordDenial) == []


def test_frozen_account_still_sells() -> None:
    """Every halt allows exits."""
    driver = long_of(100, STOP)
    driver.step(Command(T0 + S, 0, CommandKind.FREEZE, "test"))
    driver.step(trade(2, 7_500))
    assert [order.approved.request.quantity for order in driver.orders] == [100]


# The ladder -----------------------------------------------------------------------------------------------


def collars(driver: Driver, mark: float) -> list[float]:
    """How far below the mark each order was priced, in percent."""
    return [
        round(100 * (1 - (order.approved.request.limit_price or 0) / (mark * 100)), 6) for order in driver.orders
    ]


LADDER = STOP.replace("{algo: now}", "{algo: now, tactic: ladder}")


def test_ladder_widens_step_by_step_to_its_limit_and_stays_there() -> None:
    """1 -> 2 -> 4 -> 8 %, each step recorded, and 8 % again every second from there."""
    driver = long_of(100, LADDER)
    driver.step(trade(1, 7_500))
    for _ in range(6):
        driver.step(ended(driver.orders[-1], (driver.engine.book.now - T0) / S + 0.01, 0))
        driver.run_timers(until=(driver.engine.book.now - T0) / S + 1.5)
    assert collars(driver, 7_500) == [1, 2, 4, 8, 8, 8, 8]
    steps = driver.found(RelaxParent)
    assert [(step.what, step.level) for step in steps] == [(Relaxation.COLLAR, level) for level in (1, 2, 3)]
    gaps = [after.now - before.now for before, after in pairwise(driver.orders[3:])]
    assert all(gap >= S for gap in gaps)


def test_ladder_of_the_cost_class_never_widens() -> None:
    """Profit can wait: the collar holds, and the order is tried again every second."""
    text = STOP.replace("{algo: now}", "{algo: now, tactic: ladder, order_class: cost, collar: 1%}")
    driver = long_of(100, text)
    driver.step(trade(1, 7_500))
    for _ in range(4):
        driver.step(ended(driver.orders[-1], (driver.engine.book.now - T0) / S + 0.01, 0))
        driver.run_timers(until=(driver.engine.book.now - T0) / S + 1.5)
    assert collars(driver, 7_500) == [1] * 5
    assert driver.found(RelaxParent) == []


def test_taker_within_its_schedule_widens_nothing() -> None:
    """An unfilled slice of a schedule that has time comes again at its own collar."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    driver.run_timers(until=30)
    driver.step(ended(driver.orders[0], 31, 0))
    driver.run_timers(until=60)
    assert set(collars(driver, 7_500)) == {2}
    assert driver.found(RelaxParent) == []


# Participation --------------------------------------------------------------------------------------------

CAPPED = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: twap, over: 100s, slice: 10s, collar: 2%, participation_max: 10%, order_class: CLASS}
"""


def test_participation_of_the_cost_class_holds_and_the_deadline_gives() -> None:
    """However late it is, ours stay at a tenth of all volume; and it goes on when volume comes."""
    driver = long_of(1_000, CAPPED.replace("CLASS", "cost"))
    driver.step(trade(1, 7_500, quantity=0))
    for second in range(2, 200):
        driver.run_timers(until=second)
        driver.fill_all(second, price=7_500)
    assert driver.held == 1_000 - 1_000 // 9         # a ninth of what others had traded at the start
    before = driver.held
    for second in range(200, 260):
        driver.step(trade(second, 7_500, quantity=90))
    driver.live_through(260, 270, price=7_500)
    assert 0 < before - driver.held <= 60 * 90 // 9
    assert driver.found(RelaxParent) == []


def test_participation_of_the_margin_class_relaxes_one_step_per_slice() -> None:
    """Held back, it goes 10 -> 25 -> 50 -> 100 %, no faster than its slices."""
    driver = long_of(1_000, CAPPED.replace("CLASS", "margin"))
    driver.step(trade(1, 7_500, quantity=0))
    driver.live_through(2, 90, price=7_500)
    steps = [step for step in driver.found(RelaxParent) if step.what is Relaxation.PARTICIPATION]
    assert [step.level for step in steps] == [1, 2, 3]
    assert all(after.now - before.now >= 10 * S for before, after in pairwise(steps))
    assert steps[0].now - T0 >= 11 * S
    driver.live_through(91, 110, price=7_500)
    assert driver.held == 0


# The survival floor ---------------------------------------------------------------------------------------


def test_floor_sells_ahead_of_the_curve_what_survival_needs() -> None:
    """Below the floor the curve does not matter: what brings the distance back to it leaves at once."""
    driver = long_of(1_000, SLOW_STOP, usdt=700)
    driver.step(trade(1, 7_560))
    driver.run_timers(until=1.2)
    sold_by_curve = 1_000 - driver.held
    driver.step(trade(2, 7_480))
    distance = driver.engine.columns.distance[0]
    level = driver.engine.desk.survival_level(0)
    assert distance < level
    driver.fill_all(2.1, price=7_480)
    assert driver.engine.columns.distance[0] >= level * 0.98
    assert 1_000 - driver.held > sold_by_curve + 100


def test_floor_sells_nothing_while_the_distance_holds() -> None:
    """Above the floor the schedule has all its time."""
    driver = long_of(1_000, SLOW_STOP, usdt=5_000)
    driver.step(trade(1, 7_560))
    driver.step(trade(1.5, 7_480))
    assert sum(order.approved.request.quantity for order in driver.orders) <= 100


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


# Deleveraging ---------------------------------------------------------------------------------------------


def test_guard_reaches_its_goal_and_stops() -> None:
    """It sells until the distance is what was asked for, and no more than a little beyond."""
    driver = long_of(1_000, GUARD, usdt=1_000)
    driver.step(trade(1, 7_450))
    driver.live_through(2, 90, price=7_450)
    assert 0.195 <= driver.engine.columns.distance[0] <= 0.23
    assert not driver.engine.book.episodes
    assert not driver.engine.book.parents
    assert 0 < driver.held < 1_000


@pytest.mark.parametrize(
    ("goal", "bound"), [("leverage: 3", "leverage"), ("margin_ratio: 2%", "ratio")], ids=["leverage", "ratio"]
)
def test_guard_reaches_goals_of_every_kind(goal: str, bound: str) -> None:
    """A leverage or a margin ratio is reached as a distance is."""
    driver = long_of(1_000, GUARD.replace("liquidation_distance: 20%", goal), usdt=1_000)
    driver.step(trade(1, 7_450))
    driver.live_through(2, 90, price=7_450)
    columns = driver.engine.columns
    if bound == "leverage":
        assert 2.7 < columns.gross[0] / columns.equity[0] <= 3 * 1.02
    else:
        assert 0.017 < columns.margin_ratio(0) <= 0.02 * 1.02
    assert not driver.engine.book.episodes


def test_plans_of_one_episode_never_keep_more() -> None:
    """A plan only deepens: what a worse moment asked for is not taken back at a better one."""
    driver = long_of(1_000, GUARD, usdt=1_000)
    price = 7_450.0
    for second in range(1, 60):
        price *= 0.9985 if second % 3 else 1.001
        driver.step(trade(second, round(price, 2)))
        driver.run_timers(until=second)
        driver.fill_all(second, price=round(price, 2))
    kept: dict[int, int] = {}
    plans = driver.found(PlanEpisode)
    assert len(plans) > 2
    for plan in plans:
        for cut in plan.cuts:
            assert cut.keep <= kept.get(plan.episode, cut.keep)
            kept[plan.episode] = cut.keep


def test_guard_does_not_sell_the_hedge() -> None:
    """A short that holds the long up is kept: cutting it would bring liquidation nearer."""
    driver = Trader(engine(GUARD))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    long = snapshot(0, usdt=700, btc=1_000, entry=8_000)
    short = PositionReport(ETH_KEY, -5_000, -5_000 * 20_000 * 1_000)
    driver.step(AccountSnapshot(long.now, long.taken, 0, long.balances, (*long.positions, short)))
    driver.step(trade(1, 7_700))
    driver.live_through(2, 90, price=7_700)
    assert driver.found(OpenParent)
    assert {parent.key for parent in driver.found(OpenParent)} == {KEY}
    assert driver.engine.book.quantity[1] == -5_000
