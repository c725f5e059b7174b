"""What a symbol says of a perpetual, before any tape is read: its currencies, its kind, what one contract is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.domain.errors import InputError
from bot.domain.instrument import InstrumentKind
from bot.risk.binance_tiers import coin_table, is_typed_in, tier_table
from bot.risk.tiers import TierTable

# Binance COIN-M: a contract on BTC is worth 100 USD, all others 10 (exchangeInfo, contractSize, 2024).
CONTRACT_SIZES = {"BTC": Decimal(100)}
CONTRACT_SIZE_OTHERS = Decimal(10)


@dataclass(frozen=True, slots=True)
class Perpetual:
    """A perpetual by its symbol; ``size`` is base units (linear) or quote units (inverse) per contract."""

    base: str
    quote: str
    settle: str
    kind: InstrumentKind
    size: Decimal

    @property
    def is_inverse(self) -> bool:
        return self.kind is InstrumentKind.INVERSE

    @property
    def tiers(self) -> TierTable:
        """Return its brackets, in the currency that it settles in."""
        return coin_table(self.base) if self.is_inverse else tier_table(self.base)

    @property
    def has_own_tiers(self) -> bool:
        """True when the brackets are its own and not a stand-in."""
        return self.base == "BTC" if self.is_inverse else is_typed_in(self.base)

    def value(self, *, amount: Decimal, price: Decimal) -> Decimal:
        """Return what an amount is worth in the settlement currency; signed like it."""
        return amount * self.size / price if self.is_inverse else amount * price


def perpetual_of(symbol: str) -> Perpetual:
    """Return what a ccxt symbol names; raises InputError when it is no perpetual that we know."""
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    is_inverse = settle == base and quote == "USD"
    if not (base and quote and settle) or (settle != quote and not is_inverse) or quote != quote.upper():
        raise InputError(
            f"instrument {symbol}: only perpetuals are simulated in this version, linear (BASE/QUOTE:QUOTE) and "
            "inverse (BASE/USD:BASE), in capital letters; write BTC/USDT:USDT or BTC/USD:BTC for those on BTC"
        )
    if not is_inverse:
        return Perpetual(base, quote, settle, InstrumentKind.LINEAR, Decimal(1))
    return Perpetual(base, quote, settle, InstrumentKind.INVERSE, contract_size(base))


def contract_size(base: str) -> Decimal:
    """Return what an inverse contract on a coin is worth, USD."""
    return CONTRACT_SIZES.get(base, CONTRACT_SIZE_OTHERS)
