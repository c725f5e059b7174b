"""What an exchange is asked at the start by unified methods, what is refused there, and how news of it come in."""

from __future__ import annotations

import asyncio

import pytest

from bot.adapters.ccxt.binance_api import BinanceApi
from bot.adapters.ccxt.exchange_api import Chore
from bot.adapters.ccxt.exchange_apis import api_of
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.unified import feed as feed_module
from bot.adapters.ccxt.unified import watch as watch_module
from bot.adapters.ccxt.unified.api import UnifiedApi
from bot.adapters.ccxt.unified.feed import MarkMissing, UnifiedFeed, mark_method
from bot.adapters.ccxt.unified.terms import UnifiedMarketWatch
from bot.adapters.ccxt.unified.watch import AccountWatch
from bot.domain.account import MarginMode
from bot.domain.copying import replace
from bot.domain.errors import InputError
from bot.domain.events import AccountFact, AccountSnapshot, FillOrigin, InstrumentStatus, OrderFilled
from bot.domain.instrument import TradingState
from bot.domain.market import BookUpdate, FundingRate, MarketFact, MarkPrice, Quote, Trade
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from paper.spec import PositionMode
from tests.adapters.ccxt.bench import SYMBOLS
from tests.adapters.ccxt.unified.wired import Wired, wired
from tests.wire.builders import account, run, steer


def test_binance_usdm_has_its_own_adapter_and_every_other_id_the_general_one() -> None:
    """One question decides which: the id in the configuration."""
    assert isinstance(api_of("binanceusdm"), BinanceApi)
    assert isinstance(api_of("binance"), UnifiedApi) and isinstance(api_of("okx"), UnifiedApi)


def test_probe_reads_how_the_account_is_set_and_finds_nothing_lacking() -> None:
    """Leverage, mode and brackets of each market, as the exchange has them."""
    async def scenario() -> None:
        async with wired(account(btc=50, leverage=20)) as bench:
            probed = await bench.api.probe(bench.connection, bench.markets, now=bench.time.now())
            assert probed.lacks == ()
            assert probed.terms.leverages == dict.fromkeys(SYMBOLS, 20)
            assert probed.terms.modes == dict.fromkeys(SYMBOLS, MarginMode.CROSS)
            tiers = probed.terms.tiers[SYMBOLS[0]].tiers
            assert len(tiers) > 3 and tiers[0].rate_ppm == 4_000

    run(scenario)


def test_probe_refuses_hedge_mode_isolated_margin_and_cash_that_nobody_explained() -> None:
    """Each in words that say what to do."""
    async def scenario() -> None:
        hedged = replace(account(), position_mode=PositionMode.HEDGE)
        async with wired(hedged) as bench:
            with pytest.raises(InputError, match="hedge mode"):
                await bench.api.probe(bench.connection, bench.markets, now=bench.time.now())
        async with wired(account()) as bench:
            await bench.connection.ask("set_margin_mode", "isolated", SYMBOLS[1])
            with pytest.raises(InputError, match="margined alone"):
                await bench.api.probe(bench.connection, bench.markets, now=bench.time.now())
            with pytest.raises(InputError, match=r"exchange\.total"):
                await UnifiedApi("mexc").probe(bench.connection, bench.markets, now=bench.time.now())

    run(scenario)


def test_markets_that_are_not_linear_or_not_listed_are_refused_by_name() -> None:
    """Before a key is used."""
    async def scenario() -> None:
        async with wired(account()) as bench:
            with pytest.raises(InputError, match="does not list NO/USDT:USDT"):
                await bench.api.read_markets(bench.connection, ["NO/USDT:USDT"])
            bench.connection.exchange.markets[SYMBOLS[1]].update({"linear": False, "inverse": True})
            with pytest.raises(InputError, match="is inverse"):
                await bench.api.read_markets(bench.connection, list(SYMBOLS))

    run(scenario)


def test_exchange_without_a_mark_anywhere_is_refused_and_one_that_has_it_elsewhere_is_not() -> None:
    """Asked at the start, so that it is never guessed which of ccxt's pages has it."""
    async def scenario() -> None:
        async with wired(account()) as bench:
            has = bench.connection.exchange.has
            assert await mark_method(bench.connection, SYMBOLS[0]) == "fetch_mark_price"
            bench.connection.exchange.has = {**has, "fetchMarkPrice": False}
            assert await mark_method(bench.connection, SYMBOLS[0]) == "fetch_funding_rate"
            bench.connection.exchange.has = {**has, "fetchMarkPrice": False, "fetchFundingRate": False}
            with pytest.raises(MarkMissing, match="fetchTicker: has none"):
                await mark_method(bench.connection, SYMBOLS[0])

    run(scenario)


def test_history_is_told_in_bars_that_have_ended() -> None:
    """Nothing of it is later than now."""
    async def scenario() -> None:
        async with wired(account()) as bench:
            now = bench.time.now() + 2 * NS_PER_MINUTE
            day = await bench.api.read_day(bench.connection, bench.markets, now=now)
            assert {type(fact) for fact in day} == {Trade, MarkPrice}
            assert all(fact.now <= now and fact.now % NS_PER_MINUTE == 0 for fact in day)
            assert await bench.api.read_day(bench.connection, bench.markets, now=now - 3 * NS_PER_MINUTE) == []

    run(scenario)


# Prices ---------------------------------------------------------------------------------------------------


async def listen(bench: Wired, heard: list[MarketFact], troubles: list[Trouble]) -> asyncio.Task[None]:
    """Let a feed of both markets run."""
    feed = UnifiedFeed(
        bench.connection, bench.markets.instruments, bench.time, mark="fetch_mark_price", put=heard.append,
        report=troubles.append,
    )
    return asyncio.create_task(feed.run(lambda: None))


