"""What the simulated accounts start with, as far as the configuration alone can tell: before any tape is read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.app.config import AccountSpec, Config
from bot.domain.scale import CASH_DIGITS, CASH_UNIT, to_fixed_rounded
from bot.risk.binance_tiers import tier_table
from bot.risk.levels import Single
from bot.risk.tiers import TierTable


@dataclass(frozen=True, slots=True)
class KnownPosition:
    """A starting position whose price is written; ``value`` is signed, cash."""

    symbol: str
    amount: Decimal
    price: Decimal
    value: int

    @property
    def base(self) -> str:
        return base_of(self.symbol)

    @property
    def table(self) -> TierTable:
        return tier_table(self.base)


@dataclass(frozen=True, slots=True)
class Start:
    """One account: its cash, the positions with a price, and the symbols of those that wait for the tape's first."""

    name: str
    equity: int
    positions: tuple[KnownPosition, ...]
    unpriced: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """True when there is a book and all of it is priced."""
        return bool(self.positions) and not self.unpriced


def base_of(symbol: str) -> str:
    """Return the base currency of a symbol."""
    return symbol.partition("/")[0]


def start_of(name: str, account: AccountSpec) -> Start:
    """Return what an account starts with, positions at their entry."""
    positions = []
    unpriced = []
    for symbol, position in account.paper.positions.items():
        if position.entry_price == "first":
            unpriced.append(symbol)
            continue
        value = to_fixed_rounded(position.amount * position.entry_price, CASH_DIGITS)
        positions.append(KnownPosition(symbol, position.amount, position.entry_price, value))
    cash = sum(account.paper.balances.values(), Decimal(0))
    return Start(name, to_fixed_rounded(cash, CASH_DIGITS), tuple(positions), tuple(unpriced))


def singles_of(config: Config) -> tuple[Single, ...]:
    """Return the positions that rules may find, each alone: those that are known, else a small long of each market."""
    singles: list[Single] = []
    for name, account in config.accounts.items():
        known = {position.symbol: position for position in start_of(name, account).positions}
        for symbol in account.instruments:
            value = known[symbol].value if symbol in known else CASH_UNIT
            singles.append(Single(tier_table(base_of(symbol)), value or CASH_UNIT))
    return tuple(singles)
