"""What a deleverage leaves of a book in balance: found by ``python -m bench.pairs``, leverage_cap in market 74."""

from __future__ import annotations

from bot.domain.effects import Goal, GoalKind
from bot.risk.deleverage import plan_cuts
from tests.risk.books import holding, sizes, usdt

# Short BTC and long ETH for 10,730 and 10,713 USDT with 4,876 of equity: leverage is 4.398.
BOOK = [holding(-1_215, mark=8_831.29), holding(48_767, mark=219.68, base="ETH", index=1)]


def test_plan_cuts_of_a_balanced_book_leaves_no_more_net_than_a_lot() -> None:
    """Only the heavier side is cut, so that a book in balance shrinks evenly: to the lot, not to the slice."""
    goal = Goal(GoalKind.LEVERAGE, 4.0)
    plan = plan_cuts(goal, usdt(4_876), BOOK, lambda _place, _quantity: 0.0, keeps=sizes(BOOK), lowest=[0, 0])
    assert plan.reached
    before = abs(sum(held.value for held in BOOK))
    after = abs(sum(
        held.instrument.value(price=held.mark, quantity=keep if held.quantity > 0 else -keep)
        for held, keep in zip(BOOK, plan.keeps, strict=True)
    ))
    assert after <= before + BOOK[0].instrument.value(price=BOOK[0].mark, quantity=1)
