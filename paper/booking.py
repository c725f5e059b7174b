"""What one trade does to an account, to the venue's ledger and to the order; and what follows from it."""

from __future__ import annotations

from bot.domain.events import Liquidity
from bot.domain.order import OrderRequest, OrderStatus
from paper.exchange import Exchange
from paper.fees import fee_of
from paper.holdings import book, closes_only, quantity_held
from paper.liquidation import cover_deficit, liquidate
from paper.liquidity import Piece
from paper.orders import end, report_fill
from paper.state import Account, Execution, Order


def reduces(account: Account, request: OrderRequest) -> int:
    """Return how much of the position the order's side can close: 0 when flat or on the same side."""
    held = quantity_held(account, request.key)
    return max(0, -held * request.side.sign)


def fillable(account: Account, order: Order) -> int:
    """Return what may fill: a reduce-only order never more than the position it reduces."""
    if not order.status.can_fill:
        return 0
    return min(order.leaves, reduces(account, order.request)) if closes_only(order.request) else order.leaves


def enter_trade(exchange: Exchange, account: Account, order: Order, piece: Piece, liquidity: Liquidity) -> None:
    """Enter one trade and tell of it; ``settle`` must follow once all trades of the moment are entered."""
    request = order.request
    instrument = exchange.instruments[request.key.instrument]
    value = instrument.value(price=piece.price, quantity=piece.quantity)
    fee = fee_of(exchange, account, value=value, liquidity=liquidity)
    signed = piece.quantity * request.side.sign
    book(exchange, account, request.key, signed=signed, price=piece.price, fee=fee)
    execution = Execution(
        exchange.next_trade_id(), exchange.fill_stamp(account), piece.price, piece.quantity, fee, liquidity,
        piece.modelled,
    )
    order.executions.append(execution)
    order.filled += piece.quantity
    report_fill(exchange, account, order, execution)


def settle(exchange: Exchange, account: Account, order: Order) -> None:
    """End what a trade has completed or left without a position, and judge the account.

    Reduce-only orders that have nothing left to reduce end, waiting ones too, as at the venue.
    """
    if order.status.can_fill and order.leaves == 0:
        end(exchange, account, order, OrderStatus.FILLED)
    for other in [*account.resting.values(), *account.conditional.values()]:
        if closes_only(other.request) and reduces(account, other.request) == 0:
            end(exchange, account, other, OrderStatus.EXPIRED)
    cover_deficit(exchange, account)
    liquidate(exchange, account)
