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
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

IDLE_MAX = 4                         # a burst of orders opens more; they are closed again after it
HEAD_MAX = 1 << 16                   # bytes of status line and headers; a venue sends one thousand
BODY_MAX = 1 << 22
NO_BODY = ("204", "304")             # statuses whose answers end with their headers
HEADERS = "Accept: application/json\r\nUser-Agent: penstock\r\nConnection: keep-alive\r\n"
Place = tuple[str, int, bool]
"""A host, its port, and whether TLS is spoken there."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[str, int, bool], Awaitable[Streams]]
"""Opens a connection to a host and port, with TLS or without."""


class NotConnected(Exception):
    """No connection could be opened: not a byte of the request was written."""


class BrokenAnswer(Exception):
    """What came back is no HTTP answer, or more than there may be."""


class HttpRequest(NamedTuple):
    """A request as it is to be written; a named tuple, since one is made in the callback that an order leaves by."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str


class Sent(NamedTuple):
    """A request that was written, whose answer will come this way."""

    place: Place
    streams: Streams


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
        self._idle: dict[Place, list[Streams]] = {}

    def begin(self, request: HttpRequest) -> Sent | None:
        """Write a request on an idle connection, without waiting; None where none is idle, and nothing is written."""
        scheme, host, target = _parts_of(request.url)
        place = _place_of(scheme, host)
        streams = self._taken(place)
        return None if streams is None else _written(request, host, target, Sent(place, streams))

    async def finish(self, sent: Sent) -> HttpAnswer:
        """Return the answer to what was written; raises BrokenAnswer, OSError, IncompleteReadError."""
        is_reusable = False
        try:
            answer, is_reusable = await _read(sent.streams[0])
            return answer
        finally:
            if is_reusable:
                self._keep(sent.place, sent.streams)
            else:
                sent.streams[1].transport.abort()

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Send one request and return its answer; raises NotConnected, and what ``finish`` does."""
        sent = self.begin(request)
        if sent is None:
            scheme, host, target = _parts_of(request.url)
            place = _place_of(scheme, host)
            sent = _written(request, host, target, Sent(place, await self._opened(place)))
        return await self.finish(sent)

    async def close(self) -> None:
        """Break what is idle; the other side is not waited for."""
        for kept in self._idle.values():
            for _, writer in kept:
                writer.transport.abort()
        self._idle.clear()
        await asyncio.sleep(0)                   # let the transports go

    def _taken(self, place: Place) -> Streams | None:
        """Return an idle connection that the other side has not closed, the one used last first."""
        kept = self._idle.get(place, [])
        while kept:
            reader, writer = kept.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.transport.abort()
        return None

    async def _opened(self, place: Place) -> Streams:
        try:
            return await self._dial(*place)
        except OSError as error:                 # names, routes, refusals, TLS: nothing was written yet
            raise NotConnected(f"{place[0]}:{place[1]}: {error}") from error

    def _keep(self, place: Place, streams: Streams) -> None:
        kept = self._idle.setdefault(place, [])
        if len(kept) < IDLE_MAX:
            kept.append(streams)
        else:
            streams[1].transport.abort()


def _parts_of(url: str) -> tuple[str, str, str]:
    """Return the scheme of an address, its host and port as they are written, and the rest, which is asked for."""
    scheme, _, rest = url.partition("://")
    host, _, target = rest.partition("/")
    return scheme, host, f"/{target}"


@lru_cache(maxsize=64)
def _place_of(scheme: str, host: str) -> Place:
    parts, is_tls = urlsplit(f"{scheme}://{host}"), scheme == "https"
    return parts.hostname or "", parts.port or (443 if is_tls else 80), is_tls


def _written(request: HttpRequest, host: str, target: str, sent: Sent) -> Sent:
    """Write a request in one piece; where that fails, the connection is of no more use."""
    writer = sent.streams[1]
    payload = request.body.encode()
    more = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
    head = f"{request.method} {target} HTTP/1.1\r\nHost: {host}\r\n{HEADERS}{more}"
    try:
        writer.write(f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
    except BaseException:
        writer.transport.abort()
        raise
    return sent


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
