"""How accounts begin: their balances at once, their positions with the first price of each instrument."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.errors import ContractError
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import CASH_UNIT
from paper.exchange import Exchange
from paper.holdings import book
from paper.outside import starting_order
from paper.spec import AccountStart, AssetMode, PositionMode, VenueSpec
from paper.state import Account, Starting

LEGS = {
    PositionMode.ONE_WAY: (PositionSide.NET,),
    PositionMode.HEDGE: (PositionSide.LONG, PositionSide.SHORT),
}


def open_account(spec: VenueSpec, start: AccountStart, instruments: Sequence[Instrument]) -> Account:
    """Return the account as it is before the first price; raises ContractError when the venue cannot hold it."""
    where = f"account {start.account}"
    if start.asset_mode is AssetMode.MULTI:
        _require_multi_assets(where, spec, start, instruments)
    for position in start.positions:
        _require_leg(where, start, position.side, position.quantity, instruments[position.instrument].symbol)
    wallets = {start.asset: start.balance}
    for balance in start.balances:
        wallets[balance.asset] = wallets.get(balance.asset, 0) + balance.amount
    return Account(
        index=start.account,
        asset=start.asset,
        wallets=wallets,
        leverage=start.leverage,
        position_mode=start.position_mode,
        asset_mode=start.asset_mode,
        leverages=dict(start.leverages),
        isolated=[each.index for each in instruments if start.mode_of(each.index) is MarginMode.ISOLATED],
        starting=[
            Starting(
                PositionKey(start.account, position.instrument, position.side, start.mode_of(position.instrument)),
                position.quantity,
                position.entry_price,
            )
            for position in start.positions
            if position.quantity
        ],
        starting_orders=[starting_order(start, number, order) for number, order in enumerate(start.orders, 1)],
    )


def start_positions(exchange: Exchange, index: int, price: int) -> None:
    """Enter the positions that accounts start with in an instrument whose first price is ``price``."""
    for account in exchange.state.accounts:
        for starting in [start for start in account.starting if start.key.instrument == index]:
            account.starting.remove(starting)
            entry = price if starting.entry_price is None else starting.entry_price
            book(exchange, account, starting.key, signed=starting.quantity, price=entry, fee=0)


def backs_with_all_wallets(spec: VenueSpec, asset: str, instrument: Instrument) -> bool:
    """True when an account of multi-assets mode with ``asset`` first may hold an instrument.

    Only linear contracts are in that mode, as at Binance; and what they settle in must count in full at a fixed
    price, so that a profit is worth the same whichever way the balance stands.
    """
    if instrument.kind is not InstrumentKind.LINEAR:
        return False
    terms = spec.collateral.get(instrument.settle)
    return instrument.settle == asset or (
        terms is not None and terms.instrument is None and terms.rate == 1.0 and terms.price >= CASH_UNIT // 2
    )


def _require_leg(where: str, start: AccountStart, side: PositionSide, quantity: int, symbol: str) -> None:
    if side not in LEGS[start.position_mode]:
        raise ContractError(
            f"{where}: a position of {symbol} is {side.value}, but the account is in "
            f"{start.position_mode.value} mode; give the other side or mode"
        )
    if (side is PositionSide.LONG and quantity < 0) or (side is PositionSide.SHORT and quantity > 0):
        raise ContractError(
            f"{where}: the {side.value} leg of {symbol} has the wrong sign, was {quantity}; turn the sign"
        )


def _require_multi_assets(
    where: str, spec: VenueSpec, start: AccountStart, instruments: Sequence[Instrument]
) -> None:
    """Refuse what multi-assets mode does not know: isolated margin, inverse positions, unstable settlement assets."""
    if MarginMode.ISOLATED in (start.mode, *start.modes.values()):
        raise ContractError(f"{where}: multi-assets mode knows cross margin only, was isolated; choose one")
    for position in start.positions:
        instrument = instruments[position.instrument]
        if not backs_with_all_wallets(spec, start.asset, instrument):
            raise ContractError(
                f"{where}: {instrument.symbol} cannot be held in multi-assets mode; hold linear contracts that settle "
                f"in {start.asset}, or in an asset with a fixed price that counts in full"
            )
