"""From parents to orders: limits, ladder, participation, the survival floor, and the goals they reach."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from bot.domain.account import PositionReport
from bot.domain.denials import DenialCode
from bot.domain.effects import (
    OpenParent,
    PlanEpisode,
    RaiseAlarm,
    RecordDenial,
    Relaxation,
    RelaxParent,
)
from bot.domain.events import (
    AccountSnapshot,
    Command,
    CommandKind,
)
from bot.domain.scale import NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.spec import LimitsSpec
from tests.builders import ETH_KEY, GUARD, KEY, STOP, T0, ended, snapshot, trade
from tests.engine.driver import SLOW_STOP, Driver, Trader, engine, long_of

S = NS_PER_SECOND


# The gate's limits in the slicer --------------------------------------------------------------------------


def test_orders_above_the_cap_are_split() -> None:
    """What is worth more than one order may be is sold in several, none of them denied."""
    limits = LimitsSpec(order_notional_max=Money(Decimal(300), "USDT"), order_rate_max=100.0)
    driver = long_of(100, STOP, limits=limits)
    driver.step(trade(1, 7_500))
    assert [order.approved.request.quantity for order in driver.orders] == [40, 40, 20]
    assert driver.found(RecordDenial) == []


def test_order_cap_below_the_smallest_order_is_refused_aloud() -> None:
    """A limit that lets nothing out is no silent halt: the gate says why every second, and a person is told once."""
    limits = LimitsSpec(order_notional_max=Money(Decimal(7), "USDT"), order_rate_max=100.0)
    driver = long_of(100, STOP, limits=limits)
    driver.step(trade(1, 7_500))
    driver.run_timers(until=3)
    assert [(denial.now - T0) // S for denial in driver.found(RecordDenial)] == [1, 2, 3]
    assert {denial.code for denial in driver.found(RecordDenial)} == {DenialCode.NOTIONAL_ABOVE_MAX}
    assert [alarm.code for alarm in driver.found(RaiseAlarm)] == ["order_denied"]


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


def in_silence(text: str, usdt: float) -> Trader:
    """A long of 1 BTC bought at 8,000, in a market where nobody has traded anything yet."""
    driver = Trader(engine(text))
    driver.step(trade(0, 8_000, quantity=0))
    driver.step(snapshot(0, usdt=usdt, btc=1_000, entry=8_000))
    return driver


def test_participation_of_the_margin_class_relaxes_one_step_per_slice() -> None:
    """Held back, it goes 10 -> 25 -> 50 -> 100 %, no faster than its slices, however often it looks."""
    driver = in_silence(CAPPED.replace("CLASS", "margin"), 10_000)
    driver.step(trade(1, 7_500, quantity=0))
    for second in range(2, 90):
        driver.step(Command(T0 + second * S, 0, CommandKind.RESUME, "a look"))
        driver.live_through(second, second, price=7_500)
    steps = [step for step in driver.found(RelaxParent) if step.what is Relaxation.PARTICIPATION]
    assert [step.level for step in steps] == [1, 2, 3]
    assert all(after.now - before.now >= 10 * S for before, after in pairwise(steps))
    assert steps[0].now - T0 >= 11 * S
    driver.live_through(91, 110, price=7_500)
    assert driver.held == 0


def test_participation_holds_back_nothing_that_survival_needs() -> None:
    """Below the floor no share of a silent market is too large; what is let go for it is said, in its order."""
    driver = in_silence(CAPPED.replace("CLASS", "margin"), 700)
    driver.step(trade(1, 7_560, quantity=0))
    assert driver.orders == []
    driver.step(trade(2, 7_480, quantity=0))
    assert sum(order.approved.request.quantity for order in driver.orders) > 100
    assert [step.what for step in driver.found(RelaxParent)] == [Relaxation.PARTICIPATION, Relaxation.DEADLINE]


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
