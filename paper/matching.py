"""How orders are taken, triggered, matched and rested.

An arriving order trades by price, then by time, with the tape's market (see ``paper.liquidity``) and with the
resting orders of all clients. A resting order fills as maker at its own price, in three ways:

    another client's order arrives and crosses it
    the tape prints there     at its price what is left after its queue (see ``paper.queue``); through its price
                              all of it, or with a book at most the printed quantity; a candle's point fills all
    the tape's book crosses   what the other side shows at its price or beyond it; that is then taken
"""

from __future__ import annotations

from bot.domain.errors import InputError
from bot.domain.events import Liquidity, OrderRejected
from bot.domain.order import OrderRequest, OrderStatus, Side, TimeInForce
from paper import conditional, queue
from paper.admission import Refusal, refusal, refusal_at_trigger
from paper.booking import enter_trade, fillable, settle
from paper.crossing import facing_orders, reach, resting
from paper.exchange import Exchange
from paper.liquidity import Piece, Supply, facing
from paper.orders import end, report_open, report_trigger
from paper.selftrade import MAKER_EXPIRES, TAKER_EXPIRES
from paper.state import Account, GoodUntil, Order
from paper.status import is_paused


def submit(exchange: Exchange, account: Account, request: OrderRequest) -> None:
    """Take an order that arrives now."""
    refused = refusal(exchange, account, request)
    if refused is not None:
        exchange.report(
            OrderRejected(exchange.told, account.index, request.name, refused.code, refused.detail)
        )
        return
    _admit(exchange, account, request, is_outside=False)


def submit_outside(exchange: Exchange, account: Account, request: OrderRequest) -> Refusal | None:
    """Take an order that somebody else places for the account; return why not where it is refused."""
    refused = refusal(exchange, account, request)
    if refused is None:
        _admit(exchange, account, request, is_outside=True)
    return refused


def start_orders(exchange: Exchange, index: int) -> None:
    """Let outsiders' orders rest that do so from the first price of an instrument on.

    Raises InputError when the venue refuses one.
    """
    for account in exchange.state.accounts:
        for request in [each for each in account.starting_orders if each.key.instrument == index]:
            account.starting_orders.remove(request)
            refused = submit_outside(exchange, account, request)
            if refused is not None:
                symbol = exchange.instruments[index].symbol
                raise InputError(
                    f"account {account.index}: the venue refuses the {request.side.value} order in {symbol} that is to "
                    f"rest from the start, was {refused.code} {refused.detail} Change it, or leave it out"
                )


def _admit(exchange: Exchange, account: Account, request: OrderRequest, *, is_outside: bool) -> None:
    rank = _next_rank(exchange)
    order = Order(request, rank, arrived=exchange.at, number=rank, is_outside=is_outside)
    report_open(exchange, account, order)
    if request.trigger_price is None:
        _enter(exchange, account, order)
    else:
        account.conditional[request.name] = order
    if order.status.can_fill and request.good_until is not None:
        exchange.schedule(max(request.good_until, exchange.at), GoodUntil(account.index, request.name))


def trigger(exchange: Exchange, index: int) -> None:
    """Send the conditional orders of an instrument whose price has come.

    One that would be refused now ends as expired: it was accepted once, so it cannot be rejected.
    """
    for account, order in () if is_paused(exchange, index) else conditional.reached(exchange, index):
        name = order.request.name
        if account.conditional.get(name) is not order:
            continue                 # an earlier one closed the position that it was to reduce
        del account.conditional[name]
        order.is_triggered = True
        order.rank = _next_rank(exchange)
        report_trigger(exchange, account, order)
        if refusal_at_trigger(exchange, account, order.request) is None:
            _enter(exchange, account, order)
        else:
            end(exchange, account, order, OrderStatus.EXPIRED)


def cross_by_print(exchange: Exchange, index: int, *, price: int, printed: int | None, side: int) -> None:
    """Fill what rests at or through ``price``, best price first, then oldest.

    ``printed`` is the quantity that traded there, None when it is not known; ``side`` the taker's sign, 0 when not
    known: where a queue is known, a buyer's print at the price of a resting buy is none of its business.
    """
    if is_paused(exchange, index):
        return
    market = exchange.markets[index]
    has_book = market.book is not None and market.book.is_known
    crossed = [pair for pair in resting(exchange, index) if _through(pair[1].request, price) >= 0]
    crossed.sort(key=lambda pair: (-_through(pair[1].request, price), pair[1].rank))
    left = printed
    others = 0                       # what passed at the price that is nobody's here
    for account, order in crossed:
        quantity = fillable(account, order)
        at_price = _through(order.request, price) == 0
        if at_price and order.ahead is not None and side == order.request.side.sign:
            continue
        if left is not None and (at_price or has_book):
            if at_price and order.ahead is not None:
                passing = min(left, max(0, order.ahead - others))
                left -= passing
                others += passing
                queue.advance(order, others)
            quantity = min(quantity, left)
            quantity -= quantity % exchange.instruments[index].filters.lot
            left -= quantity
        if not at_price:
            order.ahead = 0
        if quantity:
            piece = Piece(order.request.limit_price or price, quantity, modelled=not has_book)
            _fill(exchange, account, order, [piece], Liquidity.MAKER)


