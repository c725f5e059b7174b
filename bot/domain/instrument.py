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


class TradingState(Enum):
    """What orders the venue takes in an instrument just now."""

    TRADING = "trading"
    POST_ONLY = "post_only"
    REDUCE_ONLY = "reduce_only"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"
    DELISTING = "delisting"          # on the way out: what is held can still be reduced


class OptionRight(Enum):
    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True)
class Filters:
    """The venue's limits on one order; prices and quantities at the instrument's scales.

    ``notional_min`` does not bind reduce-only orders at Binance, so it is checked with that in mind. A None limit
    is one the venue does not have, or that we were not told. ``price_up`` and ``price_down`` bound limit prices as
    fractions of the mark (Binance PERCENT_PRICE: 1.05 and 0.95 are 5 % either way).
    """

    tick: int
    lot: int
    quantity_min: int
    quantity_max: int
    notional_min: int                # cash, 10^-8
    reduce_only_below_notional_min: bool = True
    price_max: int | None = None
    market_lot: int | None = None            # None: as ``lot``; the same for the next
    market_quantity_max: int | None = None
    price_up: Decimal | None = None
    price_down: Decimal | None = None
    orders_max: int | None = None            # open orders of one account in this instrument
    conditional_orders_max: int | None = None


@dataclass(frozen=True)
class Instrument:
    """One tradable thing. ``index`` is its column in every list of the engine.

    ``underlying`` is what moves it ("BTC"): a common move acts on all instruments of all underlyings.
    ``quantity`` is in base units for spot and linear instruments, in contracts for inverse ones and
    options; ``contract_size`` is base units (linear, option) or quote units (inverse) per contract.
    ``venue_unit`` is how much of it one of the venue's own amounts is: where a venue counts linear contracts,
    the coins in one. Only adapters look at it.
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
    venue_unit: Decimal = Decimal(1)

    @cached_property
    def value_multiplier(self) -> int:
        """Cash units of the settlement currency per (price unit x quantity unit); for an inverse instrument,
        cash units x price units per quantity unit: what is divided by the price to give the value.

        Raises Unsupported for options, or when the scales are finer than 10^-8 together.
        """
        if self.kind is InstrumentKind.OPTION:
            raise Unsupported(f"{self.symbol}: {self.kind.value} instruments are not priced yet")
        price_digits = -self.price_digits if self.kind is InstrumentKind.INVERSE else self.price_digits
        scaled = self.contract_size.scaleb(CASH_DIGITS - price_digits - self.quantity_digits)
        if scaled != int(scaled) or scaled < 1:
            raise Unsupported(
                f"{self.symbol}: price and quantity scales are finer than 10^-{CASH_DIGITS} together, "
                f"were {self.price_digits} + {self.quantity_digits} digits"
            )
        return int(scaled)

    def value(self, *, price: int, quantity: int) -> int:
        """Return what ``quantity`` is worth at ``price`` in the settlement currency, cash units; signed like it.

        Exact for spot and linear instruments. An inverse one is worth contracts x size / price coins, rounded
        towards zero.
        """
        if self.kind is InstrumentKind.INVERSE:
            value = abs(quantity) * self.value_multiplier // price
            return value if quantity >= 0 else -value
        return price * quantity * self.value_multiplier

    def notional(self, *, price: int, quantity: int) -> int:
        """Return what ``quantity`` is worth at ``price`` in the quote currency, 10^-8; signed like it.

        An inverse contract is worth the same at any price: so many quote units are what it is a contract on.
        """
        if self.kind is InstrumentKind.INVERSE:
            return int(quantity * self.contract_size.scaleb(CASH_DIGITS - self.quantity_digits))
        return self.value(price=price, quantity=quantity)

    def profit(self, *, entry_value: int, value: int) -> int:
        """Return the profit of a holding entered for ``entry_value`` and worth ``value`` now, both signed, cash.

        value - entry for linear; for inverse the reverse, since a rising price makes a contract worth less coin.
        """
        return entry_value - value if self.kind is InstrumentKind.INVERSE else value - entry_value
