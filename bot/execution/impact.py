"""What selling a quantity is expected to cost: half spread, fee and a square-root impact.

    impact = Y * sigma_day * sqrt(quantity / volume_day)

Source: Almgren, Thum, Hauptmann, Li (2005), "Direct estimation of equity market impact"; Toth et al. (2011),
"Anomalous price impact and the critical nature of liquidity in financial markets". Y is of order one; it is
calibrated later, until then it is stated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

IMPACT_Y = 1.0
HALF_SPREAD_FLOOR = 0.5e-4           # half of one basis point: BTC and ETH perpetuals in calm hours
VOLUME_DAY_PRIOR = 100_000_000       # quote units: a middling perpetual; until an hour of volume was seen
HALF_SPREAD_OF_MINUTE_SIGMA = 0.1    # spreads widen with volatility; a tenth of a minute's move


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What an instrument's market looks like now; ratios are fractions, ``volume_day`` in quantity units.

    ``quoted`` is half the spread that is quoted, over mid; None where nobody quotes.
    """

    fee: float
    sigma_day: float
    sigma_minute: float
    volume_day: float
    quoted: float | None = None
    fixed: float = field(init=False, repr=False, compare=False)      # half spread and fee: what does not grow

    def __post_init__(self) -> None:
        object.__setattr__(self, "fixed", self.half_spread + self.fee)

    @property
    def half_spread(self) -> float:
        """Half the quoted spread over mid, or what it usually is at such a volatility."""
        if self.quoted is not None:
            return self.quoted
        return max(HALF_SPREAD_FLOOR, HALF_SPREAD_OF_MINUTE_SIGMA * self.sigma_minute)

    def impact(self, quantity: int) -> float:
        """Return the expected impact of a quantity as a fraction of price."""
        return IMPACT_Y * self.sigma_day * sqrt(quantity / self.volume_day)

    def cost(self, *, quantity: int, value: int) -> float:
        """Return the expected cost of trading ``quantity`` worth ``value`` (unsigned), in cash units."""
        return value * (self.fixed + self.impact(quantity))
