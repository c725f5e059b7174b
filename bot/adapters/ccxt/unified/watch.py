"""Keeps one account's picture true: it is read when a stream rings, and now and then in any case.

What a stream of the account says is not read: a ring means that something happened, and the pages say what. So a
stream that is deaf, doubled or wrong costs time and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.exchange_api import Chore
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.unified.venue import UnifiedVenue

READ_EVERY = 10.0                    # s between two readings where streams ring between them
READ_EVERY_DEAF = 3.0                # where there are none
RING_PAUSE = 0.3                     # s after a ring in which others join it
BEAT_EVERY = 30.0                    # s that a quiet stream is given before it is said to be alive: most are quiet
RETRY_FIRST, RETRY_MAX = 0.2, 30.0
SILENCE_MAX = 60.0                   # s between two readings, waiting for the quota included
_STREAMS = {
    "watchOrders": "watch_orders", "watchMyTrades": "watch_my_trades", "watchPositions": "watch_positions",
}


class AccountWatch:
    """One account's polls and bells."""

    def __init__(
        self, connection: Connection, venue: UnifiedVenue, time: VenueTime, *, report: Callable[[Trouble], None]
    ) -> None:
        self.venue = venue
        self._connection = connection
        self._time = time
        self._report = report
        self._rung = asyncio.Event()
        self._streams = [method for name, method in _STREAMS.items() if connection.exchange.has.get(name) is True]
        connection.on_bad_frame = self._on_bad_frame

    def chores(self) -> Sequence[Chore]:
        """Return the tasks: the readings, and one for each stream that rings."""
        listening = [Chore(each, partial(self._listen, each), 4 * BEAT_EVERY) for each in self._streams]
        return [Chore("polls", self.poll, SILENCE_MAX), *listening]

    async def poll(self, beat: Callable[[], None]) -> None:
        """Read the account for ever."""
        every = READ_EVERY if self._streams else READ_EVERY_DEAF
        while True:
            try:
                async with asyncio.timeout(every):
                    await self._rung.wait()
                await asyncio.sleep(RING_PAUSE)
            except TimeoutError:
                pass
            self._rung.clear()
            await self.venue.read()
            beat()

    async def _listen(self, method: str, beat: Callable[[], None]) -> None:
        """Ring whenever a stream says something, for ever."""
        wait = RETRY_FIRST
        while True:
            waiting = asyncio.ensure_future(self._connection.ask(method))
            try:
                while not (await asyncio.wait({waiting}, timeout=BEAT_EVERY))[0]:
                    beat()
                waiting.result()
                self._rung.set()
                wait = RETRY_FIRST
                await asyncio.sleep(RING_PAUSE)
            except Exception as error:  # noqa: BLE001  # whatever ended it, it is opened again, and all is asked for
                self._rung.set()
                self._report(Trouble(
                    self._time.now(), "user_stream_lost",
                    f"{method}: {type(error).__name__}: {error}; opens again in {wait:g} s",
                ))
                await asyncio.sleep(wait)
                wait = min(RETRY_MAX, 2 * wait)
            finally:
                waiting.cancel()
            beat()

    async def close(self) -> None:
        """End what is under way."""
        await self.venue.close()

    def _on_bad_frame(self, url: str, text: str, error: Exception) -> None:
        del url
        self._rung.set()
        self._report(Trouble(self._time.now(), "message_bad", f"{type(error).__name__}: {error}; was {text[:100]}"))
