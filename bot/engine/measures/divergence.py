"""Notices the markets whose price sources contradict each other: profit and loss are not counted by any of them.

A mark, the last trade and the index of one market say nearly the same, or one of them is wrong and nobody here can
tell which. While two of them lie further apart than ``limits.divergence``, readings of profit and loss are
unavailable, so no stop-loss fires at a wick that only one of them has had, and no best mark is raised by one. Margin
is counted by the venue's own mark, right or wrong, since the venue liquidates by it: readings of it go on.

A source that was not told lately is none (``Market.told``); one that is alone cannot be contradicted.

Prices come by the million and seldom disagree. Once sources agree, any prices do that lie in a range around them
which is itself no wider than the limit, so a price within the range needs no look at the others.
"""

from __future__ import annotations

from math import inf
from typing import Final

from bot.domain.effects import RaiseAlarm
from bot.domain.scale import NS_PER_SECOND, to_text
from bot.engine.desk import Desk

AGREED_FOR: Final = 10 * NS_PER_SECOND   # before a person is told that it is over: at the limit it flaps


class Divergence:
    """Keeps ``Columns.is_disputed``, and tells a person who holds such a market, once."""

    def __init__(self, desk: Desk) -> None:
        count = len(desk.layout.instruments)
        self.desk = desk
        self.is_alarmed = [False] * count
        self.apart_at = [0] * count          # when they were last found apart
        self.low = [inf] * count             # of the range in which prices agree; none at first
        self.high = [0.0] * count

    def forget(self) -> None:
        """Look at the next price of every market, whatever it is: there is another limit."""
        for instrument in range(len(self.low)):
            self.low[instrument] = inf

    def look(self, instrument: int, price: int, *, is_warming: bool) -> bool:
        """Compare a market's sources after one told ``price``; return whether it began or ceased to be disputed."""
        if self.low[instrument] <= price <= self.high[instrument]:
            return False
        desk, columns = self.desk, self.desk.columns
        now = desk.book.now
        prices = desk.market.told(instrument, now)
        mark = columns.mark[instrument]
        is_apart = False
        self.low[instrument] = inf
        if mark is not None:
            lowest, highest = min([mark, *prices.values()]), max([mark, *prices.values()])
            is_apart = highest - lowest > desk.limits.divergence * mark
            self._set_range(instrument, lowest, highest)
        if is_apart:
            self.apart_at[instrument] = now
        if not is_warming:
            self._tell(instrument, {"mark": mark, **prices} if is_apart else {}, now)
        if is_apart is columns.is_disputed[instrument]:
            return False
        columns.is_disputed[instrument] = is_apart
        columns.disputes += 1 if is_apart else -1
        return True

    def _set_range(self, instrument: int, lowest: int, highest: int) -> None:
        """Widen what the sources span to both sides, as far as its ends agree; none while an all-clear is due."""
        limit = self.desk.limits.divergence
        slack = (limit * lowest - (highest - lowest)) / (2 + limit)
        if slack >= 0 and not self.is_alarmed[instrument]:
            self.low[instrument], self.high[instrument] = lowest - slack, highest + slack

    def _tell(self, instrument: int, prices: dict[str, int | None], now: int) -> None:
        if prices and not self.is_alarmed[instrument]:
            self._alarm(instrument, prices, now)
        elif self.is_alarmed[instrument] and now >= self.apart_at[instrument] + AGREED_FOR:
            self.is_alarmed[instrument] = False
            symbol = self.desk.layout.instruments[instrument].symbol
            self.desk.emit(RaiseAlarm("prices_agree", f"{symbol}: its prices agree again", now))

    def _alarm(self, instrument: int, prices: dict[str, int | None], now: int) -> None:
        layout = self.desk.layout
        holders = [
            layout.accounts[layout.keys[position].account].name
            for position in layout.positions_on[instrument] if self.desk.book.quantity[position]
        ]
        if not holders:
            return
        self.is_alarmed[instrument] = True
        thing = layout.instruments[instrument]
        told = ", ".join(f"{what} {to_text(price or 0, thing.price_digits)}" for what, price in prices.items())
        self.desk.emit(
            RaiseAlarm(
                "prices_diverge",
                f"{thing.symbol}: {told}; they may lie {self.desk.limits.divergence:.2%} apart. Rules on profit and "
                f"loss wait, those on margin go by the mark; held by {', '.join(dict.fromkeys(holders))}",
                now,
            )
        )
