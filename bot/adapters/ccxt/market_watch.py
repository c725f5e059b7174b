"""Watches whether the venue still trades what we trade, and by the same rules.

A state that changed is a fact: the gate must know that only reducing orders are taken, or none. A changed tick or lot
is told to a person: orders by the old one are refused, for certain and harmlessly, and a restart reads the new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.instruments import instrument_of, trading_state_of
from bot.adapters.ccxt.probe import Markets, list_markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.domain.errors import InputError
from bot.domain.events import AccountFact, InstrumentStatus
from bot.domain.instrument import Instrument, TradingState
from bot.domain.scale import cash_text, to_text

LOOK_EVERY = 60.0                    # s; the page weighs 1 of 2,400 a minute, and is a megabyte


class MarketWatch:
    """Looks at the venue's list of markets now and then. ``tell`` takes facts, ``report`` troubles."""

    look_every = LOOK_EVERY

    def __init__(
        self,
        connection: Connection,
        markets: Markets,
        time: VenueTime,
        *,
        tell: Callable[[AccountFact], None],
        report: Callable[[Trouble], None],
    ) -> None:
        self._connection = connection
        self._instruments = markets.instruments
        self._time = time
        self._tell = tell
        self._report = report
        self._states = {each.index: state for each, state in zip(markets.instruments, markets.states, strict=True)}
        self._known = {each.index: each for each in markets.instruments}

    async def run(self, beat: Callable[[], None]) -> None:
        """Look for ever; ``beat`` is called after each look, also after one that failed, which is told."""
        while True:
            await asyncio.sleep(self.look_every)
            await self.look()
            beat()

    async def look(self) -> None:
        """Look once, and tell what is not as it was."""
        try:
            listed = await self.listed()
        except Exception as error:  # noqa: BLE001  # what was not read has not changed
            self._trouble("markets_unread", f"{type(error).__name__}: {error}")
            return
        for instrument in self._instruments:
            self._compare(instrument, listed.get(instrument.symbol))

    async def listed(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the venue's markets by ccxt's symbols; raises what ccxt raises."""
        _, listed = await list_markets(self._connection)
        return listed

    def _compare(self, instrument: Instrument, market: Mapping[str, Any] | None) -> None:
        """Hold one market against what was known of it; one that is not listed any more is halted."""
        state = TradingState.HALTED if market is None else trading_state_of(market)
        if state is not self._states[instrument.index]:
            self._states[instrument.index] = state
            now = self._time.now()
            self._tell(InstrumentStatus(now, now, instrument.index, state))
        if market is None:
            return
        try:
            told = instrument_of(market, instrument.index)
        except InputError as error:
            self._trouble("market_changed", str(error))
            return
        known = self._known[instrument.index]
        if told != known:
            self._known[instrument.index] = told
            self._trouble(
                "market_changed", f"{instrument.symbol}: other rules for orders, {_rules(told)} after {_rules(known)}"
            )

    def _trouble(self, code: str, detail: str) -> None:
        self._report(Trouble(self._time.now(), code, detail))


def _rules(instrument: Instrument) -> str:
    """Return what a person would look for first; the rest is in the venue's page."""
    filters = instrument.filters
    tick = to_text(filters.tick, instrument.price_digits)
    lot, least = (to_text(each, instrument.quantity_digits) for each in (filters.lot, filters.quantity_min))
    return f"tick {tick} lot {lot} least {least} for {cash_text(filters.notional_min)}"
