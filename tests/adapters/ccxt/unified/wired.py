"""The adapter of unified methods in front of the paper exchange on the wire: ccxt's id ``binance``, one account.

Nothing that is written for Binance takes part but its line of habits; errors are judged as an unknown exchange's.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.names import PLAIN
from bot.adapters.ccxt.outcome import OTHERS, Dialect
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.unified.api import UnifiedApi
from bot.adapters.ccxt.unified.habits import habits_of
from bot.adapters.ccxt.unified.orders import Arts
from bot.adapters.ccxt.unified.rehearsal import Rehearsal
from bot.adapters.ccxt.unified.venue import UnifiedVenue
from bot.domain.account import MarginMode
from bot.domain.copying import replace
from bot.domain.events import AccountFact
from paper.spec import AccountStart
from paper.wire.mischief import Mischief
from tests.adapters.ccxt.bench import MARKER, SYMBOLS, AdapterBench, reached


@dataclass(slots=True, kw_only=True)
class Wired(AdapterBench[UnifiedVenue]):
    """The bench of the adapter of unified methods, with faults at hand."""

    api: UnifiedApi
    carrier: Mischief

    def harm(self, *rules: dict[str, Any]) -> None:
        """Let these faults befall requests from now on, and no others."""
        self.carrier.follow(json.dumps({"rules": rules}))

    async def trade_by_hand(self, side: str, amount: float, **parameters: Any) -> Any:
        """Let the account's owner trade at the market."""
        return await self.connection.ask("create_order", SYMBOLS[0], "market", side, amount, None, parameters)


@asynccontextmanager
async def wired(
    *accounts: AccountStart, dialect: Dialect = OTHERS, changed: Mapping[str, Any] | None = None
) -> AsyncIterator[Wired]:
    """Yield the adapter connected to a server; ``changed`` are abilities that the exchange is to lack, or have."""
    carrier = Mischief()
    async with reached("binance", *accounts, carrier=carrier) as (server, connection):
        api, venue_time = UnifiedApi("binance"), VenueTime(time.time_ns)
        markets = await api.read_markets(connection, SYMBOLS)
        await api.ask_time(connection, venue_time)
        habits = habits_of("binance")
        rehearsal = Rehearsal(connection.exchange, SYMBOLS[0], PLAIN, habits)
        abilities = await rehearsal.look()
        await rehearsal.close()
        view = AccountView(0, MARKER, PLAIN, markets.by_symbol, lambda _: MarginMode.CROSS)
        facts: list[AccountFact] = []
        troubles: list[Trouble] = []
        assert habits.cash is not None
        venue = UnifiedVenue(
            connection, view, Arts(replace(abilities, **(changed or {})), habits), dialect, habits.cash, venue_time,
            tell=facts.append, report=troubles.append,
        )
        try:
            yield Wired(
                server=server, api=api, connection=connection, markets=markets, venue=venue, time=venue_time,
                carrier=carrier, facts=facts, troubles=troubles,
            )
        finally:
            await venue.close()
