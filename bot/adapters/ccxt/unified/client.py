"""What is set on ccxt's client of any exchange before it is used: linear contracts by default, nothing beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.adapters.ccxt.unified.habits import habits_of

WINDOW_MS = 5_000                    # that a request may be on its way, where an exchange is told; ccxt's own is 10,000
_LINEAR = ("linear", "swap", "future", "futures", "contract")


def adapt(exchange: Any) -> None:
    """Let a client that was just made mean linear contracts wherever nobody says which, and read no other markets."""
    exchange.options.update(habits_of(exchange.id).options)
    exchange.options["recvWindow"] = WINDOW_MS
    exchange.options["defaultType"], exchange.options["defaultSubType"] = "swap", "linear"
    exchange.has = {**exchange.has, "fetchCurrencies": False}        # a page of spot, or one that needs another right
    if has_linear(exchange) and (listed := _types(exchange)) is not None:
        exchange.options["fetchMarkets"]["types"] = [kind for kind in listed if kind in _LINEAR]


def has_linear(exchange: Any) -> bool:
    """False when ccxt lists which kinds of market it reads of an exchange, and none of them is linear contracts."""
    listed = _types(exchange)
    return listed is None or any(kind in _LINEAR for kind in listed)


def _types(exchange: Any) -> list[str] | None:
    """Return which kinds of market ccxt reads of an exchange, None where it does not list them."""
    reading = exchange.options.get("fetchMarkets")
    listed = reading.get("types") if isinstance(reading, Mapping) else None
    return listed if isinstance(listed, list) else None
