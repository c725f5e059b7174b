"""The order book of a recorded tape: what others showed, level by level, less what our own clients took of it.

A book is known from a snapshot on. Updates with numbers must follow each other without a gap (the rule of the
venue's depth stream): the first after a snapshot must reach back to it, every later one to the update before it.
A gap, or bids that reach asks, makes the book void until the next snapshot. A source without numbers is believed.
A snapshot is fetched while updates go on, so that some newer ones come before it: those are kept and follow it.

What a client takes from a level stays taken until the tape states another quantity for that level: a recording
does not know of us, so the same quantity told again is the same orders, and they are gone.

Source of the rule: Binance USD-M futures API, "How to manage a local order book correctly".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.domain.errors import ContractError
from bot.domain.market import BookUpdate
from bot.domain.order import Side

EARLY_MAX = 1_000                    # updates kept for a snapshot: 100 s of the venue's usual stream of 10 a second
LEVELS_MAX = 5_000                   # of one side: five of the venue's fullest snapshots; the farthest are let go


@dataclass(slots=True)
class BookSide:
    """One side. ``keys`` are prices x ``sign``, rising from the best: +1 for asks, -1 for bids."""

    sign: int
    keys: list[int] = field(default_factory=list)
    shown: dict[int, int] = field(default_factory=dict)      # quantity by price, as the tape states it
    taken: dict[int, int] = field(default_factory=dict)      # of that, what clients took

    def available(self, price: int) -> int:
        """Return what is left at ``price``."""
        return self.shown.get(price, 0) - self.taken.get(price, 0)

    def levels(self) -> Iterator[tuple[int, int]]:
        """Yield (price, what is left), best first, without the levels that clients emptied."""
        for key in self.keys:
            price = key * self.sign
            left = self.available(price)
            if left:
                yield price, left

    def best(self) -> int | None:
        """Return the best price at which anything is left."""
        return next((price for price, _ in self.levels()), None)

    def within(self, limit: int | None) -> int:
        """Return what is left at ``limit`` and better; all of it without a limit."""
        total = 0
        for price, left in self.levels():
            if limit is not None and price * self.sign > limit * self.sign:
                break
            total += left
        return total

    def queued(self, price: int) -> int | None:
        """Return what waits at ``price``; None beyond the worst known level, where nobody was told."""
        if not self.keys or price * self.sign > self.keys[-1]:
            return None
        return self.available(price)

    def take(self, quantity: int) -> list[tuple[int, int]]:
        """Take ``quantity`` from the best levels; return (price, quantity) pieces, less when there is less."""
        pieces: list[tuple[int, int]] = []
        for price, left in self.levels():
            if quantity == 0:
                break
            piece = min(quantity, left)
            pieces.append((price, piece))
            quantity -= piece
        for price, piece in pieces:
            self.taken[price] = self.taken.get(price, 0) + piece
        return pieces

    def state(self, price: int, quantity: int) -> None:
        """Take in what the tape says of one level; 0 removes it."""
        if price <= 0 or quantity < 0:
            raise ContractError(
                f"venue: a level needs a price above 0 and a quantity of at least 0, was {price}, {quantity}; "
                f"mend the tape's reader"
            )
        before = self.shown.get(price, 0)
        if quantity == before:
            return
        self.taken.pop(price, None)
        if quantity == 0:
            del self.shown[price]
            del self.keys[bisect_left(self.keys, price * self.sign)]
            return
        if before == 0:
            self.keys.insert(bisect_left(self.keys, price * self.sign), price * self.sign)
        self.shown[price] = quantity
        if len(self.keys) > LEVELS_MAX:
            farthest = self.keys.pop() * self.sign
            del self.shown[farthest]
            self.taken.pop(farthest, None)

    def replace(self, levels: Sequence[tuple[int, int]]) -> None:
        """Take in all levels at once; what was taken from a level told again stays taken."""
        told = {price for price, _ in levels}
        for price in [price for price in self.shown if price not in told]:
            self.state(price, 0)
        for price, quantity in levels:
            self.state(price, quantity)


@dataclass(slots=True)
class Book:
    """Both sides; ``last`` is the venue's number of the last change in them."""

    bids: BookSide = field(default_factory=lambda: BookSide(-1))
    asks: BookSide = field(default_factory=lambda: BookSide(1))
    is_known: bool = False
    follows_snapshot: bool = False
    last: int = 0
    gaps: int = 0
    early: list[BookUpdate] = field(default_factory=list)    # came since the book was last known

    def facing(self, side: Side) -> BookSide:
        """Return the side that an order of ``side`` trades with."""
        return self.asks if side is Side.BUY else self.bids

    def own(self, side: Side) -> BookSide:
        """Return the side on which an order of ``side`` rests."""
        return self.bids if side is Side.BUY else self.asks

    def mid(self) -> int | None:
        """Return the middle of the best prices, rounded down; None when a side is empty."""
        bid, ask = self.bids.best(), self.asks.best()
        return None if bid is None or ask is None else (bid + ask) // 2

    def fold(self, update: BookUpdate) -> None:
        """Take in one update of the tape."""
        if self.is_known and 0 < update.last <= self.last:
            return                   # told before
        if update.is_snapshot:
            self._begin_anew(update)
        elif not self.is_known:
            self.early.append(update)
            del self.early[:-EARLY_MAX]
        elif self._misses_some_before(update):
            self.gaps += 1
            self._void()
        else:
            for price, quantity in update.bids:
                self.bids.state(price, quantity)
            for price, quantity in update.asks:
                self.asks.state(price, quantity)
            self.follows_snapshot = False
            self._stand(update.last)

    def _begin_anew(self, snapshot: BookUpdate) -> None:
        self.bids.replace(snapshot.bids)
        self.asks.replace(snapshot.asks)
        self.is_known = self.follows_snapshot = True
        early, self.early = self.early, []
        self._stand(snapshot.last)
        for update in early:
            if update.last > snapshot.last > 0:
                self.fold(update)

    def _stand(self, last: int) -> None:
        self.last = last
        if self._is_crossed():
            self._void()

    def _misses_some_before(self, update: BookUpdate) -> bool:
        if update.last == 0 or self.last == 0:
            return False             # no numbers to compare
        if update.first and update.first <= self.last + 1 and (self.follows_snapshot or not update.previous):
            return False
        if self.follows_snapshot:
            return not 0 < update.previous <= self.last
        return update.previous != self.last

    def _is_crossed(self) -> bool:
        return bool(self.bids.keys and self.asks.keys and -self.bids.keys[0] >= self.asks.keys[0])

    def _void(self) -> None:
        self.is_known = False
        self.bids = BookSide(-1)
        self.asks = BookSide(1)
