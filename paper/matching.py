"""How orders are taken, filled and rested.

What crosses on arrival takes from the modelled depth inside its limit. What rests fills as maker at its own
price when the tape prints there: all of it when the print is through its price, at most the printed quantity
when it is at its price (there is no queue yet; a candle's point has no quantity and fills all).
"""

from __future__ import annotations

from bot.domain.events import Liquidity, OrderAccepted, OrderRejected
from bot.domain.order import OrderRequest, OrderStatus, Side, TimeInForce
from paper.admission import reduces, refusal
from paper.exchange import Exchange, charge
from paper.holdings import book, closes_only
from paper.impact import depth, remember
from paper.liquidation import cover_deficit, liquidate
from paper.orders import end, report_fill
from paper.state import Account, Execution, GoodUntil, Order


def submit(exchange: Exchange, account: Account, request: OrderRequest) -> None:
    """Take an order that arrives now."""
    refused = refusal(exchange, account, request)
    if refused is not None:
        exchange.report(
            OrderRejected(exchange.told, account.index, request.name, refused.code, refused.detail)
        )
        return
    exchange.state.entered += 1
    order = Order(request, exchange.state.entered)
    account.resting[request.name] = order
    exchange.report(OrderAccepted(exchange.told, account.index, request.name))
    _take(exchange, account, order)
    if not order.status.can_fill:
        return
    if request.time_in_force is TimeInForce.IOC:
        end(exchange, account, order, OrderStatus.EXPIRED)
    elif request.good_until is not None:
        exchange.schedule(max(request.good_until, exchange.at), GoodUntil(account.index, request.name))


def cross_resting(exchange: Exchange, index: int, *, price: int, printed: int | None) -> None:
    """Fill what rests at or through ``price``, best price first, then oldest.

    ``printed`` is the quantity that traded there; None when it is not known.
    """
    crossed = [
        (account, order)
        for account in exchange.state.accounts
        for order in account.resting.values()
        if order.request.key.instrument == index and _through(order.request, price) >= 0
    ]
    crossed.sort(key=lambda pair: (-_through(pair[1].request, price), pair[1].rank))
    left = printed
    for account, order in crossed:
        if not order.status.can_fill:
            continue                 # an earlier fill of this print closed the position it was to reduce
        quantity = _fillable(account, order)
        if _through(order.request, price) == 0 and left is not None:
            quantity = min(quantity, left)
            quantity -= quantity % exchange.instruments[index].filters.lot
            left -= quantity
        if quantity:
            limit = order.request.limit_price or price
            _fill(exchange, account, order, price=limit, quantity=quantity, liquidity=Liquidity.MAKER)


def _through(request: OrderRequest, price: int) -> int:
    """Return how far ``price`` is beyond the order's limit: 0 at it, negative when it is not reached."""
    limit = request.limit_price or 0
    return limit - price if request.side is Side.BUY else price - limit


def _fillable(account: Account, order: Order) -> int:
    """Return what may fill: a reduce-only order never more than the position it reduces."""
    if closes_only(order.request):
        return min(order.leaves, reduces(account, order.request))
    return order.leaves


def _take(exchange: Exchange, account: Account, order: Order) -> None:
    """Fill what crosses on arrival."""
    request = order.request
    index = request.key.instrument
    instrument = exchange.instruments[index]
    market = exchange.markets[index]
    met = depth(market, instrument, exchange.spec.impact, side=request.side, now=exchange.at)
    if met is None or request.limit_price is None or request.time_in_force is TimeInForce.POST_ONLY:
        return
    quantity = min(_fillable(account, order), met.quantity_within(request.limit_price))
    quantity -= quantity % instrument.filters.lot
    if quantity == 0:
        return
    price = met.price(quantity)
    # rounding to a price unit may step over the limit by less than one unit; the venue never does
    price = min(price, request.limit_price) if request.side is Side.BUY else max(price, request.limit_price)
    remember(market, exchange.spec.impact, side=request.side, quantity=quantity, now=exchange.at)
    _fill(exchange, account, order, price=price, quantity=quantity, liquidity=Liquidity.TAKER)


def _fill(
    exchange: Exchange, account: Account, order: Order, *, price: int, quantity: int, liquidity: Liquidity
) -> None:
    request = order.request
    instrument = exchange.instruments[request.key.instrument]
    signed = quantity * request.side.sign
    value = instrument.value(price=price, quantity=quantity)
    fee = charge(value, exchange.maker_fee if liquidity is Liquidity.MAKER else exchange.taker_fee)
    book(exchange, account, request.key, signed=signed, price=price, fee=fee)
    execution = Execution(
        exchange.next_trade_id(), exchange.fill_stamp(account), price, quantity, fee, liquidity
    )
    order.executions.append(execution)
    order.filled += quantity
    report_fill(exchange, account, order, execution)
    if order.leaves == 0:
        end(exchange, account, order, OrderStatus.FILLED)
    _expire_idle_reducers(exchange, account)
    cover_deficit(exchange, account)
    liquidate(exchange, account)


def _expire_idle_reducers(exchange: Exchange, account: Account) -> None:
    """End reduce-only orders that have nothing left to reduce, as the venue does."""
    for order in list(account.resting.values()):
        if closes_only(order.request) and reduces(account, order.request) == 0:
            end(exchange, account, order, OrderStatus.EXPIRED)
