"""What became of orders, by ccxt's unified methods: one of ours by its name, all trades since a time, those open.

An exchange's number of an order is the surest name where it is known; else it is asked by our name where that was seen
to arrive (``rehearsal``), else looked for in the lists of open and ended orders, and is absent only when neither has
it. Fills are told before an order's end, and the end only when the trades add up to it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeVar

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.outcome import Dialect, says_absent
from bot.adapters.ccxt.replies import BrokenReply, as_row, as_rows
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.unified import orders
from bot.adapters.ccxt.unified.numbers import Row, amount
from bot.adapters.ccxt.unified.orders import Arts
from bot.domain.events import AccountFact, OrderEnded, OrderTriggered
from bot.domain.instrument import Instrument
from bot.domain.names import parse_name
from bot.domain.open_order import OpenOrder
from bot.domain.order import OrderStatus
from bot.domain.scale import NS_PER_DAY, NS_PER_MS, NS_PER_SECOND

NAMES_MAX = 10_000                   # orders whose names are remembered by the exchange's number
PAGE = 100                           # trades of one page, which every exchange gives
PAGES_MAX = 20
LISTED_AFTER = 10 * NS_PER_SECOND    # lists lag behind: before that, one that has no order of ours is no witness
SEARCHED = NS_PER_DAY                # how far back the lists of ended orders are searched


Value = TypeVar("Value")


class Absent(Exception):
    """Neither the open orders nor the ended ones have it."""


class Questions:
    """Asks about one account's orders, and remembers which number is whose."""

    def __init__(
        self, connection: Connection, view: AccountView, arts: Arts, dialect: Dialect, time: VenueTime
    ) -> None:
        self._connection = connection
        self._view = view
        self._arts = arts
        self._dialect = dialect
        self._time = time
        self._by_index = {each.index: each for each in view.instruments.values()}
        self._names: OrderedDict[str, str] = OrderedDict()       # by symbol and number
        self._numbers: OrderedDict[str, str] = OrderedDict()     # of orders of ours
        self._sent: OrderedDict[str, int] = OrderedDict()        # when orders of ours left, ns

    # What is remembered -----------------------------------------------------------------------------------

    def instrument_of(self, name: str) -> Instrument:
        """Return the market of an order of ours."""
        parsed = parse_name(self._view.marker, name)
        assert parsed is not None, "only orders of ours are asked for"
        return self._by_index[parsed.instrument]

    def is_ours(self, name: str) -> bool:
        """True of a name that this account gave."""
        parsed = parse_name(self._view.marker, name)
        return parsed is not None and parsed.account == self._view.account

    def is_stop(self, name: str) -> bool:
        """True of a stop of ours."""
        parsed = parse_name(self._view.marker, name)
        return parsed is not None and parsed.is_stop

    def number_of(self, name: str) -> str | None:
        """Return the exchange's number of an order of ours, None until it is known."""
        return self._numbers.get(name)

    def note_sent(self, name: str, now: int) -> None:
        """Remember when an order left."""
        _keep(self._sent, name, now)

    def note(self, symbol: str, number: str, name: str) -> None:
        """Remember whose a number is."""
        _keep(self._names, f"{symbol} {number}", name)

    def note_ours(self, name: str, number: str) -> None:
        """Remember the number under which an order of ours is at the exchange."""
        _keep(self._numbers, name, number)
        self.note(self.instrument_of(name).symbol, number, name)

    # Questions --------------------------------------------------------------------------------------------

    def says_absent(self, error: BaseException) -> bool:
        """True when an error of a look-up is the exchange's word that it has no such order."""
        return isinstance(error, Absent) or says_absent(error, self._dialect)

    async def about(self, name: str) -> list[AccountFact]:
        """Return all that the exchange says of one order of ours; raises Absent, BrokenReply, what ccxt raises."""
        instrument, facts = self.instrument_of(name), list[AccountFact]()
        row, is_apart = await self._row_of(name, instrument.symbol)
        number = orders.number_of(row)
        if is_apart:
            became = orders.became_of(row, self._arts.habits)
            if became:
                facts.append(OrderTriggered(self._time.now(), self._view.account, name))
                self.note(instrument.symbol, became, name)
                row, number = await self._by_number(instrument.symbol, became, is_stop=False), became
            elif row.get("status") == "closed":      # what it became is not said: its fills come as a stranger's
                now, account = self._time.now(), self._view.account
                return [OrderTriggered(now, account, name), OrderEnded(now, account, name, OrderStatus.EXPIRED, 0)]
        return facts + await self._state(row, instrument, number, name)

    async def whose(self, symbol: str, number: str) -> str:
        """Return the name of an order by its number: ours, the client's, or one made of the number."""
        known = self._names.get(f"{symbol} {number}")
        if known is not None:
            return known
        name = f"order {number}"
        try:
            identity = orders.identity_of(
                await self._by_number(symbol, number, is_stop=False), self._arts.habits
            )
            name = self._view.name_of(identity) if identity else name
        except Exception as error:  # a fill must be booked; only whose it was stays unknown
            if not self.says_absent(error):
                raise
        self.note(symbol, number, name)
        return name

    async def trades(self, symbol: str, since: int, *, lane: Lane = Lane.READ) -> list[Row]:
        """Return the account's trades of a market from a time of the exchange's on, ns, oldest first."""
        found: dict[str, Row] = {}
        first = since // NS_PER_MS
        for _ in range(PAGES_MAX):
            page = as_rows(await self._connection.ask("fetch_my_trades", symbol, first, PAGE, lane=lane))
            fresh = [row for row in page if str(row.get("id")) not in found]
            found |= {str(row.get("id")): row for row in fresh}
            if len(page) < PAGE or not fresh:
                return sorted(found.values(), key=lambda row: (int(row["timestamp"]), str(row["id"])))
            first = max(int(row["timestamp"]) for row in page)
        raise BrokenReply(f"more than {PAGES_MAX} pages of trades; ask for a shorter time")

    async def fills(self, symbol: str, trades: Sequence[Row]) -> list[AccountFact]:
        """Return the fills of rows, each under its order's name; stops that became orders are looked for first."""
        numbers = sorted({str(row.get("order")) for row in trades})
        new = [number for number in numbers if f"{symbol} {number}" not in self._names]
        strangers = {number for number in new if not self.is_ours(await self.whose(symbol, number))}
        if strangers:
            await self._learn_stops(symbol, strangers)
        facts: list[AccountFact] = []
        for row in trades:
            name = await self.whose(symbol, str(row.get("order")))
            facts += orders.facts_of_trade(
                row, self._view.instruments[symbol], self._view, now=self._time.now(), name=name
            )
        return facts

    async def ended_since(self, symbol: str, since: int) -> list[AccountFact]:
        """Return the end of each order of ours that a market's lists show from a time of the exchange's on, ns."""
        facts: list[AccountFact] = []
        for row in await self._history(symbol, since):
            name = self._view.name_of(orders.identity_of(row, self._arts.habits))
            if self.is_ours(name) and orders.is_over(row):
                facts += await self._state(row, self._view.instruments[symbol], orders.number_of(row), name)
        return facts

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        """Return all open orders of the account in its markets, whoever sent them; numbers of ours are noted."""
        pages = await asyncio.gather(*(self._open(symbol) for symbol in self._view.instruments))
        found = tuple(order for page in pages for order in page)
        for order in found:
            if self.is_ours(order.name):
                self.note_ours(order.name, order.venue_id.removeprefix(orders.STOP))
        return found

    # One order --------------------------------------------------------------------------------------------

    async def _state(self, row: Row, instrument: Instrument, number: str, name: str) -> list[AccountFact]:
        """Return an order's fills, and its state unless that is an end which its trades do not add up to yet."""
        facts, traded = list[AccountFact](), 0
        filled = 0 if row.get("filled") is None and not orders.is_over(row) else orders.filled_of(row, instrument)
        if filled:
            for trade in await self._trades_of(row, number, instrument.symbol):
                facts += orders.facts_of_trade(trade, instrument, self._view, now=self._time.now(), name=name)
                traded += amount(trade, "amount", instrument)
        if traded >= filled:
            facts += orders.facts_of_order(row, instrument, self._view, now=self._time.now(), name=name)
        return facts

    async def _row_of(self, name: str, symbol: str) -> tuple[Row, bool]:
        """Return an order's row, and whether it is one of the pages of stops."""
        way = self._arts.abilities.stop
        if self.is_stop(name) and way is not None and way.apart:
            try:
                return await self._one(name, symbol, is_stop=True), True
            except Exception as error:  # it may have become an order under its own name
                if not self.says_absent(error):
                    raise
        return await self._one(name, symbol, is_stop=False), False

    async def _one(self, name: str, symbol: str, *, is_stop: bool) -> Row:
        identity, number = self._view.names.encode(name), self._numbers.get(name)
        abilities = self._arts.abilities
        if number is not None and self._connection.exchange.has.get("fetchOrder"):
            row = await self._by_number(symbol, number, is_stop=is_stop)
        elif abilities.asks_by_name:
            no_id, asked = orders.by_name(identity, self._view.names.parameter, self._arts, is_stop=is_stop)
            row = as_row(await self._connection.ask("fetch_order", no_id, symbol, asked, lane=Lane.CANCEL))
            number = orders.number_of(row)
        else:
            row = await self._in_lists(name, identity, symbol, is_stop=is_stop)
            number = orders.number_of(row)
        told = orders.identity_of(row, self._arts.habits)
        if told not in ("", identity) or orders.number_of(row) != number:
            raise BrokenReply(f"an answer about {identity} was expected, was about {told or row.get('id')}")
        self.note_ours(name, number)
        return row

    async def _by_number(self, symbol: str, number: str, *, is_stop: bool) -> Row:
        asked = orders.asking(self._arts, is_stop=is_stop)
        return as_row(await self._connection.ask("fetch_order", number, symbol, asked, lane=Lane.CANCEL))

    async def _in_lists(self, name: str, identity: str, symbol: str, *, is_stop: bool) -> Row:
        """Return an order's row from the lists of open and of ended orders; raises Absent where none has it."""
        asked = orders.asking(self._arts, is_stop=is_stop)
        rows = as_rows(await self._connection.ask("fetch_open_orders", symbol, None, None, asked, lane=Lane.CANCEL))
        rows += await self._history(symbol, self._time.venue_now() - SEARCHED, is_stop=is_stop)
        for row in rows:
            if orders.identity_of(row, self._arts.habits) == identity:
                return row
        if self._time.now() - self._sent.get(name, 0) < LISTED_AFTER:
            raise BrokenReply(f"{identity} is on no list yet, and was sent just now")
        raise Absent(identity)

    async def _history(self, symbol: str, since: int, *, is_stop: bool = False) -> list[Row]:
        """Return the orders that have ended, of all lists that there are."""
        way = self._arts.abilities.stop
        methods = way.histories if is_stop and way is not None and way.apart else self._arts.abilities.histories
        asked, found = orders.asking(self._arts, is_stop=is_stop), list[Row]()
        for method in methods:
            found += as_rows(
                await self._connection.ask(method, symbol, since // NS_PER_MS, None, asked, lane=Lane.CANCEL)
            )
        return found

    async def _trades_of(self, row: Row, number: str, symbol: str) -> list[Row]:
        """Return one order's trades, out of all since it was made: ``fetchOrderTrades`` is of spot at some."""
        began = row.get("timestamp")
        since = began * NS_PER_MS - NS_PER_SECOND if isinstance(began, int) else self._time.venue_now() - SEARCHED
        rows = await self.trades(symbol, since, lane=Lane.CANCEL)
        return [trade for trade in rows if str(trade.get("order")) == number]

    async def _learn_stops(self, symbol: str, numbers: set[str]) -> None:
        """Note which stops of ours became one of these orders."""
        for row in await self._history(symbol, self._time.venue_now() - 7 * SEARCHED + LISTED_AFTER, is_stop=True):
            name = self._view.name_of(orders.identity_of(row, self._arts.habits))
            became = orders.became_of(row, self._arts.habits)
            if became in numbers and self.is_ours(name):
                self.note(symbol, became, name)

    async def _open(self, symbol: str) -> list[OpenOrder]:
        way = self._arts.abilities.stop
        kinds = (False, True) if way is not None and way.apart else (False,)
        found: list[OpenOrder] = []
        for is_stop in kinds:
            asked: Any = orders.asking(self._arts, is_stop=is_stop)
            for row in as_rows(await self._connection.ask("fetch_open_orders", symbol, None, None, asked)):
                found.append(
                    orders.open_order_of(
                        row, self._view.instruments[symbol], self._view, self._arts.habits, is_stop=is_stop
                    )
                )
        return found


def _keep(memory: OrderedDict[str, Value], key: str, value: Value) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > NAMES_MAX:
        memory.popitem(last=False)
