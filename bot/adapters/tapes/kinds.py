"""What kind a fact is, and which of its fields are prices and quantities."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import cast

from bot.adapters.tapes.bars import IndexBar, MarkBar
from bot.adapters.tapes.source import TapeKind
from bot.domain.market import (
    BookUpdate,
    Candle,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketFact,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)

TapeFact = MarketFact | Candle


@dataclass(frozen=True, slots=True)
class FactKind:
    """One type of fact on a tape; ``code`` stands for it in our own files and never changes."""

    code: int
    fact: type
    kind: TapeKind
    prices: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()


_BAR = ("open", "high", "low", "close")
FACT_KINDS = (
    FactKind(1, Trade, TapeKind.TRADES, ("price",), ("quantity",)),
    FactKind(2, Candle, TapeKind.CANDLES, _BAR, ("volume",)),
    FactKind(3, MarkBar, TapeKind.MARK, _BAR, ("volume",)),
    FactKind(4, IndexBar, TapeKind.INDEX, _BAR, ("volume",)),
    FactKind(5, MarkPrice, TapeKind.MARK, ("price",)),
    FactKind(6, IndexPrice, TapeKind.INDEX, ("price",)),
    FactKind(7, Quote, TapeKind.QUOTES, ("bid", "ask"), ("bid_quantity", "ask_quantity")),
    FactKind(8, BookUpdate, TapeKind.BOOK),
    FactKind(9, FundingRate, TapeKind.FUNDING),
    FactKind(10, OpenInterest, TapeKind.OPEN_INTEREST, (), ("quantity",)),
    FactKind(11, ForcedTrade, TapeKind.LIQUIDATIONS, ("price",), ("quantity",)),
)
BY_TYPE = {each.fact: each for each in FACT_KINDS}
BY_CODE = {each.code: each for each in FACT_KINDS}
_GETTERS = {
    each.fact: tuple(attrgetter(*names, names[0]) if names else None for names in (each.prices, each.quantities))
    for each in FACT_KINDS
}


def types_of(kind: TapeKind | None) -> frozenset[type]:
    """Return the types of fact of a kind; of all kinds for None."""
    return frozenset(each.fact for each in FACT_KINDS if kind in (None, each.kind))


def numbers_of(fact: TapeFact) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the prices and the quantities in a fact; one may be there twice."""
    if isinstance(fact, BookUpdate):
        levels = fact.bids + fact.asks
        return tuple([price for price, _ in levels]), tuple([quantity for _, quantity in levels])
    prices, quantities = _GETTERS[type(fact)]
    return (
        () if prices is None else cast("tuple[int, ...]", prices(fact)),
        () if quantities is None else cast("tuple[int, ...]", quantities(fact)),
    )
