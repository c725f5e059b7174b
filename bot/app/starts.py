"""What the simulated accounts start with, as far as the configuration alone can tell: before any tape is read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.app.config import AccountSpec, Config
from bot.app.symbols import perpetual_of
from bot.domain.account import MarginMode
from bot.domain.scale import CASH_DIGITS, CASH_UNIT, to_fixed_rounded
from bot.risk.levels import Single
from bot.risk.tiers import TierTable


@dataclass(frozen=True, slots=True)
class KnownPosition:
    """A starting position, or leg, whose price is written; ``value`` is signed, cash."""

    symbol: str
    amount: Decimal
    price: Decimal
    value: int

    @property
    def base(self) -> str:
        return base_of(self.symbol)

    @property
    def table(self) -> TierTable:
        return perpetual_of(self.symbol).tiers


@dataclass(frozen=True, slots=True)
class Start:
    """One account: its cash, the positions with a price, and the symbols of those that wait for the tape's first.

    ``is_plain`` says that one sum of linear values tells where it stands: neither inverse contracts, nor isolated
    margin, nor collateral in other currencies.
    """

    name: str
    equity: int
    positions: tuple[KnownPosition, ...]
    unpriced: tuple[str, ...]
    is_plain: bool = True

    @property
    def is_known(self) -> bool:
        """True when there is a book, all of it is priced, and its margin is one plain sum."""
        return bool(self.positions) and not self.unpriced and self.is_plain


def base_of(symbol: str) -> str:
    """Return the base currency of a symbol."""
    return symbol.partition("/")[0]


def start_of(name: str, account: AccountSpec) -> Start:
    """Return what an account starts with, positions at their entry."""
    positions = []
    unpriced = []
    for symbol, position in account.paper.positions.items():
        for leg in position.legs:
            if leg.entry_price == "first":
                unpriced.append(symbol)
                continue
            value = perpetual_of(symbol).value(amount=leg.amount, price=leg.entry_price)
            positions.append(
                KnownPosition(symbol, leg.amount, leg.entry_price, to_fixed_rounded(value, CASH_DIGITS))
            )
    cash = sum(account.paper.balances.values(), Decimal(0))
    return Start(
        name, to_fixed_rounded(cash, CASH_DIGITS), tuple(positions), tuple(dict.fromkeys(unpriced)),
        is_plain=_is_plain(account),
    )


def _is_plain(account: AccountSpec) -> bool:
    return not account.collateral and not any(
        perpetual_of(symbol).is_inverse or account.paper.mode_of(symbol) is MarginMode.ISOLATED
        for symbol in account.instruments
    )


def singles_of(config: Config) -> tuple[Single, ...]:
    """Return the positions that rules may find, each alone: those that are known, else a small long of each market."""
    singles: list[Single] = []
    for name, account in config.accounts.items():
        known = {position.symbol: position for position in start_of(name, account).positions}
        for symbol in account.instruments:
            value = known[symbol].value if symbol in known else CASH_UNIT
            singles.append(Single(perpetual_of(symbol).tiers, value or CASH_UNIT))
    return tuple(singles)
