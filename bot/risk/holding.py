"""A position together with what is needed to margin it."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.account import PositionKey
from bot.domain.instrument import Instrument
from bot.risk.tiers import TierTable


@dataclass(frozen=True, slots=True)
class Holding:
    """A position and what is needed to value it; ``quantity`` and ``entry_value`` are signed.

    All cash is of the settlement currency: quote for linear contracts, coin for inverse ones. In hedge mode the
    two legs of an instrument are two holdings: Binance margins each by its own notional, in its own bracket.
    """

    key: PositionKey
    instrument: Instrument
    tiers: TierTable
    quantity: int
    entry_value: int
    mark: int
    value: int = field(init=False, repr=False, compare=False)    # signed, at the mark, cash

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self.instrument.value(price=self.mark, quantity=self.quantity))

    @property
    def unrealised(self) -> int:
        """Profit at the mark, cash."""
        return self.instrument.profit(entry_value=self.entry_value, value=self.value)

    @property
    def maintenance(self) -> int:
        """Maintenance margin at the mark, cash, rounded down."""
        return self.tiers.maintenance(abs(self.value))

    @property
    def maintenance_ppm(self) -> int:
        """Maintenance margin at the mark, millionths of a cash unit, exactly."""
        return self.tiers.maintenance_ppm(abs(self.value))
