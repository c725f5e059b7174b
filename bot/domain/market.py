"""Facts about prices. Cheap frozen structs, because there are millions of them.

``now`` is when the engine learns of it, ``stamp`` is the venue's own time, kept for freshness only.
Prices and quantities are integers at the instrument's scales; ``instrument`` is its index.
"""

from __future__ import annotations

import msgspec


class MarketEvent(msgspec.Struct, frozen=True, gc=False):
    """What all of them carry."""

    now: int
    stamp: int
    instrument: int


class Trade(MarketEvent, frozen=True, gc=False):
    """A trade between others; ``side`` is +1 when the taker bought, -1 when it sold, 0 when not known."""

    price: int
    quantity: int
    side: int


class CandlePoint(MarketEvent, frozen=True, gc=False):
    """One of the four points by which a candle is walked; its volume is known only at the close.

    ``volume`` is zero on the first three points. ``span`` is the bar's, ns; 0 where it is not known.
    """

    price: int
    volume: int
    span: int = 0


class MarkPrice(MarketEvent, frozen=True, gc=False):
    """The venue's mark: what margin and liquidation are counted at. ``span``: of the bar it is a point of, or 0."""

    price: int
    span: int = 0


class IndexPrice(MarketEvent, frozen=True, gc=False):
    """The venue's spot index of the underlying."""

    price: int


class Quote(MarketEvent, frozen=True, gc=False):
    """Best bid and ask; 0 stands for an empty side, which is not a price."""

    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int


class BookUpdate(MarketEvent, frozen=True, gc=False):
    """New quantities of price levels, (price, quantity) pairs; a quantity of 0 removes its level.

    ``is_snapshot``: these are all levels, and what was known before is void. ``first`` and ``last`` are the
    venue's numbers of the changes in it and ``previous`` the last one of the update before it; 0 where the
    source has none.
    """

    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    is_snapshot: bool
    first: int = 0
    last: int = 0
    previous: int = 0


class FundingRate(MarketEvent, frozen=True, gc=False):
    """The rate that will be paid at ``next_at``: a positive rate is paid by longs. Scale 10^-8."""

    rate: int
    next_at: int


class OpenInterest(MarketEvent, frozen=True, gc=False):
    """What all positions of one side of an instrument hold together."""

    quantity: int


class ForcedTrade(MarketEvent, frozen=True, gc=False):
    """The venue closed somebody's position by force; ``side`` is of its order: -1 sold a long, +1 bought a short."""

    price: int
    quantity: int
    side: int


class Candle(msgspec.Struct, frozen=True, gc=False):
    """A recorded bar, before it is walked: known to the simulated market, never to the engine."""

    opened: int                      # ns, the bar's open time
    span: int                        # ns
    instrument: int
    open: int
    high: int
    low: int
    close: int
    volume: int

    @property
    def now(self) -> int:
        """When the bar begins: where it stands in a merged tape."""
        return self.opened


MarketFact = (
    Trade | CandlePoint | MarkPrice | IndexPrice | Quote | BookUpdate | FundingRate | OpenInterest | ForcedTrade
)
