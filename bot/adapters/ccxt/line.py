"""Plain HTTP/1.1 over warm connections of our own, for the few requests that cannot wait: orders, cancels, the time.

ccxt signs such a request and judges its answer as it does any other; only the way between is ours, since its client
takes half a millisecond on it. A request is written in one piece on an idle connection, or on a new one; nothing is
sent twice, whatever happens. What fails before the first byte is written says so by its class (``NotConnected``).

    idle connections are kept, at most IDLE_MAX; one that the venue closed is noticed before it is used
    one answer, of a length that it names, in chunks, or to the end of the connection; else the connection is closed
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

IDLE_MAX = 4                         # a burst of orders opens more; they are closed again after it
HEAD_MAX = 1 << 16                   # bytes of status line and headers; a venue sends one thousand
BODY_MAX = 1 << 22
NO_BODY = ("204", "304")             # statuses whose answers end with their headers
HEADERS = {"Accept": "application/json", "User-Agent": "penstock", "Connection": "keep-alive"}
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[str, int, bool], Awaitable[Streams]]
"""Opens a connection to a host and port, with TLS or without."""


class NotConnected(Exception):
    """No connection could be opened: not a byte of the request was written."""


class BrokenAnswer(Exception):
    """What came back is no HTTP answer, or more than there may be."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as it came; names of headers in lower case."""

    status: int
    reason: str
    headers: dict[str, str]
    body: str


async def dial(host: str, port: int, is_tls: bool) -> Streams:
    """Open a connection by the system's names and certificates."""
    return await asyncio.open_connection(host, port, ssl=_trusted() if is_tls else None, limit=HEAD_MAX)


@cache
def _trusted() -> ssl.SSLContext:
    """Return the system's certificates, read once: it takes some 20 ms, which a burst of orders has not."""
    return ssl.create_default_context()


class Line:
    """Warm connections to one venue."""

    def __init__(self, open_streams: Dial = dial) -> None:
        self._dial = open_streams
        self._idle: dict[tuple[str, int, bool], list[Streams]] = {}

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: str) -> HttpAnswer:
        """Send one request and return its answer; raises NotConnected, BrokenAnswer, OSError, IncompleteReadError."""
        parts = urlsplit(url)
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        place = host, parts.port or (443 if is_tls else 80), is_tls
        payload = body.encode()
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        lines = {"Host": parts.netloc, **HEADERS, **headers, "Content-Length": str(len(payload))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        streams = self._taken(place) or await self._opened(place)
        is_reusable = False
        try:
            streams[1].write(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + payload)
            answer, is_reusable = await _read(streams[0])
            return answer
        finally:
            if is_reusable:
                self._keep(place, streams)
            else:
                streams[1].transport.abort()

    async def close(self) -> None:
        """Break what is idle; the other side is not waited for."""
        for kept in self._idle.values():
            for _, writer in kept:
                writer.transport.abort()
        self._idle.clear()
        await asyncio.sleep(0)                   # let the transports go

    def _taken(self, place: tuple[str, int, bool]) -> Streams | None:
        """Return an idle connection that the other side has not closed, the one used last first."""
        kept = self._idle.get(place, [])
        while kept:
            reader, writer = kept.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.transport.abort()
        return None

    async def _opened(self, place: tuple[str, int, bool]) -> Streams:
        try:
            return await self._dial(*place)
        except OSError as error:                 # names, routes, refusals, TLS: nothing was written yet
            raise NotConnected(f"{place[0]}:{place[1]}: {error}") from error

    def _keep(self, place: tuple[str, int, bool], streams: Streams) -> None:
        kept = self._idle.setdefault(place, [])
        if len(kept) < IDLE_MAX:
            kept.append(streams)
        else:
            streams[1].transport.abort()


async def _read(reader: asyncio.StreamReader) -> tuple[HttpAnswer, bool]:
    """Return one answer, and whether another may follow on its connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        protocol, _, rest = head[0].partition(" ")
        status, _, reason = rest.partition(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        if not protocol.startswith("HTTP/1.") or not status.isdigit():
            raise BrokenAnswer(f"no answer of HTTP/1, was {head[0][:60]!r}")
        body, is_whole = (b"", True) if status in NO_BODY else await _body(reader, headers)
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise BrokenAnswer(f"an answer that cannot be read: {error}") from error
    is_reusable = is_whole and protocol == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return HttpAnswer(int(status), reason, headers, body.decode(errors="replace")), is_reusable


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> tuple[bytes, bool]:
    """Return a body, and whether its end is known; raises BrokenAnswer when it is too long."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader), True
    if "content-length" in headers:
        length = int(headers["content-length"])
        if not 0 <= length <= BODY_MAX:
            raise BrokenAnswer(f"a body of {length} bytes")
        return await reader.readexactly(length), True
    return await reader.read(BODY_MAX), False


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while len(found) <= BODY_MAX:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        if size == 0:
            while (await reader.readuntil(b"\r\n")) != b"\r\n":
                continue                         # trailers
            return found
        found += await reader.readexactly(size)
        await reader.readexactly(2)
    raise BrokenAnswer(f"a body of more than {BODY_MAX} bytes")
