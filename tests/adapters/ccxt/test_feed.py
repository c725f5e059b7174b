"""Prices over real sockets: every kind arrives, books follow their numbers, dead sockets are dropped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from bot.adapters.ccxt import feed as feed_module
from bot.adapters.ccxt.connection import Access, Connection, Endpoints
from bot.adapters.ccxt.decode import MarketDecoder, target_of
from bot.adapters.ccxt.feed import BinanceFeed, sockets_of
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.probe import read_markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.turnstile import Turnstile
from bot.domain.market import BookUpdate, FundingRate, IndexPrice, MarketFact, MarkPrice, Quote, Trade
from bot.domain.scale import NS_PER_HOUR, NS_PER_SECOND
from paper.wire.exchange import Reply, Request
from paper.wire.faults import Fate, Frame
from paper.wire.frame_faults import FRAME_FAULTS
from paper.wire.hub import Outgoing
from paper.wire.rules import Rule
from paper.wire.server import WireServer
from tests.adapters.ccxt.bench import SYMBOLS, WAIT
from tests.adapters.ccxt.carriers import Plain
from tests.wire.builders import run, serving, steer


@dataclass(slots=True)
class Listening:
    """A feed connected to a server, and everything that came out of it."""

    server: WireServer
    connection: Connection
    facts: list[MarketFact] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    beats: int = 0
    steered: int = 0

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def codes(self) -> list[str]:
        return [trouble.code for trouble in self.troubles]

    async def until(self, done: Callable[[], object], seconds: float = WAIT) -> None:
        """Let somebody trade again and again until something has come about."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not done():
            assert asyncio.get_running_loop().time() < deadline, f"waited in vain: {self.troubles}"
            self.steered += 1
            steer(self.server, "60002.0" if self.steered % 2 else "60001.0")
            await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(carrier: Any = None) -> AsyncIterator[Listening]:
    """Yield a feed of two markets whose sockets stand."""
    async with serving(carrier=carrier) as server:
        base = f"127.0.0.1:{server.port}"
        access = Access("binanceusdm", endpoints=Endpoints(f"http://{base}", f"ws://{base}/ws"))
        turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=time.time_ns)
        connection = Connection(access, turnstile)
        await connection.open()
        markets = await read_markets(connection, SYMBOLS)
        bench = Listening(server, connection)

        def beat() -> None:
            bench.beats += 1

        decoder = MarketDecoder({symbol: target_of(each) for symbol, each in markets.by_symbol.items()})
        feed = BinanceFeed(
            connection, decoder, {symbol: each.index for symbol, each in markets.by_symbol.items()},
            VenueTime(time.time_ns), put=bench.facts.append, report=bench.troubles.append,
        )
        task = asyncio.create_task(feed.run(beat))
        try:
            yield bench
        finally:
            task.cancel()
            await asyncio.wait({task})
            await connection.close()


class Bent(Plain):
    """Carries frames of some streams otherwise: ``bend`` gives the bodies that go out for one."""

    def __init__(self, bend: Callable[[Outgoing], Sequence[bytes]]) -> None:
        self.bend = bend

    def carried(self, now: int, outgoing: Outgoing) -> Sequence[Frame]:
        del now
        return [Frame(outgoing.connection, body) for body in self.bend(outgoing)]


def test_feed_brings_every_kind_of_price() -> None:
    """Quotes, trades, marks, indexes, funding and the book, each within a second or so of its happening."""
    async def scenario() -> None:
        async with listening() as bench:
            now = bench.server.clock.now()
            bench.server.steer(FundingRate(now, now, 0, 10_000, now + NS_PER_HOUR))
            kinds = (Quote, Trade, MarkPrice, IndexPrice, FundingRate, BookUpdate)
            await bench.until(lambda: all(bench.of(kind) for kind in kinds))
            await bench.until(lambda: bench.beats)
            assert bench.troubles == []
            assert {fact.price for fact in bench.of(Trade)} <= {60_001_000, 60_002_000}

    run(scenario)


def test_feed_begins_a_book_with_its_snapshot_and_follows_the_numbers() -> None:
    """No change comes before the snapshot, and each begins where the last one ended."""
    async def scenario() -> None:
        async with listening() as bench:
            await bench.until(lambda: len(bench.of(BookUpdate)) > 3)
            updates = [each for each in bench.of(BookUpdate) if each.instrument == 0]
            assert updates[0].is_snapshot
            for before, after in pairwise(updates):
                assert not after.is_snapshot
                assert after.previous <= before.last < after.last

    run(scenario)


