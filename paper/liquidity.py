"""What an arriving order can trade with besides other clients' orders: the tape's book, else the model.

As long as the tape's book is known, orders walk its levels and the model is never asked. Where the tape carries
no book, or it is void after a gap, the model of ``paper.impact`` answers and its fills are marked as modelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.order import Side
from paper.book import BookSide
from paper.exchange import Exchange
from paper.impact import Depth, depth, remember


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a trade at one price."""

    price: int
    quantity: int
    modelled: bool


class Supply(Protocol):
    """One side of a market, as it stands when it is asked."""

    def touch(self) -> int | None:
        """Return the best price, or None when there is nothing."""

    def within(self, limit: int | None) -> int | None:
        """Return how much trades at ``limit`` or better; None when there is no end to it."""

    def before(self, limit: int, ahead: int | None) -> int:
        """Return how much trades before a client's order at ``limit`` that has ``ahead`` in its queue."""

    def take(self, quantity: int, limit: int | None) -> list[Piece]:
        """Take ``quantity``, which is within ``limit``, and remember that it is gone."""


@dataclass(frozen=True, slots=True)
class BookSupply:
    """Levels of a recorded book."""

    side: BookSide

    def touch(self) -> int | None:
        return self.side.best()

    def within(self, limit: int | None) -> int | None:
        return self.side.within(limit)

    def before(self, limit: int, ahead: int | None) -> int:
        there = self.side.available(limit)
        return self.side.within(limit) - there + (there if ahead is None else min(there, ahead))

    def take(self, quantity: int, limit: int | None) -> list[Piece]:
        del limit                    # the levels within it come first
        return [Piece(price, piece, modelled=False) for price, piece in self.side.take(quantity)]


@dataclass(frozen=True, slots=True)
class ModelSupply:
    """The modelled depth; whatever it can give trades before a client's order at the same price."""

    exchange: Exchange
    index: int
    side: Side
    met: Depth

    def touch(self) -> int | None:
        return self.met.touch()

    def within(self, limit: int | None) -> int | None:
        if limit is None:
            return None
        quantity = self._now().quantity_within(limit)
        return quantity - quantity % self.exchange.instruments[self.index].filters.lot

    def before(self, limit: int, ahead: int | None) -> int:
        del ahead
        return self.within(limit) or 0

    def take(self, quantity: int, limit: int | None) -> list[Piece]:
        if quantity == 0:
            return []
        price = self._now().price(quantity)
        if limit is not None:        # rounding to a unit may step over the limit by less than one; the venue never
            price = min(price, limit) if self.side is Side.BUY else max(price, limit)
        remember(
            self.exchange.markets[self.index], self.exchange.spec.impact,
            side=self.side, quantity=quantity, now=self.exchange.at,
        )
        return [Piece(price, quantity, modelled=True)]

    def _now(self) -> Depth:
        """Return the depth after what was taken a moment ago."""
        met = _depth(self.exchange, self.index, self.side)
        return self.met if met is None else met


def facing(exchange: Exchange, index: int, side: Side) -> Supply | None:
    """Return what an order of ``side`` meets, or None when the market has no price yet."""
    book = exchange.markets[index].book
    if book is not None and book.is_known:
        return BookSupply(book.facing(side))
    met = _depth(exchange, index, side)
    return None if met is None else ModelSupply(exchange, index, side, met)


def market_fill(exchange: Exchange, index: int, *, side: Side, quantity: int) -> list[Piece]:
    """Take ``quantity`` at any price, as a forced closing does; the pieces add up to it, best price first.

    What a known book does not hold is priced by the model beyond it, never better than the book's last piece.
    Empty when the market has no price yet.
    """
    market = exchange.markets[index]
    pieces: list[Piece] = []
    if market.book is not None and market.book.is_known:
        pieces = BookSupply(market.book.facing(side)).take(quantity, None)
    rest = quantity - sum(piece.quantity for piece in pieces)
    met = _depth(exchange, index, side)
    if rest == 0 or met is None:
        return pieces
    (beyond,) = ModelSupply(exchange, index, side, met).take(rest, None)
    worst = pieces[-1].price if pieces else beyond.price
    price = max(worst, beyond.price) if side is Side.BUY else min(worst, beyond.price)
    return [*pieces, Piece(price, rest, modelled=True)]


def _depth(exchange: Exchange, index: int, side: Side) -> Depth | None:
    return depth(
        exchange.markets[index], exchange.instruments[index], exchange.spec.impact, side=side, now=exchange.at
    )
