"""Conditional orders: they wait at the venue for a price, and then are ordinary orders of the same name.

    kind          a sell is triggered   a buy is triggered
    STOP          at or below           at or above
    TAKE_PROFIT   at or above           at or below

The price is the mark or the last one, as the order says; where the tape carries no marks, the last price is the
mark. Waiting costs no margin and takes no place in a queue. One price can reach several: the one that it passed
first, coming from the other side, goes first, then the oldest. A reduce-only one closes at most the position,
however large it was made, and ends with it.

Source: Binance USD-M futures API, "New Order" and "New Algo Order": conditions by ``workingType``.
"""

from __future__ import annotations

from bot.domain.order import OrderRequest, Side, TriggerBy, TriggerKind
from paper.exchange import Exchange
from paper.state import Account, Market, Order


def waits_above(request: OrderRequest) -> bool:
    """True when the price must rise to the trigger, False when it must fall."""
    return (request.side is Side.BUY) == (request.trigger_kind is TriggerKind.STOP)


def is_reached(exchange: Exchange, request: OrderRequest) -> bool:
    """True when the price that the order watches stands at its trigger or beyond."""
    price = _watched(exchange, request)
    trigger = request.trigger_price
    if price is None or trigger is None:
        return False
    return price >= trigger if waits_above(request) else price <= trigger


def reached(exchange: Exchange, index: int) -> list[tuple[Account, Order]]:
    """Return the waiting orders of an instrument whose price has come, the one passed first at the front."""
    found = [
        (account, order)
        for account in exchange.state.accounts
        for order in account.conditional.values()
        if order.request.key.instrument == index and is_reached(exchange, order.request)
    ]
    return sorted(found, key=lambda pair: (-_beyond(exchange, pair[1].request), pair[1].rank))


def narrow(market: Market, request: OrderRequest) -> None:
    """Take the order's trigger into the range in which prices may move unnoticed."""
    trigger = request.trigger_price or 0
    by_mark = request.trigger_by is TriggerBy.MARK
    if waits_above(request):
        if by_mark:
            market.mark_high = min(market.mark_high, trigger)
        if not by_mark or market.mark is None:
            market.high = min(market.high, trigger)
        return
    if by_mark:
        market.mark_low = max(market.mark_low, trigger)
    if not by_mark or market.mark is None:
        market.low = max(market.low, trigger)


def _watched(exchange: Exchange, request: OrderRequest) -> int | None:
    index = request.key.instrument
    return exchange.mark(index) if request.trigger_by is TriggerBy.MARK else exchange.markets[index].last


def _beyond(exchange: Exchange, request: OrderRequest) -> int:
    return abs((_watched(exchange, request) or 0) - (request.trigger_price or 0))
