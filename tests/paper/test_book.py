"""The tape's book: the sequence rule, what was taken stays taken, and a recorded stream rebuilt without a gap."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import islice

import pytest

from bot.domain.errors import ContractError
from bot.domain.market import BookUpdate
from bot.domain.order import Side
from bot.domain.scale import to_fixed
from paper.book import Book
from tests.shared_data import shared

Pairs = tuple[tuple[int, int], ...]


def _update(
    bids: Pairs = (), asks: Pairs = (), *, first: int = 0, last: int = 0, previous: int = 0, snapshot: bool = False
) -> BookUpdate:
    return BookUpdate(0, 0, 0, bids, asks, snapshot, first, last, previous)


def _book(last: int = 0) -> Book:
    book = Book()
    book.fold(_update(((99, 5), (98, 7)), ((101, 4), (102, 6)), last=last, snapshot=True))
    return book


def test_book_before_a_snapshot_is_not_known() -> None:
    """Changes alone say nothing about the levels that did not change."""
    book = Book()
    book.fold(_update(((99, 5),)))
    assert not book.is_known and book.mid() is None


def test_levels_come_best_first_and_a_zero_removes_one() -> None:
    """A new best bid, a removed ask and a changed one."""
    book = _book()
    book.fold(_update(((100, 1),), ((101, 0), (102, 9))))
    assert list(book.bids.levels()) == [(100, 1), (99, 5), (98, 7)]
    assert list(book.asks.levels()) == [(102, 9)]
    assert book.mid() == 101


@pytest.mark.parametrize(
    ("first", "last", "previous", "is_known"),
    [
        (90, 99, 89, True),                  # older than the snapshot: passed over
        (95, 105, 94, True),                 # reaches from before it to after it
        (101, 105, 0, True),                 # spot: the very next number
        (103, 105, 97, True),                # futures: numbers jump, but the update before lies in the snapshot
        (102, 105, 0, False),
        (103, 105, 101, False),
    ],
)
def test_first_update_after_a_snapshot_must_reach_back_to_it(
    first: int, last: int, previous: int, is_known: bool
) -> None:
    """A snapshot of number 100, and an update of several reaches."""
    book = _book(last=100)
    book.fold(_update(((99, 6),), first=first, last=last, previous=previous))
    assert book.is_known is is_known and book.gaps == (not is_known)


@pytest.mark.parametrize(
    ("first", "last", "previous", "is_known"),
    [(106, 109, 0, True), (140, 150, 105, True), (106, 109, 104, False), (107, 109, 0, False), (140, 150, 106, False)],
)
def test_later_update_must_follow_the_one_before(first: int, last: int, previous: int, is_known: bool) -> None:
    """After number 105 only what says that it follows 105 is taken in."""
    book = _book(last=100)
    book.fold(_update(first=99, last=105, previous=98))
    book.fold(_update(((99, 6),), first=first, last=last, previous=previous))
    assert book.is_known is is_known


def test_updates_that_came_before_their_snapshot_follow_it() -> None:
    """A snapshot of number 100 arrives after 98 and 103: the first is in it, the second is not."""
    book = Book()
    book.fold(_update(((97, 1),), first=95, last=98, previous=94))
    book.fold(_update(((100, 2),), first=99, last=103, previous=98))
    book.fold(_update(((99, 5),), ((101, 4),), last=100, snapshot=True))
    assert list(book.bids.levels()) == [(100, 2), (99, 5)]
    assert (book.is_known, book.last, book.early) == (True, 103, [])


def test_snapshot_older_than_the_book_is_passed_over() -> None:
    """A second snapshot that was fetched long before it arrives takes nothing back."""
    book = _book(last=100)
    book.fold(_update(((90, 1),), last=99, snapshot=True))
    assert book.bids.best() == 99


def test_void_book_stays_void_until_the_next_snapshot() -> None:
    """After a gap even an update that follows it cannot be placed."""
    book = _book(last=100)
    book.fold(_update(first=200, last=201, previous=199))
    book.fold(_update(((99, 6),), first=202, last=203, previous=201))
    assert not book.is_known and list(book.bids.levels()) == []
    book.fold(_update(((90, 1),), ((110, 1),), last=300, snapshot=True))
    assert book.is_known and book.mid() == 100


def test_bids_that_reach_asks_void_the_book() -> None:
    """A venue's book is never crossed, so a crossed one was misread; touching counts."""
    book = _book()
    book.fold(_update(((101, 1),)))
    assert not book.is_known


