"""A second opinion on margin: slow, exact integer arithmetic from the brackets' own words, no deduction used.

Maintenance here is the sum over brackets of rate times the part of the notional inside; the program uses
rate times the whole less a deduction. Distances come from bisection over an exact grid of moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from bot.risk.margin import Holding

PPM = 1_000_000
GRID = 1 << 56                       # moves are whole multiples of 2^-56


def maintenance_ppm(holding: Holding, move: int) -> int:
    """Maintenance of a holding after a relative move of ``move`` / GRID, in cash x PPM x GRID."""
    notional = abs(holding.value) * (GRID + move)
    total = 0
    for tier in holding.tiers.tiers:
        inside = notional - tier.floor * GRID
        if tier.cap is not None:
            inside = min(inside, (tier.cap - tier.floor) * GRID)
        if inside > 0:
            total += inside * tier.rate_ppm
    return total


def free(wallet: int, holdings: Sequence[Holding], move: int) -> int:
    """Equity less maintenance after a common move of ``move`` / GRID, in cash x PPM x GRID."""
    total = wallet * GRID
    for holding in holdings:
        total += holding.value * (GRID + move) - holding.entry_value * GRID
    return total * PPM - sum(maintenance_ppm(holding, move) for holding in holdings)


def distance(wallet: int, holdings: Sequence[Holding], direction: int) -> float:
    """The smallest move in one direction at which free margin is gone, by bisection; +inf when none is."""
    if free(wallet, holdings, 0) <= 0:
        return 0.0
    furthest = GRID
    if direction > 0:
        while free(wallet, holdings, furthest) > 0 and furthest < GRID << 40:
            furthest *= 2
    if free(wallet, holdings, direction * furthest) > 0:
        return inf
    alive, dead = 0, furthest
    while dead - alive > 1:
        middle = (alive + dead) // 2
        if free(wallet, holdings, direction * middle) > 0:
            alive = middle
        else:
            dead = middle
    return dead / GRID
