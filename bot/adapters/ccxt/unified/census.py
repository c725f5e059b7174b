"""What ccxt says of each of its exchanges, without asking one: who could be guarded at all. No network.

ccxt's word is where the start begins, not where it ends: there every request that matters is rehearsed and read
(``rehearsal``), and the exchange's own pages are (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.ccxt.unified.client import has_linear
from bot.adapters.ccxt.unified.habits import HABITS, habits_of
from bot.adapters.ccxt.unified.rehearsal import features_of
from bot.adapters.ccxt.unified.terms import TICK_SIZE

NEEDED = ("createOrder", "cancelOrder", "fetchBalance", "fetchPositions", "fetchOpenOrders", "fetchMyTrades")
_TIERS = ("fetchMarketLeverageTiers", "fetchLeverageTiers")
_MARKS = ("fetchMarkPrice", "fetchFundingRate", "fetchTicker")
_RINGS = ("watchOrders", "watchMyTrades", "watchPositions")
_PRICES = ("watchTrades", "watchOrderBook")


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange. ``missing`` is why it is refused, empty where nothing is; the rest is for who may be guarded."""

    exchange_id: str
    missing: tuple[str, ...]
    stops: str                       # which price a resting stop watches: mark, chosen by the exchange, or none
    rings: bool                      # streams of the account
    streams: bool                    # streams of prices
    is_known: bool                   # somebody has read what ccxt sends to it


def version() -> str:
    """Return ccxt's version. Importing ccxt takes half a second to four."""
    import ccxt

    return str(ccxt.__version__)


def census() -> list[Entry]:
    """Return all exchanges of ccxt's that have swaps or futures, in the order of their ids."""
    import ccxt.pro

    found = []
    for exchange_id in sorted(ccxt.async_support.exchanges):
        kind = getattr(ccxt.pro, exchange_id, None) or getattr(ccxt.async_support, exchange_id)
        exchange = kind()
        if exchange.has.get("swap") or exchange.has.get("future"):
            found.append(_entry(exchange_id, exchange))
    return found


def _entry(exchange_id: str, exchange: Any) -> Entry:
    has: Mapping[str, Any] = exchange.has
    habits = habits_of(exchange_id)
    create = features_of(exchange).get("createOrder") or {}
    stops = "none"
    if create.get("stopLossPrice") or create.get("triggerPrice"):
        stops = "mark" if habits.by_mark or habits.always_mark else "its choice"
    return Entry(
        exchange_id,
        tuple(_missing(exchange, create)),
        stops,
        any(has.get(method) is True for method in _RINGS),
        all(has.get(method) is True for method in _PRICES),
        exchange_id in HABITS,
    )


def _missing(exchange: Any, create: Mapping[str, Any]) -> Iterator[str]:
    has = exchange.has
    yield from (method for method in NEEDED if not has.get(method))
    if not any(has.get(method) for method in _TIERS) and not habits_of(exchange.id).tiers_by_leverage:
        yield "brackets of maintenance margin"
    if not any(has.get(method) for method in _MARKS):
        yield "mark price"
    if not (create.get("timeInForce") or {}).get("IOC"):
        yield "immediate or cancel"
    if not has_linear(exchange):
        yield "linear contracts"
    if exchange.precisionMode != TICK_SIZE:
        yield "steps of price and amount"
