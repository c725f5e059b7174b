"""Binance's user stream, kept alive by us: a listen key, a socket on it, and a new pair when either fails.

ccxt would go on with a key that has expired, passes over the message that says so, and asks for no new one when the
venue refused to prolong the old: the stream goes quiet and nobody hears of it. Here the key is prolonged long before it
ends, and whatever goes wrong ends both; after every new one everything is asked for that may have been missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.adapters.ccxt.account_stream import AccountDecoder, Attention, Wanted
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.failures import DecodeFailed, failure
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.outcome import BINANCE, outcome_of_error
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.venue import BinanceVenue
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND

PROLONG_EVERY = 20 * 60.0            # s; a key lives an hour
POLL_EVERY = 10.0                    # s between two readings of the account beside the stream
RECONCILE_EVERY = 60 * NS_PER_SECOND
OVERLAP = NS_PER_MINUTE              # what happened shortly before a reconnect is asked for again, too
RETRY_FIRST, RETRY_MAX = 0.2, 5.0    # s before a stream that failed is opened again


class UserStream:
    """Keeps one account's stream open, and the polls beside it going."""

    def __init__(
        self,
        connection: Connection,
        decoder: AccountDecoder,
        venue: BinanceVenue,
        time: VenueTime,
        *,
        report: Callable[[Trouble], None],
    ) -> None:
        self._connection = connection
        self._decoder = decoder
        self._venue = venue
        self._time = time
        self._report = report
        self._over = asyncio.Event()
        self._lost_at: int | None = None
        self.is_open = asyncio.Event()
        connection.on_frame = self._on_frame
        connection.on_bad_frame = self._on_bad_frame
        connection.on_connected = self._on_connected

    async def run(self, beat: Callable[[], None]) -> None:
        """Listen for ever; ``beat`` is called whenever a key was granted or prolonged."""
        wait = RETRY_FIRST
        while True:
            began = self._time.now()
            try:
                reason = await self._listen(beat)
            except Exception as error:  # noqa: BLE001  # whatever ended it, another is opened
                reason = outcome_of_error(error, BINANCE).detail
            self.is_open.clear()
            self._lost_at = self._time.now() if self._lost_at is None else self._lost_at
            if self._time.now() - began > NS_PER_MINUTE:
                wait = RETRY_FIRST
            self._report(Trouble(self._time.now(), "user_stream_lost", f"{reason}; opens again in {wait:g} s"))
            await asyncio.sleep(wait)
            wait = min(RETRY_MAX, 2 * wait)

    async def poll(self, beat: Callable[[], None]) -> None:
        """Read the account every few seconds, and everything else every minute, for ever."""
        due = self._time.now() + RECONCILE_EVERY
        while True:
            await asyncio.sleep(POLL_EVERY)
            now = self._time.now()
            if now >= due:
                due = now + RECONCILE_EVERY
                await self._venue.reconcile(now - RECONCILE_EVERY - OVERLAP)
            else:
                self._venue.report_account(now, self._venue.view.account)
            beat()

    async def _listen(self, beat: Callable[[], None]) -> str:
        """Listen on one key until it or its socket is over; return why."""
        exchange = self._connection.exchange
        granted = await self._connection.call("fapiPrivatePostListenKey", {}, Lane.CANCEL, weight=1)
        beat()
        url = exchange.get_private_ws_url("linear", str(granted["listenKey"]))
        self._over.clear()
        socket = asyncio.ensure_future(exchange.watch(url, "penstock user"))
        expiry = asyncio.ensure_future(self._over.wait())
        try:
            while True:
                done, _ = await asyncio.wait(
                    {socket, expiry}, timeout=PROLONG_EVERY, return_when=asyncio.FIRST_COMPLETED
                )
                if socket in done:
                    error = None if socket.cancelled() else socket.exception()
                    return f"the socket is gone: {type(error).__name__}: {error}"
                if expiry in done:
                    return "the listen key has expired"
                await self._connection.call("fapiPrivatePutListenKey", {}, Lane.CANCEL, weight=1)
                beat()
        finally:
            expiry.cancel()
            self._connection.drop(url, "another stream is opened")
            if socket.done() and not socket.cancelled():
                socket.exception()               # it was told, or we broke it ourselves

    # Frames -----------------------------------------------------------------------------------------------

    def _on_frame(self, url: str, parsed: object) -> bool:
        del url
        if not isinstance(parsed, dict) or ("e" not in parsed and "stream" not in parsed):
            return False
        for each in self._decoder.decode(self._time.now(), parsed):
            if isinstance(each, DecodeFailed):
                self._failed(each)
            elif isinstance(each, Attention):
                if each.wanted is Wanted.STREAM:
                    self._over.set()
                else:
                    self._venue.attend(each)
            else:
                self._venue.tell(each)
        return True

    def _on_bad_frame(self, url: str, text: str, error: Exception) -> None:
        del url
        self._failed(failure(self._time.now(), "frame", error, text))

    def _failed(self, failed: DecodeFailed) -> None:
        """Tell of a bad message and ask for what it may have said."""
        self._report(Trouble(failed.now, "message_bad", f"{failed.kind}: {failed.reason}; was {failed.text}"))
        self._venue.attend(Attention(failed.now, self._venue.view.account, Wanted.ORDERS, "a message was bad"))

    def _on_connected(self, url: str) -> None:
        """A socket stands: ask for what was missed while there was none."""
        if "listenKey" not in url:
            return
        since = self._time.now() if self._lost_at is None else self._lost_at
        self._lost_at = None
        self.is_open.set()
        self._venue.ask_all(since - OVERLAP)
