"""Where the stop of a position belongs: inside its liquidation price, on the losing side of the mark.

    trigger = liquidation price x (1 +- (min(max(distance, sigmas x sigma(1m)), distance_max) + taker's fee))

The liquidation price is that of the position with all other marks as they are; an account's other positions and its
cash move it. A position that no adverse price liquidates needs no stop: the hedging leg of a pair, or one that is
paid for in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from bot.domain.scale import NS_PER_MINUTE
from bot.engine.desk import Desk
from bot.engine.spec import ProtectSpec


@dataclass(frozen=True, slots=True)
class StopLevel:
    """Prices in price units; the trigger is on tick."""

    trigger: int
    liquidation: float


def is_measured(desk: Desk, position: int) -> bool:
    """True while the liquidation price of a position can be known."""
    key = desk.layout.keys[position]
    return desk.columns.known[key.account] and desk.columns.mark[key.instrument] is not None


def stop_level(desk: Desk, spec: ProtectSpec, position: int) -> StopLevel | None:
    """Return where the stop of a held and measured position belongs; None when it needs none.

    Rounded away from the liquidation price. An account past liquidation has its level where the mark has passed it.
    """
    key = desk.layout.keys[position]
    held = desk.book.quantity[position]
    mark = desk.columns.mark[key.instrument]
    liquidation = desk.readings.positions.liquidation_units(position)
    if not held or mark is None or liquidation is None:
        return None
    sign = 1 if held > 0 else -1
    is_adverse = (mark - liquidation) * sign > 0
    if not is_adverse and desk.columns.distance_at(position) > 0:
        return None
    filters = desk.layout.instruments[key.instrument].filters
    sigma = desk.market.volatility[key.instrument].sigma(NS_PER_MINUTE)
    buffer = spec.buffer(sigma, fee=desk.layout.accounts[key.account].taker_fee)
    ticks = liquidation * (1 + sign * buffer) / filters.tick
    trigger = max(1, ceil(ticks) if sign > 0 else floor(ticks)) * filters.tick
    if filters.price_max is not None and trigger > filters.price_max:
        return None
    return StopLevel(trigger, liquidation)


def has_passed(mark: int | None, trigger: int, *, sign: int) -> bool:
    """Say whether the mark stands at a trigger or beyond; ``sign`` is +1 for a long position, -1 for a short."""
    return mark is not None and (mark - trigger) * sign <= 0
