"""What is said to the exchange: prices and faults by its control, and the account owner's own requests, signed.

The owner asks from another address than the daemon, so that the venue's quota of the daemon is the daemon's.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp

KEY, SECRET = "a-key", "a-secret"
ADDRESS = "127.0.0.2"
PAGE = 1_000
ASK_MAX = 8                          # a fault that was meant for the daemon may befall the owner, too


class Owner:
    """A client of the exchange with the account's key."""

    def __init__(self, rest: str) -> None:
        self._rest = rest
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(local_addr=(ADDRESS, 0))
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15.0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def trade(self, facts: Sequence[dict[str, Any]]) -> None:
        """Let these trades happen now."""
        async with self._session.post(f"{self._rest}/control/facts", json=facts) as answer:
            assert answer.status == 200, await answer.text()

    async def follow(self, rules: Sequence[dict[str, Any]]) -> None:
        """Let these faults befall what comes from now on, and no others."""
        async with self._session.post(f"{self._rest}/control/faults", json={"rules": list(rules)}) as answer:
            assert answer.status == 200, await answer.text()

    async def counts(self) -> dict[str, int]:
        """Return how often each fault has happened."""
        async with self._session.get(f"{self._rest}/control/faults") as answer:
            found: dict[str, int] = (await answer.json())["counts"]
        return found

    async def ask(self, method: str, path: str, **params: object) -> Any:
        """Ask the venue as the account's owner; raises ClientError when it does not answer well."""
        values = {name: str(value) for name, value in params.items()} | {"timestamp": str(time.time_ns() // 10**6)}
        query = urlencode(values)
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{self._rest}{path}?{query}&signature={signature}"
        async with self._session.request(method, url, headers={"X-MBX-APIKEY": KEY}) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def read(self, path: str, **params: object) -> Any:
        """Ask for a page until it comes."""
        for _ in range(ASK_MAX - 1):
            try:
                return await self.ask("GET", path, **params)
            except (aiohttp.ClientError, TimeoutError):
                continue
        return await self.ask("GET", path, **params)

    async def buy(self, symbol: str, quantity: str) -> None:
        """Buy at the market; raises as ``ask`` does."""
        await self.ask("POST", "/fapi/v1/order", symbol=symbol, side="BUY", type="MARKET", quantity=quantity)

    async def positions(self) -> dict[str, float]:
        """Return what is held, by the venue's symbols."""
        rows = await self.read("/fapi/v3/positionRisk")
        return {row["symbol"]: float(row["positionAmt"]) for row in rows if float(row["positionAmt"])}

    async def trades(self, symbol: str) -> list[dict[str, Any]]:
        """Return all of the account's fills in a market, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            first = found[-1]["id"] + 1 if found else 1      # from 0 would be the newest page
            page = await self.read("/fapi/v1/userTrades", symbol=symbol, fromId=first, limit=PAGE)
            found += page
            if len(page) < PAGE:
                return found
