"""What one message of a venue's stream says, in the venue's words turned to ours; books are ordered elsewhere.

Binance: depth, snapshots, trades, aggregate trades, best quotes, mark price and forced orders of spot, USD-M and
COIN-M, from its streams or its REST answers. Bybit: books and trades of v5. Field names are the venues' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bot.adapters.tapes import rows
from bot.adapters.tapes.faults import FaultReason
from bot.adapters.tapes.markets import Scales, Target
from bot.adapters.tapes.rows import BadRow
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
from bot.domain.scale import CASH_DIGITS, NS_PER_MS

Body = Mapping[str, Any]
Levels = tuple[tuple[int, int], ...]
_PARTIAL = re.compile(r"@depth(5|10|20)(@|$)")     # futures call them depthUpdate, though each is a whole book


class Message(msgspec.Struct, frozen=True):
    """One message: ``name`` of its kind, ``market`` in the venue's words or "", ``stamp`` ns or None."""

    name: str
    market: str
    stamp: int | None
    number: int                      # of the trade, quote or update; 0 where there is none
    body: Body


Decode = Callable[[Message, Target, int, int], tuple[MarketEvent, ...]]


def read_envelope(parsed: Any) -> list[Message]:
    """Return the messages in one line; raises BadRow for what is no JSON object or list of them."""
    stream = ""
    if isinstance(parsed, dict):
        stream = str(parsed.get("stream", ""))
        if "topic" in parsed:
            return _bybit(parsed)
        parsed = parsed.get("data", parsed)
    bodies = parsed if isinstance(parsed, list) else [parsed]
    if not all(isinstance(body, dict) for body in bodies):
        raise BadRow(FaultReason.MESSAGE_INVALID)
    return [_binance(body, stream) for body in bodies]


def _binance(body: Body, stream: str) -> Message:
    name = str(body.get("e", ""))
    if name == "forceOrder":
        body = {**body["o"], "E": body.get("E")}
    if "lastUpdateId" in body or (name == "depthUpdate" and _PARTIAL.search(stream)):
        name = "snapshot"
    elif not name and {"u", "b", "B", "a", "A"} <= body.keys():
        name = "bookTicker"              # spot does not name it
    elif not name and "openInterest" in body:
        name = "openInterest"
    market = str(body.get("s") or body.get("symbol") or stream.partition("@")[0].upper())
    stamp = _first_whole(body, ("T", "E", "time"))
    if name == "markPriceUpdate":        # its T is the time of the next funding
        stamp = body.get("E")
    number = _first_whole(body, ("t", "a", "u", "lastUpdateId")) or 0
    return Message(name, market.removeprefix("!"), None if stamp is None else stamp * NS_PER_MS, number, body)


def _first_whole(body: Body, keys: tuple[str, ...]) -> int | None:
    """Return the first of some fields that holds an integer, None where none does."""
    for key in keys:
        value = body.get(key)
        if isinstance(value, int):
            return value
    return None


def _bybit(body: Body) -> list[Message]:
    topic, _, market = str(body["topic"]).rpartition(".")
    found = []
    for each in body["data"] if isinstance(body.get("data"), list) else [body.get("data")]:
        if not isinstance(each, dict):
            raise BadRow(FaultReason.MESSAGE_INVALID)
        name = topic.partition(".")[0]
        if name == "orderbook":
            name = f"bybit {body.get('type')}"
        stamp = each.get("T", body.get("cts", body.get("ts")))
        number = each.get("u", 0)
        found.append(Message(name, market, stamp * NS_PER_MS if isinstance(stamp, int) else None, number, each))
    return found


def _price(scales: Scales, value: Any) -> int:
    price = scales.price(str(value))
    if price <= 0:
        raise BadRow(FaultReason.PRICE_NOT_POSITIVE)
    return price


def _quantity(scales: Scales, value: Any) -> int:
    quantity = scales.quantity(str(value))
    if quantity <= 0:
        raise BadRow(FaultReason.QUANTITY_NOT_POSITIVE)
    return quantity


def _levels(scales: Scales, pairs: Any) -> Levels:
    levels = tuple([(scales.price(str(pair[0])), scales.quantity(str(pair[1]))) for pair in pairs])
    for price, quantity in levels:
        if price <= 0:
            raise BadRow(FaultReason.PRICE_NOT_POSITIVE)
        if quantity < 0:
            raise BadRow(FaultReason.VOLUME_NEGATIVE)
    return levels