def cross_by_book(exchange: Exchange, index: int) -> None:
    """Fill what rests where the tape's book now shows the other side; move the rest up in its queue."""
    market = exchange.markets[index]
    waiting = resting(exchange, index)
    if not waiting or is_paused(exchange, index) or market.book is None or not market.book.is_known:
        return
    bests = {side: market.book.facing(side).best() for side in Side}
    crossed = []
    for account, order in waiting:
        best = bests[order.request.side]
        if best is not None and _through(order.request, best) >= 0:
            crossed.append((account, order))
        else:
            queue.refresh(market, order)
    crossed.sort(key=lambda pair: (-(pair[1].request.limit_price or 0) * pair[1].request.side.sign, pair[1].rank))
    for account, order in crossed:
        other = market.book.facing(order.request.side)
        quantity = min(fillable(account, order), other.within(order.request.limit_price))
        quantity -= quantity % exchange.instruments[index].filters.lot
        if quantity:
            other.take(quantity)
            piece = Piece(order.request.limit_price or 0, quantity, modelled=False)
            _fill(exchange, account, order, [piece], Liquidity.MAKER)
        queue.refresh(market, order)


def refresh_queues(exchange: Exchange, index: int) -> None:
    """Bring every resting order's place up to date with what the tape shows now."""
    for _, order in resting(exchange, index):
        queue.refresh(exchange.markets[index], order)


def _enter(exchange: Exchange, account: Account, order: Order) -> None:
    """Let an order trade on arrival; then it rests or ends."""
    request = order.request
    account.resting[request.name] = order
    if request.time_in_force is not TimeInForce.POST_ONLY:
        _take(exchange, account, order)
    if not order.status.can_fill:
        return
    if request.limit_price is None or request.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        end(exchange, account, order, OrderStatus.EXPIRED)
        return
    order.ahead = queue.shown(exchange.markets[request.key.instrument], request)


def _take(exchange: Exchange, account: Account, order: Order) -> None:
    """Trade with everything inside the order's limit, by price and time; not before the market has a price.

    Clients could trade with each other without one, but what they then hold could not be counted.
    """
    request = order.request
    if exchange.mark(request.key.instrument) is None:
        return
    supply = facing(exchange, request.key.instrument, request.side)
    limit = reach(exchange, request)
    for maker_account, maker in facing_orders(exchange, request, limit):
        at = maker.request.limit_price or 0
        if supply is not None:
            _take_supply(exchange, account, order, supply, most=supply.before(at, maker.ahead), limit=at)
        if fillable(account, order) == 0:
            return
        if maker_account is account and request.self_trade in TAKER_EXPIRES | MAKER_EXPIRES:
            if request.self_trade in MAKER_EXPIRES:
                end(exchange, account, maker, OrderStatus.EXPIRED)
            if request.self_trade in TAKER_EXPIRES:
                end(exchange, account, order, OrderStatus.EXPIRED)
                return
            continue
        quantity = min(fillable(account, order), fillable(maker_account, maker))
        if quantity:
            piece = Piece(at, quantity, modelled=False)
            enter_trade(exchange, maker_account, maker, piece, Liquidity.MAKER)
            enter_trade(exchange, account, order, piece, Liquidity.TAKER)
            settle(exchange, maker_account, maker)
            settle(exchange, account, order)
    if supply is not None:
        _take_supply(exchange, account, order, supply, most=supply.within(limit), limit=limit)


def _take_supply(
    exchange: Exchange, account: Account, order: Order, supply: Supply, *, most: int | None, limit: int | None
) -> None:
    """Trade with at most ``most`` of the tape's market; None: as much as the order may."""
    index = order.request.key.instrument
    quantity = fillable(account, order)
    quantity = quantity if most is None else min(quantity, most)
    quantity -= quantity % exchange.instruments[index].filters.lot
    if quantity == 0:
        return
    pieces = supply.take(quantity, limit)
    for _, maker in resting(exchange, index):
        for piece in pieces:
            if maker.request.side is not order.request.side and maker.request.limit_price == piece.price:
                queue.advance(maker, piece.quantity)
    _fill(exchange, account, order, pieces, Liquidity.TAKER)


def _fill(
    exchange: Exchange, account: Account, order: Order, pieces: list[Piece], liquidity: Liquidity
) -> None:
    for piece in pieces:
        enter_trade(exchange, account, order, piece, liquidity)
    settle(exchange, account, order)


def _through(request: OrderRequest, price: int) -> int:
    """Return how far ``price`` is beyond the order's limit: 0 at it, negative when it is not reached."""
    limit = request.limit_price or 0
    return limit - price if request.side is Side.BUY else price - limit


def _next_rank(exchange: Exchange) -> int:
    exchange.state.entered += 1
    return exchange.state.entered
