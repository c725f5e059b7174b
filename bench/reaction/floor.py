"""The floor: a bare WebSocket, and a raw, signed request on a warm connection: ``python -m bench.reaction.floor PORT``.

No reconnects, no errors, no state: what it leaves out is what the other two are for.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sys
import time
from typing import cast

import orjson
import uvloop

from bench.reaction.terms import KEY, SECRET, SOLD, THRESHOLD


class Orders(asyncio.Protocol):
    """The warm connection that orders leave by."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.key = SECRET.encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def sell(self) -> None:
        """Sign and write one order."""
        query = (
            f"symbol=BTCUSDT&side=SELL&type=MARKET&quantity={SOLD}&reduceOnly=true&timestamp={time.time_ns() // 10**6}"
        )
        signature = hmac.new(self.key, query.encode(), hashlib.sha256).hexdigest()
        self.transport.write(
            f"POST /fapi/v1/order?{query}&signature={signature} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {KEY}\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )


class Ticks(asyncio.Protocol):
    """The stream: server frames come unmasked and, on loopback, whole."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.is_open = False
        self.is_armed = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(
            b"GET /ws/btcusdt@aggTrade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        if not self.is_open:
            self.is_open = True
            return
        while data:
            size, at = data[1] & 127, 2
            if size == 126:
                size, at = int.from_bytes(data[2:4]), 4
            tick = orjson.loads(data[at : at + size])
            is_below = float(tick["p"]) < THRESHOLD
            if is_below and self.is_armed:
                self.orders.sell()
            self.is_armed = not is_below
            data = data[at + size :]


async def run(port: int) -> None:
    """React for ever."""
    loop = asyncio.get_running_loop()
    _, orders = await loop.create_connection(Orders, "127.0.0.1", port)
    await loop.create_connection(lambda: Ticks(orders), "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1])))
