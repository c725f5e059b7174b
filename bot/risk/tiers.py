"""Maintenance margin by notional bracket, with the deduction that keeps it continuous.

    maintenance = notional * rate - cum,    cum_n = floor_n * (rate_n - rate_{n-1}) + cum_{n-1}

Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93, "How to calculate liquidation price of USD-M futures contracts".
Rates are integers in parts per million, so that sums over positions stay exact.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bot.domain.scale import CASH_UNIT

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Tier:
    """One bracket: notionals above ``floor`` up to and including ``cap`` (None: no end), cash units."""

    floor: int
    cap: int | None
    rate_ppm: int
    cum: int
    leverage_max: int


@dataclass(frozen=True, slots=True)
class TierTable:
    """The brackets of one instrument, ascending; where they were read, and on which day (2024-10-24), if known."""

    tiers: tuple[Tier, ...]
    source: str
    as_of: str | None = None
    caps: tuple[int, ...] = field(init=False, repr=False, compare=False)     # of all brackets but the last

    def __post_init__(self) -> None:
        object.__setattr__(self, "caps", tuple(_cap(tier) for tier in self.tiers[:-1]))

    def index_of(self, notional: float) -> int:
        """Return the index of the bracket of an unsigned notional; a bound belongs to the lower one."""
        return bisect_left(self.caps, notional)

    def maintenance(self, notional: int) -> int:
        """Return the maintenance margin of an unsigned notional, cash units, rounded down."""
        return self.maintenance_ppm(notional) // PPM

    def maintenance_ppm(self, notional: int) -> int:
        """Return the maintenance margin of an unsigned notional, millionths of a cash unit, exactly."""
        tier = self.tiers[self.index_of(notional)]
        return notional * tier.rate_ppm - tier.cum * PPM

    def leverage_max(self, notional: int) -> int:
        """Return the highest leverage that the venue grants a position of an unsigned notional."""
        return self.tiers[self.index_of(notional)].leverage_max


NO_MAINTENANCE = TierTable((Tier(floor=0, cap=None, rate_ppm=0, cum=0, leverage_max=1),), "nothing to hold")
"""Brackets of what needs no margin: with them a liquidation price is a bankruptcy price."""


def _cap(tier: Tier) -> int:
    if tier.cap is None:
        raise AssertionError("only the last tier has no cap, and no notional is compared with it")
    return tier.cap


def table(rows: Sequence[tuple[int, str, int]], *, source: str, as_of: str | None = None) -> TierTable:
    """Build a table from (floor in quote units, rate, highest leverage) rows; ``cum`` is derived.

    The last bracket is left open: a venue refuses larger positions, but a position that is larger all
    the same must still have a maintenance margin.
    """
    tiers: list[Tier] = []
    cum = 0
    previous_rate = 0
    for position, (floor_units, rate, leverage_max) in enumerate(rows):
        floor = floor_units * CASH_UNIT
        rate_ppm = int(Decimal(rate) * PPM)
        if tiers:
            cum += floor * (rate_ppm - previous_rate) // PPM
        cap = rows[position + 1][0] * CASH_UNIT if position + 1 < len(rows) else None
        tiers.append(Tier(floor=floor, cap=cap, rate_ppm=rate_ppm, cum=cum, leverage_max=leverage_max))
        previous_rate = rate_ppm
    return TierTable(tiers=tuple(tiers), source=source, as_of=as_of)
