"""The sockets of the venue, bare: one protocol for HTTP and WebSocket, no queue between it and the wire."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from bot.domain.market import Trade
from paper.wire.exchange import Request, WireExchange

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"     # RFC 6455, section 1.3
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
STREAMS = ("aggTrade", "trade")


class Venue:
    """The exchange and its connections; ``on_order`` is told when the bytes of an order's request arrive, ns."""

    def __init__(self, exchange: WireExchange, on_order: Callable[[int], None]) -> None:
        self.exchange = exchange
        self.on_order = on_order
        self.sockets: dict[int, Wire] = {}

    def trade(self, trade: Trade) -> int:
        """Let a trade happen; return when its frame was about to be written, ns."""
        self.exchange.market(trade.now, trade)
        sent = 0
        for outgoing in self.exchange.take_outbox():
            wire = self.sockets.get(outgoing.connection)
            if wire is None:
                continue
            if not sent and outgoing.stream.endswith(STREAMS):
                sent = time.perf_counter_ns()
            wire.send(TEXT, outgoing.body)
        return sent

    def flush(self) -> None:
        """Write every frame that waits."""
        for outgoing in self.exchange.take_outbox():
            wire = self.sockets.get(outgoing.connection)
            if wire is not None:
                wire.send(TEXT, outgoing.body)


class Wire(asyncio.Protocol):
    """One connection: HTTP requests, or after an upgrade frames."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.buffer = b""
        self.number: int | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.number is not None:
            self.venue.sockets.pop(self.number, None)
            self.venue.exchange.disconnect(self.number)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"POST /fapi/v1/order"):
            self.venue.on_order(time.perf_counter_ns())
        self.buffer += data
        while (self._frame() if self.number is not None else self._request()):
            pass

    # HTTP --------------------------------------------------------------------------------------------------

    def _request(self) -> bool:
        """Take one whole request from the buffer; False when there is none."""
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return False
        body, self.buffer = rest[:length].decode(), rest[length:]
        method, target, _ = first.split(" ")
        parts = urlsplit(target)
        if headers.get("upgrade", "").lower() == "websocket":
            self._upgrade(headers["sec-websocket-key"], parts.path, dict(parse_qsl(parts.query)))
            return bool(self.buffer)
        pairs = parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
        reply = self.venue.exchange.request(
            time.time_ns(),
            Request(method, parts.path, query=parts.query, body=body, params=dict(pairs),
                    key=headers.get("x-mbx-apikey")),
        )
        more = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        self.transport.write(
            f"HTTP/1.1 {reply.status} OK\r\nContent-Type: application/json\r\n{more}"
            f"Content-Length: {len(reply.body)}\r\n\r\n".encode() + reply.body
        )
        self.venue.flush()
        return bool(self.buffer)

    # WebSocket ---------------------------------------------------------------------------------------------

    def _upgrade(self, key: str, path: str, query: dict[str, str]) -> None:
        accept = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest()).decode()
        self.transport.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        names = query.get("streams", "").split("/") if "streams" in query else []
        listen_key = query.get("listenKey", "")
        tail = path.rsplit("/", 1)[-1]
        if tail not in ("ws", "stream"):
            names, listen_key = ([tail], listen_key) if "@" in tail else (names, tail)
        self.number = self.venue.exchange.connect(
            time.time_ns(), names, is_combined="streams" in query, listen_key=listen_key
        )
        self.venue.sockets[self.number] = self
        self.venue.flush()

    def _frame(self) -> bool:
        """Take one frame of the client from the buffer; False when there is none."""
        data = self.buffer
        if len(data) < 6:
            return False
        size, at = data[1] & 127, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4]), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10]), 10
        end = at + 4 + size
        if len(data) < end:
            return False
        mask = data[at : at + 4]
        body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data[at + 4 : end]))
        self.buffer = data[end:]
        kind = data[0] & 15
        if kind == TEXT and self.number is not None:
            self.venue.exchange.hear(time.time_ns(), self.number, body.decode())
            self.venue.flush()
        elif kind == PING:
            self.send(PONG, body)
        elif kind == CLOSE:
            self.transport.close()
        return bool(self.buffer)

    def send(self, kind: int, body: bytes) -> None:
        """Write one unmasked frame."""
        size = len(body)
        if size < 126:
            head = bytes((128 | kind, size))
        elif size < 65_536:
            head = bytes((128 | kind, 126)) + size.to_bytes(2)
        else:
            head = bytes((128 | kind, 127)) + size.to_bytes(8)
        self.transport.write(head + body)
