"""The deposit that is told with a fire: it reaches the goal, and one cash unit less does not."""

from __future__ import annotations

import pytest

from bot.domain.account import Balance
from bot.domain.effects import Goal, GoalKind, OpenEpisode
from bot.domain.scale import CASH_UNIT
from bot.engine.deciding.deposits import deposit_for
from bot.engine.engine import Engine
from tests.builders import GUARD, STOP, snapshot, trade
from tests.engine.driver import Driver, engine

GOALS = (
    Goal(GoalKind.LIQUIDATION_DISTANCE, 0.3), Goal(GoalKind.MARGIN_RATIO, 0.02), Goal(GoalKind.LEVERAGE, 2.0),
)


def held(usdt: float, *, rule: str = GUARD) -> Driver:
    """1 BTC and 10 ETH, bought at 8,000 and 200, on so much cash."""
    driver = Driver(engine(rule))
    driver.step(trade(0, 8_000.0))
    driver.step(trade(0, 200.0, instrument=1))
    driver.step(snapshot(1, usdt=usdt, btc=1_000, entry=8_000.0, eth=10_000, eth_entry=200.0))
    return driver


def deposit(made: Engine, goal: Goal) -> Balance | None:
    return deposit_for(made.columns, made.book, made.layout.accounts[0], goal, 0)


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.kind.value)
def test_deposit_is_the_least_that_reaches_the_goal(goal: Goal) -> None:
    """With it the engine's own measure stands at the goal; with a cash unit less it does not."""
    first = held(1_500.0).engine
    asked = deposit(first, goal)
    assert asked is not None and asked.asset == "USDT" and asked.amount > 0
    exact = asked.amount / CASH_UNIT
    enough = held(1_500.0 + exact).engine
    assert deposit(enough, goal) is None
    short = held(1_500.0 + exact - 2 / CASH_UNIT).engine
    assert deposit(short, goal) is not None


def test_deposit_for_leverage_is_the_hand_sum() -> None:
    """10,000 held at 2x needs 5,000 of equity: 3,500 more than 1,500."""
    assert deposit(held(1_500.0).engine, GOALS[2]) == Balance("USDT", 3_500 * CASH_UNIT)


@pytest.mark.parametrize(
    "goal", [Goal(GoalKind.FLAT), Goal(GoalKind.REDUCE, 0.5), Goal(GoalKind.GROSS_NOTIONAL, 1_000.0, "USDT")],
    ids=lambda goal: goal.kind.value,
)
def test_goals_that_cash_does_not_reach_have_no_deposit(goal: Goal) -> None:
    """Being flat, a share sold, an exposure: no cash makes any of them so."""
    assert deposit(held(1_500.0).engine, goal) is None


def test_account_that_is_not_known_has_no_deposit() -> None:
    """Before the venue's first word nothing can be said."""
    assert deposit(engine(GUARD), GOALS[0]) is None


def test_fire_of_a_guard_carries_its_deposit_and_one_of_a_stop_none() -> None:
    """The guard fires below 6 %: what it journals is what would have reached its 20 % at that moment."""
    driver = held(1_500.0)
    fired = [effect for effect in driver.step(trade(2, 7_000.0)) if isinstance(effect, OpenEpisode)]
    assert len(fired) == 1
    # equity 500 of 9,000 held: after a fall of 20 % equity + D - 1,800 must cover the maintenance of 7,200
    assert fired[0].deposit is not None
    assert fired[0].deposit.amount / CASH_UNIT == pytest.approx(1_800 - 500 + 7_200 * 0.0045, rel=0.01)
    stopped = [
        effect for effect in held(5_000.0, rule=STOP).step(trade(2, 7_000.0)) if isinstance(effect, OpenEpisode)
    ]
    assert [effect.deposit for effect in stopped] == [None]
