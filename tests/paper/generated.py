"""A generated market as a stranger sees it: facts folded into books, quotes and prices, with the seams looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.domain.copying import replace
from bot.domain.instrument import Instrument
from bot.domain.market import (
    BookUpdate,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketEvent,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from paper.book import Book
from paper.generate.market import generate
from paper.generate.scenario import SCENARIOS, Scenario
from tests.paper.builders import START, perpetual

BOTH = (perpetual(0, "BTC"), perpetual(1, "ETH"))
# kind: (hours, seconds between two quotes) where tests look at seconds; others keep their hours, with a quote a minute
COARSE = {"wick": (1, 1), "gap": (2, 5)}
TRADES = 0.2


def coarse(name: str) -> Scenario:
    """Return a kind of market with fewer quotes, so that a test takes no time."""
    scenario = SCENARIOS[name]
    hours, seconds = COARSE.get(name, (scenario.hours, 60))
    return replace(scenario, hours=hours, quote_seconds=seconds)


def brief(name: str) -> Scenario:
    """Return a kind of market that goes through all its regimes in half an hour, moves and leaps in full."""
    scenario = SCENARIOS[name]
    regimes = tuple(replace(regime, hours=regime.hours / (2 * scenario.hours)) for regime in scenario.regimes)
    return replace(scenario, hours=1, quote_seconds=5, regimes=regimes)


def facts_of(name: str, seed: int, instruments: tuple[Instrument, ...] = BOTH) -> list[MarketEvent]:
    """Return all facts of a coarse market."""
    return list(generate(coarse(name), seed, instruments, start=START, trades_per_second=TRADES))


@dataclass
class Seen:
    """What was told of one instrument, in order, and what did not fit together."""

    book: Book = field(default_factory=Book)
    updates: list[BookUpdate] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    depths: list[tuple[int, int]] = field(default_factory=list)          # time, quantity shown on both sides
    trades: list[Trade] = field(default_factory=list)
    inside: list[Trade] = field(default_factory=list)                    # better than the quote in force
    unlike: list[Quote] = field(default_factory=list)                    # not the best of the book
    forced: list[ForcedTrade] = field(default_factory=list)
    unprinted: list[ForcedTrade] = field(default_factory=list)           # not a print told just before
    marks: list[MarkPrice] = field(default_factory=list)
    indexes: list[IndexPrice] = field(default_factory=list)
    rates: list[FundingRate] = field(default_factory=list)
    interest: list[OpenInterest] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)

    def see(self, fact: MarketEvent) -> None:
        """Fold one fact in."""
        self.told[type(fact).__name__] += 1
        match fact:
            case BookUpdate():
                self.book.fold(fact)
                self.updates.append(fact)
                self.depths.append((fact.now, sum(self.book.bids.shown.values()) + sum(self.book.asks.shown.values())))
            case Quote():
                self._quote(fact)
            case Trade():
                self._trade(fact)
            case ForcedTrade():
                self.forced.append(fact)
                last = self.trades[-1]
                if (last.now, last.price, last.quantity, last.side) != (
                    fact.now, fact.price, fact.quantity, fact.side
                ):
                    self.unprinted.append(fact)
            case MarkPrice():
                self.marks.append(fact)
            case IndexPrice():
                self.indexes.append(fact)
            case FundingRate():
                self.rates.append(fact)
            case OpenInterest():
                self.interest.append(fact)

    def _quote(self, quote: Quote) -> None:
        self.quotes.append(quote)
        bid, ask = self.book.bids.best(), self.book.asks.best()
        assert bid is not None and ask is not None
        if (bid, self.book.bids.shown[bid], ask, self.book.asks.shown[ask]) != (
            quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity
        ):
            self.unlike.append(quote)

    def _trade(self, trade: Trade) -> None:
        self.trades.append(trade)
        quote = self.quotes[-1]              # a trade before any quote is a fault as well
        if trade.price < quote.ask if trade.side > 0 else trade.price > quote.bid:
            self.inside.append(trade)


def seen(facts: Iterable[MarketEvent], instruments: tuple[Instrument, ...] = BOTH) -> list[Seen]:
    """Return what was told, by instrument."""
    found = [Seen() for _ in instruments]
    for fact in facts:
        found[fact.instrument].see(fact)
    return found
