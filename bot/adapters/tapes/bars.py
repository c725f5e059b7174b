"""Bars of prices at which nothing is traded: the same walk, other facts.

They are types of their own, so that no venue takes a bar of the mark price for trades at these prices.
"""

from __future__ import annotations

from bot.adapters.tapes.source import TapeKind
from bot.domain.market import Candle, CandlePoint, IndexPrice, MarkPrice


class MarkBar(Candle, frozen=True, gc=False):
    """A bar of the mark price; it has no volume."""


class IndexBar(Candle, frozen=True, gc=False):
    """A bar of the index price; it has no volume."""


BARS: dict[TapeKind, type[Candle]] = {
    TapeKind.CANDLES: Candle, TapeKind.MARK: MarkBar, TapeKind.INDEX: IndexBar,
}


def price_of(bar: Candle, point: CandlePoint) -> CandlePoint | MarkPrice | IndexPrice:
    """Return what one point of the walk of ``bar`` is: a last price, a mark price or an index price."""
    match bar:
        case MarkBar():
            return MarkPrice(point.now, point.stamp, point.instrument, point.price, point.span)
        case IndexBar():
            return IndexPrice(point.now, point.stamp, point.instrument, point.price)
    return point
