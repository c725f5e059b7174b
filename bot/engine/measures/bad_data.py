"""What of a market cannot be so and is not used: no price, a negative size, a time that has not come yet.

A price that is not above 0 values nothing. A stamp that lies ahead hides silence for as long as it lies ahead: it may
do so by no more than a mark may be old, which any clock keeps. Such a fact moves no reading and no timer, as if it had
not come; a person is told, once a minute at most of one kind in one market.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.domain.effects import RaiseAlarm
from bot.domain.market import (
    BookUpdate,
    CandlePoint,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketFact,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.desk import Desk

TOLD_EVERY = NS_PER_MINUTE           # a feed that is broken says so a thousand times a second


class BadData:
    """Refuses facts of one engine's markets, and says so."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.told_at: dict[tuple[int, str], int] = {}

    def is_bad(self, event: MarketFact) -> bool:
        """Say whether a fact is not to be used; the first of its kind in a minute raises an alarm."""
        fault = fault_of(event, ahead_max=self.desk.limits.stale_after)
        if fault is None:
            return False
        kind = type(event).__name__
        last = self.told_at.get((event.instrument, kind))
        if last is None or event.now >= last + TOLD_EVERY:
            self.told_at[event.instrument, kind] = event.now
            symbol = self.desk.layout.instruments[event.instrument].symbol
            self.desk.emit(RaiseAlarm("bad_data", f"{symbol}: {kind} {fault}; it is not used", event.now))
        return True


def fault_of(event: MarketFact, *, ahead_max: int) -> str | None:
    """Return what is wrong with a fact of a market, or None; what is not a number is never above 0."""
    ahead = event.stamp - event.now
    if ahead > ahead_max:
        return f"is stamped {ahead / NS_PER_SECOND:g} s ahead, may be {ahead_max / NS_PER_SECOND:g} s"
    return _FAULTS[event.__class__](event)


def _of_price(price: int) -> str | None:
    return None if price > 0 else f"has a price of {price}, must be above 0"


def _of_quantity(quantity: int) -> str | None:
    return None if quantity >= 0 else f"has a quantity of {quantity}, must not be below 0"


def _of_trade(event: Trade | ForcedTrade) -> str | None:
    return _of_price(event.price) or _of_quantity(event.quantity)


def _of_point(event: CandlePoint) -> str | None:
    return _of_price(event.price) or _of_quantity(event.volume)


def _of_told_price(event: MarkPrice | IndexPrice) -> str | None:
    return _of_price(event.price)


def _of_interest(event: OpenInterest) -> str | None:
    return _of_quantity(event.quantity)


def _of_quote(event: Quote) -> str | None:
    """An empty side has the price 0."""
    for price, quantity in ((event.bid, event.bid_quantity), (event.ask, event.ask_quantity)):
        if not (price >= 0 and quantity >= 0):
            return f"has a price of {price}, must be above 0" if not price >= 0 else _of_quantity(quantity)
    return None


def _of_levels(event: BookUpdate) -> str | None:
    for side in (event.bids, event.asks):
        for price, quantity in side:
            if not (price > 0 and quantity >= 0):
                return _of_price(price) or _of_quantity(quantity)
    return None


def _of_rate(event: FundingRate) -> None:
    """A rate may have any sign and size."""


_FAULTS: dict[type, Callable[[Any], str | None]] = {
    Quote: _of_quote,
    BookUpdate: _of_levels,
    Trade: _of_trade,
    ForcedTrade: _of_trade,
    CandlePoint: _of_point,
    MarkPrice: _of_told_price,
    IndexPrice: _of_told_price,
    OpenInterest: _of_interest,
    FundingRate: _of_rate,
}
