"""Positions at average cost."""

from __future__ import annotations

from bot.domain.account import PositionKey
from bot.domain.instrument import Instrument
from paper.state import Account, Holding


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


def trade(account: Account, key: PositionKey, instrument: Instrument, *, signed: int, price: int) -> int:
    """Change a position by a signed quantity and return the realised profit, cash.

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
    profit = 0
    if closing:
        direction = 1 if held > 0 else -1
        share = abs(holding.entry_value) * closing // abs(held) * direction
        profit = instrument.value(price=price, quantity=closing) * direction - share
        holding.entry_value -= share
    if opening:
        holding.entry_value += instrument.value(price=price, quantity=opening) * (1 if signed > 0 else -1)
    holding.quantity = held + signed
    if holding.quantity == 0:
        account.holdings.remove(holding)
    return profit
