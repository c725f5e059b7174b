"""What a market did in the last day, by unified candles: for windows and volatility, which begin with it.

Only bars that have ended are read. An exchange without candles of the mark has its trades told alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from typing import Any

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.unified.numbers import price_of, rounded
from bot.domain.instrument import Instrument
from bot.domain.market import MarketFact, MarkPrice, Trade
from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE, NS_PER_MS

PAGES_MAX = 20                       # of 100 bars, the shortest page that there is: a day has 15
_MINUTE_MS = 60_000


async def read_day(connection: Connection, markets: Markets, *, now: int) -> list[MarketFact]:
    """Return trades and marks of the last day, in the order of time; raises what ccxt raises."""
    found: list[list[MarketFact]] = []
    for instrument in markets.instruments:
        if connection.exchange.has.get("fetchOHLCV"):
            found.append(await _bars(connection, "fetch_ohlcv", instrument, now))
        if connection.exchange.has.get("fetchMarkOHLCV"):
            found.append(await _bars(connection, "fetch_mark_ohlcv", instrument, now))
    return list(merge(*found, key=lambda fact: (fact.now, fact.instrument, isinstance(fact, Trade))))


async def _bars(connection: Connection, method: str, instrument: Instrument, now: int) -> list[MarketFact]:
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
    ended = [bar for opened, bar in sorted(bars.items()) if (opened + _MINUTE_MS) * NS_PER_MS <= now]
    return [_fact(bar, method, instrument) for bar in ended]


def _fact(bar: Sequence[Any], method: str, instrument: Instrument) -> MarketFact:
    at = (int(bar[0]) + _MINUTE_MS) * NS_PER_MS
    price = price_of(bar[4], instrument.price_digits)
    if method == "fetch_ohlcv":
        return Trade(at, at, instrument.index, price, rounded(bar[5] or 0, instrument.quantity_digits), 0)
    return MarkPrice(at, at, instrument.index, price, NS_PER_MINUTE)
