"""What the market said lately, per instrument: last prices, volatility, volume. Rebuilt from prices alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import assert_never

from bot.domain.events import VolumeHistory
from bot.domain.market import BookUpdate, ForcedTrade, FundingRate, IndexPrice, OpenInterest, Quote
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT, NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.measures.layout import Layout
from bot.engine.measures.order_book import Level, OrderBook
from bot.execution.impact import VOLUME_DAY_PRIOR, Liquidity
from bot.execution.profile import BUSY_SPAN, VolumeProfile, busyness
from bot.risk.volatility import FAST_DECAY, Volatility

BUCKET = 5 * NS_PER_SECOND           # resolution of "volume over the last minute"
BUCKETS_KEPT = 720                   # one hour, the longest slice that participation looks back over
MINUTES_PER_DAY = 24 * 60
VOLUME_SHARE_MIN = 0.01              # of the prior: an hour without a trade makes a market thin, not endless
FUNDING_SCALE = CASH_UNIT            # rates come as integers at 10^-8
TRADE_LULL = 5 * NS_PER_MINUTE       # a thin perpetual may go without a trade that long; marks come every second
TOLD_LULL = NS_PER_MINUTE            # quotes, levels and indexes are told when they change, which is often
BARS_UNHEARD = 2                     # a point of a bar may be missing, two bars in a row are a hole
NO_LEVEL: Level = (0, 0)

Told = Quote | BookUpdate | IndexPrice | FundingRate | OpenInterest | ForcedTrade


class Market:
    """Lists by instrument; prices and quantities are integers, volume per minute is an EWMA."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        count = len(layout.instruments)
        self.last: list[int | None] = [None] * count
        self.index: list[int | None] = [None] * count
        self.bid: list[int | None] = [None] * count
        self.ask: list[int | None] = [None] * count
        self.bid_quantity = [0] * count
        self.ask_quantity = [0] * count
        self.has_quotes = [False] * count    # a stream of them was seen, so the book is not asked for the best
        self.order_books: list[OrderBook | None] = [None] * count    # None: no stream of changes was seen
        self.funding_rate: list[float | None] = [None] * count
        self.next_funding: list[int | None] = [None] * count         # ns
        self.open_interest: list[int | None] = [None] * count        # quantity
        self.trade_stamp = [0] * count       # the venue's time of the last traded price
        self.mark_stamp = [0] * count        # and of the last mark of its own
        self.has_marks = [False] * count     # a mark stream was seen, so the last price is not the mark
        self.best_stamp = [0] * count        # of the best bid and ask, and so on
        self.book_stamp = [0] * count
        self.index_stamp = [0] * count
        self.lull = [TRADE_LULL] * count     # how long no mark may come, and all is well
        self.is_silent = [False] * count     # its last mark is too old to be one
        self.volatility = [Volatility.starting(instrument.underlying) for instrument in layout.instruments]
        self.minute_end = [0] * count
        self.traded = [0] * count            # by others, since the start
        self.turnover = [0] * count          # the same in price x quantity units
        self.bucket_end = [0] * count
        self.buckets: list[deque[tuple[int, int]]] = [deque(maxlen=BUCKETS_KEPT) for _ in range(count)]
        self.traded_at_minute = [0] * count
        self.minute_volume = [0.0] * count   # EWMA with the fast half-life
        self.minute_weight = [0.0] * count   # how much of that average is filled
        self.usual: list[VolumeProfile | None] = [None] * count      # volume by minute of the day, from history
        # What windows of rules want to be told; empty where no rule has one.
        self.on_trade: list[list[Callable[[int, int, int], None]]] = [[] for _ in range(count)]  # now, quantity, side
        self.on_mark: list[list[Callable[[int, int], None]]] = [[] for _ in range(count)]        # now, price
        self.on_forced: list[list[Callable[[int, int], None]]] = [[] for _ in range(count)]      # now, value

    def take(self, event: Told) -> None:
        """Keep what was told besides a traded price or a mark; an empty side of quotes is no price."""
        instrument, stamp = event.instrument, event.stamp
        match event:
            case Quote():
                self.has_quotes[instrument] = True
                self._take_best(instrument, stamp, (event.bid, event.bid_quantity), (event.ask, event.ask_quantity))
            case BookUpdate():
                self._take_changes(event)
            case IndexPrice():
                self.index[instrument] = event.price
                self.index_stamp[instrument] = stamp
            case FundingRate():
                self.funding_rate[instrument] = event.rate / FUNDING_SCALE
                self.next_funding[instrument] = event.next_at
            case OpenInterest():
                self.open_interest[instrument] = event.quantity
            case ForcedTrade():
                value = self.layout.instruments[instrument].notional(price=event.price, quantity=event.quantity)
                for tell in self.on_forced[instrument]:
                    tell(event.now, value)
            case _:
                assert_never(event)

    def take_history(self, history: VolumeHistory) -> None:
        """Keep what a day usually brings; it ended before today, and says nothing of it."""
        self.usual[history.instrument] = VolumeProfile(history.days, history.minutes)

    def _take_best(self, instrument: int, stamp: int, bid: Level, ask: Level) -> None:
        self.best_stamp[instrument] = stamp
        self.bid[instrument] = bid[0] or None
        self.ask[instrument] = ask[0] or None
        self.bid_quantity[instrument] = bid[1]
        self.ask_quantity[instrument] = ask[1]

    def _take_changes(self, update: BookUpdate) -> None:
        instrument = update.instrument
        order_book = self.order_books[instrument]
        if order_book is None:
            order_book = self.order_books[instrument] = OrderBook()
        order_book.take(update)
        self.book_stamp[instrument] = update.stamp
        if not self.has_quotes[instrument]:
            bid, ask = order_book.bids.best or NO_LEVEL, order_book.asks.best or NO_LEVEL
            self._take_best(instrument, update.stamp, bid, ask)

    def roll_minute(self, instrument: int, now: int) -> None:
        """Close the minute that ended before ``now``: volatility and volume averages move on."""
        minute = now // NS_PER_MINUTE
        volatility = self.volatility[instrument]
        passed = minute - volatility.minute if volatility.minute >= 0 else 0
        volatility.roll(minute)
        self.minute_end[instrument] = (minute + 1) * NS_PER_MINUTE
        volume = self.traded[instrument] - self.traded_at_minute[instrument]
        self.traded_at_minute[instrument] = self.traded[instrument]
        if passed:
            decay = FAST_DECAY**passed
            self.minute_volume[instrument] = decay * self.minute_volume[instrument] + (1 - decay) * volume / passed
            self.minute_weight[instrument] = decay * self.minute_weight[instrument] + (1 - decay)

    def roll_bucket(self, instrument: int, now: int) -> None:
        """Remember the running volume at the start of a new bucket."""
        start = now // BUCKET * BUCKET
        self.buckets[instrument].append((start, self.traded[instrument]))
        self.bucket_end[instrument] = start + BUCKET

    def traded_since(self, instrument: int, moment: int) -> int:
        """Return what others traded since ``moment``, at most over the last hour.

        Counted from the first bucket that began after it, so up to one bucket too little and never too much.
        """
        before = self.traded[instrument]
        for start, running in reversed(self.buckets[instrument]):
            if start < moment:
                break
            before = running
        return self.traded[instrument] - before

    def busyness(self, instrument: int, now: int) -> float:
        """Return today's volume lately over the usual one; 1 where either was not watched long enough."""
        usual, buckets = self.usual[instrument], self.buckets[instrument]
        if usual is None or not buckets or buckets[0][0] > now - BUSY_SPAN:
            return 1.0
        return busyness(usual, traded=self.traded_since(instrument, now - BUSY_SPAN), now=now)

    def visible(self, instrument: int, *, side: Side, limit: int, now: int) -> int | None:
        """Return what an order of ``side`` could take at ``limit`` or better, or None where no book is known lately."""
        order_book = self.order_books[instrument]
        if order_book is None or not order_book.is_known or self.is_old(self.book_stamp[instrument], instrument, now):
            return None
        return (order_book.asks if side is Side.BUY else order_book.bids).quantity_to(limit)

    def liquidity(self, instrument: int, *, price: int, fee: float, now: int) -> Liquidity:
        """Return what the instrument's market looks like now, for cost estimates.

        As far as the volume average is not filled yet, a prior stands in: a market that we have not watched
        is not one without buyers.
        """
        unit = self.layout.instruments[instrument].notional(price=price, quantity=1)
        prior = VOLUME_DAY_PRIOR * CASH_UNIT / unit / MINUTES_PER_DAY
        per_minute = self.minute_volume[instrument] + (1 - self.minute_weight[instrument]) * prior
        volatility = self.volatility[instrument]
        return Liquidity(
            fee=fee,
            sigma_day=volatility.sigma(NS_PER_DAY),
            sigma_minute=volatility.sigma(NS_PER_MINUTE),
            volume_day=max(per_minute, prior * VOLUME_SHARE_MIN) * MINUTES_PER_DAY,
            quoted=self.half_spread(instrument, now),
        )

    def marked_at(self, instrument: int) -> int:
        """Return the venue's time of the mark, ns; 0 before the first."""
        return (self.mark_stamp if self.has_marks[instrument] else self.trade_stamp)[instrument]

    def is_old(self, stamp: int, instrument: int, now: int) -> bool:
        """Say whether what was told at ``stamp`` besides trades and marks is too old to be so still."""
        return now - stamp >= max(TOLD_LULL, self.lull[instrument])

    def index_price(self, instrument: int, now: int) -> int | None:
        """Return the index, or None where it was not told lately."""
        index = self.index[instrument]
        return None if index is None or self.is_old(self.index_stamp[instrument], instrument, now) else index

    def told(self, instrument: int, now: int) -> dict[str, int]:
        """Return the prices beside the mark that were told lately, by what they are called."""
        found: dict[str, int] = {}
        last, index = self.last[instrument], self.index_price(instrument, now)
        if last is not None and not self.is_old(self.trade_stamp[instrument], instrument, now):
            found["last"] = last
        if index is not None:
            found["index"] = index
        return found

    def best(self, instrument: int, now: int) -> tuple[int, int] | None:
        """Return best bid and best ask, or None unless there are both, told lately."""
        bid, ask = self.bid[instrument], self.ask[instrument]
        if bid is None or ask is None or self.is_old(self.best_stamp[instrument], instrument, now):
            return None
        return bid, ask

    def middle(self, instrument: int, now: int) -> int | None:
        """Return the mid of the best quotes, rounded down, or None without a two-sided book."""
        best = self.best(instrument, now)
        return None if best is None else sum(best) // 2

    def half_spread(self, instrument: int, now: int) -> float | None:
        """Return half the quoted spread over mid, a fraction, or None without a two-sided book."""
        best = self.best(instrument, now)
        return None if best is None else (best[1] - best[0]) / sum(best)
