"""Auto-deleveraging: who takes a bankrupt position over when the insurance fund cannot.

Holders of the opposite side are ranked, and closed at the bankruptcy price of the liquidated order, without a fee,
until it is filled:

    score   profit ratio x effective leverage    when in profit
            profit ratio / effective leverage    when not
    profit ratio = profit / entry value;  effective leverage = value at mark / equity behind the position

Source: Binance FAQ "What Is Auto-Deleveraging (ADL) and How Does It Work" (ranked by profit and leverage; open
orders of the contract are cancelled); the formula as BitMEX prints it in "What is Auto-Deleveraging", both read 2024.

The accounts simulated here are a handful among many. Those in profit are taken first, in their order: whoever
tests with this venue meets ADL whenever he could. The rest of the market, always deep enough, takes what is left.
"""

from __future__ import annotations

from fractions import Fraction

from bot.domain.account import PositionKey
from bot.domain.events import FillOrigin, Liquidity, OrderFilled
from bot.domain.order import OrderStatus, Side
from paper.exchange import Exchange
from paper.holdings import book
from paper.margin import pool_totals, pools, unrealised, value_at_mark
from paper.orders import end
from paper.state import Account, Holding

NAME_PREFIX = "adl_autoclose"        # Binance names such orders so


def profit_ratio(*, profit: int, entry_value: int) -> Fraction:
    """Return profit over entry value, both cash, the value unsigned."""
    return Fraction(profit, entry_value)


def effective_leverage(*, mark_value: int, equity: int) -> Fraction:
    """Return what is held over the equity behind it; ``mark_value`` unsigned, ``equity`` above 0."""
    return Fraction(mark_value, equity)


def score(ratio: Fraction, leverage: Fraction) -> Fraction:
    """Return the rank of a position from its profit ratio and effective leverage; the highest goes first."""
    return ratio * leverage if ratio > 0 else ratio / leverage


def queue(exchange: Exchange, index: int, side: Side) -> list[tuple[Account, Holding]]:
    """Return the winning holdings of an instrument that an order of ``side`` can be closed against, first one first."""
    ranked: list[tuple[Fraction, int, Account, Holding]] = []
    for account in exchange.state.accounts:
        for pool in pools(exchange, account):
            equity = pool_totals(exchange, pool).equity
            for holding in pool.holdings:
                profit = unrealised(exchange, holding)
                is_other_side = holding.quantity * side.sign > 0     # who is short buys from whom is sold out
                if holding.key.instrument != index or not is_other_side or min(profit, equity) <= 0:
                    continue         # without equity it is about to be liquidated itself
                rank = score(
                    profit_ratio(profit=profit, entry_value=max(1, abs(holding.entry_value))),
                    effective_leverage(mark_value=abs(value_at_mark(exchange, holding)), equity=equity),
                )
                ranked.append((-rank, len(ranked), account, holding))
    return [(account, holding) for _, _, account, holding in sorted(ranked, key=lambda each: each[:2])]


def deleverage(exchange: Exchange, key: PositionKey, *, side: Side, quantity: int, price: int) -> list[Account]:
    """Close winners against an order of ``side`` at ``price``; return the accounts that were touched."""
    touched: list[Account] = []
    for account, holding in queue(exchange, key.instrument, side):
        if quantity == 0:
            break
        for order in [*account.resting.values(), *account.conditional.values()]:
            if order.request.key.instrument == key.instrument:
                end(exchange, account, order, OrderStatus.CANCELED)
        taken = min(quantity, abs(holding.quantity))
        quantity -= taken
        opposite = Side.BUY if side is Side.SELL else Side.SELL
        _close(exchange, account, holding.key, side=opposite, price=price, quantity=taken)
        touched.append(account)
    return touched


def _close(
    exchange: Exchange, account: Account, key: PositionKey, *, side: Side, price: int, quantity: int
) -> None:
    book(exchange, account, key, signed=quantity * side.sign, price=price, fee=0)
    exchange.state.autocloses += 1
    exchange.tell(
        account,
        OrderFilled(
            now=exchange.told,
            stamp=exchange.fill_stamp(account),
            account=account.index,
            name=f"{NAME_PREFIX}-{exchange.state.autocloses}",
            trade_id=exchange.next_trade_id(),
            key=key,
            side=side,
            price=price,
            quantity=quantity,
            fee=0,
            liquidity=Liquidity.TAKER,
            origin=FillOrigin.ADL,
            modelled=True,
        ),
    )
