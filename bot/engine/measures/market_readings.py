"""How each measure of a market is worked out from what was last told and from what went through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT, units_per_one
from bot.engine.measures.columns import Columns
from bot.engine.measures.flows import Flow, PriceWay, SidedFlow
from bot.engine.measures.layout import Layout
from bot.engine.measures.market import TRADE_LULL, Market
from bot.engine.measures.order_book import Level
from bot.engine.record.book import Book

Compute = Callable[[int], float | None]
Sides = tuple[list[Level], list[Level]]
"""Bids and asks."""

OF_QUOTES = ("mid", "spread_bps", "depth", "imbalance")


class MarketReadings:
    """One function by instrument for each measure. Windows begin to look when they are first asked for."""

    def __init__(self, layout: Layout, book: Book, columns: Columns, market: Market) -> None:
        self.layout = layout
        self.book = book
        self.columns = columns
        self.market = market
        self.is_quoted = False               # some rule reads quotes
        self.price_units = [units_per_one(instrument.price_digits) for instrument in layout.instruments]
        self.quantity_units = [units_per_one(instrument.quantity_digits) for instrument in layout.instruments]
        self._plain: dict[str, Compute] = {
            "mark_price": self._mark,
            "last_price": self._last,
            "index_price": self._index,
            "mid": self._mid,
            "spread_bps": self._spread,
            "premium": self._premium,
            "funding_rate": market.funding_rate.__getitem__,
            "next_funding": self._next_funding,
            "open_interest": self._open_interest,
            "age": lambda i: float(book.now - market.marked_at(i)) if market.marked_at(i) else None,
        }

    def compute(self, measure: str, args: Sequence[int | float]) -> Compute:
        """Return what works out a measure by instrument."""
        name = measure.partition(".")[2]
        self.is_quoted = self.is_quoted or name in OF_QUOTES
        if not args:
            return self._plain[name]
        argument = args[0]
        match name:
            case "depth":
                return lambda i: self._depth(i, argument)
            case "imbalance":
                return lambda i: self._imbalance(i, argument)
        looked_back, is_silent = self._looked_back(name, int(argument)), self.market.is_silent
        return lambda i: None if is_silent[i] else looked_back(i)

    def _looked_back(self, name: str, window: int) -> Compute:
        """Return what works out a measure over a window, from what the market said while it was heard."""
        match name:
            case "volatility":
                return lambda i: self.market.volatility[i].sigma(window)
            case "return":
                return self._return(window)
            case "volume":
                return self._volume(window)
            case "order_flow":
                return self._order_flow(window)
            case "liquidations":
                return self._liquidations(window)
        raise KeyError(name)

    # What was last told ------------------------------------------------------------------------------------

    def _mark(self, instrument: int) -> float | None:
        mark = self.columns.mark[instrument]
        return None if mark is None else mark / self.price_units[instrument]

    def _last(self, instrument: int) -> float | None:
        market, price = self.market, self.market.last[instrument]
        if price is None or self.book.now - market.trade_stamp[instrument] >= max(TRADE_LULL, market.lull[instrument]):
            return None
        return price / self.price_units[instrument]

    def _index(self, instrument: int) -> float | None:
        index = self.market.index_price(instrument, self.book.now)
        return None if index is None else index / self.price_units[instrument]

    def _mid(self, instrument: int) -> float | None:
        best = self.market.best(instrument, self.book.now)
        return None if best is None else sum(best) / (2 * self.price_units[instrument])

    def _spread(self, instrument: int) -> float | None:
        half = self.market.half_spread(instrument, self.book.now)
        return None if half is None else 2 * half

    def _near(self, instrument: int, distance: float) -> Sides | None:
        """Return what rests within ``distance`` of mid: of the book where there is one, else of the best quotes."""
        market, now = self.market, self.book.now
        order_book = market.order_books[instrument]
        if order_book is not None:
            is_old = market.is_old(market.book_stamp[instrument], instrument, now)
            return None if is_old else order_book.near(distance)
        best = market.best(instrument, now)
        if best is None:
            return None
        bid, ask = best
        if (ask - bid) / (bid + ask) > distance:         # half the spread over mid: both sides are as far away
            return [], []
        return [(bid, market.bid_quantity[instrument])], [(ask, market.ask_quantity[instrument])]

    def _depth(self, instrument: int, distance: float) -> float | None:
        near = self._near(instrument, distance)
        if near is None:
            return None
        worth = self.layout.instruments[instrument].notional
        return min(sum(worth(price=price, quantity=quantity) for price, quantity in side) for side in near) / CASH_UNIT

    def _imbalance(self, instrument: int, distance: float) -> float | None:
        near = self._near(instrument, distance)
        if near is None:
            return None
        bids, asks = (sum(quantity for _, quantity in side) for side in near)
        return (bids - asks) / (bids + asks) if bids + asks else None

    def _premium(self, instrument: int) -> float | None:
        mark, index = self.columns.mark[instrument], self.market.index_price(instrument, self.book.now)
        return None if mark is None or not index else mark / index - 1.0

    def _next_funding(self, instrument: int) -> float | None:
        at = self.market.next_funding[instrument]
        return None if at is None or at <= self.book.now else float(at - self.book.now)

    def _open_interest(self, instrument: int) -> float | None:
        quantity = self.market.open_interest[instrument]
        return None if quantity is None else self._base_units(instrument, quantity)

    def _base_units(self, instrument: int, quantity: int) -> float | None:
        """Return a quantity in base units: of inverse contracts what they are worth in the coin at the mark."""
        thing = self.layout.instruments[instrument]
        if thing.kind is not InstrumentKind.INVERSE:
            return quantity / self.quantity_units[instrument]
        mark = self.columns.mark[instrument]
        return None if mark is None else thing.value(price=mark, quantity=quantity) / CASH_UNIT

    # What went through -------------------------------------------------------------------------------------

    def _volume(self, window: int) -> Compute:
        flows = [Flow(window) for _ in self.layout.instruments]
        for instrument, flow in enumerate(flows):
            self.market.on_trade[instrument].append(_unsigned(flow))
        return self._quantity_in(flows)

    def _order_flow(self, window: int) -> Compute:
        flows = [SidedFlow(window) for _ in self.layout.instruments]
        for instrument, flow in enumerate(flows):
            self.market.on_trade[instrument].append(flow.take)
        return self._quantity_in(flows)

    def _quantity_in(self, flows: Sequence[Flow | SidedFlow]) -> Compute:
        def compute(instrument: int) -> float | None:
            found = flows[instrument].sum(self.book.now)
            return None if found is None else self._base_units(instrument, found)

        return compute

    def _liquidations(self, window: int) -> Compute:
        flows = [Flow(window) for _ in self.layout.instruments]
        for instrument, flow in enumerate(flows):
            self.market.on_forced[instrument].append(flow.take)

        def compute(instrument: int) -> float | None:
            found = flows[instrument].sum(self.book.now)
            return None if found is None else found / CASH_UNIT

        return compute

    def _return(self, window: int) -> Compute:
        ways = [PriceWay(window) for _ in self.layout.instruments]
        for instrument, way in enumerate(ways):
            self.market.on_mark[instrument].append(way.take)
        return lambda i: ways[i].change(self.book.now)


def _unsigned(flow: Flow) -> Callable[[int, int, int], None]:
    return lambda now, quantity, side: flow.take(now, quantity)  # noqa: ARG005  # a volume has no side
