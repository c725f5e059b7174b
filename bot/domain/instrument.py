"""What can be traded: an instrument, how its value is counted, and the venue's filters on its orders."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property

from bot.domain.errors import Unsupported
from bot.domain.scale import CASH_DIGITS


class InstrumentKind(Enum):
    """How profit is counted: in the quote currency (linear), in the base coin (inverse), or by payoff."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"
    OPTION = "option"


class OptionRight(Enum):
    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True)
class Filters:
    """The venue's limits on one order; prices and quantities at the instrument's scales.

    ``notional_min`` does not bind reduce-only orders at Binance, so it is checked with that in mind.
    """

    tick: int
    lot: int
    quantity_min: int
    quantity_max: int
    notional_min: int                # cash, 10^-8
    reduce_only_below_notional_min: bool = True


@dataclass(frozen=True)
class Instrument:
    """One tradable thing. ``index`` is its column in every list of the engine.

    ``underlying`` is what moves it ("BTC"): a common move acts on all instruments of all underlyings.
    ``quantity`` is in base units for spot and linear instruments, in contracts for inverse ones and
    options; ``contract_size`` is base units (linear, option) or quote units (inverse) per contract.
    """

    index: int
    symbol: str                      # ccxt's unified symbol, "BTC/USDT:USDT"
    underlying: str
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    price_digits: int
    quantity_digits: int
    filters: Filters
    contract_size: Decimal = Decimal(1)
    expiry: int | None = None        # ns; None for spot and perpetuals
    strike: int | None = None        # at price_digits
    right: OptionRight | None = None

    @cached_property
    def value_multiplier(self) -> int:
        """Cash units per (price unit x quantity unit); linear and spot only.

        Raises Unsupported for other kinds, or when the scales are finer than 10^-8 together.
        """
        if self.kind not in (InstrumentKind.LINEAR, InstrumentKind.SPOT):
            raise Unsupported(f"{self.symbol}: {self.kind.value} instruments are not priced yet")
        scaled = self.contract_size.scaleb(CASH_DIGITS - self.price_digits - self.quantity_digits)
        if scaled != int(scaled) or scaled < 1:
            raise Unsupported(
                f"{self.symbol}: price and quantity scales are finer than 10^-{CASH_DIGITS} together, "
                f"were {self.price_digits} + {self.quantity_digits} digits"
            )
        return int(scaled)

    def value(self, *, price: int, quantity: int) -> int:
        """Return the quote value of ``quantity`` at ``price``, in cash units; signed like the quantity."""
        return price * quantity * self.value_multiplier
