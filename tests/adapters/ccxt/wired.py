"""Our live adapter in front of the paper exchange on the wire: real ccxt, real sockets, one account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.adapters.ccxt.account_stream import AccountDecoder
from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.names import PLAIN
from bot.adapters.ccxt.probe import measure_time, read_markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.user_stream import UserStream
from bot.adapters.ccxt.venue import BinanceVenue
from bot.domain.account import MarginMode
from bot.domain.events import AccountFact
from paper.spec import AccountStart
from paper.wire.faults import Carrier
from tests.adapters.ccxt.bench import MARKER, SYMBOLS, WAIT, AdapterBench, reached


@dataclass(slots=True, kw_only=True)
class Wired(AdapterBench[BinanceVenue]):
    """The bench of the adapter that is written for Binance; its user stream may be open."""

    stream: UserStream


@asynccontextmanager
async def wired(
    *accounts: AccountStart, carrier: Carrier | None = None, streams: bool = False, **options: Any
) -> AsyncIterator[Wired]:
    """Yield our adapter connected to a server; with ``streams`` the user stream is open."""
    async with reached("binanceusdm", *accounts, carrier=carrier, **options) as (server, connection):
        venue_time = VenueTime(time.time_ns)
        await measure_time(connection, venue_time)
        markets = await read_markets(connection, SYMBOLS)
        decoder = AccountDecoder(AccountView(0, MARKER, PLAIN, markets.by_symbol, lambda _: MarginMode.CROSS))
        facts: list[AccountFact] = []
        troubles: list[Trouble] = []
        venue = BinanceVenue(connection, decoder, venue_time, tell=facts.append, report=troubles.append)
        stream = UserStream(connection, decoder, venue, venue_time, report=troubles.append)
        task = asyncio.create_task(stream.run(lambda: None)) if streams else None
        try:
            if streams:
                await asyncio.wait_for(stream.is_open.wait(), WAIT)
            yield Wired(
                server=server, connection=connection, markets=markets, venue=venue, stream=stream, time=venue_time,
                facts=facts, troubles=troubles,
            )
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
            await venue.close()
