"""Binance's user stream, kept alive by us: a listen key, a socket on it, and a new pair when either fails.

ccxt would go on with a key that has expired, passes over the message that says so, and asks for no new one when the
venue refused to prolong the old: the stream goes quiet and nobody hears of it. Here the key is prolonged every minute,
which tells of one that is gone or was replaced; a fill that a page tells and the stream does not, for seconds, shows
that it is deaf. Either ends key and socket; after every new pair everything is asked for that may have been missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.adapters.ccxt.account_stream import AccountDecoder, Attention, Wanted
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.failures import DecodeFailed, failure
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.outcome import BINANCE, outcome_of_error, venue_code
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.venue import BinanceVenue
from bot.domain.events import OrderFilled
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND

# A key lives an hour; but only its prolonging tells that somebody deleted it, and a request a minute weighs 1 of 2,400.
PROLONG_EVERY = 60.0
DEAF_AFTER = 5.0                     # s that the stream has to tell a fill that a page has told; it takes milliseconds
SETTLING = NS_PER_SECOND             # between the socket's opening and the venue's first word on it
NO_SUCH_KEY = "-1125"
POLL_EVERY = 10.0                    # s between two readings of the account beside the stream
RECONCILE_EVERY = 60 * NS_PER_SECOND
RECONCILE_MAX = 45.0                 # s for all of the lists: in an outage each of them may take its time to fail
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
        self._why = ""                           # it is over
        self._opened_at: int | None = None       # venue's time, ns, from which on this stream should have told all
        self._missed: set[str] = set()           # trades that a page told and the stream did not
        self._lost_at: int | None = None
        self.is_open = asyncio.Event()
        connection.on_frame = self._on_frame
        connection.on_bad_frame = self._on_bad_frame
        connection.on_connected = self._on_connected
        venue.on_read_fill = self._expect

    async def run(self, beat: Callable[[], None]) -> None:
        """Listen for ever; ``beat`` is called whenever a key was granted or prolonged, or that it was not was told."""
        wait = RETRY_FIRST
        while True:
            began = self._time.now()
            try:
                reason = await self._listen(beat)
            except Exception as error:  # noqa: BLE001  # whatever ended it, another is opened
                reason = outcome_of_error(error, BINANCE).detail
            self.is_open.clear()
            self._opened_at = None
            self._lost_at = self._time.now() if self._lost_at is None else self._lost_at
            if self._time.now() - began > NS_PER_MINUTE:
                wait = RETRY_FIRST
            self._report(Trouble(self._time.now(), "user_stream_lost", f"{reason}; opens again in {wait:g} s"))
            beat()
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
                try:
                    async with asyncio.timeout(RECONCILE_MAX):
                        await self._venue.reconcile(now - RECONCILE_EVERY - OVERLAP)
                except TimeoutError:
                    detail = f"the venue's lists were not read within {RECONCILE_MAX:g} s"
                    self._report(Trouble(self._time.now(), "catch_up_failed", detail))
            else:
                self._venue.report_account(now, self._venue.view.account)
            beat()

    async def _listen(self, beat: Callable[[], None]) -> str:
        """Listen on one key until it or its socket is over; return why."""
        exchange = self._connection.exchange
        granted = await self._connection.call("fapiPrivatePostListenKey", {}, Lane.CANCEL, weight=1)
        beat()
        key = str(granted["listenKey"])
        url = exchange.get_private_ws_url("linear", key)
        self._over.clear()
        self._missed.clear()
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
                    return self._why
                if not await self._prolong(key, beat):
                    return "the listen key is gone from the venue, or another took its place"
        finally:
            expiry.cancel()
            self._connection.drop(url, "another stream is opened")
            if socket.done() and not socket.cancelled():
                socket.exception()               # it was told, or we broke it ourselves

    async def _prolong(self, key: str, beat: Callable[[], None]) -> bool:
        """Let the key live on; False when the venue knows it no more. Any other failure leaves the stream as it is."""
        try:
            answer = await self._connection.call("fapiPrivatePutListenKey", {}, Lane.CANCEL, weight=1)
        except Exception as error:  # noqa: BLE001  # the key has most of its hour left: it is asked again
            if venue_code(str(error)) == NO_SUCH_KEY:
                return False
            self._report(Trouble(self._time.now(), "key_not_prolonged", outcome_of_error(error, BINANCE).detail))
            beat()
            return True
        beat()
        return not isinstance(answer, dict) or str(answer.get("listenKey", key)) == key

    # Deafness ---------------------------------------------------------------------------------------------

    def _expect(self, fill: OrderFilled) -> None:
        """Give the stream a while to tell what a page has told, if it was open when that happened."""
        if self._opened_at is not None and fill.stamp > self._opened_at:
            self._missed.add(fill.trade_id)
            asyncio.get_running_loop().call_later(DEAF_AFTER, self._judge, fill.trade_id)

    def _judge(self, trade_id: str) -> None:
        if trade_id in self._missed:
            self._end(f"it is deaf: pages tell of the trade {trade_id}, and it does not")

    def _end(self, why: str) -> None:
        self._why = why
        self._over.set()

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
                    self._end("the listen key has expired")
                else:
                    self._venue.attend(each)
            else:
                if isinstance(each, OrderFilled):
                    self._missed.discard(each.trade_id)
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
        self._opened_at = self._time.venue_now() + self._time.error + SETTLING
        self.is_open.set()
        self._venue.ask_all(since - OVERLAP)
