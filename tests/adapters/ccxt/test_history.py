"""What is read of a market's past, and that nothing of it is of the future."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.history import MINUTES, MINUTES_PER_DAY, VOLUME_DAYS, read_day, read_volume
from bot.adapters.ccxt.probe import Markets
from bot.domain.instrument import TradingState
from bot.domain.market import MarkPrice, Trade
from bot.domain.scale import NS_PER_MINUTE, NS_PER_MS
from tests.adapters.ccxt.samples import BTC, ETH
from tests.adapters.ccxt.test_order_questions import Pages
from tests.adapters.ccxt.wired import wired
from tests.wire.builders import run

NOON = 1_765_454_400_000             # ms, a whole minute
MARKETS = Markets((BTC, ETH), ("BTCUSDT", "ETHUSDT"), (TradingState.TRADING,) * 2, ())


def bar(opened: int, close: str, volume: str = "2.5") -> list[Any]:
    return [opened, "1", "1", "1", close, volume, opened + 59_999, "0", 3, "0", "0", "0"]


def test_day_is_told_in_order_and_ends_before_now() -> None:
    """Marks and trades of two markets, merged; the bar that is still open is left out, to the millisecond."""
    def klines(asked: dict[str, str]) -> list[Any]:
        shift = 0 if asked["symbol"] == "BTCUSDT" else 1
        return [bar(NOON - 120_000, f"{60_000 + shift}.1"), bar(NOON - 60_000, f"{60_001 + shift}.1"), bar(NOON, "1")]

    pages = Pages({"fapiPublicGetKlines": klines, "fapiPublicGetMarkPriceKlines": klines})
    now = NOON * NS_PER_MS
    facts = asyncio.run(read_day(cast("Connection", pages), MARKETS, now=now))
    assert [fact.now for fact in facts] == [now - NS_PER_MINUTE] * 4 + [now] * 4
    kinds = [(type(fact), fact.instrument) for fact in facts[:4]]
    assert kinds == [(MarkPrice, 0), (Trade, 0), (MarkPrice, 1), (Trade, 1)]
    first = facts[1]
    assert isinstance(first, Trade)
    assert (first.price, first.quantity, first.side) == (6_000_010, 2_500, 0)
    earlier = asyncio.run(read_day(cast("Connection", pages), MARKETS, now=now - 1))
    assert len(earlier) == 4


def test_volume_of_whole_days_is_added_by_the_minute_of_the_day() -> None:
    """Seven days of one thousandth a minute: seven at each; the day that is not whole does not count."""
    now = NOON * NS_PER_MS

    def klines(asked: dict[str, str]) -> list[Any]:
        start = int(asked["startTime"])
        return [bar(start + number * 60_000, "60000", "0.001") for number in range(MINUTES)]

    pages = Pages({"fapiPublicGetKlines": klines})
    found = asyncio.run(read_volume(cast("Connection", pages), "BTCUSDT", BTC, now=now))
    assert found is not None
    assert (found.days, found.until) == (VOLUME_DAYS, now)
    assert set(found.minutes) == {VOLUME_DAYS}
    assert len(found.minutes) == MINUTES_PER_DAY


def test_volume_of_a_market_that_is_new_is_none() -> None:
    """Half a day is no profile, and neither is nothing."""
    for bars in ([], [bar(NOON - number * 60_000, "1") for number in range(1, 700)]):
        pages = Pages({"fapiPublicGetKlines": bars})
        assert asyncio.run(read_volume(cast("Connection", pages), "BTCUSDT", BTC, now=NOON * NS_PER_MS)) is None


def test_day_is_read_over_the_wire() -> None:
    """The paper exchange has bars of its own, shaped as the venue's; a young market has few."""
    async def scenario() -> None:
        async with wired() as bench:
            bench.server.clock.advance(3 * NS_PER_MINUTE)
            bench.server._drive_once()
            facts = await read_day(bench.connection, bench.markets, now=bench.server.clock.now())
            assert {fact.instrument for fact in facts} == {0, 1}
            assert all(fact.now <= bench.server.clock.now() for fact in facts)
            assert {fact.price for fact in facts if isinstance(fact, Trade) and fact.instrument == 0} == {60_000_000}

    run(scenario)