@pytest.mark.parametrize("streams", [True, False], ids=["by ccxt's streams", "by pages alone"])
def test_feed_brings_marks_books_trades_and_funding(monkeypatch: pytest.MonkeyPatch, streams: bool) -> None:
    """Whichever way, the price of a moment ago is the one that is told."""
    if streams:
        monkeypatch.setattr(feed_module, "QUIET", 3_600 * NS_PER_SECOND)     # no page is asked: the stream must do

    async def scenario() -> None:
        async with wired(account()) as bench:
            if not streams:
                has = bench.connection.exchange.has
                bench.connection.exchange.has = {key: False if key[:5] == "watch" else has[key] for key in has}
            heard: list[MarketFact] = []
            troubles: list[Trouble] = []
            task = await listen(bench, heard, troubles)
            wanted = {MarkPrice, Quote, BookUpdate} | (set() if streams else {Trade})
            await bench.until(lambda: {type(fact) for fact in heard if not fact.instrument} >= wanted)
            price = 60_500 * 10**bench.markets.instruments[0].price_digits
            for _ in range(300):
                steer(bench.server, "60500.0")
                await asyncio.sleep(0.1)
                if any(isinstance(fact, Trade) and fact.price == price for fact in heard):
                    break
            assert any(isinstance(fact, Trade) and fact.price == price for fact in heard)
            assert all(fact.stamp <= fact.now for fact in heard)
            assert not [fact for fact in heard if isinstance(fact, FundingRate) and fact.next_at <= fact.now]
            assert [trouble for trouble in troubles if trouble.code != "stream_lost"] == []
            task.cancel()
            await asyncio.wait({task})

    run(scenario)


def test_feed_whose_streams_are_silent_asks_the_pages_for_the_mark() -> None:
    """A socket that is open and says nothing is told from a market without news by asking."""
    async def scenario() -> None:
        async with wired(account()) as bench:
            heard: list[MarketFact] = []
            task = await listen(bench, heard, [])
            await bench.until(lambda: [fact for fact in heard if isinstance(fact, MarkPrice)])
            bench.harm({"fault": "frozen", "stream": "@"})
            await asyncio.sleep(1.2)
            began, count = bench.time.now(), len(heard)
            await bench.until(lambda: [
                fact for fact in heard[count:] if isinstance(fact, MarkPrice) and fact.now > began + 2 * NS_PER_SECOND
            ])
            task.cancel()
            await asyncio.wait({task})

    run(scenario)


# The account ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [True, False], ids=["rung for", "polled"])
def test_account_is_read_when_a_stream_rings_and_in_any_case_now_and_then(
    monkeypatch: pytest.MonkeyPatch, streams: bool
) -> None:
    """The owner sells by hand: it is known within a second of the ring, or by the next poll where nothing rings."""
    monkeypatch.setattr(watch_module, "READ_EVERY", 60.0)
    monkeypatch.setattr(watch_module, "READ_EVERY_DEAF", 0.5)

    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            if not streams:
                has = bench.connection.exchange.has
                bench.connection.exchange.has = {key: False if key[:5] == "watch" else has[key] for key in has}
            await bench.venue.read()
            keeper = AccountWatch(bench.connection, bench.venue, bench.time, report=bench.troubles.append)
            chores = keeper.chores()
            assert len(chores) == (4 if streams else 1)
            tasks = [asyncio.create_task(chore.run(lambda: None)) for chore in chores]
            hub = bench.server.exchange.floor.hub
            await bench.until(lambda: not streams or any(each.account == 0 for each in hub.connections.values()))
            await asyncio.sleep(1.0 if streams else 0.0)         # for ccxt to wait for what comes by it
            await bench.trade_by_hand("sell", 0.02)
            await bench.until(lambda: bench.of(OrderFilled))
            await bench.until(lambda: bench.of(AccountSnapshot)[-1].positions[0].quantity == 30)
            assert {fill.origin for fill in bench.of(OrderFilled)} == {FillOrigin.EXTERNAL}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    run(scenario)


def test_market_that_is_not_listed_any_more_is_halted() -> None:
    """Told once, as a fact that the gate knows."""
    async def scenario() -> None:
        async with wired(account()) as bench:
            told: list[AccountFact] = []
            gone = replace(bench.markets.instruments[1], symbol="GONE/USDT:USDT")
            markets = Markets(
                (bench.markets.instruments[0], gone), bench.markets.symbols, bench.markets.states, ()
            )
            keeper = UnifiedMarketWatch(
                bench.connection, markets, bench.time, tell=told.append, report=bench.troubles.append
            )
            await keeper.look()
            await keeper.look()
            assert [(fact.instrument, fact.state) for fact in told if isinstance(fact, InstrumentStatus)] == [
                (1, TradingState.HALTED)
            ]
            assert bench.troubles == []

    run(scenario)


def test_chores_of_an_account_are_named_and_bounded() -> None:
    """A task that says nothing for long is noticed by the supervisor, each by its own name."""
    async def scenario() -> None:
        async with wired(account(btc=50)) as bench:
            probed = await bench.api.probe(bench.connection, bench.markets, now=bench.time.now())
            link = probed.link(bench.venue.view, bench.time, tell=bench.facts.append, report=bench.troubles.append)
            names = [chore.name for chore in link.chores]
            assert names == ["polls", "watch_orders", "watch_my_trades", "watch_positions"]
            assert all(isinstance(chore, Chore) and 0 < chore.silence_max <= 120 for chore in link.chores)
            await link.close()

    run(scenario)

