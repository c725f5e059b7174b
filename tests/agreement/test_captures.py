"""Recorded captures through the reader, the book and the venue, against the venue's own words in the same capture.

The venue tells its best prices in a stream of their own, with the numbers of the same book: after each change of ours
they must be what it said they were at that number. That stream is never used to build the book.
"""

from __future__ import annotations

from itertools import islice

import pytest

from bot.adapters.tapes.faults import TapeFaults
from bot.domain.account import PositionKey
from bot.domain.events import OrderFilled
from bot.domain.market import BookUpdate
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT
from paper.book import Book
from paper.messages import SubmitOrder, Wake
from paper.spec import AccountStart, VenueSpec
from paper.venue import PaperVenue
from tests.agreement.captures import CAPTURES, Capture, Levels, read_raw

NAMES = [capture.file for capture in CAPTURES]
WALKED = 4_000                       # facts of each capture that are walked through by market orders
EVERY = 25                           # changes of the book between two orders
DEEP = 1_000                         # levels of a side that must be right in the end: as many as a snapshot has
LEVELS = 4                           # how many levels an order empties, before it takes a lot of the next


@pytest.mark.parametrize("capture", CAPTURES, ids=NAMES)
def test_book_of_a_capture_shows_after_every_change_what_the_venue_called_best(capture: Capture) -> None:
    """No gap from the snapshot to the end, a thousand levels as last told, and the top as told at its number."""
    raw = read_raw(capture)
    faults = TapeFaults()
    book = Book()
    compared = changes = 0
    for fact in capture.facts(faults):
        if not isinstance(fact, BookUpdate):
            continue
        book.fold(fact)
        changes += 1
        assert book.is_known and book.gaps == 0, f"the book is void after {fact.last}"
        told = raw.quote_at(fact.last)
        if told is not None:
            bid, ask = book.bids.best() or 0, book.asks.best() or 0
            assert (bid, book.bids.available(bid), ask, book.asks.available(ask)) == told, f"after {fact.last}"
            compared += 1
    snapshot, bids, asks = raw.snapshot
    later = [sides for number, sides in raw.changes.items() if number > snapshot]
    assert (faults.book_gaps, faults.rows_bad, changes) == (0, 0, 1 + len(later))
    assert compared > 0.99 * changes
    for side, levels, place in ((book.bids, dict(bids), 0), (book.asks, dict(asks), 1)):
        for change in later:
            levels.update(change[place])
        expected = sorted((price * side.sign for price, quantity in levels.items() if quantity))[:DEEP]
        kept = list(islice(side.levels(), DEEP))
        assert kept == [(key * side.sign, levels[key * side.sign]) for key in expected] and len(kept) == DEEP


class Walked:
    """One side of a recorded book by dicts, and what our orders took of it."""

    def __init__(self, levels: Levels, side: Side) -> None:
        self.levels = dict(levels)
        self.taken: Levels = {}
        self.sign = side.sign

    def change(self, levels: Levels) -> None:
        """Take in what the venue said; another quantity is another queue, of which we have taken nothing."""
        for price, quantity in levels.items():
            if self.levels.get(price, 0) != quantity:
                self.taken.pop(price, None)
            self.levels[price] = quantity

    def best(self, count: int) -> list[tuple[int, int]]:
        """Return the best levels of which anything is left."""
        left = {price: quantity - self.taken.get(price, 0) for price, quantity in self.levels.items()}
        found = sorted((price for price, quantity in left.items() if quantity > 0), key=lambda price: price * self.sign)
        return [(price, left[price]) for price in found[:count]]

    def take(self, pieces: list[tuple[int, int]]) -> None:
        for price, quantity in pieces:
            self.taken[price] = self.taken.get(price, 0) + quantity


@pytest.mark.parametrize("capture", CAPTURES, ids=NAMES)
def test_market_orders_through_a_capture_fill_at_its_prices(capture: Capture) -> None:
    """Each order empties four levels and a lot of the fifth: piece by piece the quantities that the capture showed."""
    raw = read_raw(capture)
    number, bids, asks = raw.snapshot
    facing = {Side.BUY: Walked(asks, Side.BUY), Side.SELL: Walked(bids, Side.SELL)}
    venue = _venue(capture)
    orders = at_the_top = since = 0
    for fact in islice(capture.facts(TapeFaults()), WALKED):
        venue.handle(fact.now, fact)
        if not isinstance(fact, BookUpdate):
            continue
        if not fact.is_snapshot:
            number = fact.last
            facing[Side.SELL].change(raw.changes[number][0])
            facing[Side.BUY].change(raw.changes[number][1])
        since += 1
        if since < EVERY:
            continue
        since = 0
        side = (Side.BUY, Side.SELL)[orders % 2]
        levels = facing[side].best(LEVELS + 1)
        expected = [*levels[:LEVELS], (levels[LEVELS][0], 1)]
        assert _market_order(venue, fact.now, f"m{orders}", side, expected) == expected, f"order {orders} at {number}"
        told = raw.quote_at(number)
        at_the_top += told is not None and expected[0][0] == told[2 if side is Side.BUY else 0]
        facing[side].take(expected)
        orders += 1
    assert orders > 30 and at_the_top > 0.8 * orders, (orders, at_the_top)


def _venue(capture: Capture) -> PaperVenue:
    instrument = capture.instrument()
    account = AccountStart(0, instrument.settle, 10**7 * CASH_UNIT)
    return PaperVenue(VenueSpec(latency=0), [instrument], [account])


def _market_order(
    venue: PaperVenue, now: int, name: str, side: Side, pieces: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Send one of the pieces' whole quantity; return what it filled, piece by piece."""
    request = OrderRequest(
        name=name, key=PositionKey(0, 0), side=side, quantity=sum(quantity for _, quantity in pieces),
        limit_price=None, time_in_force=TimeInForce.IOC, reduce_only=False, order_class=OrderClass.OPERATOR,
    )
    told = [*venue.handle(now, SubmitOrder(request)), *venue.handle(now, Wake())]
    fills = [fact for _, fact in told if isinstance(fact, OrderFilled) and fact.name == name]
    assert fills and not any(fill.modelled for fill in fills), told
    return [(fill.price, fill.quantity) for fill in fills]
