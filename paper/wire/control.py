"""Steering by a test: prices, books, funding and time, as JSON. Off unless the server is told to offer it.

    POST /control/facts   a list of {"kind": ..., "symbol": ...} and what the kind has:
                          trade price quantity side | mark price | index price | quote bid bid_quantity ask ask_quantity
                          book bids asks is_snapshot | funding rate next_ms | interest quantity
                          forced price quantity side
    POST /control/clock   {"advance_ms": 60000}
    POST /control/faults  a plan (``paper.wire.rules``); GET tells how often each fault has happened
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bot.domain.market import (
    BookUpdate,
    ForcedTrade,
    FundingRate,
    IndexPrice,
    MarketFact,
    MarkPrice,
    OpenInterest,
    Quote,
    Trade,
)
from bot.domain.scale import NS_PER_MS
from paper.wire.contracts import Contract, Contracts
from paper.wire.listing import RATE_DIGITS
from paper.wire.params import Params
from paper.wire.refusals import malformed

SIDES = {"buy": 1, "sell": -1}


def facts_of(text: str, contracts: Contracts, *, now: int) -> list[MarketFact]:
    """Return the facts that a request states; refuse what cannot be read."""
    try:
        rows = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise malformed("facts", "a JSON list") from error
    if not isinstance(rows, list):
        raise malformed("facts", "a JSON list")
    return [_fact(row, contracts, now) for row in rows]


def advance_of(text: str) -> int:
    """Return by how many ns time is to go forward."""
    try:
        asked = msgspec.json.decode(text, type=dict[str, int])
    except msgspec.MsgspecError as error:
        raise malformed("advance_ms", "a JSON object with a whole number") from error
    return max(0, asked.get("advance_ms", 0)) * NS_PER_MS


def _fact(row: object, contracts: Contracts, now: int) -> MarketFact:
    if not isinstance(row, Mapping):
        raise malformed("facts", "a JSON list of objects")
    params = Params({str(name): str(value) for name, value in row.items() if not isinstance(value, list)})
    contract = contracts.asked(params)
    index, price_digits, digits = contract.index, contract.price_digits, contract.quantity_digits
    side = SIDES.get(params.text_or("side", "sell"), -1)
    match params.text("kind"):
        case "trade":
            price, quantity = params.fixed("price", price_digits), params.fixed("quantity", digits)
            return Trade(now, now, index, price, quantity, side)
        case "forced":
            price, quantity = params.fixed("price", price_digits), params.fixed("quantity", digits)
            return ForcedTrade(now, now, index, price, quantity, side)
        case "mark":
            return MarkPrice(now, now, index, params.fixed("price", price_digits))
        case "index":
            return IndexPrice(now, now, index, params.fixed("price", price_digits))
        case "quote":
            return Quote(
                now, now, index, params.fixed("bid", price_digits), params.fixed("bid_quantity", digits),
                params.fixed("ask", price_digits), params.fixed("ask_quantity", digits),
            )
        case "book":
            bids, asks = _levels(row, "bids", contract), _levels(row, "asks", contract)
            return BookUpdate(now, now, index, bids, asks, params.text_or("is_snapshot", "true").lower() == "true")
        case "funding":
            return FundingRate(now, now, index, params.fixed("rate", RATE_DIGITS), params.whole("next_ms") * NS_PER_MS)
        case "interest":
            return OpenInterest(now, now, index, params.fixed("quantity", digits))
        case _:
            raise malformed("kind", "trade, forced, mark, index, quote, book, funding, interest")


def _levels(row: Mapping[str, object], name: str, contract: Contract) -> tuple[tuple[int, int], ...]:
    """Return price levels that are written as pairs of texts."""
    pairs = row.get(name, [])
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise malformed(name, "a JSON list of pairs")
    found = [Params({"price": str(price), "quantity": str(quantity)}) for price, quantity in pairs]
    return tuple(
        (each.fixed("price", contract.price_digits), each.fixed("quantity", contract.quantity_digits))
        for each in found
    )
