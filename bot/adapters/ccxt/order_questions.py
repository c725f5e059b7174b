"""What became of orders at Binance: one by its name, all of a market since a time, those that are open.

Each question returns facts, an order's fills before its end, or raises what ccxt raises: nothing is believed of what
was not read whole. Which order of the venue's a triggered stop became is noted for the stream on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

from bot.adapters.ccxt import binance_orders, open_orders
from bot.adapters.ccxt.account_stream import AccountDecoder
from bot.adapters.ccxt.binance_orders import PAGE, Ask
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.names import origin_of
from bot.adapters.ccxt.replies import BrokenReply, Row, as_row, as_rows
from bot.adapters.ccxt.times import VenueTime
from bot.domain.events import AccountFact, FillOrigin
from bot.domain.names import parse_name
from bot.domain.open_order import OpenOrder
from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE, NS_PER_MS

OVERLAP = 50 * NS_PER_MS             # what was told before is told again and counts once; what is missed is missed
PAGES_MAX = 20                       # 20,000 trades of one market in a week; beyond that something else is wrong
SYMBOLS_ONE_BY_ONE = 20              # a page of one market weighs 1, one of all of them 40
HISTORY_MAX = 7 * NS_PER_DAY - NS_PER_MINUTE     # the venue's lists reach no further back at once


class OrderQuestions:
    """Asks about one account's orders."""

    def __init__(self, connection: Connection, decoder: AccountDecoder, time: VenueTime) -> None:
        self._connection = connection
        self._decoder = decoder
        self._view = decoder.view
        self._time = time
        self._by_index = {each.index: symbol for symbol, each in self._view.instruments.items()}

    def symbol_of(self, name: str) -> str:
        """Return the venue's symbol of an order of ours."""
        parsed = parse_name(self._view.marker, name)
        assert parsed is not None, "only orders of ours are asked for"
        return self._by_index[parsed.instrument]

    def is_stop(self, name: str) -> bool:
        """True of the name of a stop, which lives on other pages until it is triggered."""
        parsed = parse_name(self._view.marker, name)
        return parsed is not None and parsed.is_stop

    async def about(self, name: str) -> list[AccountFact]:
        """Return all that the venue says of one order of ours; not its end while its list of trades lags behind."""
        symbol, identity, facts = self.symbol_of(name), self._view.names.encode(name), list[AccountFact]()
        if self.is_stop(name):
            stop = require_order(
                await self._row(binance_orders.query(symbol, identity, is_conditional=True)), identity
            )
            facts += binance_orders.facts_of_conditional(stop, self._view, now=self._time.now(), name=name)
            number = binance_orders.number_of(stop)
            if not number:
                return facts
            self._decoder.note_alias(number, name)
            row = await self._row(binance_orders.query_number(symbol, number))
        else:
            row = require_order(
                await self._row(binance_orders.query(symbol, identity, is_conditional=False)), identity
            )
            number = binance_orders.number_of(row)
        executed, traded = Decimal(str(row["executedQty"])), Decimal(0)
        if executed:
            for trade in await self._rows(binance_orders.trades_of(symbol, number), Lane.CANCEL):
                facts += binance_orders.facts_of_trade(trade, self._view, now=self._time.now(), name=name)
                traded += Decimal(str(trade["qty"]))
        if traded >= executed:
            facts += binance_orders.facts_of_order(row, self._view, now=self._time.now(), name=name)
        return facts

    async def since(self, symbol: str, moment: int) -> list[AccountFact]:
        """Return everything about a market's orders since a moment of ours, ns; strangers' fills, too."""
        since = moment + self._time.ahead - self._time.error - OVERLAP
        orders, stops = await asyncio.gather(
            self._all(lambda first: binance_orders.orders_since(symbol, since, first=first), "orderId"),
            self._rows(binance_orders.stops_since(symbol, since)),
        )
        # After the orders: what those say is filled is among the trades that are read later.
        trades = await self._all(lambda first: binance_orders.trades_since(symbol, since, first=first), "id")
        older = await self._older(symbol, (*orders, *stops), trades)
        if any(not self._is_ours(row) for row in older):
            stops = [*await self._stops_behind(symbol, older), *stops]
        for row in stops:
            if binance_orders.number_of(row):
                name = self._view.name_of(binance_orders.identity_of(row))
                self._decoder.note_alias(binance_orders.number_of(row), name)
        return list(
            binance_orders.facts_since([*older, *orders], stops, trades, self._view, now=self._time.now())
        )

    async def resting(self, symbol: str) -> list[AccountFact]:
        """Return that each order of ours which is open rests, ordinary and conditional ones."""
        orders, stops = await asyncio.gather(
            self._rows(binance_orders.open_of(symbol, is_conditional=False)),
            self._rows(binance_orders.open_of(symbol, is_conditional=True)),
        )
        return list(binance_orders.facts_since(orders, stops, (), self._view, now=self._time.now()))

    async def open_everywhere(self) -> tuple[OpenOrder, ...]:
        """Return all open orders of the account in its markets, whoever sent them."""
        one_by_one = len(self._by_index) <= SYMBOLS_ONE_BY_ONE
        asks = [
            binance_orders.open_of(symbol, is_conditional=conditional) if symbol
            else binance_orders.open_anywhere(is_conditional=conditional)
            for conditional in (False, True)
            for symbol in (self._by_index.values() if one_by_one else ("",))
        ]
        pages = await asyncio.gather(*(self._rows(ask) for ask in asks))
        half = len(pages) // 2
        orders, stops = ([row for page in part for row in page] for part in (pages[:half], pages[half:]))
        return tuple(open_orders.of_pages(orders, stops, self._view))

    async def _older(self, symbol: str, known: Sequence[Row], trades: Sequence[Row]) -> list[Row]:
        """Return the orders of trades that are on no list, since they arrived before its time.

        A fill whose order is not known would be booked as a stranger's, and ours would wait for it for ever.
        """
        numbers = {binance_orders.number_of(row) for row in known}
        missing = sorted({str(row["orderId"]) for row in trades} - numbers)
        return [await self._row(binance_orders.query_number(symbol, number), Lane.READ) for number in missing]

    async def _stops_behind(self, symbol: str, orders: Sequence[Row]) -> list[Row]:
        """Return the stops of a week that became one of these orders, whose client ids may be the venue's own."""
        week = self._time.venue_now() - HISTORY_MAX
        rows = await self._rows(binance_orders.stops_since(symbol, week))
        numbers = {binance_orders.number_of(row) for row in orders}
        return [row for row in rows if binance_orders.number_of(row) in numbers]

    def _is_ours(self, row: Row) -> bool:
        name = self._view.name_of(binance_orders.identity_of(row))
        return origin_of(name, marker=self._view.marker, account=self._view.account) is FillOrigin.OURS

    async def _all(self, ask_from: Callable[[int], Ask], number: str) -> list[Row]:
        """Return all pages of a list, whose rows rise by ``number``; raises BrokenReply when it does not end."""
        found: list[Row] = []
        first = 0
        for _ in range(PAGES_MAX):
            page = await self._rows(ask_from(first))
            found += page
            if len(page) < PAGE:
                return found
            first = int(page[-1][number]) + 1
        raise BrokenReply(f"more than {PAGES_MAX} pages of a list; ask for a shorter time")

    async def _row(self, ask: Ask, lane: Lane = Lane.CANCEL) -> Row:
        return as_row(await self._ask(ask, lane))

    async def _rows(self, ask: Ask, lane: Lane = Lane.READ) -> list[Row]:
        return as_rows(await self._ask(ask, lane))

    def _ask(self, ask: Ask, lane: Lane) -> Awaitable[Any]:
        return self._connection.call(ask.method, ask.parameters, lane, weight=ask.weight, orders=ask.orders)


def require_order(row: Row, identity: str) -> Row:
    """Return an order's row; raises BrokenReply when it is about another order."""
    if binance_orders.identity_of(row) != identity:
        raise BrokenReply(f"an answer about {identity} was expected, was about {binance_orders.identity_of(row)}")
    return row
