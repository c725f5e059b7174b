"""Between which prices nothing can happen: what lets the venue pass over most prints with one comparison.

A print strictly between ``low`` and ``high`` of its market reaches no resting order and no watched trigger, and
leaves every account above its maintenance margin and its margin call; the same for a mark between ``mark_low`` and
``mark_high``. Without a mark tape the last price is the mark, and the first pair holds for both.
"""

from __future__ import annotations

from bot.domain.order import Side
from paper import collateral
from paper.conditional import narrow
from paper.exchange import Exchange
from paper.margin import pools, quiet_range, slack
from paper.state import NEVER, Market


def settle_quiet_ranges(exchange: Exchange) -> None:
    """Recompute the ranges of every market; a market without a price, or priced by its book alone, has none."""
    markets = exchange.markets
    for market in markets:
        market.low = market.mark_low = 0
        is_open = market.last is not None and (market.has_prints or market.book is None)
        market.high = market.mark_high = NEVER if is_open else 0
    for account in exchange.state.accounts:
        for pool in pools(exchange, account):
            wallets = collateral.moving(exchange, account) if pool.takes_all_wallets else []
            share = slack(exchange, pool) // (len(pool.holdings) + len(wallets))
            for holding in pool.holdings:
                _narrow(markets[holding.key.instrument], *quiet_range(exchange, pool, holding, share))
            for index, amount in wallets:
                _narrow(markets[index], *collateral.quiet_range(exchange, index, amount, share))
        for order in account.resting.values():
            market = markets[order.request.key.instrument]
            limit = order.request.limit_price or 0
            if order.request.side is Side.BUY:
                market.low = max(market.low, limit)
            else:
                market.high = min(market.high, limit)
        for waiting in account.conditional.values():
            narrow(markets[waiting.request.key.instrument], waiting.request)


def _narrow(market: Market, low: int, high: int) -> None:
    if market.mark is None:
        market.low, market.high = max(market.low, low), min(market.high, high)
    market.mark_low, market.mark_high = max(market.mark_low, low), min(market.mark_high, high)
