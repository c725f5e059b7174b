"""What one row of a form is. Prices, quantities and rates are read at the scales of the row's market."""

from __future__ import annotations

from collections.abc import Mapping

from bot.adapters.tapes import rows
from bot.adapters.tapes.faults import FaultReason
from bot.adapters.tapes.markets import Target
from bot.adapters.tapes.rows import BadRow
from bot.domain.market import (
    BookUpdate,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketEvent,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from bot.domain.scale import CASH_DIGITS, NS_PER_MINUTE

# A side as venues and recorders write it, in lower case; a trade whose side nobody knows has 0.
SIDES = {"buy": 1, "bid": 1, "b": 1, "1": 1, "sell": -1, "ask": -1, "s": -1, "-1": -1}
BOOK_LEVELS_MAX = 1_000              # of one side in one row; the widest file on offer has 25


class Row:
    """One row with the columns of its form found; raises BadRow for what cannot be read."""

    __slots__ = ("_at", "_fields", "instrument", "now", "scales", "stamp")

    def __init__(self, at: Mapping[str, int], fields: list[str], target: Target, *, now: int, stamp: int) -> None:
        self._at = at
        self._fields = fields
        self.instrument = target.instrument
        self.scales = target.scales
        self.now = now
        self.stamp = stamp

    def text(self, role: str) -> str:
        """Return the cell of a role, "" where the file has no such column."""
        column = self._at.get(role)
        return "" if column is None else self._fields[column]

    def price(self, role: str) -> int:
        price = self.scales.price(self.text(role))
        if price <= 0:
            raise BadRow(FaultReason.PRICE_NOT_POSITIVE)
        return price

    def quantity(self, role: str) -> int:
        quantity = self.scales.quantity(self.text(role))
        if quantity <= 0:
            raise BadRow(FaultReason.QUANTITY_NOT_POSITIVE)
        return quantity

    def amount(self, role: str) -> int:
        """Return a quantity that may be zero."""
        amount = self.scales.quantity(self.text(role))
        if amount < 0:
            raise BadRow(FaultReason.VOLUME_NEGATIVE)
        return amount

    def side(self, role: str) -> int:
        side = SIDES.get(self.text(role).lower())
        if side is None:
            raise BadRow(FaultReason.SIDE_INVALID)
        return side


def trade(row: Row) -> tuple[MarketEvent, ...]:
    """The side is the taker's, or the reverse of whether the buyer was the maker, or not known."""
    maker = row.text("maker")
    side = 1 - 2 * rows.flag(maker) if maker else SIDES.get(row.text("side").lower(), 0)
    return (Trade(row.now, row.stamp, row.instrument, row.price("price"), row.quantity("quantity"), side),)


def forced_trade(row: Row) -> tuple[MarketEvent, ...]:
    side = row.side("forced" if row.text("forced") else "side")
    return (ForcedTrade(row.now, row.stamp, row.instrument, row.price("price"), row.quantity("quantity"), side),)


def quote(row: Row) -> tuple[MarketEvent, ...]:
    """An empty side is written as nothing or zero, and is 0."""
    sides = []
    for side in ("bid", "ask"):
        is_empty = row.text(side) in ("", "0") or not row.scales.price(row.text(side))
        sides += [0, 0] if is_empty else [row.price(side), row.amount(f"{side}_quantity")]
    return (Quote(row.now, row.stamp, row.instrument, *sides),)


def funding(row: Row) -> tuple[MarketEvent, ...]:
    """A settled rate is known at its own moment and due at it: earlier, it would be knowledge of the future."""
    next_at = row.text("next_at")
    rate = rows.number(row.text("rate"), CASH_DIGITS)
    due = rows.time_of(next_at) if next_at else row.now
    return (FundingRate(row.now, row.stamp, row.instrument, rate, due),)


def open_interest(row: Row) -> tuple[MarketEvent, ...]:
    return (OpenInterest(row.now, row.stamp, row.instrument, row.amount("interest")),)


def mark(row: Row) -> tuple[MarketEvent, ...]:
    return (MarkPrice(row.now, row.stamp, row.instrument, row.price("mark")),)


def index(row: Row) -> tuple[MarketEvent, ...]:
    return (IndexPrice(row.now, row.stamp, row.instrument, row.price("index")),)


_TICKER = {"mark": mark, "index": index, "interest": open_interest}


def ticker(row: Row) -> tuple[MarketEvent, ...]:
    """Mark, index, open interest and the coming funding; a cell is empty until the venue has told it."""
    found: tuple[MarketEvent, ...] = ()
    for role, decode in _TICKER.items():
        if row.text(role):
            found += decode(row)
    return found + funding(row) if row.text("rate") and row.text("next_at") else found


def book_change(row: Row) -> tuple[MarketEvent, ...]:
    """One level; the rows of one message are put together afterwards."""
    level = ((row.price("price"), row.amount("quantity")),)
    bids, asks = (level, ()) if row.side("side") > 0 else ((), level)
    return (
        BookUpdate(row.now, row.stamp, row.instrument, bids, asks, bool(rows.flag(row.text("is_snapshot")))),
    )


def book_levels(row: Row) -> tuple[MarketEvent, ...]:
    """All levels of one moment; those that the venue did not have are empty."""
    sides = []
    for side in ("bids", "asks"):
        levels = []
        for number in range(BOOK_LEVELS_MAX):
            price = f"{side}[{number}].price"
            if not row.text(price):
                break
            levels.append((row.price(price), row.quantity(f"{side}[{number}].amount")))
        sides.append(tuple(levels))
    return (BookUpdate(row.now, row.stamp, row.instrument, sides[0], sides[1], True),)


def gathered(before: BookUpdate, after: BookUpdate) -> BookUpdate | None:
    """Return two rows of the same message as one, or None when they are of two.

    A snapshot ends where the changes begin: all its rows are one book, though a minute is too long for one.
    """
    if after.is_snapshot is not before.is_snapshot or after.instrument != before.instrument:
        return None
    if after.now != before.now and not (after.is_snapshot and after.now - before.now < NS_PER_MINUTE):
        return None
    return BookUpdate(
        after.now, after.stamp, after.instrument, before.bids + after.bids, before.asks + after.asks, after.is_snapshot
    )
