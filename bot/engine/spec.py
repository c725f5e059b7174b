"""What the configuration says of the engine's own business: limits, the survival floor, blindness."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from bot.domain.scale import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from bot.domain.units import Duration, Money, Rate, Ratio

ORDER_NOTIONAL_MAX = Money(Decimal(250_000), "USDT")
EQUITY_MIN = Money(Decimal(0), "USDT")


@dataclass(frozen=True, slots=True)
class LimitsSpec:
    """The gate; rules cannot raise any of it."""

    order_notional_max: Money = field(
        default=ORDER_NOTIONAL_MAX, metadata={"doc": "Value of one order at most; larger reductions are split."}
    )
    price_collar: Ratio = field(
        default=0.02, metadata={"doc": "How far from the mark an order may be priced, in the cost class."}
    )
    margin_collar_max: Ratio = field(
        default=0.08, metadata={"doc": "How far from the mark the ladder of the margin class may go."}
    )
    slippage_budget: Ratio = field(
        default=0.05,
        metadata={
            "doc": "What all fills of one sale may lose against its arrival price, of its whole value. Then the cost"
            " class pauses, and the margin class goes on while that is cheaper than the venue's liquidation."
        },
    )
    depth_max: Ratio = field(
        default=0.25,
        metadata={
            "doc": "Share of what the book shows inside its collar that a sale takes in one second; the margin class"
            " takes more when survival needs it. Without a book nothing is known of it."
        },
    )
    stale_after: Duration = field(
        default=5 * NS_PER_SECOND,
        metadata={
            "doc": "A mark as old as this is none: nothing is decided by it. On recorded bars at least two of their"
            " spans; where the last trade stands in for the mark, at least 5 minutes."
        },
    )
    order_rate_max: Rate = field(
        default=10.0, metadata={"doc": "Orders and cancels at most, of one account; at least 1/s."}
    )
    order_rate_reserve: Ratio = field(
        default=0.3,
        metadata={
            "doc": "Share of order_rate_max that only the margin class, stops and cancels may use; all others may send"
            " what is left of it, at least one order a second. 0%: none is kept."
        },
    )
    orders_per_hour_max: int = field(
        default=3_600,
        metadata={
            "doc": "Orders at most of one account in one hour of the clock, the margin class apart: for that one a"
            " person is told, and it goes on."
        },
    )
    orders_per_day_max: int = field(
        default=36_000, metadata={"doc": "The same over the hour under way and the 23 before it."}
    )
    duplicate_window: Duration = field(
        default=NS_PER_SECOND,
        metadata={
            "doc": "The same side, quantity and price for one position, of another parent order, is refused this long;"
            " not in the margin class. 0s: never."
        },
    )
    divergence: Ratio = field(
        default=0.02,
        metadata={
            "doc": "How far mark, last and index price may lie apart; further, and the cost class waits, and readings"
            " of profit and loss are unavailable. Margin rules and the margin class go on by the venue's mark."
        },
    )
    equity_min: Money = field(
        default=EQUITY_MIN,
        metadata={"doc": "At or below this equity nothing is sent that could raise exposure; exits always go."},
    )
    hedge_distance_min: Ratio = field(
        default=0.5,
        metadata={
            "doc": "A hedge may bring liquidation nearer as long as it stays this far off; nearer than that, only an"
            " order that takes it further away is a hedge."
        },
    )
    flatten_over: Duration = field(
        default=NS_PER_MINUTE,
        metadata={"doc": "How long `flatten` takes, all positions side by side; 0s: at once. Then the ladder climbs."},
    )
    override_max: Duration = field(
        default=NS_PER_HOUR, metadata={"doc": "How long an override of one control may last."}
    )

    def __post_init__(self) -> None:
        if self.order_notional_max.amount <= 0:
            raise ValueError(f"order_notional_max: must be above 0, was {self.order_notional_max}")
        if not 0 < self.price_collar <= self.margin_collar_max < 1:
            raise ValueError(
                "price_collar: must be above 0 and not above margin_collar_max, and that below 100%, "
                f"were {self.price_collar:.2%} and {self.margin_collar_max:.2%}"
            )
        if not 0 < self.slippage_budget < 1:
            raise ValueError(f"slippage_budget: must be above 0% and below 100%, was {self.slippage_budget:.2%}")
        if not 0 < self.depth_max <= 1:
            raise ValueError(f"depth_max: must be above 0% and at most 100%, was {self.depth_max:.2%}")
        if self.stale_after <= 0:
            raise ValueError(f"stale_after: must be above 0, was {self.stale_after / NS_PER_SECOND:g}s")
        if self.order_rate_max < 1:
            raise ValueError(f"order_rate_max: must be at least 1/s, was {self.order_rate_max:g}/s")
        if not 0 <= self.order_rate_reserve < 1:
            raise ValueError(
                f"order_rate_reserve: must be at least 0% and below 100%, was {self.order_rate_reserve:.2%}"
            )
        if not 1 <= self.orders_per_hour_max <= self.orders_per_day_max:
            raise ValueError(
                "orders_per_hour_max: must be at least 1 and not above orders_per_day_max, "
                f"were {self.orders_per_hour_max} and {self.orders_per_day_max}"
            )
        if not 0 < self.divergence < 1:
            raise ValueError(f"divergence: must be above 0% and below 100%, was {self.divergence:.2%}")
        if self.hedge_distance_min <= 0:
            raise ValueError(f"hedge_distance_min: must be above 0%, was {self.hedge_distance_min:.2%}")
        if self.equity_min.amount < 0:
            raise ValueError(f"equity_min: must not be below 0, was {self.equity_min}")
        for name, length in (("duplicate_window", self.duplicate_window), ("flatten_over", self.flatten_over)):
            if length < 0:
                raise ValueError(f"{name}: must not be below 0, was {length / NS_PER_SECOND:g}s")
        if self.override_max <= 0:
            raise ValueError(f"override_max: must be above 0, was {self.override_max / NS_PER_SECOND:g}s")


@dataclass(frozen=True, slots=True)
class SurvivalSpec:
    """The floor under every schedule: clamp(sigmas x sigma(15m), distance, distance_max)."""

    distance: Ratio = field(
        default=0.025, metadata={"doc": "The floor never lies below this distance to liquidation."}
    )
    sigmas: float = field(default=3.0, metadata={"doc": "The floor in standard deviations of 15 minutes."})
    distance_max: Ratio = field(
        default=0.04, metadata={"doc": "The floor never lies above this distance to liquidation."}
    )

    def __post_init__(self) -> None:
        if not 0 < self.distance <= self.distance_max < 1:
            raise ValueError(
                "survival: distance must be above 0 and not above distance_max, "
                f"were {self.distance:.2%} and {self.distance_max:.2%}"
            )
        if self.sigmas <= 0:
            raise ValueError(f"sigmas: must be above 0, was {self.sigmas:g}; write 3")

    def level(self, sigma_15m: float) -> float:
        """Return the distance below which what is missing is due at once, a fraction."""
        return min(max(self.sigmas * sigma_15m, self.distance), self.distance_max)


class Per(Enum):
    """What one resting stop is for."""

    POSITION = "position"
    GROUP = "group"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ProtectSpec:
    """The stop that rests at the venue: max(distance, sigmas x sigma(1m)) plus the taker's fee inside liquidation."""

    per: Per = field(
        default=Per.POSITION,
        metadata={
            "doc": "position: each has one stop at the venue, for all that is held. group: what the positions of one"
            " underlying in one margin pool come to has one, on the largest leg of its side. none: there are no stops."
        },
    )
    distance: Ratio = field(
        default=0.015,
        metadata={"doc": "How far before its liquidation price a position is closed by its stop, at least."},
    )
    sigmas: float = field(default=3.0, metadata={"doc": "The same in standard deviations of 1 minute."})
    distance_max: Ratio = field(
        default=0.025, metadata={"doc": "However wild the market, no further; survival begins there already."}
    )
    tolerance: Ratio = field(
        default=0.002, metadata={"doc": "How far the right price may have moved away before the stop follows."}
    )
    replace_every: Duration = field(
        default=10 * NS_PER_SECOND,
        metadata={"doc": "How often a stop is replaced at most, unless the position has grown or it covers nothing."},
    )
    verify_every: Duration = field(
        default=NS_PER_MINUTE, metadata={"doc": "How often the venue is asked whether the stop still rests."}
    )

    def __post_init__(self) -> None:
        if not 0 < self.distance <= self.distance_max < 1:
            raise ValueError(
                "protect: distance must be above 0 and not above distance_max, "
                f"were {self.distance:.2%} and {self.distance_max:.2%}"
            )
        if self.sigmas < 0:
            raise ValueError(f"sigmas: must not be below 0, was {self.sigmas:g}")
        if not 0 < self.tolerance < self.distance:
            raise ValueError(
                f"tolerance: must be above 0 and below distance, was {self.tolerance:.2%} of {self.distance:.2%}"
            )
        for name, length in (("replace_every", self.replace_every), ("verify_every", self.verify_every)):
            if length < NS_PER_SECOND:
                raise ValueError(f"{name}: must be at least 1s, was {length / NS_PER_SECOND:g}s")

    def buffer(self, sigma_1m: float, *, fee: float) -> float:
        """Return how far from the liquidation price the trigger lies, a fraction of that price."""
        return min(max(self.distance, self.sigmas * sigma_1m), self.distance_max) + fee


