"""Between which prices nothing can happen: what lets the venue pass over most prints with one comparison.

A print strictly between ``low`` and ``high`` of its market reaches no resting order and no watched trigger, and
leaves every account above its maintenance margin; the same for a mark between ``mark_low`` and ``mark_high``.
Without a mark tape the last price is the mark, and the first pair holds for both.
"""

from __future__ import annotations

from bot.domain.order import Side
from paper.exchange import Exchange
from paper.margin import quiet_range, totals
from paper.state import NEVER


def settle_quiet_ranges(exchange: Exchange) -> None:
    """Recompute the ranges of every market; a market without a price has none."""
    markets = exchange.markets
    for market in markets:
        market.low = market.mark_low = 0
        market.high = market.mark_high = 0 if market.last is None else NEVER
    for account in exchange.state.accounts:
        now = totals(exchange, account)
        for holding in account.holdings:
            market = markets[holding.key.instrument]
            low, high = quiet_range(exchange, account, holding, now.equity - now.maintenance)
            if market.mark is None:
                market.low, market.high = max(market.low, low), min(market.high, high)
            market.mark_low, market.mark_high = max(market.mark_low, low), min(market.mark_high, high)
        for order in account.resting.values():
            market = markets[order.request.key.instrument]
            limit = order.request.limit_price or 0
            if order.request.side is Side.BUY:
                market.low = max(market.low, limit)
            else:
                market.high = min(market.high, limit)
