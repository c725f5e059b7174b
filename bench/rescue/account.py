"""One account of the bench: a position opened at the open of a bar, with as much equity as its leverage leaves it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.account import PositionKey
from bot.domain.instrument import Instrument
from bot.domain.scale import CASH_UNIT
from paper.spec import AccountStart, PositionStart

ACCOUNT = 0
ASSET = "USDT"
VENUE_LEVERAGE = 20                  # of the account's setting: it bounds what may be opened, not what is held


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account has: cash at 10^-8, a signed quantity, and its signed entry value."""

    wallet: int
    quantity: int
    entry_value: int

    def value(self, instrument: Instrument, price: int) -> int:
        """Return the position's signed value at a price, cash."""
        return instrument.value(price=price, quantity=self.quantity)

    def equity(self, instrument: Instrument, price: int) -> int:
        """Return wallet plus unrealised profit at a price, cash."""
        return self.wallet + self.value(instrument, price) - self.entry_value


@dataclass(frozen=True, slots=True)
class Entry:
    """When and how an account begins: bars ``first`` to ``end`` - 1 are its horizon."""

    first: int
    end: int
    leverage: int
    price: int
    holding: Holding


def enter(
    instrument: Instrument, *, first: int, end: int, price: int, leverage: int, sign: int, notional: int
) -> Entry | None:
    """Return the entry of about ``notional`` (cash) at ``price``, in whole lots; None where that is less than one."""
    lot = instrument.filters.lot
    lots = notional // max(1, instrument.value(price=price, quantity=lot))
    quantity = sign * lots * lot
    if not quantity:
        return None
    value = instrument.value(price=price, quantity=quantity)
    return Entry(first, end, leverage, price, Holding(abs(value) // leverage, quantity, value))


def account_start(entry: Entry, instrument: Instrument) -> AccountStart:
    """Return the entry as the simulated venue opens it."""
    return AccountStart(
        account=ACCOUNT,
        asset=ASSET,
        balance=entry.holding.wallet,
        positions=(PositionStart(instrument.index, entry.holding.quantity, entry.price),),
        leverage=VENUE_LEVERAGE,
    )


def key_of(instrument: Instrument) -> PositionKey:
    """Return the one position's key."""
    return PositionKey(ACCOUNT, instrument.index)


def share(equity: int, entry: Entry) -> float:
    """Return equity over what the account began with."""
    return equity / entry.holding.wallet


def bps_of_notional(cash: int, entry: Entry) -> float:
    """Return cash in basis points of the position's value at entry."""
    return 10_000.0 * cash / abs(entry.holding.entry_value)


NOTIONAL = 100_000 * CASH_UNIT
