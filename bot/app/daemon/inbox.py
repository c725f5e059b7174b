"""What has come in and was not decided on yet. Written by callbacks, emptied by the driver, never waited on.

Quotes, marks, indexes, funding rates and open interest say what is: a newer one takes the place of an older one of its
instrument, at the end, so that time does not go back. Trades, forced trades, changes of a book and candle points say
what happened: each is kept. So is everything about accounts and orders, and those facts are never counted against the
bound, since what became of an order must not be lost because prices flood.

A fact is stamped when it comes in, not when it was read off a page that other answers were waited for after: time
never goes back on the way out.

The engine takes many times what markets send (``python -m bench.replay`` prints how much), so a burst is gone at once;
what does not fit into ``EVENTS_MAX`` means that the driver has stood still, and is a fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec

from bot.domain.errors import ContractError
from bot.domain.events import AccountFact, Event
from bot.domain.market import FundingRate, IndexPrice, MarketFact, MarkPrice, OpenInterest, Quote

# at 200 messages/s, which is a busy market, nobody has taken anything out for a quarter of an hour
EVENTS_MAX = 200_000
_STATES = frozenset({Quote, MarkPrice, IndexPrice, FundingRate, OpenInterest})

_Slot = tuple[type, int]


class Inbox:
    """Events in the order in which they arrived; ``wake`` is called when the first comes into an empty one."""

    def __init__(self, wake: Callable[[], None], now: Callable[[], int]) -> None:
        self._wake = wake
        self._now = now
        self._latest = 0
        self._events: dict[int, Event] = {}
        self._newest: dict[_Slot, int] = {}
        self._number = 0
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: MarketFact) -> None:
        """Take a price; raises ContractError when nothing has been taken out for so long that it does not fit."""
        if len(self._events) >= EVENTS_MAX:
            raise ContractError(f"inbox: is full, was {len(self._events)} events; the driver has stood still")
        kind = event.__class__
        if kind in _STATES:
            slot = (kind, event.instrument)
            older = self._newest.get(slot)
            if older is not None and self._events.pop(older, None) is not None:
                self.conflated += 1
            self._newest[slot] = self._number + 1
        if event.now < self._latest:
            event = msgspec.structs.replace(event, now=self._latest)
        self._latest = event.now
        self._append(event)

    def tell(self, fact: AccountFact) -> None:
        """Take a fact of an account; there is always room for one."""
        self._latest = max(self._latest, self._now())
        self._append(replace(fact, now=self._latest))

    def take(self) -> list[Event]:
        """Return everything, oldest first, and be empty."""
        events = list(self._events.values())
        self._events.clear()
        self._newest.clear()
        return events

    def _append(self, event: Event) -> None:
        self._number += 1
        is_first = not self._events
        self._events[self._number] = event
        if is_first:
            self._wake()
