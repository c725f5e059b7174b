"""Until when a request that was sent may still reach the venue: a "not found" before that says little.

An order carries a window: past its stamp and that long, the venue itself refuses it. A stamp may be ahead of the
venue's clock by so much as the venue allows and no more, so that no clock needs to be right for this. What a process
sent that was killed has no record of its stamp; it was stamped before that process was dead.

Source: Binance USD-M futures API, "Timing security" (read 2026-11): refused unless timestamp < serverTime + 1000 and
serverTime - timestamp <= recvWindow; checked again by the matching engine (-5028).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from bot.adapters.ccxt.outcome import Outcome
from bot.domain.scale import NS_PER_SECOND

AHEAD_MAX = 1 * NS_PER_SECOND        # that a stamp may be ahead of the venue's clock
KEPT_MAX = 1_000                     # orders whose arrival is open; the engine's own limits are far below


class Arrivals:
    """Which orders of an account may be on their way. ``now`` is our clock, ns; a stamp is good for ``window`` ns."""

    def __init__(self, now: Callable[[], int], *, window: int) -> None:
        self._now = now
        self._window = window
        self._until: OrderedDict[str, int] = OrderedDict()
        self._before_us = 0

    def took_over(self, at: int) -> None:
        """Another process may have sent orders of this account until ``at``."""
        self._before_us = self._end_of(at)

    def sent(self, name: str, last: int) -> None:
        """An order leaves, and is stamped by ``last`` at the latest."""
        self._until[name] = self._end_of(last)
        while len(self._until) > KEPT_MAX:
            self._until.popitem(last=False)

    def learned(self, name: str, outcome: Outcome) -> None:
        """An order was answered, or not: one that arrived, or never left, is on its way no more."""
        if outcome in (Outcome.NOT_SENT, Outcome.REJECTED, Outcome.ACCEPTED):
            self._until[name] = 0
        elif name in self._until:
            self._until[name] = min(self._until[name], self._end_of(self._now()))

    def may_come(self, name: str, asked: int) -> bool:
        """True when the request of an order could still have been on its way at ``asked``, ns by our clock."""
        return asked <= self._until.get(name, self._before_us)

    async def quiet(self) -> None:
        """Wait until nothing that another process sent is on its way any more."""
        while (left := self._before_us - self._now()) >= 0:
            await asyncio.sleep((left + 1) / NS_PER_SECOND)

    def _end_of(self, stamped: int) -> int:
        return stamped + self._window + AHEAD_MAX
