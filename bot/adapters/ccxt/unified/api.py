"""``ExchangeApi`` for any exchange of ccxt's, by its unified methods."""

from __future__ import annotations

from collections.abc import Sequence

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.clock import Stamps
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.exchange_api import AccountLink, Chore, Probed, Put, Report, Tell
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.names import code_of
from bot.adapters.ccxt.outcome import dialect_of
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.replies import BrokenReply, as_row, as_rows
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.unified import orders, rights
from bot.adapters.ccxt.unified.account import balances_of
from bot.adapters.ccxt.unified.feed import MarkMissing, UnifiedFeed, mark_method
from bot.adapters.ccxt.unified.habits import CashPage, Total, habits_of
from bot.adapters.ccxt.unified.history import read_day
from bot.adapters.ccxt.unified.orders import Arts
from bot.adapters.ccxt.unified.rehearsal import Rehearsal
from bot.adapters.ccxt.unified.terms import UnifiedMarketWatch, ask_clock, load_markets, read_markets, read_terms
from bot.adapters.ccxt.unified.venue import UnifiedVenue
from bot.adapters.ccxt.unified.watch import AccountWatch
from bot.domain.errors import InputError
from bot.domain.market import MarketFact
from bot.domain.names import parse_name
from bot.domain.scale import NS_PER_MS

FEED_SILENCE_MAX = 30.0              # s without a mark of every market
MARKETS_SILENCE_MAX = 900.0          # s; the list is read every 300


class UnifiedApi:
    """Speaks to one exchange; remembers where its mark was found."""

    def __init__(self, exchange_id: str) -> None:
        self._habits = habits_of(exchange_id)
        self._dialect = dialect_of(exchange_id)
        self._mark = ""

    async def read_markets(self, connection: Connection, wanted: Sequence[str]) -> Markets:
        """Return the markets of ccxt's symbols; raises InputError for one that cannot be guarded, or has no mark."""
        markets = await read_markets(connection, wanted)
        try:
            self._mark = await mark_method(connection, wanted[0])
        except MarkMissing as missing:
            raise InputError(
                f"exchange.id: ccxt brings no mark price of {missing} from {connection.access.exchange_id}, by which "
                "margin is counted; try again where a page was not to be reached, else use another exchange"
            ) from missing
        return markets

    async def ask_time(self, connection: Connection, time: VenueTime) -> None:
        """Ask the exchange's time once, where it tells one."""
        sent = time.now()
        told = await ask_clock(connection)
        if told is None:
            return
        # Cut to milliseconds; half of one is what it lost on average.
        at = told * NS_PER_MS + NS_PER_MS // 2
        time.learn(Stamps(sent, at, at, time.now()))
        connection.set_clock(time.ahead // NS_PER_MS)

    async def refuse_withdrawals(self, connection: Connection) -> str | None:
        """Raise CredentialError when the key may withdraw; return why that could not be asked, None where it was."""
        return await rights.refuse_withdrawals(connection)

    async def probe(self, connection: Connection, markets: Markets, *, now: int) -> Probed:
        """Return how an account is set and what its exchange can do; raises InputError for too little of it."""
        await load_markets(connection)
        cash = self._cash(connection)
        names = code_of(connection.access.exchange_id)
        rehearsal = Rehearsal(connection.exchange, markets.symbols[0], names, self._habits)
        try:
            abilities = await rehearsal.look()
        finally:
            await rehearsal.close()
        terms, unsaid = await read_terms(connection, markets, self._habits, now=now)
        try:
            balance, positions = await connection.ask("fetch_balance"), await connection.ask("fetch_positions")
            balances_of(as_row(balance), as_rows(positions), cash)
        except BrokenReply as broken:
            raise InputError(
                f"exchange: its page of balances is not what this version knows of {connection.access.exchange_id}: "
                f"{broken}; say exchange.total: wallet or equity"
            ) from broken
        arts = Arts(abilities, self._habits)

        def link(view: AccountView, time: VenueTime, *, tell: Tell, report: Report) -> AccountLink:
            venue = UnifiedVenue(connection, view, arts, self._dialect, cash, time, tell=tell, report=report)
            chores = AccountWatch(connection, venue, time, report=report).chores()
            return AccountLink(venue, chores, venue.arrivals.took_over, venue.close)

        return Probed(terms, (*abilities.lacks, *unsaid), link)

    async def read_day(self, connection: Connection, markets: Markets, *, now: int) -> list[MarketFact]:
        """Return what the markets did in the last day."""
        return await read_day(connection, markets, now=now)

    def feed(self, connection: Connection, markets: Markets, time: VenueTime, *, put: Put, report: Report) -> Chore:
        """Return the task that brings prices; after ``read_markets``."""
        feed = UnifiedFeed(connection, markets.instruments, time, mark=self._mark, put=put, report=report)
        return Chore("feed", feed.run, FEED_SILENCE_MAX)

    def market_watch(
        self, connection: Connection, markets: Markets, time: VenueTime, *, tell: Tell, report: Report
    ) -> Chore:
        """Return the task that notices when a market is traded otherwise than before."""
        watch = UnifiedMarketWatch(connection, markets, time, tell=tell, report=report)
        return Chore("markets", watch.run, MARKETS_SILENCE_MAX)

    async def cancel_ours(
        self, connection: Connection, *, marker: str, account: int, symbols: Sequence[str]
    ) -> list[str]:
        """Cancel an account's open orders that are ours and no stops, by the exchange's list; return their names."""
        await load_markets(connection)
        names, cancelled = code_of(connection.access.exchange_id), list[str]()
        for symbol in symbols:
            rows = as_rows(await connection.ask(
                "fetch_open_orders", symbol, None, None, dict(self._habits.asking), lane=Lane.RISK
            ))
            for row in rows:
                name = names.decode(orders.identity_of(row, self._habits))
                parsed = None if name is None else parse_name(marker, name)
                if name is None or parsed is None or parsed.account != account or parsed.is_stop:
                    continue
                await connection.ask("cancel_order", orders.number_of(row), symbol, {}, lane=Lane.RISK)
                cancelled.append(name)
        return cancelled

    def _cash(self, connection: Connection) -> CashPage | Total:
        """Return where cash is read, by a person's word first; raises InputError where nobody knows."""
        if connection.access.total is not None:
            return Total(connection.access.total)
        if self._habits.cash is None:
            raise InputError(
                f"exchange.total: whether ccxt's total of a balance holds unrealised profit at "
                f"{connection.access.exchange_id} is not known here; look at it with a position open, and say "
                "total: wallet or total: equity"
            )
        return self._habits.cash
