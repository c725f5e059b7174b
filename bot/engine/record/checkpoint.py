"""The book as bytes and back: what a checkpoint holds, and how two books are compared.

Canonical JSON, keys in the order of the dataclasses, so equal books are equal bytes.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from bot.domain.effects import ScopeElement
from bot.domain.errors import JournalError
from bot.domain.instrument import TradingState
from bot.domain.latch import Latch
from bot.domain.open_order import OpenOrder
from bot.engine.measures.derived import DerivedReadings
from bot.engine.measures.layout import Layout
from bot.engine.measures.windows import Plain
from bot.engine.record.book import (
    AccountBook,
    Book,
    Episode,
    Gist,
    Hour,
    LostParent,
    Order,
    Parent,
    Reservation,
    SaleRecord,
    Sent,
)
from bot.engine.record.stops import Stop, StopLine
from bot.rules.triggers import Fires, Trigger

_PLAIN = (
    "now", "seq", "quantity", "entry_value", "margin", "opened", "best_mark", "working", "parent_of", "reserved_for",
    "next_episode",
)
_BY_POSITION = ("marks", "keeps", "holdings", "longs_max", "shorts_max")     # of an episode
_BY_KEY: tuple[tuple[str, type], ...] = (
    ("orders", Order), ("stops", Stop), ("parents", Parent), ("episodes", Episode), ("reservations", Reservation)
)


def dump(book: Book) -> bytes:
    """Return the book, without its layout, as bytes."""
    body: dict[str, Any] = {name: getattr(book, name) for name in _PLAIN}
    body["accounts"] = [_account(account) for account in book.accounts]
    body["last_sent"] = book.last_sent
    body["trading"] = book.trading
    body["stop_lines"] = [_value(line) for line in book.stop_lines]
    for name, _ in _BY_KEY:
        body[name] = [_value(value) for value in getattr(book, name).values()]
    body["lost"] = [_value(lost) for lost in book.lost.values()]
    body["triggers"] = [[rule, element, trigger] for (rule, element), trigger in book.triggers.items()]
    body["fires"] = [[rule, element, fires] for (rule, element), fires in book.fires.items()]
    body["sales"] = [[name, _value(record)] for name, record in book.sales.items()]
    return msgspec.json.encode(body)


def load(body: bytes, layout: Layout) -> Book:
    """Return the book behind ``dump``'s bytes; raises JournalError when they are not one of this layout."""
    try:
        raw = msgspec.json.decode(body)
        book = Book(layout=layout, **{name: raw[name] for name in _PLAIN})
        book.accounts = [_account_back(account) for account in raw["accounts"]]
        book.last_sent = msgspec.convert(raw["last_sent"], list[Sent | None])
        book.trading = msgspec.convert(raw["trading"], list[TradingState])
        book.stop_lines = msgspec.convert(raw["stop_lines"], list[StopLine])
        book.stops = {stop.name: stop for stop in msgspec.convert(raw["stops"], list[Stop])}
        book.orders = {order.name: order for order in msgspec.convert(raw["orders"], list[Order])}
        book.parents = {parent.name: parent for parent in (_parent_back(entry) for entry in raw["parents"])}
        book.episodes = {
            episode.number: episode for episode in (_episode_back(entry) for entry in raw["episodes"])
        }
        book.reservations = {
            reservation.parent: reservation
            for reservation in msgspec.convert(raw["reservations"], list[Reservation])
        }
        book.lost = {lost.position: lost for lost in msgspec.convert(raw.get("lost", ()), list[LostParent])}
        book.triggers = {
            (rule, msgspec.convert(element, ScopeElement)): msgspec.convert(trigger, Trigger)
            for rule, element, trigger in raw["triggers"]
        }
        book.sales = {name: msgspec.convert(record, SaleRecord) for name, record in raw.get("sales", ())}
        book.fires = {
            (rule, msgspec.convert(element, ScopeElement)): msgspec.convert(fires, Fires)
            for rule, element, fires in raw["fires"]
        }
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise JournalError(f"checkpoint: cannot be read, {error}; recovery can fold the journal from zero") from error
    if len(book.quantity) != len(layout.keys) or len(book.accounts) != len(layout.accounts):
        raise JournalError(
            f"checkpoint: is of {len(book.accounts)} accounts and {len(book.quantity)} positions, the configuration "
            f"of {len(layout.accounts)} and {len(layout.keys)}; accounts and instruments may not change in a run"
        )
    return book


def dump_windows(derived: DerivedReadings) -> bytes:
    """Return the windows of all rules as bytes; they are kept beside the book, whose facts do not make them."""
    return msgspec.json.encode(derived.dump())


def load_windows(body: bytes, derived: DerivedReadings) -> None:
    """Take up windows that have seen nothing yet; raises JournalError when the bytes are none of ours."""
    try:
        plain = msgspec.json.decode(body, type=dict[str, list[Plain]])
    except msgspec.MsgspecError as error:
        raise JournalError(f"windows: cannot be read, {error}; without them each must be covered anew") from error
    derived.load(plain)


def _account(account: AccountBook) -> dict[str, Any]:
    body = {name: getattr(account, name) for name in AccountBook.__slots__}
    body["sends"] = list(account.sends)
    return body


def _account_back(body: dict[str, Any]) -> AccountBook:
    account = AccountBook(**{**body, "trade_ids": _trades_back(body["trade_ids"])})
    account.sends = deque(body["sends"], maxlen=AccountBook().sends.maxlen)
    account.latch = Latch(body["latch"])
    account.hours = msgspec.convert(body["hours"], list[Hour])
    account.open_orders = msgspec.convert(body.get("open_orders", {}), dict[str, OpenOrder])
    return account


def _trades_back(trades: Any) -> dict[str, Gist | None]:
    """Return what is known of trades; an older version kept their ids alone."""
    if isinstance(trades, list):
        return dict.fromkeys(trades)
    return msgspec.convert(trades, dict[str, Gist | None])


def _value(value: Order | Stop | StopLine | Parent | Episode | Reservation | SaleRecord | LostParent) -> Any:
    body = {name: getattr(value, name) for name in value.__slots__}
    if isinstance(value, Parent):
        body["fills"] = [list(fill) for fill in value.fills]
    if isinstance(value, Episode):
        for name in _BY_POSITION:
            body[name] = list(getattr(value, name).items())
    return body


def _parent_back(body: dict[str, Any]) -> Parent:
    fills = body.pop("fills")
    parent = msgspec.convert(body, Parent)
    parent.fills.extend((now, quantity) for now, quantity in fills)
    return parent


def _episode_back(body: dict[str, Any]) -> Episode:
    by_position = {name: dict(body.get(name, ())) for name in _BY_POSITION}
    return msgspec.convert({**body, **by_position}, Episode)
