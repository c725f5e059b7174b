"""How accounts begin: their balance at once, their positions with the first price of each instrument."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.account import MarginMode, PositionKey
from bot.domain.errors import ContractError, Unsupported
from bot.domain.instrument import Instrument
from paper.exchange import Exchange
from paper.holdings import trade
from paper.spec import AccountStart
from paper.state import Account, Starting


def open_account(start: AccountStart, instruments: Sequence[Instrument]) -> Account:
    """Return the account as it is before the first price; raises when the venue cannot hold it."""
    if start.mode is not MarginMode.CROSS:
        raise Unsupported(f"account {start.account}: only cross margin is simulated yet, was {start.mode.value}")
    for position in start.positions:
        if instruments[position.instrument].settle != start.asset:
            raise ContractError(
                f"account {start.account}: holds {instruments[position.instrument].symbol}, which does not settle "
                f"in {start.asset}; open one account per settlement currency"
            )
    return Account(
        index=start.account,
        asset=start.asset,
        wallet=start.balance,
        leverage=start.leverage,
        starting=[
            Starting(PositionKey(start.account, position.instrument), position.quantity, position.entry_price)
            for position in start.positions
            if position.quantity
        ],
    )


def start_positions(exchange: Exchange, index: int, price: int) -> None:
    """Enter the positions that accounts start with in an instrument whose first price is ``price``."""
    instrument = exchange.instruments[index]
    for account in exchange.state.accounts:
        for starting in [start for start in account.starting if start.key.instrument == index]:
            account.starting.remove(starting)
            entry = price if starting.entry_price is None else starting.entry_price
            trade(account, starting.key, instrument, signed=starting.quantity, price=entry)
            exchange.state.ledger.counterparty += instrument.value(price=entry, quantity=starting.quantity)
