"""Tickers, books, trades and funding, as ccxt unifies them, as facts of a market.

Of a stream, a message without a time of its own is as old as its arrival; of a page, as old as the question. A later
time counts as now. ``ours`` says when a time of the exchange's was by our clock. What no market can be (crossed, not
above zero) is no fact and is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.adapters.ccxt.decode import as_it_is
from bot.adapters.ccxt.replies import BrokenReply
from bot.adapters.ccxt.unified.numbers import Row, amount_rounded, price_of, rounded
from bot.adapters.tapes.rows import plausible
from bot.domain.instrument import Instrument
from bot.domain.market import BookUpdate, FundingRate, IndexPrice, MarketFact, MarkPrice, Quote, Trade
from bot.domain.scale import CASH_DIGITS, NS_PER_MS

Ours = Callable[[int], int]
LEVELS = 50                          # of each side of a book: deeper than any collar reaches for what we sell


def of_ticker(row: Row, instrument: Instrument, *, now: int, asked: int, ours: Ours = as_it_is) -> Iterator[MarketFact]:
    """Yield mark and index of a ticker, or of a funding rate, where it has them."""
    stamp, digits = moment_of(row, now=now, asked=asked, ours=ours), instrument.price_digits
    if row.get("markPrice") is not None:
        yield MarkPrice(now, stamp, instrument.index, price_of(row["markPrice"], digits))
    if row.get("indexPrice"):
        yield IndexPrice(now, stamp, instrument.index, price_of(row["indexPrice"], digits))


def of_funding(
    row: Row, instrument: Instrument, *, now: int, asked: int, ours: Ours = as_it_is
) -> Iterator[MarketFact]:
    """Yield the rate that will be paid, where the exchange says when."""
    due = row.get("nextFundingTimestamp") or row.get("fundingTimestamp")
    if row.get("fundingRate") is None or not isinstance(due, int) or due * NS_PER_MS <= now:
        return
    stamp = moment_of(row, now=now, asked=asked, ours=ours)
    yield FundingRate(
        now, stamp, instrument.index, rounded(row["fundingRate"], CASH_DIGITS), plausible(due * NS_PER_MS)
    )


def of_book(row: Row, instrument: Instrument, *, now: int, asked: int, ours: Ours = as_it_is) -> Iterator[MarketFact]:
    """Yield the best of both sides, and the book as a snapshot; raises BrokenReply for one that is crossed."""
    stamp = moment_of(row, now=now, asked=asked, ours=ours)
    bids, asks = _levels(row["bids"], instrument), _levels(row["asks"], instrument)
    if bids and asks and bids[0][0] >= asks[0][0]:
        raise BrokenReply(f"the book is crossed, was {row['bids'][:1]} against {row['asks'][:1]}")
    best = (bids[0] if bids else (0, 0)), (asks[0] if asks else (0, 0))
    yield Quote(now, stamp, instrument.index, *best[0], *best[1])
    yield BookUpdate(now, stamp, instrument.index, bids, asks, True)


def of_trade(row: Row, instrument: Instrument, *, now: int, ours: Ours = as_it_is) -> Trade:
    """Return a trade between others; raises BrokenReply."""
    side = {"buy": 1, "sell": -1}.get(str(row.get("side")), 0)
    quantity = amount_rounded(row.get("amount"), instrument)
    stamp = moment_of(row, now=now, asked=now, ours=ours)
    return Trade(now, stamp, instrument.index, price_of(row.get("price"), instrument.price_digits), quantity, side)


def moment_of(row: Row, *, now: int, asked: int, ours: Ours = as_it_is) -> int:
    """Return how old something is, ns by our clock: by its own time, else by when it was asked for."""
    stamp = row.get("timestamp")
    if isinstance(stamp, int) and not isinstance(stamp, bool):
        return min(ours(plausible(stamp * NS_PER_MS)), now)
    return min(asked, now)


def _levels(side: Sequence[Any], instrument: Instrument) -> tuple[tuple[int, int], ...]:
    """Return the best levels of one side, best first; those of no quantity are left out."""
    found = []
    for level in side[:LEVELS]:
        quantity = amount_rounded(level[1], instrument)
        if quantity > 0:
            found.append((price_of(level[0], instrument.price_digits), quantity))
    return tuple(found)
