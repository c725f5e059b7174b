"""Our margin sums and the venue's, written apart from each other, over 100,000 random books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from bot.domain.account import MarginMode
from bot.domain.scale import CASH_UNIT
from bot.risk.margin import account_margin, initial_margin
from bot.risk.pool import Pool, pool_margin
from paper import margin as venue_margin
from paper.spec import AssetMode, PositionMode
from tests.agreement.books import Book, book
from tests.agreement.sides import Pair, Seat

BOOKS = 100_000
PARTS = 10                           # each is one test, so that a failure is found again in seconds


def _near(ours: int, theirs: int, units: int, what: str, number: int) -> None:
    assert abs(ours - theirs) <= units, f"book({number}): {what} was {ours} of ours, {theirs} of the venue's"


def _initial(pool: Pool, book: Book) -> int:
    """Return our initial margin of a pool in its numeraire, cash."""
    prices = {asset.name: asset.index_price for asset in pool.assets}
    return sum(
        -(-initial_margin(held, leverage=book.leverages[held.instrument.index]) * prices[held.instrument.settle]
          // CASH_UNIT)
        for held in pool.holdings
    )


def _compare(seat: Seat, pair: Pair, book: Book) -> str:
    """Hold every total of one pool against the venue's; return what became of it."""
    ours, theirs = pool_margin(pair.ours), venue_margin.pool_totals(seat.exchange, pair.venue)
    assert ours.wallet == theirs.wallet, f"book({book.number}): collateral was {ours.wallet} against {theirs.wallet}"
    units = pair.roundings
    if len(pair.ours.assets) == 1:
        assert ours.equity == theirs.equity, f"book({book.number}): equity was {ours.equity} against {theirs.equity}"
        alone = account_margin(pair.ours.assets[0].amount, pair.ours.holdings)
        assert (alone.equity, alone.maintenance) == (ours.equity, ours.maintenance)
    _near(ours.equity, theirs.equity, units, "equity", book.number)
    _near(ours.maintenance, theirs.maintenance, units, "maintenance margin", book.number)
    if not pair.venue.isolated:
        needed = venue_margin.initial_margin(seat.exchange, seat.account, pair.asset)
        _near(_initial(pair.ours, book), needed, units, "initial margin", book.number)
    is_dead = venue_margin.must_liquidate(seat.exchange, pair.venue)
    if abs(ours.equity - ours.maintenance) <= units:
        return "on the line"
    assert (ours.equity <= ours.maintenance) is is_dead, f"book({book.number}): only one side liquidates {pair.venue}"
    return "liquidated" if is_dead else "alive"


@pytest.mark.parametrize("part", range(PARTS))
def test_totals_of_any_book_are_the_same_on_both_sides(part: int) -> None:
    """Equity, collateral, maintenance, initial margin and the verdict agree to the 10^-8 at which cash is counted.

    Two sums that round each position their own way may differ by that for each; a currency's own pool has its
    equity to the last unit.
    """
    seat = Seat()
    fates: Counter[str] = Counter()
    for each in books_of(part):
        for pair in seat.take(each):
            fates[_compare(seat, pair, each)] += 1
    assert fates["alive"] > BOOKS // PARTS // 3 and fates["liquidated"] > BOOKS // PARTS // 8, fates
    assert fates["on the line"] < BOOKS // PARTS // 500, fates


def books_of(part: int) -> Iterator[Book]:
    """Yield the books of one part of the 100,000."""
    return map(book, range(part, BOOKS, PARTS))


def test_books_hold_everything_that_must_agree() -> None:
    """Both kinds of every mode and of contract, two legs, debts, one to six positions, every bracket."""
    seen: Counter[object] = Counter()
    for each in map(book, range(2_000)):
        legs = Counter(held.instrument.index for held in each.positions)
        seen.update({
            each.asset_mode, each.position_mode, "two legs" * (2 in legs.values()),
            "debt" * any(amount < 0 for amount in each.wallets.values()),
            *(held.mode for held in each.positions), *(held.instrument.kind for held in each.positions),
            *(held.quantity > 0 for held in each.positions), len(each.positions),
        })
        seen.update(
            ("bracket", rows.ours.index_of(abs(held.instrument.value(price=price, quantity=held.quantity))))
            for held in each.positions
            for rows, price in [(each.tables[held.instrument.index], each.prices[held.instrument.index])]
        )
    wanted = {*AssetMode, *PositionMode, *MarginMode, "two legs", "debt", True, False, *range(1, 7)}
    assert all(seen[thing] >= 50 for thing in wanted), seen
    assert all(seen["bracket", place] >= 10 for place in range(11)), seen
