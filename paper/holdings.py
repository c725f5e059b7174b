"""Positions at average cost, and the one place where a fill moves cash.

An isolated position has its own wallet. Opening moves initial margin into it (notional / leverage, rounded up);
closing a share of the position gives that share of the wallet back (rounded down), with the realised profit, to the
account's wallet, which also pays the fees. Binance's pages say no more than that.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.instrument import Instrument
from bot.domain.order import OrderRequest, Side
from paper.exchange import Exchange
from paper.state import Account, Holding


@dataclass(frozen=True, slots=True)
class Traded:
    """What one trade did to a position, cash: realised profit, margin given back, and what was closed and opened."""

    profit: int
    released: int
    closed: int                      # value at the trade's price, unsigned
    opened: int


def find(account: Account, key: PositionKey) -> Holding | None:
    """Return what the account holds under ``key``, or None when it is flat."""
    for holding in account.holdings:
        if holding.key == key:
            return holding
    return None


def quantity_held(account: Account, key: PositionKey) -> int:
    """Return the signed quantity under ``key``; 0 when flat."""
    holding = find(account, key)
    return 0 if holding is None else holding.quantity


def closes_only(request: OrderRequest) -> bool:
    """True when an order can never open: it says so, or its side is the one that closes its leg."""
    closing = {PositionSide.LONG: Side.SELL, PositionSide.SHORT: Side.BUY}.get(request.key.side)
    return request.reduce_only or request.side is closing


def direction(instrument: Instrument) -> int:
    """Return +1 when a holding gains as its value rises (linear), -1 when it loses (inverse)."""
    return instrument.profit(entry_value=0, value=1)


def trade(account: Account, key: PositionKey, instrument: Instrument, *, signed: int, price: int) -> Traded:
    """Change a position by a signed quantity and return what that did.

    Closing takes its share of the entry value with it, rounded towards zero; the rest of a trade that
    goes through zero opens the other side. A flat position is no longer in the list.
    """
    holding = find(account, key)
    if holding is None:
        holding = Holding(key, 0, 0)
        account.holdings.append(holding)
    held = holding.quantity
    closing = min(abs(held), abs(signed)) if held * signed < 0 else 0
    opening = abs(signed) - closing
    profit = released = closed = opened = 0
    if closing:
        sign = 1 if held > 0 else -1
        share = abs(holding.entry_value) * closing // abs(held) * sign
        closed = instrument.value(price=price, quantity=closing)
        profit = instrument.profit(entry_value=share, value=closed * sign)
        holding.entry_value -= share
        released = holding.margin * closing // abs(held)
        holding.margin -= released
    if opening:
        opened = instrument.value(price=price, quantity=opening)
        holding.entry_value += opened * (1 if signed > 0 else -1)
    holding.quantity = held + signed
    if holding.quantity == 0:
        account.holdings.remove(holding)
    return Traded(profit, released, closed, opened)


def book(exchange: Exchange, account: Account, key: PositionKey, *, signed: int, price: int, fee: int) -> int:
    """Let a fill change position, wallet and ledger; return the realised profit, cash."""
    instrument = exchange.instruments[key.instrument]
    traded = trade(account, key, instrument, signed=signed, price=price)
    locked = 0
    if key.mode is MarginMode.ISOLATED and traded.opened:
        locked = -(-traded.opened // account.leverage_of(key.instrument))
        opened = find(account, key)
        assert opened is not None, "what was just opened is held"
        opened.margin += locked
    account.pay(instrument.settle, traded.profit + traded.released - locked - fee)
    ledger = exchange.ledger(instrument.settle)
    ledger.fees += fee
    sign = direction(instrument) * (1 if signed > 0 else -1)
    ledger.counterparty += (traded.closed + traded.opened) * sign
    return traded.profit