def test_feed_asks_for_a_new_snapshot_after_a_gap() -> None:
    """One change is lost: nothing is put on the old book any more, a third snapshot comes for the two books."""
    lost: list[bytes] = []

    def bend(outgoing: Outgoing) -> Sequence[bytes]:
        if "btcusdt@depth" in outgoing.stream and len(lost) < 3:
            lost.append(outgoing.body)
            return [outgoing.body] if len(lost) < 3 else []
        return [outgoing.body]

    async def scenario() -> None:
        async with listening(Bent(bend)) as bench:
            await bench.until(lambda: sum(each.is_snapshot for each in bench.of(BookUpdate)) > 2)

    run(scenario)


def test_feed_survives_frames_that_are_broken() -> None:
    """A frame cut in half, one that is no JSON, a NaN: told once a kind, and the next good one arrives."""
    sent: list[int] = []

    def bend(outgoing: Outgoing) -> Sequence[bytes]:
        if "markPrice" in outgoing.stream and not sent:
            sent.append(1)
            broken = outgoing.body.replace(b'"p":"', b'"p":"NaN')
            return [outgoing.body[:40], b"not json", broken, outgoing.body]
        return [outgoing.body]

    async def scenario() -> None:
        async with listening(Bent(bend)) as bench:
            await bench.until(lambda: bench.of(MarkPrice) and bench.codes())
            assert bench.codes() == ["message_bad", "message_bad"]
            await bench.until(lambda: len(bench.of(MarkPrice)) > 3)

    run(scenario)


def test_feed_opens_a_socket_again_that_the_venue_closed() -> None:
    """The venue hangs up, as it does every day: the socket is opened again, and the book begins anew."""
    async def scenario() -> None:
        async with listening() as bench:
            await bench.until(lambda: bench.of(BookUpdate) and bench.of(MarkPrice))
            for socket in list(bench.server._sockets.values()):
                await socket.close()
            bench.facts.clear()
            await bench.until(lambda: bench.of(MarkPrice) and any(each.is_snapshot for each in bench.of(BookUpdate)))
            assert set(bench.codes()) == {"stream_lost"}

    run(scenario)


def _no_marks(outgoing: Outgoing) -> Sequence[bytes]:
    return [] if "markPrice" in outgoing.stream else [outgoing.body]


def _old_marks(outgoing: Outgoing) -> Sequence[bytes]:
    stale = Rule("stale", stream="btcusdt@markPrice", delay_ms=60_000)
    aged = FRAME_FAULTS["stale"](stale, outgoing)
    return [body for body, _ in aged if body] if "markPrice" in outgoing.stream else [outgoing.body]


@pytest.mark.parametrize(
    "spoil",
    [lambda outgoing: [outgoing.body] if outgoing.stream == "answer" else [], _no_marks, _old_marks],
    ids=["nothing comes", "trades come, and no marks", "marks come, a minute old"],
)
def test_feed_drops_a_socket_that_is_open_and_silent(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Outgoing], Sequence[bytes]]
) -> None:
    """The socket stands and answers pings, and no mark of now comes: it is dropped, and the next one brings them."""
    monkeypatch.setitem(feed_module.SILENCE_MAX, "market", NS_PER_SECOND * 3 // 2)
    spoilt: set[int] = set()

    def bend(outgoing: Outgoing) -> Sequence[bytes]:
        if "markPrice" in outgoing.stream and len(spoilt) < 1:
            spoilt.add(outgoing.connection)
        return spoil(outgoing) if outgoing.connection in spoilt else [outgoing.body]

    async def scenario() -> None:
        async with listening(Bent(bend)) as bench:
            await bench.until(lambda: any(each.now - each.stamp < NS_PER_SECOND for each in bench.of(MarkPrice)))
            assert "stream_lost" in bench.codes()
            assert any("silent" in trouble.detail for trouble in bench.troubles)

    run(scenario)


def test_feed_retries_a_snapshot_that_was_refused() -> None:
    """The page of the book fails once: told, asked again a second later, and the book begins."""
    class NoBook(Plain):
        def __init__(self) -> None:
            self.refused = 0

        def fate(self, now: int, request: Request) -> Fate:
            if "depth" in request.path and self.refused < 2:
                self.refused += 1
                return Fate(answer=Reply(503, b"Service Unavailable."))
            return super().fate(now, request)

    async def scenario() -> None:
        async with listening(NoBook()) as bench:
            await bench.until(lambda: bench.of(BookUpdate))
            assert set(bench.codes()) == {"book_unread"}

    run(scenario)


def test_sockets_of_markets_subscribe_to_all_that_is_decoded() -> None:
    """Two sockets whatever the number of markets; each stream by the venue's spelling."""
    public, market = sockets_of(["BTCUSDT", "ETHUSDT"])
    assert public.streams == (
        "btcusdt@bookTicker", "btcusdt@depth@100ms", "ethusdt@bookTicker", "ethusdt@depth@100ms",
    )
    assert {stream.partition("@")[2] for stream in market.streams} == {"aggTrade", "markPrice@1s", "forceOrder"}
