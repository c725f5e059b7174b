"""What a sale may lose in all against its arrival price, and what happens when it has.

The collar follows the mark, and the mark follows our own selling; the budget does not. Past it a cost parent pauses
and its rest is reported. A margin parent goes on while that costs less than what it would escape: being liquidated
costs the venue's fee and the whole distance that is left. What was lost already is gone either way.
"""

from __future__ import annotations

from bot.domain.effects import PauseParent, RaiseAlarm, Relaxation
from bot.domain.scale import NS_PER_SECOND, to_text
from bot.engine.deciding.duties import class_of, slippage_budget
from bot.engine.desk import Desk
from bot.engine.record.book import Parent
from bot.engine.selling.relaxing import Relaxing
from bot.execution.ladder import may_relax

# Binance USD-M "Liquidation Clearance Fee" by symbol, 0.01 to 0.02 of notional (read 2026-11); BTCUSDT's, as few know
# theirs until exchangeInfo's liquidationFee reaches the instrument.
LIQUIDATION_FEE = 0.0125
COMPARE_AGAIN = 5 * NS_PER_SECOND    # as often as a plan is looked at anew


class Budgets:
    """Watches the slippage of one engine's parents."""

    def __init__(self, desk: Desk, relaxing: Relaxing) -> None:
        self.desk = desk
        self.relaxing = relaxing

    def holds_back(self, parent: Parent, now: int) -> bool:
        """Say whether a parent must stop for now; the decision is journaled when it is made, either way."""
        budget = slippage_budget(parent, self.desk.limits)
        whole = parent.arrival_price * parent.quantity
        spent = parent.spent / whole if whole else 0.0
        if spent <= budget * (1 << parent.budget_level) or parent.filled >= parent.quantity:
            return False
        lost = f"lost {spent:.2%} of its arrival value, its budget is {budget:.2%}"
        if not may_relax(class_of(parent)):
            self._pause(parent, lost, now)
            return True
        going_on = self._cost(parent, now)
        penalty = self._penalty(parent)
        compared = f"{lost}; going on costs about {going_on:.2%}, liquidation {_percent(penalty)}"
        if penalty is not None and going_on > penalty:
            self._pause(parent, compared, now)
            self.desk.timers.set(self.desk.layout.keys[parent.position].account, now + COMPARE_AGAIN)
            return True
        level = parent.budget_level + 1
        while spent > budget * (1 << level):
            level += 1
        self.relaxing.step(parent, Relaxation.BUDGET, level, compared, now)
        return False

    def _cost(self, parent: Parent, now: int) -> float:
        """Return what the rest is expected to cost, a fraction: never more than the collar lets it."""
        desk = self.desk
        key = desk.layout.keys[parent.position]
        mark = desk.columns.mark[key.instrument]
        assert mark is not None, "a parent without a mark is not worked on"
        liquidity = desk.market.liquidity(
            key.instrument, price=mark, fee=desk.layout.accounts[key.account].taker_fee, now=now
        )
        slipping = liquidity.half_spread + liquidity.impact(parent.quantity - parent.filled)
        return min(slipping, self.relaxing.collar(parent)) + liquidity.fee

    def _penalty(self, parent: Parent) -> float | None:
        """Return what liquidation would cost, a fraction, or None where the distance cannot be known."""
        columns = self.desk.columns
        if not columns.known[self.desk.layout.keys[parent.position].account]:
            return None
        return LIQUIDATION_FEE + columns.distance_at(parent.position)

    def _pause(self, parent: Parent, why: str, now: int) -> None:
        if parent.paused is not None:
            return
        residual = parent.quantity - parent.filled
        self.desk.emit(PauseParent(parent.name, residual, why, now))
        digits = self.desk.layout.instrument_of(parent.position).quantity_digits
        label = self.desk.layout.position_label(self.desk.layout.keys[parent.position])
        self.desk.emit(
            RaiseAlarm("slippage_budget_spent", f"{label}: {why}; {to_text(residual, digits)} not sold", now)
        )


def _percent(fraction: float | None) -> str:
    return "cannot be known" if fraction is None else f"{fraction:.2%}"
