"""What the configuration says of the engine's own business: limits, the survival floor, blindness."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.domain.units import Money, Rate, Ratio

ORDER_NOTIONAL_MAX = Money(Decimal(250_000), "USDT")


@dataclass(frozen=True, slots=True)
class LimitsSpec:
    """The gate; rules cannot raise any of it."""

    order_notional_max: Money = ORDER_NOTIONAL_MAX
    price_collar: Ratio = 0.02
    margin_collar_max: Ratio = 0.08
    order_rate_max: Rate = 10.0

    def __post_init__(self) -> None:
        if self.order_notional_max.amount <= 0:
            raise ValueError(f"order_notional_max: must be above 0, was {self.order_notional_max}")
        if not 0 < self.price_collar <= self.margin_collar_max < 1:
            raise ValueError(
                "price_collar: must be above 0 and not above margin_collar_max, and that below 100%, "
                f"were {self.price_collar:.2%} and {self.margin_collar_max:.2%}"
            )
        if self.order_rate_max < 1:
            raise ValueError(f"order_rate_max: must be at least 1/s, was {self.order_rate_max:g}/s")


@dataclass(frozen=True, slots=True)
class SurvivalSpec:
    """The floor under every schedule: clamp(sigmas x sigma(15m), distance, distance_max)."""

    distance: Ratio = 0.025
    sigmas: float = 3.0
    distance_max: Ratio = 0.04

    def __post_init__(self) -> None:
        if not 0 < self.distance <= self.distance_max < 1:
            raise ValueError(
                "survival: distance must be above 0 and not above distance_max, "
                f"were {self.distance:.2%} and {self.distance_max:.2%}"
            )

    def level(self, sigma_15m: float) -> float:
        """Return the distance below which what is missing is due at once, a fraction."""
        return min(max(self.sigmas * sigma_15m, self.distance), self.distance_max)


@dataclass(frozen=True, slots=True)
class BlindSpec:
    """What to do when no price source is left for a minute."""

    verify_stop: bool = True
    else_reduce: Ratio = 0.5
