"""Unmodified ccxt clients, pointed at a server of ours by addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.pro

from tests.wire.builders import KEY, SECRET

OPTIONS = {"apiKey": KEY, "secret": SECRET, "enableRateLimit": False, "options": {"fetchCurrencies": False}}
VENUE = "https://fapi.binance.com"


def point(client: Any, port: int) -> Any:
    """Have a client's futures addresses lead to a port of this machine."""
    for name, url in client.urls["api"].items():
        if isinstance(url, str) and url.startswith(VENUE):
            client.urls["api"][name] = f"http://127.0.0.1:{port}" + url[len(VENUE):]
    if "ws" in client.urls["api"]:
        client.urls["api"]["ws"]["linear"] = f"ws://127.0.0.1:{port}/ws"
        client.urls["api"]["ws"]["ws-api"]["linear"] = f"ws://127.0.0.1:{port}/ws-fapi/v1"
    return client


@asynccontextmanager
async def ccxt_client(port: int, **options: Any) -> AsyncIterator[Any]:
    """ccxt.pro, which is ccxt's async client and more."""
    client = point(ccxt.pro.binanceusdm({**OPTIONS, **options}), port)
    try:
        yield client
    finally:
        await client.close()
