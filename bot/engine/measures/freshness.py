"""Notices the markets whose price has stopped: what is too old is no price, and nothing is decided by it.

A market is silent when its mark is as old as the limit, by the venue's stamp. From then on it has no mark, so
its positions' readings and those of their accounts are unavailable, until one comes that is young enough. Every
market with a price has a deadline in the engine's heap; when it comes and younger prices have, it moves on.

    limit = the larger of stale_after and what the stream's own pace allows: two spans of a recorded bar; where
    the last trade stands in for the mark, ``TRADE_LULL``
"""

from __future__ import annotations

from typing import Final

from bot.domain.effects import RaiseAlarm
from bot.domain.scale import NS_PER_SECOND, to_text
from bot.engine.desk import Desk


class Freshness:
    """Deadlines of markets, as those waiters in the heap that come after the accounts."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.first: Final = len(desk.layout.accounts)
        self.is_alarmed = [False] * len(desk.layout.instruments)

    def watch(self, instrument: int) -> None:
        """Set the deadline of a market that has a mark."""
        self.desk.timers.set(self.first + instrument, self._deadline(instrument))

    def heard(self, instrument: int) -> None:
        """Take note of a first mark, or of the first one after a silence."""
        desk = self.desk
        desk.market.is_silent[instrument] = False
        self.watch(instrument)
        if self.is_alarmed[instrument] and self._deadline(instrument) > desk.book.now:
            self.is_alarmed[instrument] = False
            symbol = desk.layout.instruments[instrument].symbol
            desk.emit(RaiseAlarm("market_fresh", f"{symbol}: prices come again", desk.book.now))

    def judge(self, due: list[int]) -> list[int]:
        """Return the markets among the ``due`` waiters that are silent from now on."""
        silent: list[int] = []
        for waiter in due:
            instrument = waiter - self.first
            if instrument < 0:
                continue
            if self._deadline(instrument) > self.desk.book.now:
                self.watch(instrument)
            else:
                self._silence(instrument)
                silent.append(instrument)
        return silent

    def _deadline(self, instrument: int) -> int:
        market = self.desk.market
        return market.marked_at(instrument) + max(self.desk.limits.stale_after, market.lull[instrument])

    def _silence(self, instrument: int) -> None:
        """Take the mark away; where somebody holds the market, a person is told."""
        desk = self.desk
        desk.market.is_silent[instrument] = True
        desk.market.last[instrument] = None
        mark, desk.columns.mark[instrument] = desk.columns.mark[instrument], None
        holders = [
            desk.layout.accounts[desk.layout.keys[position].account].name
            for position in desk.layout.positions_on[instrument] if desk.book.quantity[position]
        ]
        if holders and mark is not None and not self.is_alarmed[instrument]:
            self.is_alarmed[instrument] = True
            thing = desk.layout.instruments[instrument]
            age = (desk.book.now - desk.market.marked_at(instrument)) / NS_PER_SECOND
            price = to_text(mark, thing.price_digits)
            desk.emit(
                RaiseAlarm(
                    "market_stale",
                    f"{thing.symbol}: the last price, {price}, is {age:g} s old; nothing is decided by it until one "
                    f"comes; held by {', '.join(dict.fromkeys(holders))}",
                    desk.book.now,
                )
            )
