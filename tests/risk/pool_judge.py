"""A second opinion on pools: exact fractions, each market moved by itself, no lines and no deductions.

What stands is worked out after the move from scratch: each asset's balance with the profits settled in it, at
its new price and rate, less maintenance as the sum over brackets of rate times the part of the notional inside.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf

from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT
from bot.risk.holding import Holding
from bot.risk.pool import Pool
from bot.risk.tiers import PPM, TierTable

Spare = Callable[[Fraction], Fraction]
HALVINGS = 42                        # to a few millionths of a millionth
FURTHEST = Fraction(1 << 40)


def maintenance(table: TierTable, notional: Fraction) -> Fraction:
    """Maintenance of an unsigned notional, bracket by bracket."""
    total = Fraction(0)
    for tier in table.tiers:
        inside = notional - tier.floor if tier.cap is None else min(notional, Fraction(tier.cap)) - tier.floor
        total += max(inside, Fraction(0)) * tier.rate_ppm / PPM
    return total


def spare(pool: Pool, move: Fraction) -> Fraction:
    """Equity less maintenance of a pool after a common move, numeraire cash."""
    return sum((_asset_spare(pool, place, move, move) for place in range(len(pool.assets))), Fraction(0))


def spare_against(pool: Pool, distance: Fraction) -> Fraction:
    """The same after a move of everything against its holder; what has fallen to nothing stays there."""
    total = Fraction(0)
    for place, asset in enumerate(pool.assets):
        if asset.underlying is None:
            total += _asset_spare(pool, place, -min(distance, Fraction(1)), distance)
        else:
            fall, rise = -min(distance, Fraction(1)), distance
            total += min(_asset_spare(pool, place, fall, fall), _asset_spare(pool, place, rise, rise))
    return total


def _asset_spare(pool: Pool, place: int, of_longs: Fraction, of_shorts: Fraction) -> Fraction:
    asset = pool.assets[place]
    held = [holding for holding in pool.holdings if holding.instrument.settle == asset.name]
    if asset.underlying is not None and of_longs == -1:
        # At a price of nothing a coin contract is worth endless coins, and its product with the price is what it was.
        worth = Fraction(-sum(holding.value for holding in held))
        must = sum((abs(holding.value) * _rate(holding.tiers.tiers[-1].rate_ppm) for holding in held), Fraction(0))
        return (worth * (_rate(asset.rate_ppm) if worth > 0 else 1) - must) * asset.index_price / CASH_UNIT
    balance, must = Fraction(asset.amount), Fraction(0)
    for holding in held:
        value = _moved(holding, of_longs if holding.quantity > 0 else of_shorts)
        gain = value - holding.entry_value
        balance += -gain if holding.instrument.kind is InstrumentKind.INVERSE else gain
        must += maintenance(holding.tiers, abs(value))
    price = Fraction(asset.index_price, CASH_UNIT)
    if asset.underlying is not None:
        price *= 1 + of_longs
    return (balance * (_rate(asset.rate_ppm) if balance > 0 else 1) - must) * price


def _moved(holding: Holding, move: Fraction) -> Fraction:
    if holding.instrument.kind is InstrumentKind.INVERSE:
        return holding.value / (1 + move)
    return holding.value * (1 + move)


def _rate(rate_ppm: int) -> Fraction:
    return Fraction(rate_ppm, PPM)


def zero(spare_at: Spare, direction: int) -> float:
    """The smallest move in one direction at which nothing is to spare, by bisection; +inf when none is."""
    if spare_at(Fraction(0)) <= 0:
        return 0.0
    far = Fraction(1)
    while direction > 0 and spare_at(far) > 0 and far < FURTHEST:
        far *= 2
    if spare_at(direction * far) > 0:
        return inf
    near = Fraction(0) if far == 1 else far / 2
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        if spare_at(direction * middle) > 0:
            near = middle
        else:
            far = middle
    return float(far)
