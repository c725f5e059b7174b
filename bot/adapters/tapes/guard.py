"""What no fact may be, whichever way it was written: a price that leaps, a quote that is crossed."""

from __future__ import annotations

from bot.adapters.tapes.faults import FaultReason
from bot.adapters.tapes.jumps import JumpWatch
from bot.adapters.tapes.rows import BadRow
from bot.domain.market import ForcedTrade, IndexPrice, MarketEvent, MarkPrice, Quote, Trade


class Guard:
    """Remembers the last good price of each kind and market."""

    def __init__(self) -> None:
        self._watches: dict[tuple[int, type[MarketEvent]], JumpWatch] = {}

    def check(self, fact: MarketEvent) -> None:
        """Raise BadRow when the fact cannot be one; facts without a price of trades always may."""
        match fact:
            case Trade() | MarkPrice() | IndexPrice() | ForcedTrade():
                self._watch(fact, fact.price, fact.price)
            case Quote():
                if fact.bid >= fact.ask > 0:
                    raise BadRow(FaultReason.QUOTE_CROSSED)
                low, high = fact.bid or fact.ask, fact.ask or fact.bid
                if low:
                    self._watch(fact, low, high)

    def _watch(self, fact: MarketEvent, low: int, high: int) -> None:
        key = fact.instrument, type(fact)
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = JumpWatch()
        if not watch.admits(low=low, high=high, close=low):
            raise BadRow(FaultReason.PRICE_JUMPED)
