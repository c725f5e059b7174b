"""What several obligations come to, and how busy today has been: the small questions a sale asks."""

from __future__ import annotations

import pytest

from bot.domain.events import VolumeHistory
from bot.domain.obligation import Obligation
from bot.domain.order import OrderClass, Side
from bot.domain.scale import NS_PER_MINUTE
from bot.engine.deciding.duties import (
    class_of,
    first_collar,
    is_late,
    is_passive,
    participation_max,
    patience,
    slippage_budget,
)
from bot.engine.engine import Engine
from bot.engine.record.book import Parent
from bot.engine.spec import LimitsSpec
from bot.execution.profile import MINUTES_PER_DAY
from tests.builders import T0, trade
from tests.engine.driver import engine


def duty(
    *, cap: float | None = None, tactic: str = "taker", order_class: OrderClass = OrderClass.COST,
    collar: float | None = None, budget: float | None = None, waits: int = 0, deadline: int = 100,
) -> Obligation:
    return Obligation(
        episode=1, rule="r", quantity=10, base=0, start=0, deadline=deadline, interval=10, algo="twap", tactic=tactic,
        order_class=order_class, collar=collar, participation_max=cap, slippage_budget=budget, patience=waits,
    )


def parent(*duties: Obligation) -> Parent:
    return Parent(
        name="pen000sn000000", position=0, side=Side.SELL, quantity=10, keep=0, obligations=duties, opened=0, traded=0,
        turnover=0,
    )


@pytest.mark.parametrize(
    ("caps", "allowed"), [((0.1,), 0.1), ((0.1, 0.25), 0.25), ((0.1, None), None), ((None,), None), ((), None)]
)
def test_participation_of_several_is_the_widest_and_none_where_one_sets_none(
    caps: tuple[float | None, ...], allowed: float | None
) -> None:
    """The rule that must not wait decides."""
    assert participation_max(parent(*(duty(cap=cap) for cap in caps))) == allowed


def test_class_tactic_collar_and_budget_of_several_are_those_of_the_most_urgent() -> None:
    """Survival among others makes all of it survival; one that takes makes all of it take."""
    mixed = parent(
        duty(tactic="passive", waits=30, collar=0.01, budget=0.01),
        duty(tactic="passive", waits=20, collar=0.02, order_class=OrderClass.MARGIN),
    )
    assert class_of(mixed) is OrderClass.MARGIN
    assert is_passive(mixed)
    assert patience(mixed) == 20
    assert first_collar(mixed) == 0.02
    assert slippage_budget(mixed, LimitsSpec(slippage_budget=0.05)) == 0.05
    assert not is_passive(parent(duty(tactic="passive"), duty()))


@pytest.mark.parametrize(("now", "late"), [(99, False), (100, False), (119, False), (120, True)])
def test_parent_is_late_when_the_last_deadline_and_its_patience_have_passed(now: int, late: bool) -> None:
    """One of two is done at 100, the other may wait until 120."""
    assert is_late(parent(duty(), duty(tactic="passive", waits=20)), now) is late


def watched(minutes: float) -> Engine:
    """A market in which ten a minute are usual and twenty were traded, for so long."""
    made = engine()
    made.step(VolumeHistory(T0, T0, 0, 5, (5 * 10_000,) * MINUTES_PER_DAY))
    for second in range(0, round(minutes * 60), 6):
        made.step(trade(second, 8_000, quantity=2_000))
    return made


def test_busyness_is_known_when_half_an_hour_was_watched() -> None:
    """Twice the usual, as soon as there is half an hour to compare; one before."""
    now = T0 + 29 * NS_PER_MINUTE
    assert watched(29).market.busyness(0, now) == 1.0
    assert watched(31).market.busyness(0, T0 + 31 * NS_PER_MINUTE) == pytest.approx(2.0, rel=0.02)
    assert watched(31).market.busyness(1, T0 + 31 * NS_PER_MINUTE) == 1.0
