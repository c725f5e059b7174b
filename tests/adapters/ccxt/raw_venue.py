"""A venue of a hundred lines on loopback that answers an order with any bytes, to a real ccxt over HTTP or TLS."""

from __future__ import annotations

import asyncio
import datetime
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.async_support as ccxt_async
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.adapters.ccxt.connection import Access, Connection, Endpoints
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.line import Streams
from bot.adapters.ccxt.turnstile import Turnstile

HOST = "fapi.binance.com"
PATIENCE_MS = 30_000                 # of a client, but for a venue that is to be found silent
EXCHANGE_INFO = {
    "symbols": [{
        "symbol": "BTCUSDT", "pair": "BTCUSDT", "status": "TRADING", "contractType": "PERPETUAL", "baseAsset": "BTC",
        "quoteAsset": "USDT", "marginAsset": "USDT", "orderTypes": ["LIMIT", "MARKET", "STOP_MARKET"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
        ],
    }],
}
Reply = Callable[["RawVenue", asyncio.StreamWriter, dict[str, str]], Awaitable[None]]


def http(status: str, body: str | dict[str, Any], *headers: str, kind: str = "application/json") -> bytes:
    """Return the bytes of an answer."""
    payload = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(payload)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


class RawVenue:
    """Answers orders by ``reply``; ``orders`` are the parameters of those that were read whole."""

    def __init__(self) -> None:
        self.orders: list[dict[str, str]] = []
        self.reply: Reply | None = None
        self.port = 0
        self._serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                line = head.split("\r\n", 1)[0]
                headers = dict(each.lower().split(": ", 1) for each in head.split("\r\n")[1:] if each)
                length = int(headers.get("content-length", 0))
                body = (await reader.readexactly(length)).decode()
                if "/order" in line and line.startswith("POST"):
                    asked = dict(pair.split("=", 1) for pair in body.split("&"))
                    self.orders.append(asked)
                    assert self.reply is not None
                    await self.reply(self, writer, asked)
                else:
                    writer.write(http("200 OK", EXCHANGE_INFO))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass                                     # the client left, or the test is over
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawVenue]:
        """Serve on a free port of loopback."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await asyncio.sleep(0)                   # let the transports go


class ToLoopback(AbstractResolver):
    """Says that every host is here."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del port, family
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self.port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


def make_certificate(folder: Path) -> Path:
    """Write a certificate, with its key in the same file, that names the venue's hosts; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "venue.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


@asynccontextmanager
async def overridden_client(venue: RawVenue) -> AsyncIterator[Any]:
    """Yield ccxt with its URLs pointed at the venue: the way that changes the classes of errors."""
    exchange = _client()
    for key, url in exchange.urls["api"].items():
        if isinstance(url, str) and key.startswith("fapi"):
            exchange.urls["api"][key] = url.replace(f"https://{HOST}", f"http://127.0.0.1:{venue.port}")
    try:
        yield exchange
    finally:
        await exchange.close()


@asynccontextmanager
async def true_host_client(venue: RawVenue, certificate: Path) -> AsyncIterator[Any]:
    """Yield ccxt as it comes, with a session that finds the venue's true host on loopback."""
    connector = aiohttp.TCPConnector(
        resolver=ToLoopback(venue.port), ssl=ssl.create_default_context(cafile=str(certificate))
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        exchange = _client(session=session)
        try:
            yield exchange
        finally:
            await exchange.close()


@asynccontextmanager
async def own_client(venue: RawVenue, certificate: Path | None) -> AsyncIterator[Connection]:
    """Yield our own connection to the venue: by its true host over TLS where there is a certificate."""
    async def dial(host: str, port: int, is_tls: bool) -> Streams:
        del port
        trusted = ssl.create_default_context(cafile=str(certificate)) if is_tls else None
        return await asyncio.open_connection(
            "127.0.0.1", venue.port, ssl=trusted, server_hostname=host if is_tls else None
        )

    base = f"127.0.0.1:{venue.port}"
    turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=time.time_ns)
    plain = Access("binanceusdm", key="k", secret="s", endpoints=Endpoints(f"http://{base}", f"ws://{base}/ws"))
    true_host = Access("binanceusdm", key="k", secret="s", dial=dial)
    connection = Connection(plain if certificate is None else true_host, turnstile)
    await connection.open()
    connection.exchange.timeout = PATIENCE_MS
    try:
        yield connection
    finally:
        await connection.close()


def _client(**more: Any) -> Any:
    return ccxt_async.binanceusdm({
        "apiKey": "k", "secret": "s", "timeout": PATIENCE_MS, "enableRateLimit": False,
        "options": {"fetchCurrencies": False}, **more,
    })
