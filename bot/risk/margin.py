"""Margin of an account of one settlement currency: equity, maintenance, and the way to liquidation.

    equity = wallet + sum of unrealised profit        margin_ratio = maintenance / equity
    liquidation when equity <= maintenance (Binance: margin ratio of 100 %)

The *liquidation distance* is the smallest common relative move of all underlyings (beta 1), up or down,
that brings equity to maintenance margin. Maintenance is convex in the move and equity linear, so what is
left is concave: it crosses zero at most once in each direction, and walking the bracket bounds is exact.

An isolated position is an account of its own, whose wallet is its margin. The walks here are for linear
contracts, and fast; inverse ones go the way of ``settled``, and accounts of several assets that of ``pool``.

Cash arguments are integers at 10^-8; moves and ratios are float fractions, from one division of integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT
from bot.risk.crossing import Rest, crossing_price
from bot.risk.holding import Holding as Holding
from bot.risk.settled import Coin, Leg, distances
from bot.risk.tiers import NO_MAINTENANCE, PPM, TierTable


@dataclass(frozen=True, slots=True)
class AccountMargin:
    """Totals of one account, cash; ``net`` is the signed sum of values, ``gross`` the unsigned."""

    wallet: int
    equity: int
    maintenance: int
    net: int
    gross: int

    @property
    def margin_ratio(self) -> float:
        """Maintenance over equity; 1 means liquidation, +inf when equity is gone, 0 without a position."""
        if self.gross == 0:
            return 0.0
        return self.maintenance / self.equity if self.equity > 0 else inf

    @property
    def leverage(self) -> float:
        """Gross value over equity; +inf when equity is gone, 0 without a position."""
        if self.gross == 0:
            return 0.0
        return self.gross / self.equity if self.equity > 0 else inf


def account_margin(wallet: int, holdings: Sequence[Holding]) -> AccountMargin:
    """Return the totals of an account at the holdings' marks, all of one settlement currency."""
    values = [holding.value for holding in holdings]
    return AccountMargin(
        wallet=wallet,
        equity=wallet + sum(holding.unrealised for holding in holdings),
        maintenance=sum(holding.maintenance for holding in holdings),
        net=sum(values),
        gross=sum(abs(value) for value in values),
    )


@dataclass(frozen=True, slots=True)
class Distances:
    """Common moves to liquidation, as unsigned fractions; +inf where no move in that direction does it."""

    down: float
    up: float

    @property
    def nearest(self) -> float:
        return min(self.down, self.up)


def liquidation_distances(wallet: int, holdings: Sequence[Holding]) -> Distances:
    """Return both distances of an account: (0, 0) at or past liquidation, (inf, inf) when flat.

    A fall is followed to a price of zero; if equity still covers maintenance there, it is +inf. The wallet of an
    inverse account is the coin, which falls and rises with the contracts.
    """
    held = [holding for holding in holdings if holding.quantity]
    if held and held[0].instrument.kind is InstrumentKind.INVERSE:
        legs = [Leg(holding.value, holding.entry_value, holding.tiers) for holding in held]
        return Distances(*distances([Coin(wallet, CASH_UNIT, PPM, tuple(legs))]))
    return distances_if_worth(wallet + sum(holding.unrealised for holding in held), held, [each.value for each in held])


def distances_if_worth(equity: int, holdings: Sequence[Holding], values: Sequence[int]) -> Distances:
    """Return both distances of a book worth ``equity`` if its holdings had other signed ``values``, none of them 0."""
    if not holdings:
        return Distances(inf, inf)
    tables = [holding.tiers for holding in holdings]
    if holdings[0].instrument.kind is InstrumentKind.INVERSE:
        legs = tuple(Leg(value, value, table) for value, table in zip(values, tables, strict=True))
        return Distances(*distances([Coin(equity, CASH_UNIT, PPM, legs)]))
    return distances_of(equity, values, tables)


def distances_of(equity: int, values: Sequence[int], tables: Sequence[TierTable]) -> Distances:
    """Return both distances of a book worth ``equity`` with positions of signed ``values``, none of them 0."""
    net = sum(values)
    sizes = [abs(value) for value in values]
    places = [table.index_of(size) for table, size in zip(tables, sizes, strict=True)]
    maintenance = sum(table.maintenance(size) for table, size in zip(tables, sizes, strict=True))
    if equity <= maintenance:
        return Distances(0.0, 0.0)
    gross = sum(sizes)
    fall, rise = [-1] * len(sizes), [1] * len(sizes)
    # No rate reaches 1, so a book that is all long gains more than it must hold when prices rise, and the reverse.
    return Distances(
        down=inf if net == -gross else _walk(equity, -net, sizes, tables, list(places), fall),
        up=inf if net == gross else _walk(equity, net, sizes, tables, list(places), rise),
    )


