"""The course of one trailing stop: where it stands, and whether a price sends it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.order import Side
from paper.wire.register import Algo

RATE_UNIT = 10_000                   # callback rates are percent at 10^-2


@dataclass(slots=True)
class Trail:
    """One account's trailing stop; ``best`` is the best price since it was activated, 0 before."""

    account: int
    algo: Algo
    best: int = 0

    def is_due(self, price: int) -> bool:
        """Take in a price; return whether the order is to be sent."""
        terms = self.algo.terms
        is_sell = self.algo.request.side is Side.SELL
        if not self.best:
            reached = price >= terms.activate_price if is_sell else price <= terms.activate_price
            if terms.activate_price and not reached:
                return False
            self.best = price
        self.best = max(self.best, price) if is_sell else min(self.best, price)
        if is_sell:
            return price * RATE_UNIT <= self.best * (RATE_UNIT - terms.callback_rate)
        return price * RATE_UNIT >= self.best * (RATE_UNIT + terms.callback_rate)
