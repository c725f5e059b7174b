"""Where the stop of a position belongs: inside its liquidation price, on the losing side of the mark.

    trigger = liquidation price x (1 +- (min(max(distance, sigmas x sigma(1m)), distance_max) + taker's fee))

The liquidation price is that of the position with all other marks as they are; an account's other positions and its
cash move it. Where the stop is for a group, all of its legs move with the position, each by the same fraction of its
mark. A position that no adverse price liquidates needs no stop: the hedging leg of a pair, or one that is paid for in
full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from bot.domain.instrument import InstrumentKind
from bot.domain.scale import NS_PER_MINUTE
from bot.engine.desk import Desk
from bot.engine.spec import ProtectSpec
from bot.risk.holding import Holding
from bot.risk.margin import liquidation_price
from bot.risk.pool import Pool, pool_liquidation_price


@dataclass(frozen=True, slots=True)
class StopLevel:
    """Prices in price units; the trigger is on tick."""

    trigger: int
    liquidation: float


def is_measured(desk: Desk, position: int) -> bool:
    """True while the liquidation price of a position can be known."""
    key = desk.layout.keys[position]
    return desk.columns.known[key.account] and desk.columns.mark[key.instrument] is not None


def stop_level(desk: Desk, spec: ProtectSpec, position: int, legs: Sequence[int]) -> StopLevel | None:
    """Return where the stop of a held and measured position belongs; None when it needs none.

    ``legs`` are the positions that move with it, itself among them. Rounded away from the liquidation price. An
    account past liquidation has its level where the mark has passed it.
    """
    key = desk.layout.keys[position]
    held = desk.book.quantity[position]
    mark = desk.columns.mark[key.instrument]
    liquidation = _liquidation(desk, position, legs) if held else None
    if mark is None or liquidation is None:
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


def _liquidation(desk: Desk, position: int, legs: Sequence[int]) -> float | None:
    """Return the liquidation price of a position when its legs move with it, in price units; None when none does it."""
    keys = desk.layout.keys
    target = keys[position].instrument
    if all(keys[leg].instrument == target for leg in legs):
        return desk.readings.positions.liquidation_units(position)       # these move together as it is
    account = keys[position].account
    pools = desk.columns.pools[account]
    if pools is None:
        positions, holdings = desk.columns.holdings(account)
        own = holdings[positions.index(position)]
        moving = [
            _as_if(each, own) if column in legs else each for column, each in zip(positions, holdings, strict=True)
        ]
        return liquidation_price(desk.columns.backing(account), moving, positions.index(position))
    found = pools.pool_at[position]
    if found.pool is None:
        return None
    own = found.pool.holdings[found.held.index(position)]
    moving = [
        _as_if(each, own) if column in legs else each
        for column, each in zip(found.held, found.pool.holdings, strict=True)
    ]
    return pool_liquidation_price(Pool(found.pool.assets, tuple(moving)), found.held.index(position))


def _as_if(leg: Holding, target: Holding) -> Holding:
    """Return a leg as a holding of the target's instrument: worth as much now, with the profit that it has.

    So what moves the target moves it by the same fraction. Its contracts are as small as cash can count, or the legs
    of a hedge would not offset each other by up to a quantity unit.
    """
    instrument, mark = target.instrument, target.mark
    finest = replace(instrument, contract_size=instrument.contract_size / instrument.value_multiplier)
    is_inverse = instrument.kind is InstrumentKind.INVERSE
    quantity = round(leg.value * mark if is_inverse else Fraction(leg.value, mark))
    gained = finest.value(price=mark, quantity=quantity) - leg.value
    return replace(leg, instrument=finest, quantity=quantity, entry_value=leg.entry_value + gained, mark=mark)