@dataclass(frozen=True, slots=True)
class BlindSpec:
    """What to do when no price source is left for a minute."""

    after: Duration = field(
        default=NS_PER_MINUTE,
        metadata={
            "doc": "How long no price may come before something is done. Later by as much where the stream is slower"
            " than stale_after: a bar's length is not blindness."
        },
    )
    verify_stop: bool = field(default=True, metadata={"doc": "First see whether a stop rests at the venue."})
    cancel_after: Duration = field(
        default=20 * NS_PER_SECOND,
        metadata={
            "doc": "How long no price may come before other people's resting orders that could open are cancelled, if"
            " cancel_opening allows it; counted as `after` is."
        },
    )
    else_reduce: Ratio = field(
        default=0.5,
        metadata={"doc": "Without one, let a reduce-only stop for this share of the position rest there."},
    )

    def __post_init__(self) -> None:
        if self.after <= 0:
            raise ValueError(f"after: must be above 0, was {self.after / NS_PER_SECOND:g}s")
        if self.cancel_after <= 0:
            raise ValueError(f"cancel_after: must be above 0, was {self.cancel_after / NS_PER_SECOND:g}s")
        if not 0 <= self.else_reduce <= 1:
            raise ValueError(f"else_reduce: must be 0% to 100%, was {self.else_reduce:.2%}")


@dataclass(frozen=True, slots=True)
class SafetySpec:
    """What one account has for the day on which we see or do nothing."""

    protect: ProtectSpec = ProtectSpec()
    blind: BlindSpec = BlindSpec()
    cancel_opening: bool = True


UNGUARDED = SafetySpec(protect=ProtectSpec(per=Per.NONE))
