"""What a market did before we came: the last day by the minute, and what others usually trade at each of its minutes.

Windows and volatility begin with the day; schedules that follow the volume begin with five days of it. Only bars that
have ended are read: a bar that is still open is of the future. A bar's trades are told as one trade at its close, its
mark as a mark that is a point of a bar of a minute; both are for ``Engine.warm``, which decides nothing.

Source: Binance USD-M futures API, "Kline/Candlestick Data", "Mark Price Kline/Candlestick Data" (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from typing import Any

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.decode import target_of
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.probe import Markets
from bot.adapters.tapes.markets import Target
from bot.domain.events import VolumeHistory
from bot.domain.instrument import Instrument
from bot.domain.market import MarketFact, MarkPrice, Trade
from bot.domain.scale import NS_PER_MINUTE, NS_PER_MS

MINUTES = 1_500                      # a day and an hour: as much as one page holds
WEIGHT = 10                          # of a page of so many bars
MINUTES_PER_DAY = 1_440
VOLUME_DAYS = 7                      # one of each weekday; at least five make a profile
_MINUTE_MS = 60_000
Bar = Sequence[Any]


async def read_day(connection: Connection, markets: Markets, *, now: int) -> list[MarketFact]:
    """Return trades and marks of the last day of some markets, in the order of time; ``now`` is ns of the venue.

    Raises what ccxt raises, and what reading a field of the wrong shape raises.
    """
    found: list[list[MarketFact]] = []
    for symbol, instrument in markets.by_symbol.items():
        target = target_of(instrument)
        trades = await _bars(connection, "fapiPublicGetKlines", {"symbol": symbol}, before=now)
        marks = await _bars(connection, "fapiPublicGetMarkPriceKlines", {"symbol": symbol}, before=now)
        found.append([_trade(bar, target) for bar in trades])
        found.append([_mark(bar, target) for bar in marks])
    return list(merge(*found, key=_moment))


async def read_volume(connection: Connection, symbol: str, instrument: Instrument, *, now: int) -> VolumeHistory | None:
    """Return what was traded in each minute of the last whole days, None where there is not one; raises as above."""
    target = target_of(instrument)
    minutes, first = [0] * MINUTES_PER_DAY, now // NS_PER_MINUTE - VOLUME_DAYS * MINUTES_PER_DAY
    bars: list[Bar] = []
    for start in range(first, first + VOLUME_DAYS * MINUTES_PER_DAY, MINUTES):
        span = {"symbol": symbol, "startTime": str(start * _MINUTE_MS)}
        bars += await _bars(connection, "fapiPublicGetKlines", span, before=now)
    by_minute = {int(bar[0]) // _MINUTE_MS: target.scales.quantity(str(bar[5])) for bar in bars}
    if not by_minute:
        return None
    end = max(by_minute) + 1
    days = min(VOLUME_DAYS, (end - min(by_minute)) // MINUTES_PER_DAY)
    if not days:
        return None
    for minute, quantity in by_minute.items():
        if minute >= end - days * MINUTES_PER_DAY:
            minutes[minute % MINUTES_PER_DAY] += quantity
    return VolumeHistory(now, end * NS_PER_MINUTE, instrument.index, days, tuple(minutes))


async def _bars(connection: Connection, method: str, wanted: dict[str, str], *, before: int) -> list[Bar]:
    """Return the bars of one page that have ended."""
    parameters = {**wanted, "interval": "1m", "limit": str(MINUTES)}
    page: list[Bar] = await connection.call(method, parameters, Lane.READ, weight=WEIGHT)
    return [bar for bar in page if _ended(bar) <= before]


def _ended(bar: Bar) -> int:
    """Return when a bar was over, ns; the venue writes the last millisecond of it."""
    return (int(bar[6]) + 1) * NS_PER_MS


def _trade(bar: Bar, target: Target) -> Trade:
    at = _ended(bar)
    return Trade(at, at, target.instrument, target.scales.price(str(bar[4])), target.scales.quantity(str(bar[5])), 0)


def _mark(bar: Bar, target: Target) -> MarkPrice:
    at = _ended(bar)
    return MarkPrice(at, at, target.instrument, target.scales.price(str(bar[4])), NS_PER_MINUTE)


def _moment(fact: MarketFact) -> tuple[int, int, bool]:
    """Return the order of two facts of one instant: a market's mark before its trade, markets in their order."""
    return fact.now, fact.instrument, isinstance(fact, Trade)
