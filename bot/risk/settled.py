"""An asset of a margin pool together with what is settled in it, as pieces of what it adds to the pool.

Everything is counted in the pool's numeraire, where a common move m of all underlyings makes straight lines
of linear and inverse contracts alike (v: signed value at the mark; A: amount; e: entry value; P: index price):

    a currency, with linear contracts     balance  A + sum(v - e) + m sum(v)         maintenance  r|v|(1 + m) - c
    a coin, with inverse contracts        balance  (A + sum(e)) (1 + m) - sum(v)     maintenance  r|v| - c (1 + m)

both times P. A coin's contracts are worth v / (1 + m) coins and the coin P (1 + m), so the product does not
move; the bracket (r, c) is that of v / (1 + m) coins. A positive balance counts at the collateral rate.

What each adds less maintenance is concave, so the sum over a pool is (see ``concave``). Lines are integers in
atoms: numeraire cash x ``CASH_UNIT`` (of the index price) x ``PPM`` (of the rates), so nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import NamedTuple

from bot.risk.concave import Line, first_zero
from bot.risk.tiers import PPM, Tier, TierTable


class Leg(NamedTuple):
    """A position in its settlement asset: signed values at mark and at entry, cash units of the asset."""

    value: int
    entry_value: int
    tiers: TierTable


class Reach(NamedTuple):
    """How far a common move may go, unsigned, down and up, with all brackets and signs as they are."""

    down: float
    up: float


@dataclass(frozen=True, slots=True)
class Currency:
    """A settlement currency that keeps its price while markets move, and its linear contracts."""

    amount: int
    index_price: int                 # numeraire cash per whole unit
    rate_ppm: int                    # what a positive balance counts for
    legs: tuple[Leg, ...] = ()

    def balance(self, move: float) -> Line:  # noqa: ARG002  # a coin's has the same shape
        """Return amount and unrealised profit by common move, cash units of the asset."""
        return Line(
            self.amount + sum(leg.value - leg.entry_value for leg in self.legs), sum(leg.value for leg in self.legs)
        )

    def line(self, move: float) -> Line:
        """Return what it adds to equity less maintenance by common move, atoms; see the module."""
        constant, slope = _counted(self.balance(move), move, self.index_price, self.rate_ppm)
        for leg in self.legs:
            tier, size = _tier(leg, abs(leg.value) * (1.0 + move)), abs(leg.value)
            constant -= self.index_price * (size * tier.rate_ppm - tier.cum * PPM)
            slope -= self.index_price * size * tier.rate_ppm
        return Line(constant, slope)

    def reach(self) -> Reach:
        """Return how far ``line(0.0)`` holds."""
        down, up = _balance_reach(self.balance(0.0), self.rate_ppm)
        for leg in self.legs:
            size = abs(leg.value)
            tier = _tier(leg, size)
            down = min(down, 1.0 - tier.floor / size)
            up = min(up, inf if tier.cap is None else tier.cap / size - 1.0)
        return Reach(down, up)

    def line_against(self, distance: float) -> Line:
        """Return the same when every contract moves against its holder; a long that has fallen to nothing stays."""
        constant, slope, kept, kept_slope = self.amount, 0, 0, 0
        for value, entry_value, tiers in self.legs:
            size = abs(value)
            constant += value - entry_value
            if value > 0 and distance > 1.0:
                constant -= size
                continue
            direction = -1 if value > 0 else 1
            tier = tiers.tiers[tiers.index_of(size * (1.0 + direction * distance))]
            slope -= size
            kept += size * tier.rate_ppm - tier.cum * PPM
            kept_slope += direction * size * tier.rate_ppm
        counted = _counted(Line(constant, slope), distance, self.index_price, self.rate_ppm)
        return Line(counted.constant - self.index_price * kept, counted.slope - self.index_price * kept_slope)

    def price_after(self, move: Fraction) -> Fraction:  # noqa: ARG002  # a coin's has the same shape
        """Return the index price after a common move."""
        return Fraction(self.index_price)


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin that moves with the market, and the inverse contracts settled in it."""

    amount: int
    index_price: int
    rate_ppm: int
    legs: tuple[Leg, ...] = ()

    def balance(self, move: float) -> Line:  # noqa: ARG002  # a currency's has the same shape
        """Return amount and unrealised profit by common move, times (1 + move): what its price multiplies."""
        credit = self.amount + sum(leg.entry_value for leg in self.legs)
        return Line(credit - sum(leg.value for leg in self.legs), credit)

    def line(self, move: float) -> Line:
        """Return what it adds to equity less maintenance by common move, atoms; see the module."""
        constant, slope = _counted(self.balance(move), move, self.index_price, self.rate_ppm)
        for leg in self.legs:
            size = abs(leg.value)
            tier = _tier(leg, size / (1.0 + move) if move > -1.0 else inf)
            constant -= self.index_price * (size * tier.rate_ppm - tier.cum * PPM)
            slope += self.index_price * tier.cum * PPM
        return Line(constant, slope)

    def reach(self) -> Reach:
        """Return how far ``line(0.0)`` holds: contracts are worth more coins as the price falls."""
        down, up = _balance_reach(self.balance(0.0), self.rate_ppm)
        for leg in self.legs:
            size = abs(leg.value)
            tier = _tier(leg, size)
            down = min(down, 1.0 if tier.cap is None else 1.0 - size / tier.cap)
            up = min(up, size / tier.floor - 1.0 if tier.floor else inf)
        return Reach(down, up)

    def line_against(self, distance: float) -> Line:
        """Return the lower of both directions: a coin and what is settled in it move as one."""
        if distance > 1.0:
            bottom = self.line(-1.0)
            fall = Line(bottom.constant - bottom.slope, 0)
        else:
            constant, slope = self.line(-distance)
            fall = Line(constant, -slope)
        rise = self.line(distance)
        return fall if fall.at(distance) <= rise.at(distance) else rise

    def price_after(self, move: Fraction) -> Fraction:
        """Return the index price after a common move."""
        return self.index_price * (1 + move)