def worst_distance_of(equity: int, values: Sequence[int], tables: Sequence[TierTable]) -> float:
    """Return the smallest move of every position against itself that brings equity to maintenance.

    An unsigned fraction: longs fall by it while shorts rise by it. 0 at or past liquidation, +inf for a book
    that no such move liquidates. A long that has fallen to nothing stays there while shorts go on rising.
    """
    if not values:
        return inf
    sizes = [abs(value) for value in values]
    places = [table.index_of(size) for table, size in zip(tables, sizes, strict=True)]
    maintenance = sum(table.maintenance(size) for table, size in zip(tables, sizes, strict=True))
    if equity <= maintenance:
        return 0.0
    against = [-1 if value > 0 else 1 for value in values]
    move = _walk(equity, -sum(sizes), sizes, tables, places, against)
    if move < inf or -1 not in against:
        return move
    shorts = [(2 * value, table) for value, table in zip(values, tables, strict=True) if value < 0]
    if not shorts:
        return inf
    # At a move of 1 the shorts are worth twice as much, so a further move of theirs counts double.
    rest = worst_distance_of(equity - sum(sizes), [value for value, _ in shorts], [table for _, table in shorts])
    return 1.0 + 2.0 * rest


def _walk(
    equity: int, slope: int, sizes: Sequence[int], tables: Sequence[TierTable], places: list[int],
    directions: Sequence[int],
) -> float:
    """Walk a move from bracket bound to bracket bound until margin is gone.

    Each size changes in its direction, +1 or -1, by the move; ``slope`` is what a move of 1 adds to equity.
    A size that shrinks is followed down to nothing, a move of 1; past that the answer is +inf.
    """
    walked = 0.0
    for _ in range(sum(len(table.tiers) for table in tables) + 1):
        at_rest = 0
        climbing = 0
        deductions = 0
        bound = 1.0 if -1 in directions else inf
        crossing: int | None = None
        for position, (size, table, place) in enumerate(zip(sizes, tables, places, strict=True)):
            tier = table.tiers[place]
            direction = directions[position]
            at_rest += size * tier.rate_ppm
            climbing += direction * size * tier.rate_ppm
            deductions += tier.cum
            edge = tier.floor if direction < 0 else tier.cap
            if edge is not None and (direction > 0 or place > 0):
                move = max(abs(edge / size - 1.0), walked)
                if move < bound:
                    bound, crossing = move, position
        # towards 0, so that a walk down and one up round alike
        steepness = slope - (climbing // PPM if climbing > 0 else -(-climbing // PPM))
        zero = (equity - at_rest // PPM + deductions) / -steepness if steepness < 0 else inf
        if zero <= bound:
            return max(zero, walked)
        if crossing is None:
            return inf
        places[crossing] += directions[crossing]
        walked = bound
    raise AssertionError("a walk over finitely many brackets ends")


def initial_margin(holding: Holding, *, leverage: int) -> int:
    """Return the margin that opening a holding takes, cash of its settlement currency, rounded up.

    Its value at the mark over ``leverage``, or over what its bracket grants where that is less.
    """
    size = abs(holding.value)
    return -(-size // min(leverage, holding.tiers.leverage_max(size)))


def liquidation_price(wallet: int, holdings: Sequence[Holding], position: int) -> float | None:
    """Return the price of one holding at which the account is liquidated, all other marks unchanged.

    In price units of the instrument (divide by 10^price_digits). A second leg of the same instrument, as in hedge
    mode, moves with it: both have one price, the nearer to the mark where there are two. None when no positive
    price does it, and when nothing is held.
    """
    target = holdings[position]
    if target.quantity == 0:
        return None
    legs, others = _sides(holdings, target)
    spare = -sum(holding.maintenance_ppm for holding in others) * CASH_UNIT
    balance = wallet + sum(holding.unrealised for holding in others)
    return crossing_price(Rest(spare, balance, CASH_UNIT), legs)


def bankruptcy_price(wallet: int, holdings: Sequence[Holding], position: int) -> float | None:
    """Return the price of one holding at which equity is nothing, in price units; None as ``liquidation_price``.

    Past it a liquidation costs the venue's insurance fund. For an isolated position the wallet is its margin.
    """
    target = holdings[position]
    if target.quantity == 0:
        return None
    legs, others = _sides(holdings, target)
    balance = wallet + sum(holding.unrealised for holding in others)
    return crossing_price(Rest(0, balance, CASH_UNIT), [replace(leg, tiers=NO_MAINTENANCE) for leg in legs])


def _sides(holdings: Sequence[Holding], target: Holding) -> tuple[list[Holding], list[Holding]]:
    """Return the legs of a holding's instrument, and all other holdings."""
    legs: list[Holding] = []
    others: list[Holding] = []
    for holding in holdings:
        is_leg = holding.quantity and holding.instrument.index == target.instrument.index
        (legs if is_leg else others).append(holding)
    return legs, others
