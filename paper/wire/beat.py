"""What is pushed by the clock: books, marks, bars, tickers, each at its own speed."""

from __future__ import annotations

from bot.domain.scale import NS_PER_DAY, NS_PER_MS
from paper.exchange import Exchange
from paper.wire.bars import INTERVALS, bar_event
from paper.wire.hub import Hub
from paper.wire.listing import Board, Listing, day_numbers, mark_event
from paper.wire.streams import BEAT_MS, Stream
from paper.wire.values import Json, Row, ms

BEAT = BEAT_MS * NS_PER_MS


class Beat:
    """Pushes to subscribers whenever a tenth of a second has begun; ``done`` is the last one that was."""

    def __init__(self, exchange: Exchange, board: Board, hub: Hub, *, now: int) -> None:
        self._exchange = exchange
        self._board = board
        self._hub = hub
        self.done = now // BEAT

    def next_at(self) -> int | None:
        """Return when something is due, or None while nobody listens."""
        return (self.done + 1) * BEAT if any(stream.every_ms for stream in self._hub.streams()) else None

    def push(self, now: int) -> None:
        """Push what has become due since the last time, each stream at most once."""
        beat = now // BEAT
        if beat <= self.done:
            return
        before, self.done = self.done, beat
        looked: set[int] = set()
        for stream in self._hub.streams():
            every = stream.every_ms // BEAT_MS if stream.every_ms % BEAT_MS == 0 else stream.every_ms // BEAT_MS + 1
            if not stream.every_ms or beat // every == before // every:
                continue
            if stream.kind == "depth":
                self._push_book(stream, looked, now)
            elif stream.contract is None:
                events = [self._event(stream, listing, now) for listing in self._board.listings]
                self._hub.publish(stream.name, [event for event in events if event is not None])
            else:
                event = self._event(stream, self._board.of(stream.contract), now)
                if event is not None:
                    self._hub.publish(stream.name, event)

    def _push_book(self, stream: Stream, looked: set[int], now: int) -> None:
        assert stream.contract is not None, "there is no book of all contracts"
        shown = self._board.of(stream.contract).shown
        if stream.contract.index not in looked:
            looked.add(stream.contract.index)
            shown.look(self._exchange, stream.contract.index)
        if stream.levels:
            self._hub.publish(stream.name, shown.top(stream.contract, stream.levels, now=now))
            return
        shown.follow(stream.every_ms)
        event = shown.event(stream.contract, stream.every_ms, now=now)
        if event is not None:
            self._hub.publish(stream.name, event)

    def _event(self, stream: Stream, listing: Listing, now: int) -> Json:
        index = listing.contract.index
        match stream.kind:
            case "markPrice":
                mark = self._exchange.mark(index)
                return None if mark is None else mark_event(listing, mark, now=now)
            case "kline":
                bars = listing.bars.spans(INTERVALS[stream.interval], start=0, end=now, limit=1)
                return bar_event(listing.contract, bars[-1], stream.interval, now=now) if bars else None
            case "ticker" | "miniTicker":
                last = self._exchange.markets[index].last
                return None if last is None else _ticker(stream.kind, listing, last, now)
            case _:
                raise AssertionError(f"{stream.name}: is not pushed by the clock")


def _ticker(kind: str, listing: Listing, last: int, now: int) -> Row:
    day = day_numbers(listing, last, now=now, span=NS_PER_DAY)
    mini: Row = {
        "e": "24hrMiniTicker", "E": ms(now), "s": day["symbol"], "c": day["lastPrice"], "o": day["openPrice"],
        "h": day["highPrice"], "l": day["lowPrice"], "v": day["volume"], "q": day["quoteVolume"],
    }
    if kind == "miniTicker":
        return mini
    return mini | {
        "e": "24hrTicker", "p": day["priceChange"], "P": day["priceChangePercent"], "w": day["weightedAvgPrice"],
        "Q": day["lastQty"], "O": day["openTime"], "C": day["closeTime"], "F": day["firstId"], "L": day["lastId"],
        "n": day["count"],
    }
