"""One instrument's market, hour by hour: its facts, each consistent with the others.

In the order of one moment: book, quote, index, mark, funding rate, open interest; then the trades until the next quote.
The book comes first, since what a mark sets off, a stop or a liquidation, meets the book of that moment and not the one
from before a gap. A trade prints at the quote in force or through it, when the path has moved on; a forced closing
follows its own print.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.domain.instrument import Instrument
from bot.domain.market import ForcedTrade, MarketEvent, OpenInterest, Trade
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND, units_per_one
from paper.generate.character import Character
from paper.generate.decay import Floats
from paper.generate.forced import OPEN_HOURS, Openness, Strain
from paper.generate.hours import MarketHour
from paper.generate.path import OwnPart, follow
from paper.generate.prints import Takers, amounts, draw_takers, half_spreads, middles_met, to_step
from paper.generate.shown_book import ShownBook
from paper.generate.streams import stream
from paper.generate.valuation import Premium, Valuation, index_path, is_valued

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole market: ns of its start, seconds between two quotes, trades a second when it is usual."""

    start: int
    quote_seconds: int
    trades_per_second: float


@dataclass(frozen=True, slots=True)
class Quotes:
    """Best prices at each quote, price units, and the second of the hour at which it is told."""

    seconds: Ints
    bids: Ints
    asks: Ints


@dataclass(frozen=True, slots=True)
class Struck:
    """Trades of an hour in time order; ``times`` are ns UTC."""

    times: Ints
    prices: Ints
    quantities: Ints
    sides: Ints
    forced: NDArray[np.bool_]


