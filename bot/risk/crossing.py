"""The price of one instrument at which an account is liquidated, or worth nothing, all else unchanged.

Counted by the price itself (linear) or by its inverse (inverse contracts), a position's value is its size
times a coordinate t, so what an account has to spare is concave in t, and its zero is found exactly as a
common move's is (see ``concave``). The two legs of hedge mode move together, each in its own bracket:

    t = p,  profit = sum(k t - e)       linear            t = 1/p,  profit = sum(e - k t)       inverse

Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93 (its L and S are the legs here), and for coins the same sum.
This is the venue's number: it says little of a book whose legs move together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from bot.domain.instrument import InstrumentKind
from bot.risk.concave import Line, zero_from
from bot.risk.holding import Holding
from bot.risk.tiers import PPM


@dataclass(frozen=True, slots=True)
class Rest:
    """All of a pool that does not move: ``spare``, atoms (see ``settled``), of other assets and contracts, and
    the asset that the instrument settles in: its balance, price in the numeraire and collateral rate."""

    spare: int
    balance: int
    index_price: int
    rate_ppm: int = PPM


def crossing_price(rest: Rest, legs: Sequence[Holding]) -> float | None:
    """Return the price nearest to the mark at which nothing is to spare, in price units of the instrument.

    ``legs`` are the holdings of one instrument, one or two of them, none empty. Where margin is gone already it
    is the price that would bring it back. None when no positive price does it.
    """
    instrument, mark = legs[0].instrument, legs[0].mark
    is_inverse = instrument.kind is InstrumentKind.INVERSE
    sign = -1 if is_inverse else 1
    sizes = [leg.quantity * instrument.value_multiplier for leg in legs]
    balance = Line(rest.balance - sign * sum(leg.entry_value for leg in legs), sign * sum(sizes))
    index_price, spare = rest.index_price, rest.spare
    moving = [(leg.tiers, abs(size)) for leg, size in zip(legs, sizes, strict=True)]
    known: dict[float, Line] = {}        # the ends are looked at before they are walked from

    def line_at(coordinate: float) -> Line:
        found = known.get(coordinate)
        if found is not None:
            return found
        # what counts in full, counts alike above and below nothing
        weight = index_price * (rest.rate_ppm if rest.rate_ppm == PPM or balance.at(coordinate) > 0 else PPM)
        constant, slope = spare + balance.constant * weight, balance.slope * weight
        for tiers, size in moving:
            tier = tiers.tiers[tiers.index_of(size * coordinate)]
            constant += index_price * tier.cum * PPM
            slope -= index_price * tier.rate_ppm * size
        line = known[coordinate] = Line(constant, slope)
        return line

    here = 1 / mark if is_inverse else float(mark)
    zeros = [zero_from(line_at, here)] if line_at(here).at(here) <= 0 else [
        zero_from(line_at, end) for end in (0.0, inf) if line_at(end).at(end) <= 0
    ]
    prices = [1 / zero if is_inverse else zero for zero in zeros if zero is not None and 0 < zero < inf]
    return min(prices, key=lambda price: abs(price / mark - 1.0), default=None)
