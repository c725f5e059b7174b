"""Files with a header that hold other facts than candles and Binance's trades: one row of the table per form.

A form says which columns it needs, by all the names they go by, and what one row is. The first form all of
whose columns a header has is the file's; a kind that the user wrote leaves only the forms of that kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.tapes import facts
from bot.adapters.tapes.facts import Row
from bot.adapters.tapes.layout import column_names, head_lines
from bot.adapters.tapes.source import TapeKind
from bot.domain.errors import Unsupported
from bot.domain.market import MarketEvent

_STAMP = (
    "timestamp", "ts_ns", "ts_ms", "ts", "time", "transaction_time", "transact_time", "event_time", "calc_time",
    "create_time", "fundingtime", "funding_time", "open_time", "date", "datetime",
)
_PRICE = ("price", "average_price", "avg_price")
_QUANTITY = ("quantity", "qty", "amount", "size", "accumulated_fill_quantity", "original_quantity")
_SIDE = ("side", "taker_side", "direction")
_RATE = ("funding_rate", "last_funding_rate", "fundingrate", "funding rate", "rate")
_INTEREST = ("open_interest", "sum_open_interest", "openinterest")
_QUOTE: Mapping[str, tuple[str, ...]] = {
    "bid": ("bid", "bid_price", "best_bid_price", "best_bid"),
    "bid_quantity": ("bid_quantity", "bid_amount", "bid_size", "bid_qty", "best_bid_qty", "best_bid_size"),
    "ask": ("ask", "ask_price", "best_ask_price", "best_ask"),
    "ask_quantity": ("ask_quantity", "ask_amount", "ask_size", "ask_qty", "best_ask_qty", "best_ask_size"),
}
# Without a header: trades of gocryptotrader and others, a row of four; bars of freqtrade, a row of six.
_NAMELESS = (
    (re.compile(rb"[0-9.]+,[0-9.]+,[0-9.]+,[A-Za-z]+"), ("timestamp", "price", "amount", "side")),
    (re.compile(rb"[0-9]+(,[-+.0-9eE]+){5}"), ("timestamp", "open", "high", "low", "close", "volume")),
)
# Tardis's liquidations have the very columns of its trades, freqtrade's funding rates those of bars.
_HINTS = {"liquidation": TapeKind.LIQUIDATIONS, "funding_rate": TapeKind.FUNDING}
# What any form may have besides.
_OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "received": ("local_timestamp", "received_ns", "received"),
    "symbol": ("symbol", "coin", "market", "instrument"),
    "id": ("id", "trade_id", "update_id"),
    "side": _SIDE,
    "maker": ("is_buyer_maker", "buyer_maker"),
    "next_at": ("funding_timestamp", "next_at_ns"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """``needs`` are the columns it is told by, role -> names; ``decode`` makes the facts of one row."""

    name: str
    kind: TapeKind
    needs: Mapping[str, tuple[str, ...]]
    decode: Callable[[Row], tuple[MarketEvent, ...]]


FORMS = (
    Form("book snapshots CSV", TapeKind.BOOK, {"bids[0].price": ("bids[0].price",),
         "asks[0].price": ("asks[0].price",)}, facts.book_levels),
    Form("book changes CSV", TapeKind.BOOK, {"is_snapshot": ("is_snapshot",), "side": ("side",), "price": _PRICE,
         "quantity": _QUANTITY}, facts.book_change),
    Form("derivative ticker CSV", TapeKind.MARK, {"mark": ("mark_price",), "index": ("index_price",), "rate": _RATE,
         "interest": _INTEREST}, facts.ticker),
    Form("quotes CSV", TapeKind.QUOTES, _QUOTE, facts.quote),
    Form("liquidations CSV", TapeKind.LIQUIDATIONS, {"side": _SIDE, "price": ("average_price",),
         "quantity": ("accumulated_fill_quantity",)}, facts.forced_trade),
    Form("liquidations CSV", TapeKind.LIQUIDATIONS, {"forced": ("forced_side",), "price": _PRICE,
         "quantity": _QUANTITY}, facts.forced_trade),
    Form("trades CSV", TapeKind.TRADES, {"price": _PRICE, "quantity": _QUANTITY}, facts.trade),
    Form("funding CSV", TapeKind.FUNDING, {"rate": _RATE}, facts.funding),
    Form("open interest CSV", TapeKind.OPEN_INTEREST, {"interest": _INTEREST}, facts.open_interest),
    Form("mark prices CSV", TapeKind.MARK, {"mark": ("mark_price", "markprice")}, facts.mark),
    Form("index prices CSV", TapeKind.INDEX, {"index": ("index_price", "indexprice")}, facts.index),
)


# Their columns are those of another kind: only the user, or the file's name, can say what they are.
FORMS_IF_NAMED = (
    Form("liquidations CSV", TapeKind.LIQUIDATIONS, {"side": _SIDE, "price": _PRICE, "quantity": _QUANTITY},
         facts.forced_trade),
    Form("funding rates in bars", TapeKind.FUNDING, {"rate": ("open",)}, facts.funding),
)


@dataclass(frozen=True, slots=True)
class FormAt:
    """A form in one file: the column of each role it has there."""

    form: Form
    at: Mapping[str, int]
    columns: int
    has_header: bool


def find_form(path: Path, kind: TapeKind | None) -> FormAt | None:
    """Return the form of the file and where its columns are, or None when it has none of them.

    Raises Unsupported for Binance's bookDepth, of which no fact can be made.
    """
    head = head_lines(path)[0]
    nameless = next((columns for rows, columns in _NAMELESS if rows.fullmatch(head)), None)
    names = column_names(head) if nameless is None else list(nameless)
    at = {name: column for column, name in reversed(list(enumerate(names)))}
    if {"percentage", "depth", "notional"} <= at.keys():
        # Depth in bands of a percent each: a book made of it would have a spread of a whole percent.
        raise Unsupported(
            f"tape {path}: bookDepth counts depth in bands without prices, so that nothing can be matched by it; "
            "give trades or quotes, and a book from a capture"
        )
    stamp = next((at[name] for name in _STAMP if name in at), None)
    if stamp is None:
        return None
    wanted = kind or hinted_kind(path)
    for form in (*FORMS, *(form for form in FORMS_IF_NAMED if form.kind is wanted)):
        columns = _columns(form.needs, at)
        if len(columns) == len(form.needs) and wanted in (None, form.kind, *_besides(form)):
            columns = {**at, **_columns(_OPTIONAL, at), **columns, "stamp": stamp}
            return FormAt(form, columns, len(names), nameless is None)
    return None


def _columns(roles: Mapping[str, tuple[str, ...]], at: Mapping[str, int]) -> dict[str, int]:
    found = {role: next((at[name] for name in names if name in at), None) for role, names in roles.items()}
    return {role: column for role, column in found.items() if column is not None}


def _besides(form: Form) -> tuple[TapeKind, ...]:
    return (TapeKind.INDEX, TapeKind.FUNDING, TapeKind.OPEN_INTEREST) if form.decode is facts.ticker else ()


def hinted_kind(path: Path) -> TapeKind | None:
    """Return the kind that the file's name speaks of, where columns cannot tell it from another."""
    return next((kind for word, kind in _HINTS.items() if word in path.name.lower()), None)
