"""Prices and moves of liquidation and bankruptcy: ours are exact sums, the venue is asked what it does there.

The venue has no liquidation price, only marks at which it liquidates. So its verdict is asked a part in 10^8 before
our price and a part in 10^8 beyond: it must be that of the mark, and then the other one. Where cash is too coarse to
tell them apart, the spare margin there must be nothing but roundings.
"""

from __future__ import annotations

from collections import Counter
from math import ceil, floor, inf

import pytest

from bot.domain.copying import replace
from bot.domain.instrument import InstrumentKind
from bot.risk.margin import bankruptcy_price, liquidation_price
from bot.risk.pool import Pool, pool_bankruptcy_price, pool_distances, pool_liquidation_price
from paper import margin as venue_margin
from tests.agreement.books import book
from tests.agreement.sides import Pair, Seat

BOOKS = 100_000
PARTS = 4
TOLERANCE = 1e-8
REACH = 1_000                        # a price that does not exist is sought so many times away from the mark


def _assert_verdict(spare: int, *, is_alive: bool, slack: int, what: str) -> None:
    assert spare > -slack if is_alive else spare <= slack, f"{what}: spare was {spare}, alive should be {is_alive}"


def _check_liquidation_price(seat: Seat, pair: Pair, position: int, what: str) -> str:
    """Hold one price of ours against the venue's verdicts around it; return what kind of price it was."""
    ours = pool_liquidation_price(pair.ours, position)
    held = pair.ours.holdings[position]
    index, mark = held.instrument.index, held.mark
    slack = pair.roundings
    is_alive = seat.spare(pair) > 0
    if ours is None:
        for far in (1, mark * REACH):
            _assert_verdict(seat.spare_at(pair, index, far), is_alive=is_alive, slack=slack, what=f"{what} at {far}")
        return "none"
    below, above = floor(ours * (1 - TOLERANCE)), ceil(ours * (1 + TOLERANCE))
    if below < 1 or below <= mark <= above:
        return "at the edge"
    before, beyond = (below, above) if mark < below else (above, below)
    _assert_verdict(seat.spare_at(pair, index, before), is_alive=is_alive, slack=slack, what=f"{what} before {ours}")
    _assert_verdict(seat.spare_at(pair, index, beyond), is_alive=not is_alive, slack=slack, what=f"{what} past {ours}")
    return "price"


def _alone(pool: Pool, position: int) -> tuple[Pool, int]:
    """Return the pool with the other leg of a position's instrument closed at the mark, and where it now stands.

    The venue's bankruptcy price is that of one closing order: the other leg stays at its mark.
    """
    target = pool.holdings[position]
    rest = [held for held in pool.holdings if held is target or held.instrument.index != target.instrument.index]
    profit = sum(held.unrealised for held in pool.holdings) - sum(held.unrealised for held in rest)
    assets = tuple(
        replace(asset, amount=asset.amount + profit) if asset.name == target.instrument.settle else asset
        for asset in pool.assets
    )
    return Pool(assets, tuple(rest)), rest.index(target)


def _check_bankruptcy_price(seat: Seat, pair: Pair, position: int, what: str) -> None:
    pool, place = _alone(pair.ours, position)
    held = pool.holdings[place]
    ours = pool_bankruptcy_price(pool, place)
    theirs = venue_margin.bankruptcy_price(seat.exchange, pair.venue, pair.venue.holdings[position])
    is_inverse = held.instrument.kind is InstrumentKind.INVERSE
    least, most = (max(1, held.mark // 10), held.mark * 10) if is_inverse else (1, inf)
    if ours is None:                 # the nearest price there is, or the end of the venue's reach
        assert theirs in (least, most), what
        return
    worth = abs(held.instrument.value(price=max(1, round(ours)), quantity=held.quantity))
    allowed = 1 + ours * (TOLERANCE + pair.roundings / max(1, worth))
    assert abs(theirs - min(max(ours, least), most)) <= allowed, f"{what}: {ours} of ours, {theirs} of the venue's"


def _check_moves(seat: Seat, pair: Pair, what: str) -> None:
    """Move every price at once by our distances: the venue liquidates just beyond them, and not just before."""
    found = pool_distances(pair.ours)
    if found.nearest == 0.0:
        _assert_verdict(seat.spare(pair), is_alive=False, slack=pair.roundings, what=what)
        return
    for sign, distance in ((-1, found.down), (1, found.up)):
        factor = 1 + sign * distance
        if distance == inf or factor > REACH:
            far = REACH if sign > 0 else 1 / REACH
            slack = pair.roundings + _unit_cost(pair, far)
            _assert_verdict(seat.spare_after(pair, far), is_alive=True, slack=slack, what=f"{what} at {far}")
            continue
        if factor < 1 / REACH:
            continue                 # prices of a few units cannot be told apart
        slack = pair.roundings + _unit_cost(pair, factor)
        for away in (-1, 1):
            spare = seat.spare_after(pair, factor * (1 + sign * away * TOLERANCE))
            _assert_verdict(spare, is_alive=away < 0, slack=slack, what=f"{what} moved by {sign * distance}")


def _unit_cost(pair: Pair, factor: float) -> int:
    """Return what half a unit of every price is worth to a pool when all are at ``factor``, cash."""
    total = 0.0
    for held in pair.ours.holdings:
        price = held.mark * factor
        total += abs(held.instrument.value(price=max(1, round(price)), quantity=held.quantity)) / max(1.0, price)
    for asset in pair.ours.assets:
        if asset.underlying is not None:
            total += abs(asset.amount) / 10**5           # prices of collateral have five digits
    return ceil(total)


@pytest.mark.parametrize("part", range(PARTS))
def test_prices_of_any_book_are_where_the_venue_acts(part: int) -> None:
    """Liquidation and bankruptcy price of a position of each pool, and the pool's common moves, to 10^-8."""
    seat = Seat()
    kinds: Counter[str] = Counter()
    for number in range(part, BOOKS, PARTS):
        for pair in seat.take(book(number)):
            position = number % len(pair.ours.holdings)
            what = f"book({number}), position {position} of {pair.asset}"
            kinds[_check_liquidation_price(seat, pair, position, what)] += 1
            _check_bankruptcy_price(seat, pair, position, what)
            _check_moves(seat, pair, f"book({number}), pool of {pair.asset}")
    assert kinds["price"] > BOOKS // PARTS, kinds
    assert kinds["none"] > BOOKS // PARTS // 20 and kinds["at the edge"] < BOOKS // PARTS // 20, kinds


def test_prices_of_an_account_are_those_of_its_pool() -> None:
    """Where one currency stands behind everything, the short way of an account and the long one of a pool meet."""
    seat = Seat()
    compared = 0
    for number in range(1_000):
        for pool in [pair.ours for pair in seat.take(book(number)) if len(pair.ours.assets) == 1]:
            wallet = pool.assets[0].amount
            for place in range(len(pool.holdings)):
                for ours, alone in (
                    (pool_liquidation_price(pool, place), liquidation_price(wallet, pool.holdings, place)),
                    (pool_bankruptcy_price(pool, place), bankruptcy_price(wallet, pool.holdings, place)),
                ):
                    assert _is_same(ours, alone), f"book({number}): {alone} by the account, {ours} by the pool"
                    compared += 1
    assert compared > 1_000


def _is_same(price: float | None, other: float | None) -> bool:
    return price == other or (price is not None and other is not None and abs(price - other) <= 1e-12 * other)