class Listing:
    """What one instrument carries from hour to hour."""

    def __init__(
        self, instrument: Instrument, character: Character, *, seed: int, terms: Terms, peg_exposure: int
    ) -> None:
        self.instrument = instrument
        self._character = character
        self._terms = terms
        self._peg_exposure = peg_exposure
        underlying, symbol = instrument.underlying, instrument.symbol
        # by underlying: BTC's spot and perpetual move as one; by symbol: they do not print the same trades
        self._own_noise = stream(seed, f"own {underlying}")
        self._premium_noise = stream(seed, f"premium {underlying}")
        self._tape = stream(seed, f"prints {symbol}")
        self._makers = stream(seed, f"book {symbol}")
        self._fate = stream(seed, f"forced {symbol}")
        self._own, self._premium, self._strain = OwnPart(), Premium(), Strain()
        self._pressure = 0.0
        self._last: int | None = None
        self._book = ShownBook(instrument, character)
        self._valuation = Valuation(instrument)
        self._scale = float(units_per_one(instrument.price_digits))
        opening = np.array([character.open_price])
        usual = int(self._quantities(opening, np.array([OPEN_HOURS * character.hourly_notional]))[0])
        self._open = Openness(usual, usual)

    def hour(self, hour: MarketHour) -> list[MarketEvent]:
        """Return the facts of the hour in time order; moves everything on."""
        contract, index = self._paths(hour)
        path = contract if is_valued(self.instrument) else index
        quotes = self._quotes(hour, path)
        struck = self._trades(hour, path, quotes)
        facts = [*self._told(hour, path, index, quotes, struck), *self._printed(struck)]
        if len(struck.prices):
            self._last = int(struck.prices[-1])
        facts.sort(key=_when)            # stable: what is told at an instant comes before a trade of that instant
        return facts

    def _paths(self, hour: MarketHour) -> tuple[Floats, Floats]:
        """Return the log prices of a contract and of the index."""
        beta = self._character.beta
        path = follow(hour.factor, self._character, self._own, self._own_noise)
        path = path + beta * hour.leaps + self._peg_exposure * hour.peg
        return path, index_path(path, beta * hour.unshared, hour.premium, self._premium, self._premium_noise)

    def _quotes(self, hour: MarketHour, path: Floats) -> Quotes:
        seconds = np.arange(0, len(hour.halted), self._terms.quote_seconds)
        tick = self.instrument.filters.tick
        mids = np.exp(path[seconds]) * (self._scale / tick)
        half = half_spreads(hour.factor.sigma_minutes)[seconds]
        bids = np.maximum(np.floor(mids * (1.0 - half)).astype(np.int64), 1)
        asks = np.maximum(np.ceil(mids * (1.0 + half)).astype(np.int64), bids + 1)
        return Quotes(seconds, bids * tick, asks * tick)

    def _trades(self, hour: MarketHour, path: Floats, quotes: Quotes) -> Struck:
        takers, self._pressure = draw_takers(
            self._character, hour.factor, path, trades_per_second=self._terms.trades_per_second,
            pressure=self._pressure, random=self._tape,
        )
        takers = takers.only(~hour.halted[takers.seconds])
        prices = self._prices(hour, path, quotes, takers)
        return Struck(
            times=takers.times + (self._terms.start + hour.factor.begins * NS_PER_SECOND),
            prices=prices,
            quantities=self._quantities(prices / self._scale, takers.notionals),
            sides=takers.sides,
            forced=self._strain.forced(takers, path, self._fate),
        )

    def _prices(self, hour: MarketHour, path: Floats, quotes: Quotes, takers: Takers) -> Ints:
        """Return where takers trade: half a spread from the path, but never inside the quote in force."""
        tick = self.instrument.filters.tick
        half = half_spreads(hour.factor.sigma_minutes)[takers.seconds]
        wanted = np.exp(middles_met(takers, path) + takers.sides * half)
        prices = to_step(wanted, self.instrument.price_digits, tick)
        in_force = takers.seconds // self._terms.quote_seconds
        met: Ints = np.where(
            takers.sides > 0, np.maximum(prices, quotes.asks[in_force]), np.minimum(prices, quotes.bids[in_force])
        )
        return met

    def _told(
        self, hour: MarketHour, path: Floats, index: Floats, quotes: Quotes, struck: Struck
    ) -> list[MarketEvent]:
        """Return all but the trades."""
        facts: list[MarketEvent] = []
        depth = self._book.depth(path, hour.depth)[quotes.seconds]
        rows = self._book.plan(quotes.bids, quotes.asks, depth, self._makers).rows()
        times = (quotes.seconds + hour.factor.begins) * NS_PER_SECOND + self._terms.start
        if not is_valued(self.instrument):
            for now, row in zip(times.tolist(), rows, strict=True):
                facts += self._book.show(now, row)
            return facts
        indexes = np.exp(index) * self._scale
        basis = self._valuation.mean_basis(np.exp(path[:-1]) * self._scale, indexes[:-1])[quotes.seconds]
        lasts = self._lasts(times, quotes, struck)
        closings = list(
            zip(struck.times[struck.forced].tolist(), struck.quantities[struck.forced].tolist(), strict=True)
        )
        closings.reverse()
        for now, bid, ask, last, price, mean_basis, row in zip(
            times.tolist(), quotes.bids.tolist(), quotes.asks.tolist(), lasts.tolist(),
            indexes[quotes.seconds].tolist(), basis.tolist(), rows, strict=True,
        ):
            facts += self._book.show(now, row)
            facts += self._valuation.tell(now, bid=bid, ask=ask, last=last, index=price, mean_basis=mean_basis)
            while closings and closings[-1][0] < now:
                self._open.close(closings.pop()[1])
            if now % NS_PER_MINUTE == 0:
                facts.append(OpenInterest(now, now, self.instrument.index, self._open.minute()))
        for _, quantity in closings:
            self._open.close(quantity)
        return facts

    def _lasts(self, times: Ints, quotes: Quotes, struck: Struck) -> Floats:
        """Return the last price before each quote; before the first trade, the middle of the first quote."""
        opening = (quotes.bids[0] + quotes.asks[0]) / 2.0 if self._last is None else float(self._last)
        known = np.concatenate(([opening], struck.prices))
        lasts: Floats = known[np.searchsorted(struck.times, times, side="left")]
        return lasts

    def _printed(self, struck: Struck) -> list[MarketEvent]:
        facts: list[MarketEvent] = []
        at = self.instrument.index
        for now, price, quantity, side, is_forced in zip(
            struck.times.tolist(), struck.prices.tolist(), struck.quantities.tolist(), struck.sides.tolist(),
            struck.forced.tolist(), strict=True,
        ):
            facts.append(Trade(now, now, at, price, quantity, side))
            if is_forced:
                facts.append(ForcedTrade(now, now, at, price, quantity, side))
        return facts

    def _quantities(self, prices: Floats, notionals: Floats) -> Ints:
        """Return how much of the instrument the notionals are, lots, at least one."""
        filters = self.instrument.filters
        return to_step(amounts(self.instrument, prices, notionals), self.instrument.quantity_digits, filters.lot)


def _when(fact: MarketEvent) -> int:
    return fact.now
