"""What an arriving order crosses: how far it reaches, whom it meets there, and how much there is."""

from __future__ import annotations

from decimal import Decimal
from math import ceil, floor

from bot.domain.order import OrderRequest, SelfTrade, Side
from paper.booking import fillable, reduces
from paper.exchange import Exchange
from paper.holdings import closes_only
from paper.liquidity import facing
from paper.state import Account, Order


def reach(exchange: Exchange, request: OrderRequest) -> int | None:
    """Return the worst price at which the order trades; of a market order the end of the venue's price band."""
    if request.limit_price is not None:
        return request.limit_price
    filters = exchange.instruments[request.key.instrument].filters
    mark = exchange.mark(request.key.instrument)
    if mark is None:
        return None
    if request.side is Side.BUY:
        return None if filters.price_up is None else floor(Decimal(mark) * filters.price_up)
    return None if filters.price_down is None else ceil(Decimal(mark) * filters.price_down)


def resting(exchange: Exchange, index: int) -> list[tuple[Account, Order]]:
    """Return every client's resting orders in an instrument."""
    return [
        (account, order)
        for account in exchange.state.accounts
        for order in account.resting.values()
        if order.request.key.instrument == index
    ]


def facing_orders(exchange: Exchange, request: OrderRequest, limit: int | None) -> list[tuple[Account, Order]]:
    """Return the resting orders that ``request`` may trade with, best price first, then oldest."""
    sign = request.side.sign
    found = [
        (account, order)
        for account, order in resting(exchange, request.key.instrument)
        if order.request.side is not request.side
        and (limit is None or (limit - (order.request.limit_price or 0)) * sign >= 0)
    ]
    return sorted(found, key=lambda pair: ((pair[1].request.limit_price or 0) * sign, pair[1].rank))


def touch(exchange: Exchange, request: OrderRequest) -> int | None:
    """Return the best price that the order meets, of the tape's market or of another client's order."""
    supply = facing(exchange, request.key.instrument, request.side)
    asked = [] if supply is None else [supply.touch()]
    asked += [order.request.limit_price for _, order in facing_orders(exchange, request, None)[:1]]
    prices = [price for price in asked if price is not None]
    return min(prices, key=lambda price: price * request.side.sign, default=None)


def fills_whole(exchange: Exchange, account: Account, request: OrderRequest) -> bool:
    """True when all that the order may fill is there; a reduce-only one may fill no more than the position.

    The account's own resting orders count only where it lets them trade with each other.
    """
    wanted = min(request.quantity, reduces(account, request)) if closes_only(request) else request.quantity
    limit = reach(exchange, request)
    supply = facing(exchange, request.key.instrument, request.side)
    within = 0 if supply is None else supply.within(limit)
    if within is None:
        return True
    for maker_account, maker in facing_orders(exchange, request, limit):
        if maker_account is not account or request.self_trade is SelfTrade.ALLOW:
            within += fillable(maker_account, maker)
    return within >= wanted
