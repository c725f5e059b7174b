"""Cuts keep the net delta of an underlying where it may be: the cheapest cut must not be the hedge."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.effects import Goal, GoalKind
from bot.domain.scale import CASH_UNIT
from bot.risk.deleverage import NO_LIMITS, plan_cuts
from bot.risk.delta_limit import DeltaLimit
from bot.risk.holding import Holding
from tests.risk.books import holding

LEVERAGE = Goal(GoalKind.LEVERAGE, 2.0)
# A long of one coin, most of it hedged by another contract, and a larger short of something else.
LONG = holding(1_000, mark=8_000.0, base="BTC", index=0)
HEDGE = holding(-900, mark=8_000.0, base="BTC", index=1)
OTHER = holding(-60_000, mark=200.0, base="ETH", index=2)
BOOK = (LONG, HEDGE, OTHER)


def cost_of(place: int, quantity: int) -> float:
    """The hedge is the cheapest of all to sell."""
    return quantity * (1.0 if place == 1 else 1_000.0)


def delta(book: Sequence[Holding], keeps: Sequence[int], base: str = "BTC") -> float:
    return sum(
        keep * (1 if each.quantity > 0 else -1) / 1_000
        for each, keep in zip(book, keeps, strict=True) if each.instrument.base == base
    )


def cut(limits: dict[str, DeltaLimit], goal: Goal = LEVERAGE) -> tuple[int, ...]:
    held = [abs(each.quantity) for each in BOOK]
    plan = plan_cuts(
        goal, 10_000 * CASH_UNIT, BOOK, cost_of, keeps=held, lowest=[0] * 3, deltas=limits or NO_LIMITS
    )
    assert plan.reached
    return plan.keeps


def test_cut_of_the_hedge_is_the_cheapest_where_nothing_limits_the_delta() -> None:
    """What the limit is for: the book would be left with 0.7 of a coin that was hedged."""
    assert delta(BOOK, cut({})) > 0.5


@pytest.mark.parametrize(("band", "most"), [(0.0, 0.1), (0.05, 0.1), (0.3, 0.3)])
def test_cuts_leave_a_delta_inside_its_band_or_where_it_was(band: float, most: float) -> None:
    """A tenth of a coin is open now. Less than that is no band; three tenths may be opened by cheap cuts, no more."""
    keeps = cut({"BTC": DeltaLimit(0, round(band * CASH_UNIT))})
    assert abs(delta(BOOK, keeps)) <= most + 0.001
    assert (keeps[1] < 900) is (band > 0.1)


def test_coins_count_as_what_the_short_hedges() -> None:
    """One coin in the wallet and one short is a delta of nothing: the short stays, though it is all the book."""
    short = holding(-1_000, mark=8_000.0, base="BTC")
    plan = plan_cuts(
        LEVERAGE, 1_000 * CASH_UNIT, (short,), lambda _place, _quantity: 0.0, keeps=[1_000], lowest=[0],
        deltas={"BTC": DeltaLimit(CASH_UNIT, 0)},
    )
    assert plan.keeps == (1_000,) and not plan.reached


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    sizes=st.lists(st.integers(-3_000, 3_000).filter(lambda size: abs(size) > 20), min_size=2, max_size=5),
    coins=st.integers(-2_000, 2_000), band=st.integers(0, 1_000), kind=st.sampled_from([
        GoalKind.LEVERAGE, GoalKind.MARGIN_RATIO, GoalKind.LIQUIDATION_DISTANCE,
    ]), target=st.floats(0.01, 0.5),
)
def test_no_plan_carries_a_delta_past_its_limit(
    sizes: list[int], coins: int, band: int, kind: GoalKind, target: float
) -> None:
    """However the goal is reached, or is not: |delta| is at most the band or what it was, and one lot."""
    book = [holding(size, mark=8_000.0, index=place) for place, size in enumerate(sizes)]
    held = [abs(each.quantity) for each in book]
    goal = Goal(kind, 1 + 10 * target if kind is GoalKind.LEVERAGE else target)
    limit = DeltaLimit(coins * CASH_UNIT // 1_000, band * CASH_UNIT // 1_000)
    plan = plan_cuts(
        goal, 3_000 * CASH_UNIT, book, lambda place, quantity: float(quantity * (place + 1)), keeps=held,
        lowest=[0] * len(book), deltas={"BTC": limit},
    )
    before, after = (coins / 1_000 + delta(book, keeps) for keeps in (held, plan.keeps))
    assert abs(after) <= max(band / 1_000, abs(before)) + 0.0011
