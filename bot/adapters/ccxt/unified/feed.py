"""Prices of any exchange: each market's trades, book and mark by ccxt's streams where it has them, by polls where not.

One task owns one stream of one market, since ccxt loses wake-ups of several in one. Beside each stream stands a poll
that asks only when nothing of use came for a while; the mark is asked for every second where no stream brings it.
ccxt hands over the newest of a book and lets a burst of trades pass in one call: nothing is decided twice by that, and
what was between two calls is in the trades' own list up to a thousand.

A stream that says nothing is cut when its poll has an answer and it has not, so that ccxt opens another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.failures import SHAPES, failure
from bot.adapters.ccxt.replies import as_row, as_rows
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.unified import prices
from bot.adapters.ccxt.unified.numbers import Row
from bot.adapters.tapes.rows import BadRow
from bot.domain.instrument import Instrument
from bot.domain.market import MarketFact
from bot.domain.scale import NS_PER_MS, NS_PER_SECOND

QUIET = 5 * NS_PER_SECOND            # a stream that said nothing for so long is doubted, and the page asked
QUIET_MARK = 3 * NS_PER_SECOND       # marks come every second where they come at all
POLL_EVERY = 1.0                     # s between two looks at who is quiet, and two polls of who has no stream
FUNDING_EVERY = 60.0
BOOK_EVERY = 0.1                     # s between two books of a stream: no decision needs them faster
CUT_AFTER = 30 * NS_PER_SECOND       # a stream that is so long behind its page is opened anew
RETRY_FIRST, RETRY_MAX = 0.2, 5.0    # s before a stream that failed is watched again; doubled while it fails
SILENCE_MAX = 10 * NS_PER_SECOND     # without any mark for so long the feed does not beat
TROUBLES_EVERY = 10 * NS_PER_SECOND  # troubles of one kind are told so often
TRADES_PAGE = 100

Read = Callable[[Any, int], Iterator[MarketFact]]
"""Makes facts of what ccxt returned, given when it was asked for, ns."""


@dataclass(slots=True)
class Source:
    """One kind of price of one market. ``watch`` is None without a stream, ``poll`` None without a page."""

    name: str
    watch: Callable[[], Awaitable[Any]] | None
    poll: Callable[[], Awaitable[Any]] | None
    read: Read
    quiet: int                       # ns without a fact after which the page is asked
    pause: float = 0.0               # s between two of a stream
    heard: int = 0                   # when either brought a fact, ns
    streamed: int = 0                # when the stream did


def _moment(row: Row) -> int:
    stamp = row.get("timestamp")
    return stamp * NS_PER_MS if isinstance(stamp, int) else 0


class MarkMissing(Exception):
    """No method of ccxt's brings a mark price of this exchange; says what each one brought."""


async def mark_method(connection: Connection, symbol: str) -> str:
    """Return the method whose page has the mark, asked at the start; raises MarkMissing."""
    asked: list[str] = []
    for name, method in (
        ("fetchMarkPrice", "fetch_mark_price"), ("fetchFundingRate", "fetch_funding_rate"),
        ("fetchTicker", "fetch_ticker"),
    ):
        if not connection.exchange.has.get(name):
            continue
        try:
            page = as_row(await connection.ask(method, symbol))
        except Exception as error:  # noqa: BLE001  # another page may have it; why this one has not is told with the rest
            asked.append(f"{name}: {type(error).__name__}: {error}")
            continue
        if page.get("markPrice") is not None:
            return method
        asked.append(f"{name}: has none")
    raise MarkMissing(f"{symbol} ({'; '.join(asked) or 'it has no such page'})")