def test_taken_quantity_comes_back_only_with_another_quantity() -> None:
    """3 of 4 taken: told 4 again, 1 is left; told 5, 5 are there."""
    book = _book()
    assert book.facing(Side.BUY).take(3) == [(101, 3)]
    book.fold(_update((), ((101, 4),)))
    assert book.asks.available(101) == 1
    book.fold(_update(((99, 5),), ((101, 4), (103, 1)), snapshot=True))
    assert list(book.asks.levels()) == [(101, 1), (103, 1)]
    book.fold(_update((), ((101, 5),)))
    assert book.asks.available(101) == 5


def test_taking_walks_the_levels_and_empties_them() -> None:
    """8 of 4 at 101 and 6 at 102: all of the first, 4 of the second, and 2 are left in all."""
    book = _book()
    assert book.asks.take(8) == [(101, 4), (102, 4)]
    assert (book.asks.best(), book.asks.within(101), book.asks.within(None)) == (102, 0, 2)
    assert book.asks.take(5) == [(102, 2)]


@pytest.mark.parametrize(("price", "queued"), [(100, 0), (99, 5), (98, 7), (97, None)])
def test_queue_beyond_the_worst_level_is_not_known(price: int, queued: int | None) -> None:
    """Better than the best nobody waits; behind the worst known level nobody was told."""
    assert _book().bids.queued(price) == queued


@pytest.mark.parametrize("level", [(0, 1), (-5, 1), (99, -1)])
def test_impossible_level_is_a_fault_of_the_reader(level: tuple[int, int]) -> None:
    """A tape's reader must not let it through."""
    with pytest.raises(ContractError, match="mend the tape's reader"):
        _book().fold(_update((level,)))


def _pairs(rows: Sequence[Sequence[str]]) -> Pairs:
    return tuple((to_fixed(price, 2), to_fixed(quantity, 3)) for price, quantity in rows)


def _recorded(count: int) -> Iterator[BookUpdate]:
    """Yield the depth messages of a raw capture of Binance USD-M BTCUSDT, 2024-08-08."""
    path = shared("data/l2_trades/binance_usdm_btcusdt_20240808_raw-ws.gz")
    with gzip.open(path, "rt") as lines:
        for line in islice(lines, count):
            message = json.loads(line.split(" ", 1)[1])
            if "lastUpdateId" in message:
                bids, asks = _pairs(message["bids"]), _pairs(message["asks"])
                yield _update(bids, asks, last=message["lastUpdateId"], snapshot=True)
            elif message["data"]["e"] == "depthUpdate":
                data = message["data"]
                bids, asks = _pairs(data["b"]), _pairs(data["a"])
                yield _update(bids, asks, first=data["U"], last=data["u"], previous=data["pu"])


def test_recorded_stream_is_rebuilt_without_a_gap_or_a_crossing() -> None:
    """From the snapshot inside the capture on, every update follows the one before and bids stay below asks."""
    book = Book()
    known = 0
    for update in _recorded(20_000):
        book.fold(update)
        known += book.is_known
        assert book.gaps == 0 and (book.is_known or known == 0)
    assert known > 900


def test_market_orders_through_the_recorded_book_pay_the_captured_prices() -> None:
    """Walked independently: every stated quantity in order of its number, sorted at the end, gives the same pieces."""
    updates = list(_recorded(5_000))
    (snapshot,) = [update for update in updates if update.is_snapshot]
    plain = dict(snapshot.asks)
    for update in updates:
        if update.last > snapshot.last:
            plain.update(update.asks)
    book = Book()
    for update in updates:
        book.fold(update)
    wanted = 20_000
    expected: list[tuple[int, int]] = []
    for price, quantity in sorted(plain.items()):
        piece = min(wanted - sum(taken for _, taken in expected), quantity)
        if piece:
            expected.append((price, piece))
    assert len(expected) > 3
    assert book.asks.take(wanted) == expected
