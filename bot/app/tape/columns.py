"""Facts of one kind as columns of text, the way our readers know them again: for CSV and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bot.adapters.tapes.bars import IndexBar, MarkBar
from bot.adapters.tapes.kinds import TapeFact
from bot.domain.errors import InputError
from bot.domain.market import Candle, ForcedTrade, FundingRate, IndexPrice, MarkPrice, OpenInterest, Quote, Trade
from bot.domain.scale import CASH_DIGITS, NS_PER_MS, to_text

Cell = Callable[[Any, int, int], str]
_SIDES = {1: "buy", -1: "sell", 0: ""}


def _price(name: str) -> Cell:
    return lambda fact, digits, _: to_text(getattr(fact, name), digits)


def _quantity(name: str) -> Cell:
    return lambda fact, _, digits: to_text(getattr(fact, name), digits)


def _plain(name: str) -> Cell:
    return lambda fact, _, __: str(getattr(fact, name))


def _side(fact: Any, _: int, __: int) -> str:
    return _SIDES[fact.side]


_TIMES: dict[str, Cell] = {"received_ns": _plain("now"), "ts_ns": _plain("stamp")}
_BAR: dict[str, Cell] = {
    "ts_ms": lambda fact, _, __: str(fact.opened // NS_PER_MS),
    **{name: _price(name) for name in ("open", "high", "low", "close")},
    "volume": _quantity("volume"),
}
_COLUMNS: dict[type, dict[str, Cell]] = {
    Candle: _BAR,
    MarkBar: _BAR,
    IndexBar: _BAR,
    Trade: _TIMES | {"price": _price("price"), "quantity": _quantity("quantity"), "side": _side},
    MarkPrice: _TIMES | {"mark_price": _price("price")},
    IndexPrice: _TIMES | {"index_price": _price("price")},
    Quote: _TIMES | {
        "bid": _price("bid"), "bid_quantity": _quantity("bid_quantity"),
        "ask": _price("ask"), "ask_quantity": _quantity("ask_quantity"),
    },
    FundingRate: _TIMES | {
        "funding_rate": lambda fact, _, __: to_text(fact.rate, CASH_DIGITS), "next_at_ns": _plain("next_at"),
    },
    OpenInterest: _TIMES | {"open_interest": _quantity("quantity")},
    ForcedTrade: _TIMES | {"forced_side": _side, "price": _price("price"), "quantity": _quantity("quantity")},
}


def rows_of(facts: Iterable[TapeFact], price_digits: int, quantity_digits: int) -> Iterator[list[str]]:
    """Yield the names of the columns, then one row a fact; raises InputError for books and for several kinds."""
    kind: type | None = None
    cells: list[Cell] = []
    for fact in facts:
        if kind is None:
            kind = type(fact)
            columns = _COLUMNS.get(kind)
            if columns is None:
                raise InputError("tape: a book has no columns; write it as .tape")
            cells = list(columns.values())
            yield list(columns)
        elif type(fact) is not kind:
            raise InputError("tape: holds several kinds, which have different columns; name one, or write it as .tape")
        yield [cell(fact, price_digits, quantity_digits) for cell in cells]
