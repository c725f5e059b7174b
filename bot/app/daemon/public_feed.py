"""Live prices without a key, for paper accounts: the public streams of the exchange that the configuration names."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bot.adapters.ccxt.clock import QUESTIONS
from bot.adapters.ccxt.connection import Access, Connection, Endpoints
from bot.adapters.ccxt.exchange_api import ExchangeApi
from bot.adapters.ccxt.exchange_apis import api_of
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.turnstile import Turnstile
from bot.app.daemon.clock import WallClock
from bot.app.daemon.connection import NamedJob
from bot.app.daemon.live_connection import as_ours, job_of
from bot.app.loading import Loaded
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.market import MarketFact


class PublicFeed:
    """A ``PriceFeed`` of a venue's public streams."""

    def __init__(self, api: ExchangeApi, connection: Connection, markets: Markets, times: VenueTime) -> None:
        self._api = api
        self._connection = connection
        self._markets = markets
        self._time = times

    @classmethod
    async def open(cls, loaded: Loaded, clock: WallClock) -> PublicFeed:
        """Read the markets; raises InputError for one that is not listed, or a venue that cannot be asked."""
        exchanges = list(dict.fromkeys(spec.exchange.id for spec in loaded.config.accounts.values()))
        if len(exchanges) > 1:
            raise InputError(f"accounts: live prices come from one exchange, were {' and '.join(exchanges)}")
        api = api_of(exchanges[0])
        endpoints = next(iter(loaded.config.accounts.values())).exchange.endpoints
        access = Access(
            exchanges[0], endpoints=None if endpoints is None else Endpoints(endpoints.rest, endpoints.streams)
        )
        turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=clock.now)
        connection, times = Connection(access, turnstile), VenueTime(clock.now)
        try:
            await connection.open()
            markets = await api.read_markets(connection, loaded.config.symbols)
            turnstile.limiter = Limiter(markets.quotas)
            for _ in range(QUESTIONS):
                await api.ask_time(connection, times)
        except BaseException as error:
            await connection.close()
            raise as_ours(error) from error
        return cls(api, connection, markets, times)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The configured markets, with the venue's filters."""
        return self._markets.instruments

    def jobs(self, put: Callable[[MarketFact], None], ring: Callable[[str, str], None]) -> Sequence[NamedJob]:
        """Return the one task: streams, polls, books and their watch."""
        feed = self._api.feed(
            self._connection, self._markets, self._time, put=put,
            report=lambda trouble: ring(trouble.code, trouble.detail),
        )
        return [job_of(feed, feed.name)]

    async def close(self) -> None:
        """Close every socket."""
        await self._connection.close()
