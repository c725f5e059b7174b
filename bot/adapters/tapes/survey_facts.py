"""One pass over a tape of facts, of one market or several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import gcd
from pathlib import Path

from bot.adapters.tapes.bars import IndexBar, MarkBar
from bot.adapters.tapes.contents import TapeSurvey
from bot.adapters.tapes.faults import TapeFaults
from bot.adapters.tapes.formats import Capture, format_name, read_facts
from bot.adapters.tapes.forms import FormAt
from bot.adapters.tapes.kinds import BY_TYPE, TapeFact, numbers_of, types_of
from bot.adapters.tapes.markets import PRICE_DIGITS_WIDE, QUANTITY_DIGITS_WIDE, EveryMarket
from bot.adapters.tapes.packed import Header, read_packed
from bot.adapters.tapes.source import TapeKind
from bot.domain.market import BookUpdate, Candle, ForcedTrade, IndexPrice, MarkPrice, OpenInterest

# Which kind says most of the price; that of several is the survey's.
_RANKED = (
    TapeKind.TRADES, TapeKind.CANDLES, TapeKind.BOOK, TapeKind.QUOTES, TapeKind.MARK, TapeKind.INDEX,
    TapeKind.LIQUIDATIONS, TapeKind.FUNDING, TapeKind.OPEN_INTEREST,
)
# Averages and sums of the venue's, with more decimals than anybody can trade: they set no scale.
_TOLD = (MarkPrice, IndexPrice, MarkBar, IndexBar, ForcedTrade, OpenInterest)


def survey_facts(
    path: Path, found: FormAt | Capture | Header, kind: TapeKind | None, faults: TapeFaults
) -> tuple[TapeSurvey, ...]:
    """Read the tape once; markets in the order in which they appear."""
    markets = EveryMarket()
    wanted = types_of(kind)
    if isinstance(found, Header):
        target = markets.find(found.symbol)
        facts: Iterator[TapeFact] = read_packed(path, target, wanted, faults)
    else:
        facts = read_facts(path, found, markets, faults)
    tallies: dict[int, _Tally] = {}
    for fact in facts:
        if type(fact) in wanted:
            tally = tallies.get(fact.instrument)
            if tally is None:
                tally = tallies[fact.instrument] = _Tally(fact)
            tally.add(fact)
    return tuple(
        tally.result(path, markets.names[index], format_name(found), faults) for index, tally in sorted(tallies.items())
    )


class _Divisors:
    """The greatest common divisors of all prices and of all quantities so far."""

    def __init__(self) -> None:
        self.price = self.quantity = 0

    def take(self, prices: tuple[int, ...], quantities: tuple[int, ...]) -> None:
        self.price = gcd(self.price, *prices)
        self.quantity = gcd(self.quantity, *quantities)


class _Tally:
    """What one market's facts add up to; numbers are at the wide scales."""

    def __init__(self, first: TapeFact) -> None:
        self.kinds: Counter[type] = Counter()
        self.first_ts = self.last_ts = first.now
        self.silence_max = 0
        self.span: int | None = None
        self.first_price = self.last_price = self.low = self.high = 0
        # All prices are multiples of their greatest common divisor, and so is the tick they are written in.
        self.traded = _Divisors()
        self.told = _Divisors()

    def add(self, fact: TapeFact) -> None:
        self.kinds[type(fact)] += 1
        now = fact.now
        self.silence_max = max(self.silence_max, now - self.last_ts)
        self.last_ts = now
        prices, quantities = numbers_of(fact)
        (self.told if type(fact) in _TOLD else self.traded).take(prices, quantities)
        if isinstance(fact, Candle):
            self.span = fact.span
        if prices and not isinstance(fact, BookUpdate):
            self._range(prices)

    def _range(self, prices: tuple[int, ...]) -> None:
        low, high = min(prices), max(prices)
        if low <= 0:                     # an empty side of a quote
            return
        if not self.high:
            self.first_price, self.low = prices[0], low
        self.last_price = prices[-1]
        self.low, self.high = min(self.low, low), max(self.high, high)

    def result(self, path: Path, market: str, layout: str, faults: TapeFaults) -> TapeSurvey:
        counts: Counter[TapeKind] = Counter()
        for fact, rows in self.kinds.items():
            counts[BY_TYPE[fact].kind] += rows
        kinds = {kind: counts[kind] for kind in _RANKED if counts[kind]}
        price_digits = _digits(self.traded.price or self.told.price, PRICE_DIGITS_WIDE)
        surplus = 10 ** (PRICE_DIGITS_WIDE - price_digits)
        return TapeSurvey(
            path=path,
            kind=next(iter(kinds)),
            layout=layout,
            rows=self.kinds.total(),
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            span_ns=self.span,
            price_digits=price_digits,
            quantity_digits=_digits(self.traded.quantity or self.told.quantity, QUANTITY_DIGITS_WIDE),
            first_price=self.first_price // surplus,
            last_price=self.last_price // surplus,
            low=self.low // surplus,
            high=self.high // surplus,
            faults=faults,
            market=market,
            kinds=kinds,
            silence_max_ns=self.silence_max,
            digits_told=(
                _digits(self.told.price, PRICE_DIGITS_WIDE), _digits(self.told.quantity, QUANTITY_DIGITS_WIDE)
            ),
        )


def _digits(divisor: int, scale: int) -> int:
    """The least number of decimals that hold every multiple of ``divisor`` exactly."""
    while scale and divisor % 10 == 0:
        divisor //= 10
        scale -= 1
    return scale
