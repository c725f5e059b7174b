"""ccxt.pro as its manual shows it: ``python -m bench.reaction.plain PORT``."""

from __future__ import annotations

import sys

import ccxt.pro
import uvloop

from bench.reaction.terms import KEY, SECRET, SOLD, THRESHOLD

SYMBOL = "BTC/USDT:USDT"
VENUE = "https://fapi.binance.com"


async def run(port: int) -> None:
    """React for ever."""
    client = ccxt.pro.binanceusdm({
        "apiKey": KEY, "secret": SECRET, "enableRateLimit": False, "options": {"fetchCurrencies": False},
    })
    for name, url in client.urls["api"].items():
        if isinstance(url, str) and url.startswith(VENUE):
            client.urls["api"][name] = f"http://127.0.0.1:{port}" + url[len(VENUE):]
    client.urls["api"]["ws"]["linear"] = f"ws://127.0.0.1:{port}/ws"
    await client.load_markets()
    is_armed = True
    while True:
        trades = await client.watch_trades(SYMBOL)
        is_below = trades[-1]["price"] < THRESHOLD
        if is_below and is_armed:
            await client.create_order(SYMBOL, "market", "sell", float(SOLD), None, {"reduceOnly": True})
        is_armed = not is_below


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1])))
