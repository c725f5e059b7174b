"""Prices of Binance USD-M from its streams: two sockets, decoded in the callback that brings a frame.

    public   best quotes and changes of the book, every 100 ms
    market   trades, marks with index and funding, forced orders

ccxt keeps the sockets, pings them and says when one is gone; its handlers get no price (``Connection``). A book begins
with a snapshot over REST, asked for when the subscription stands, and again after every gap in its numbers. A socket
that is open and silent is dropped: marks come every second whatever the market does, so five seconds without one mean
that it is dead, however well it answers pings and whatever else it brings. What counts is when the venue made them:
marks of five seconds ago are no better than none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.decode import MarketDecoder
from bot.adapters.ccxt.failures import DecodeFailed, failure
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.tapes.book_sequence import BookSequence
from bot.domain.market import BookUpdate, MarketFact, MarkPrice
from bot.domain.scale import NS_PER_SECOND

SILENCE_MAX = {"public": 30 * NS_PER_SECOND, "market": 5 * NS_PER_SECOND}     # a quiet coin has no quote for seconds
LOOK_EVERY = 1.0                     # s between two looks at who is silent
RETRY_FIRST, RETRY_MAX = 0.2, 5.0    # s before a socket is opened again; doubled while it fails
STEADY_AFTER = 10 * NS_PER_SECOND    # a socket that lived so long begins at RETRY_FIRST again
SNAPSHOT_DEPTH = 1_000
SNAPSHOT_WEIGHT = 20
SNAPSHOT_EVERY = 1.0                 # s between two snapshots of one book, so that a broken stream costs no quota
TROUBLES_EVERY = 10 * NS_PER_SECOND  # bad messages of one kind are told so often, with their number


@dataclass(frozen=True, slots=True)
class Socket:
    """One connection: ``category`` is the venue's word in its address, ``streams`` what is subscribed to."""

    category: str
    streams: tuple[str, ...]


_KINDS = {"public": ("bookTicker", "depth@100ms"), "market": ("aggTrade", "markPrice@1s", "forceOrder")}


def sockets_of(symbols: Sequence[str]) -> tuple[Socket, ...]:
    """Return which streams of which markets are listened to."""
    return tuple(
        Socket(category, tuple(f"{symbol.lower()}@{kind}" for symbol in symbols for kind in kinds))
        for category, kinds in _KINDS.items()
    )


