"""What resting stops are for: each position by itself, or what a group of legs that hedge each other comes to.

A *group* is the positions of one underlying in one margin pool: the two legs of hedge mode, or a perpetual and a dated
future on the same coin. Its *net* is the sum of its exposures, longs less shorts, counted so that no price changes it:
base units of linear contracts, quote units of inverse ones. A stop for a leg that another one offsets would unhedge
the book, so only the net has one:

    net = sum(quantity x weight)      share of a leg = what of |net| the larger legs of its side do not make up

Legs of the lighter side have no share. On the heavier side the largest leg takes all of the net where it can, and that
is so unless two legs of one sign have nothing against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from bot.domain.account import MarginMode
from bot.domain.scale import units_per_one
from bot.engine.measures.layout import Layout
from bot.engine.spec import Per


@dataclass(frozen=True, slots=True)
class Group:
    """Position columns, and what one quantity unit of each weighs in a measure that they have in common."""

    positions: tuple[int, ...]
    weights: tuple[int, ...]

    def shares(self, quantity: Sequence[int]) -> dict[int, int]:
        """Return how much of which positions stops must close, unsigned quantity units; together they are the net.

        ``quantity`` is that of all columns, signed. A share is rounded down where the legs are counted in units of
        different size; positions without one are left out.
        """
        if len(self.positions) == 1:
            held = abs(quantity[self.positions[0]])
            return {self.positions[0]: held} if held else {}
        exposures = [quantity[position] * weight for position, weight in zip(self.positions, self.weights, strict=True)]
        net = sum(exposures)
        left = abs(net)
        shares: dict[int, int] = {}
        for place in sorted(range(len(exposures)), key=lambda place: -abs(exposures[place])):
            if exposures[place] * net <= 0:
                continue
            share = min(left, abs(exposures[place])) // self.weights[place]
            if share:
                shares[self.positions[place]] = share
            left -= min(left, abs(exposures[place]))
        return shares


def groups_of(layout: Layout, account: int, per: Per) -> tuple[Group, ...]:
    """Return the groups of an account in the order of their columns; positions alone unless stops are per group."""
    found: dict[tuple[object, ...], list[int]] = {}
    for position in layout.positions_of[account]:
        key, instrument = layout.keys[position], layout.instrument_of(position)
        # an isolated position is a pool of its own, and kinds have no measure in common
        is_alone = per is not Per.GROUP or key.mode is MarginMode.ISOLATED
        pool = (position,) if is_alone else (instrument.underlying, instrument.kind)
        found.setdefault(pool, []).append(position)
    return tuple(_group(layout, tuple(positions)) for positions in found.values())


def _group(layout: Layout, positions: tuple[int, ...]) -> Group:
    units = [_unit(layout, position) for position in positions]
    whole = lcm(*(unit.denominator for unit in units))
    return Group(positions, tuple(int(unit * whole) for unit in units))


def _unit(layout: Layout, position: int) -> Fraction:
    """Return what one quantity unit is a contract on: base units of a linear instrument, quote units of an inverse."""
    instrument = layout.instrument_of(position)
    return Fraction(instrument.contract_size) / units_per_one(instrument.quantity_digits)
