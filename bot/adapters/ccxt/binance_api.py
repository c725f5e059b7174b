"""``ExchangeApi`` for Binance USD-M: its own endpoints and streams, decoded by us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.adapters.ccxt import binance_orders, probe
from bot.adapters.ccxt.account_stream import AccountDecoder
from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.decode import MarketDecoder, target_of
from bot.adapters.ccxt.exchange_api import AccountLink, Chore, Probed, Put, Report, Tell
from bot.adapters.ccxt.feed import BinanceFeed
from bot.adapters.ccxt.history import read_day
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.market_watch import MarketWatch
from bot.adapters.ccxt.names import code_of
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.user_stream import UserStream
from bot.adapters.ccxt.venue import BinanceVenue
from bot.domain.market import MarketFact
from bot.domain.names import parse_name

FEED_SILENCE_MAX = 30.0              # s; the feed reopens its sockets sooner, and beats when prices come again
STREAM_SILENCE_MAX = 180.0           # s; a listen key is prolonged every 60, and 30 may be waited for the quota
MARKETS_SILENCE_MAX = 180.0          # s; the list of markets is read every 60
POLL_SILENCE_MAX = 60.0              # s; polls come every 10 and wait for the venue's quota


class BinanceApi:
    """Speaks to Binance USD-M."""

    async def read_markets(self, connection: Connection, wanted: Sequence[str]) -> Markets:
        """Return the markets of ccxt's symbols."""
        return await probe.read_markets(connection, wanted)

    async def ask_time(self, connection: Connection, time: VenueTime) -> None:
        """Ask the venue's time once."""
        await probe.ask_time(connection, time)

    async def refuse_withdrawals(self, connection: Connection) -> str | None:
        """Raise CredentialError when the key may withdraw or transfer, or may not trade futures."""
        await probe.refuse_withdrawals(connection)
        return None

    async def probe(self, connection: Connection, markets: Markets, *, now: int) -> Probed:
        """Return how an account is set."""
        terms = await probe.read_terms(connection, markets, now=now)

        def link(view: AccountView, time: VenueTime, *, tell: Tell, report: Report) -> AccountLink:
            decoder = AccountDecoder(view)
            venue = BinanceVenue(connection, decoder, time, tell=tell, report=report)
            stream = UserStream(connection, decoder, venue, time, report=report)
            chores = (Chore("stream", stream.run, STREAM_SILENCE_MAX), Chore("polls", stream.poll, POLL_SILENCE_MAX))
            return AccountLink(venue, chores, venue.arrivals.took_over, venue.close)

        return Probed(terms, (), link)

    async def read_day(self, connection: Connection, markets: Markets, *, now: int) -> list[MarketFact]:
        """Return what the markets did in the last day."""
        return await read_day(connection, markets, now=now)

    def feed(self, connection: Connection, markets: Markets, time: VenueTime, *, put: Put, report: Report) -> Chore:
        """Return the task that keeps the sockets of prices open."""
        by_symbol = markets.by_symbol
        feed = BinanceFeed(
            connection,
            MarketDecoder({symbol: target_of(each) for symbol, each in by_symbol.items()}, time.ours),
            {symbol: each.index for symbol, each in by_symbol.items()},
            time,
            put=put,
            report=report,
        )
        return Chore("feed", feed.run, FEED_SILENCE_MAX)

    def market_watch(
        self, connection: Connection, markets: Markets, time: VenueTime, *, tell: Tell, report: Report
    ) -> Chore:
        """Return the task that reads the list of markets now and then."""
        return Chore(
            "markets", MarketWatch(connection, markets, time, tell=tell, report=report).run, MARKETS_SILENCE_MAX
        )

    async def cancel_ours(
        self, connection: Connection, *, marker: str, account: int, symbols: Sequence[str]
    ) -> list[str]:
        """Cancel every plain order of ours that is open anywhere; stops are on another list, and stay."""
        del symbols
        names = code_of(connection.access.exchange_id)
        rows: Any = await connection.call("fapiPrivateGetOpenOrders", {}, Lane.RISK, weight=40)
        cancelled = []
        for row in rows:
            identity = str(row["clientOrderId"])
            name = names.decode(identity)
            parsed = None if name is None else parse_name(marker, name)
            if parsed is None or name is None or parsed.account != account or parsed.is_stop:
                continue
            asked = binance_orders.cancel(str(row["symbol"]), identity, is_conditional=False)
            await connection.call(asked.method, asked.parameters, Lane.RISK, weight=asked.weight)
            cancelled.append(name)
        return cancelled