class UnifiedFeed:
    """Keeps the prices of some markets coming. ``put`` takes them, ``report`` troubles, on the loop."""

    def __init__(
        self,
        connection: Connection,
        instruments: Sequence[Instrument],
        time: VenueTime,
        *,
        mark: str,
        put: Callable[[MarketFact], None],
        report: Callable[[Trouble], None],
    ) -> None:
        self._connection = connection
        self._time = time
        self._mark = mark
        self._put = put
        self._report = report
        self._told: dict[str, int] = {}
        self._trades_seen: dict[int, tuple[int, frozenset[str]]] = {}
        self._sources = [source for each in instruments for source in self._sources_of(each)]
        connection.on_bad_frame = self._on_bad_frame

    async def run(self, beat: Callable[[], None]) -> None:
        """Listen for ever; ``beat`` is called as long as marks come. Ends only by being cancelled."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                if source.watch is not None:
                    group.create_task(self._keep(source))
                if source.poll is not None:
                    group.create_task(self._look_after(source))
            group.create_task(self._watch(beat))

    # Where prices come from -------------------------------------------------------------------------------

    def _sources_of(self, instrument: Instrument) -> Iterator[Source]:
        ask, has, symbol = self._connection.ask, self._connection.exchange.has, instrument.symbol
        read_ticker, read_book = partial(self._read_ticker, instrument), partial(self._read_book, instrument)

        def stream(name: str, method: str) -> Callable[[], Awaitable[Any]] | None:
            return partial(ask, method, symbol) if has.get(name) is True else None

        marks = stream("watchMarkPrice", "watch_mark_price")
        if marks is None and self._mark == "fetch_ticker":
            marks = stream("watchTicker", "watch_ticker")
        yield Source(f"mark {symbol}", marks, partial(ask, self._mark, symbol), read_ticker, QUIET_MARK)
        yield Source(
            f"book {symbol}", stream("watchOrderBook", "watch_order_book"), partial(ask, "fetch_order_book", symbol),
            read_book, QUIET, BOOK_EVERY,
        )
        yield Source(
            f"trades {symbol}", stream("watchTrades", "watch_trades"),
            partial(ask, "fetch_trades", symbol, None, TRADES_PAGE) if has.get("fetchTrades") else None,
            partial(self._read_trades, instrument), QUIET,
        )
        if has.get("fetchFundingRate"):
            yield Source(
                f"funding {symbol}", None, partial(ask, "fetch_funding_rate", symbol),
                partial(self._read_funding, instrument), round(FUNDING_EVERY * NS_PER_SECOND),
            )

    def _read_ticker(self, instrument: Instrument, page: Any, asked: int) -> Iterator[MarketFact]:
        return prices.of_ticker(as_row(page), instrument, now=self._time.now(), asked=asked, ours=self._time.ours)

    def _read_book(self, instrument: Instrument, page: Any, asked: int) -> Iterator[MarketFact]:
        return prices.of_book(as_row(page), instrument, now=self._time.now(), asked=asked, ours=self._time.ours)

    def _read_funding(self, instrument: Instrument, page: Any, asked: int) -> Iterator[MarketFact]:
        return prices.of_funding(as_row(page), instrument, now=self._time.now(), asked=asked, ours=self._time.ours)

    def _read_trades(self, instrument: Instrument, page: Any, asked: int) -> Iterator[MarketFact]:
        """Yield the trades that were not told: those later than the last, and others of its millisecond."""
        del asked
        rows = sorted(as_rows(list(page)), key=_moment)
        if instrument.index not in self._trades_seen:
            rows = rows[-1:]                     # what was before we came is the history's, or nobody's
        latest, known = self._trades_seen.get(instrument.index, (0, frozenset()))
        for row in rows:
            at, number = _moment(row), str(row.get("id"))
            if at < latest or (at == latest and number in known):
                continue
            known = known | {number} if at == latest else frozenset({number})
            latest = at
            yield prices.of_trade(row, instrument, now=self._time.now(), ours=self._time.ours)
        self._trades_seen[instrument.index] = latest, known

    # Streams and polls ------------------------------------------------------------------------------------

    async def _keep(self, source: Source) -> None:
        """Take what a stream brings, for ever; ccxt opens it again when it is watched again."""
        assert source.watch is not None
        wait = RETRY_FIRST
        while True:
            try:
                page = await source.watch()
                if self._take(source, page, self._time.now()):
                    source.streamed = self._time.now()
                    wait = RETRY_FIRST
                await asyncio.sleep(source.pause)
            except Exception as error:  # noqa: BLE001  # whatever ended it, it is watched again
                self._trouble("stream_lost", f"{source.name}: {type(error).__name__}: {error}")
                await asyncio.sleep(wait)
                wait = min(RETRY_MAX, 2 * wait)

    async def _look_after(self, source: Source) -> None:
        """Ask the page whenever the stream is quiet, or there is none."""
        assert source.poll is not None
        source.streamed = self._time.now()
        if source.watch is not None and source.quiet == QUIET:
            source.heard = source.streamed       # the stream is given its time; of the mark, none is lost
        while True:
            now = self._time.now()
            limit = source.quiet if source.watch is not None or source.quiet > QUIET else 0
            if now - source.heard >= limit:
                try:
                    self._take(source, await source.poll(), now)
                except Exception as error:  # noqa: BLE001  # the next look asks again
                    self._trouble("price_unread", f"{source.name}: {type(error).__name__}: {error}")
                if source.watch is not None and now - source.streamed > CUT_AFTER:
                    source.streamed = now
                    self._cut(source)
            await asyncio.sleep(POLL_EVERY)

    def _cut(self, source: Source) -> None:
        """Break the sockets: ccxt does not say which of them a stream is on, and each opens again by itself."""
        self._trouble("stream_lost", f"{source.name}: brought nothing while its page did; opens again")
        for url in list(self._connection.exchange.clients or {}):
            self._connection.drop(url, "silent")

    async def _watch(self, beat: Callable[[], None]) -> None:
        marks = [source for source in self._sources if source.name.startswith("mark ")]
        while True:
            await asyncio.sleep(POLL_EVERY)
            now = self._time.now()
            if all(now - source.heard < SILENCE_MAX for source in marks):
                beat()

    def _take(self, source: Source, page: Any, asked: int) -> bool:
        """Put what a page says; return whether it said anything of use."""
        try:
            facts = list(source.read(page, asked))
        except (BadRow, *SHAPES) as error:
            failed = failure(self._time.now(), source.name, error, page)
            self._trouble("message_bad", f"{failed.kind}: {failed.reason}; was {failed.text}")
            return False
        for fact in facts:
            self._put(fact)
        if facts or source.quiet > QUIET:
            source.heard = self._time.now()
        return bool(facts)

    def _on_bad_frame(self, url: str, text: str, error: Exception) -> None:
        self._trouble("message_bad", f"{url}: {type(error).__name__}: {error}; was {text[:100]}")

    def _trouble(self, code: str, detail: str) -> None:
        """Tell of a trouble, once in a while of each source."""
        now, which = self._time.now(), f"{code} {detail.partition(':')[0]}"
        if now - self._told.get(which, 0) >= TROUBLES_EVERY:
            self._told[which] = now
            self._report(Trouble(now, code, detail))