def _trade(message: Message, target: Target, now: int, stamp: int) -> tuple[MarketEvent, ...]:
    body, scales = message.body, target.scales
    if body.get("X", "MARKET") != "MARKET":
        raise BadRow(FaultReason.NO_FACT)                # the insurance fund took a position over: nobody traded
    side = -1 if body["m"] else 1
    return (Trade(now, stamp, target.instrument, _price(scales, body["p"]), _quantity(scales, body["q"]), side),)


def _bybit_trade(message: Message, target: Target, now: int, stamp: int) -> tuple[MarketEvent, ...]:
    body, scales = message.body, target.scales
    side = {"Buy": 1, "Sell": -1}[body["S"]]
    return (Trade(now, stamp, target.instrument, _price(scales, body["p"]), _quantity(scales, body["v"]), side),)


def _quote(message: Message, target: Target, now: int, stamp: int) -> tuple[MarketEvent, ...]:
    body, scales = message.body, target.scales
    cells = [scales.price(body["b"]), scales.quantity(body["B"]), scales.price(body["a"]), scales.quantity(body["A"])]
    if min(cells) < 0:
        raise BadRow(FaultReason.PRICE_NOT_POSITIVE)
    return (Quote(now, stamp, target.instrument, *cells),)


def _change(message: Message, target: Target, now: int, stamp: int) -> tuple[MarketEvent, ...]:
    body = message.body
    bids, asks = _levels(target.scales, body["b"]), _levels(target.scales, body["a"])
    last = int(body["u"])
    first = int(body.get("U", last))                     # Bybit has one number a change
    return (BookUpdate(now, stamp, target.instrument, bids, asks, False, first, last, int(body.get("pu", 0))),)


def _snapshot(message: Message, target: Target, now: int, stamp: int) -> tuple[MarketEvent, ...]:
    body, scales = message.body, target.scales
    bids = _levels(scales, body["bids"] if "bids" in body else body["b"])
    asks = _levels(scales, body["asks"] if "asks" in body else body["a"])
    last = int(body["lastUpdateId"] if "lastUpdateId" in body else body["u"])
    return (BookUpdate(now, stamp, target.instrument, bids, asks, True, 0, last),)


def _mark(message: Message, target: Target, now: int, stamp: int) -> tuple[MarketEvent, ...]:
    body, index = message.body, target.instrument
    found: list[MarketEvent] = [MarkPrice(now, stamp, index, _price(target.scales, body["p"]))]
    if body.get("i"):
        found.append(IndexPrice(now, stamp, index, _price(target.scales, body["i"])))
    if body.get("r") and body.get("T"):                  # a dated future pays none
        found.append(FundingRate(now, stamp, index, rows.number(body["r"], CASH_DIGITS), body["T"] * NS_PER_MS))
    return tuple(found)


def _forced(message: Message, target: Target, now: int, stamp: int) -> tuple[MarketEvent, ...]:
    body, scales = message.body, target.scales
    price = body["ap"] if float(body.get("ap", 0)) else body["p"]
    quantity = body["z"] if float(body.get("z", 0)) else body["q"]
    side = {"BUY": 1, "SELL": -1}[body["S"]]
    return (ForcedTrade(now, stamp, target.instrument, _price(scales, price), _quantity(scales, quantity), side),)


def _interest(message: Message, target: Target, now: int, stamp: int) -> tuple[MarketEvent, ...]:
    quantity = target.scales.quantity(str(message.body["openInterest"]))
    if quantity < 0:
        raise BadRow(FaultReason.VOLUME_NEGATIVE)
    return (OpenInterest(now, stamp, target.instrument, quantity),)


DECODERS: dict[str, Decode] = {
    "depthUpdate": _change,
    "snapshot": _snapshot,
    "trade": _trade,
    "aggTrade": _trade,
    "bookTicker": _quote,
    "markPriceUpdate": _mark,
    "forceOrder": _forced,
    "openInterest": _interest,
    "bybit snapshot": _snapshot,
    "bybit delta": _change,
    "publicTrade": _bybit_trade,
}
