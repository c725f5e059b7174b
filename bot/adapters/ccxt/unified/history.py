"""What a market did in the last day, by unified candles: for windows and volatility, which begin with it.

Only bars that have ended are read. An exchange without candles of the mark has its trades told alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from heapq import merge
from typing import Any

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.unified.habits import habits_of
from bot.adapters.ccxt.unified.numbers import price_of, rounded
from bot.domain.instrument import Instrument
from bot.domain.market import MarketFact, MarkPrice, Trade
from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE, NS_PER_MS

PAGES_MAX = 20                       # of 100 bars, the shortest page that there is: a day has 15
_MINUTE_MS = 60_000


async def read_day(connection: Connection, markets: Markets, *, now: int) -> list[MarketFact]:
    """Return trades and marks of the last day, in the order of time; raises what ccxt raises."""
    found: list[list[MarketFact]] = []
    habits = habits_of(connection.access.exchange_id)
    for instrument in markets.instruments:
        if connection.exchange.has.get("fetchOHLCV"):
            unit = Decimal(1) if habits.bars_in_coins else instrument.venue_unit
            bars = await _bars(connection, "fetch_ohlcv", instrument, now)
            found.append([_traded(bar, instrument, unit) for bar in bars])
        if connection.exchange.has.get("fetchMarkOHLCV"):
            bars = await _bars(connection, "fetch_mark_ohlcv", instrument, now)
            found.append([_marked(bar, instrument) for bar in bars])
    return list(merge(*found, key=lambda fact: (fact.now, fact.instrument, isinstance(fact, Trade))))


async def _bars(connection: Connection, method: str, instrument: Instrument, now: int) -> list[Sequence[Any]]:
    """Return the bars of the last day that have ended, oldest first."""
    bars: dict[int, Sequence[Any]] = {}
    since = (now - NS_PER_DAY) // NS_PER_MS // _MINUTE_MS * _MINUTE_MS
    for _ in range(PAGES_MAX):
        page = await connection.ask(method, instrument.symbol, "1m", since)
        fresh = [bar for bar in page if int(bar[0]) not in bars]
        bars |= {int(bar[0]): bar for bar in fresh}
        if not fresh:
            break
        since = max(bars) + _MINUTE_MS
        if since * NS_PER_MS >= now:
            break
    return [bar for opened, bar in sorted(bars.items()) if (opened + _MINUTE_MS) * NS_PER_MS <= now]


def _traded(bar: Sequence[Any], instrument: Instrument, unit: Decimal) -> Trade:
    at, price = _end(bar, instrument)
    return Trade(at, at, instrument.index, price, rounded(bar[5] or 0, instrument.quantity_digits, unit), 0)


def _marked(bar: Sequence[Any], instrument: Instrument) -> MarkPrice:
    at, price = _end(bar, instrument)
    return MarkPrice(at, at, instrument.index, price, NS_PER_MINUTE)


def _end(bar: Sequence[Any], instrument: Instrument) -> tuple[int, int]:
    """Return when a bar ended, ns, and at which price."""
    return (int(bar[0]) + _MINUTE_MS) * NS_PER_MS, price_of(bar[4], instrument.price_digits)