class BinanceFeed:
    """Keeps the sockets of some markets open. ``put`` takes prices, ``report`` troubles, on the loop.

    ``symbols`` are the venue's own; ``instruments`` gives their columns.
    """

    def __init__(
        self,
        connection: Connection,
        decoder: MarketDecoder,
        instruments: Mapping[str, int],
        time: VenueTime,
        *,
        put: Callable[[MarketFact], None],
        report: Callable[[Trouble], None],
    ) -> None:
        self._connection = connection
        self._decoder = decoder
        self._symbols = {index: symbol for symbol, index in instruments.items()}
        self._time = time
        self._put = put
        self._report = report
        self._books = {index: BookSequence() for index in self._symbols}
        self._fetching: dict[int, asyncio.Task[None]] = {}
        self._heard: dict[str, int] = {}             # by address: when the newest of it was made, by our clock
        self._bad: dict[str, tuple[int, int]] = {}   # by kind: when it was told, and how many there were since
        self.frames = 0
        connection.on_frame = self._on_frame
        connection.on_bad_frame = self._on_bad_frame
        connection.on_connected = self._on_connected

    async def run(self, beat: Callable[[], None]) -> None:
        """Listen for ever; ``beat`` is called as long as marks come. Ends only by being cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for socket in sockets_of(tuple(self._symbols.values())):
                    group.create_task(self._keep(socket))
                group.create_task(self._watch(beat))
        finally:
            for task in self._fetching.values():
                task.cancel()

    async def _keep(self, socket: Socket) -> None:
        """Keep one socket open: open it, wait until it is gone, open it again."""
        exchange, number, wait = self._connection.exchange, 0, RETRY_FIRST
        while True:
            url = exchange.get_ws_url("linear", socket.category)
            number += 1
            began = self._heard[url] = self._time.now()
            request = {"method": "SUBSCRIBE", "params": list(socket.streams), "id": number}
            reason = "was closed"
            try:
                await exchange.watch(url, f"penstock {number}", request, f"penstock {number}")
            except Exception as error:  # noqa: BLE001  # whatever ended it, it is opened again
                reason = f"{type(error).__name__}: {error}"
            if self._time.now() - began > STEADY_AFTER:
                wait = RETRY_FIRST
            self._trouble("stream_lost", f"{socket.category}: {reason}; opens again in {wait:g} s")
            self._connection.drop(url, reason)
            await asyncio.sleep(wait)
            wait = min(RETRY_MAX, 2 * wait)

    async def _watch(self, beat: Callable[[], None]) -> None:
        """Drop sockets that are silent; beat while none is."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            now, silent = self._time.now(), False
            for url, heard in list(self._heard.items()):
                limit = next(limit for category, limit in SILENCE_MAX.items() if category in url)
                if now - heard > limit:
                    silent = True
                    self._heard[url] = now       # it is given as long again
                    self._connection.drop(url, f"silent for {(now - heard) / NS_PER_SECOND:.0f} s")
            if not silent:
                beat()

    # Frames -----------------------------------------------------------------------------------------------

    def _on_frame(self, url: str, parsed: object) -> bool:
        """Take every frame; ccxt gets none."""
        if isinstance(parsed, dict) and "e" not in parsed and "stream" not in parsed:
            self._on_answer(url, parsed)
            return True
        now = self._time.now()
        self.frames += 1
        for fact in self._decoder.decode(now, parsed):
            if isinstance(fact, DecodeFailed):
                self._failed(fact)
                continue
            if isinstance(fact, MarkPrice) or "market" not in url:
                heard = min(now, fact.stamp - min(0, self._time.ahead))      # whether or not that is excused
                self._heard[url] = max(self._heard.get(url, 0), heard)
            if isinstance(fact, BookUpdate):
                self._on_book(fact)
            else:
                self._put(fact)
        return True

    def _on_answer(self, url: str, answer: Mapping[str, object]) -> None:
        """Begin the books when their subscription stands; one that was refused is told and tried again."""
        if "error" in answer:
            self._trouble("stream_refused", f"{url}: the venue refused a subscription: {answer['error']}")
            self._connection.drop(url, "the subscription was refused")
        elif "public" in url:
            for index in self._symbols:
                self._fetch(index)

    def _on_book(self, update: BookUpdate) -> None:
        book = self._books[update.instrument]
        for each in book.change(update):
            self._put(each)
        if book.last is None:
            self._fetch(update.instrument)

    def _on_connected(self, url: str) -> None:
        """A new socket: what is known of the books is of the old one."""
        if "public" in url:
            for index in self._books:
                self._books[index] = BookSequence()

    def _on_bad_frame(self, url: str, text: str, error: Exception) -> None:
        del url
        self._failed(failure(self._time.now(), "frame", error, text))

    # Books ------------------------------------------------------------------------------------------------

    def _fetch(self, index: int) -> None:
        """Ask for a snapshot of a book, unless one is on its way."""
        if index not in self._fetching:
            task = self._fetching[index] = asyncio.get_running_loop().create_task(self._fetch_book(index))
            task.add_done_callback(lambda _: self._fetching.pop(index, None))

    async def _fetch_book(self, index: int) -> None:
        symbol = self._symbols[index]
        parameters = {"symbol": symbol, "limit": SNAPSHOT_DEPTH}
        try:
            body: Any = await self._connection.call(
                "fapiPublicGetDepth", parameters, Lane.READ, weight=SNAPSHOT_WEIGHT
            )
            for fact in self._decoder.decode(self._time.now(), {**body, "symbol": symbol}):
                if isinstance(fact, DecodeFailed):
                    self._failed(fact)
                elif isinstance(fact, BookUpdate):
                    for each in self._books[index].snapshot(fact):
                        self._put(each)
        except Exception as error:  # noqa: BLE001  # the next change of the book asks again
            self._trouble("book_unread", f"{symbol}: {type(error).__name__}: {error}")
        await asyncio.sleep(SNAPSHOT_EVERY)

    # Troubles ---------------------------------------------------------------------------------------------

    def _failed(self, failed: DecodeFailed) -> None:
        """Tell of a bad message: the first of its kind at once, then how many there were."""
        told, count = self._bad.get(failed.kind, (-TROUBLES_EVERY, 0))
        if failed.now - told < TROUBLES_EVERY:
            self._bad[failed.kind] = told, count + 1
            return
        self._bad[failed.kind] = failed.now, 0
        more = f"; {count} more since the last word" if count else ""
        self._trouble("message_bad", f"{failed.kind or 'message'}: {failed.reason}{more}; was {failed.text}")

    def _trouble(self, code: str, detail: str) -> None:
        self._report(Trouble(self._time.now(), code, detail))