Settled = Currency | Coin


def line_of(parts: Sequence[Settled], move: float) -> Line:
    """Return what all parts together have to spare by common move, atoms."""
    return _total([part.line(move) for part in parts])


def spare_at(parts: Sequence[Settled], move: Fraction) -> Fraction:
    """Return what is to spare after a common move, atoms, exactly; negative when it lacks."""
    constant, slope = line_of(parts, float(move))
    return constant + slope * move


def distances(parts: Sequence[Settled]) -> tuple[float, float]:
    """Return the common moves down and up that leave nothing to spare; (0, 0) when nothing is left already."""
    here = line_of(parts, 0.0)
    if here.constant <= 0:
        return 0.0, 0.0
    reaches = [part.reach() for part in parts]
    down = zero_within(_mirrored(here), min(reach.down for reach in reaches), end=1.0)
    up = zero_within(here, min(reach.up for reach in reaches), end=inf)
    return (
        first_zero(lambda move: _mirrored(line_of(parts, -move)), 1.0) if down is None else down,
        first_zero(lambda move: line_of(parts, move), inf) if up is None else up,
    )


def zero_within(line: Line, reach: float, *, end: float) -> float | None:
    """Return the zero of a line that is above 0 at 0, if it lies within ``reach``; +inf when it lies past ``end``
    and the line holds until there; None when other pieces must be looked at."""
    zero = line.constant / -line.slope if line.slope < 0 else inf
    if zero <= min(reach, end):
        return zero
    return inf if reach >= end else None


def worst_distance(parts: Sequence[Settled]) -> float:
    """Return the move of every contract and coin against its holder that leaves nothing to spare."""
    if line_of(parts, 0.0).constant <= 0:
        return 0.0

    def against(move: float) -> Line:
        return _total([part.line_against(move) for part in parts])

    to_nothing = first_zero(against, 1.0)
    # Past a move of 1 only what is short moves on: another concave function, so a second search.
    return to_nothing if to_nothing < inf else first_zero(against, inf)


def _counted(balance: Line, move: float, index_price: int, rate_ppm: int) -> Line:
    weight = index_price * (rate_ppm if balance.at(move) > 0 else PPM)
    return Line(balance.constant * weight, balance.slope * weight)


def _balance_reach(balance: Line, rate_ppm: int) -> Reach:
    """Return how far a balance keeps its sign, on which its rate depends."""
    if rate_ppm == PPM or not balance.slope:
        return Reach(1.0, inf)
    zero = -balance.constant / balance.slope
    return Reach(down=min(1.0, -zero) if zero <= 0 else 1.0, up=zero if zero >= 0 else inf)


def _tier(leg: Leg, notional: float) -> Tier:
    return leg.tiers.tiers[leg.tiers.index_of(notional)]


def _mirrored(line: Line) -> Line:
    return Line(line.constant, -line.slope)


def _total(lines: Sequence[Line]) -> Line:
    return Line(sum(line.constant for line in lines), sum(line.slope for line in lines))
