"""The sockets: an aiohttp server that hands requests to the exchange and carries out what it wants sent.

One task drives the market and everything that is due by the clock; one task a socket sends its frames in order.
Every request, reply and frame passes the ``Carrier`` of ``paper.wire.faults``.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

from bot.domain.market import Candle, MarketFact
from bot.domain.scale import NS_PER_SECOND
from paper.wire import control
from paper.wire.clock import ServerClock
from paper.wire.exchange import Reply, Request, WireExchange
from paper.wire.faults import Carrier, Frame
from paper.wire.mischief import Mischief
from paper.wire.refusals import Refused
from paper.wire.values import Json

PING_SECONDS = 180.0                 # the venue pings every three minutes and hangs up where no pong comes
IDLE_SECONDS = 1.0                   # the driver looks at least so often whether anything is due
FACTS_AT_ONCE = 1_000                # of the tape, before requests have their turn: some ten milliseconds
QUEUE_MOST = 10_000                  # frames: a client that is so far behind is cut off, as at the venue
BODY_MOST = 1 << 20
SHUTDOWN_SECONDS = 0.2               # for answers that are being written; those held back by a fault are dropped
JSON_HEADER = {"Content-Type": "application/json"}
Tape = Iterator[MarketFact | Candle]


class WireServer:
    """Serves an exchange on loopback, over HTTP and, with a TLS context, over HTTPS on a second port."""

    def __init__(
        self, exchange: WireExchange, clock: ServerClock, *, tape: Tape | None = None,
        carrier: Carrier | None = None, is_steerable: bool = False,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.carrier: Carrier = carrier or Mischief()
        self._tape = tape
        self._next: MarketFact | Candle | None = None if tape is None else next(tape, None)
        self._is_steerable = is_steerable
        self._sockets: dict[int, web.WebSocketResponse] = {}
        self._queues: dict[int, asyncio.Queue[Frame]] = {}
        self._stir = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._driver: asyncio.Task[None] | None = None
        self.port = 0
        self.tls_port = 0

    async def start(self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Listen, on any free port where ``port`` is 0, and begin to drive the market."""
        app = web.Application(client_max_size=BODY_MOST)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        self.port = await self._listen(host, port, None)
        if tls is not None:
            self.tls_port = await self._listen(host, 0, tls)
        self._drive_once()
        self._driver = asyncio.create_task(self._drive(), name="market")

    async def serve_until(self, ended: asyncio.Event) -> None:
        """Serve until ``ended``; raises what ended the market before that, such as a tape that cannot be read on."""
        assert self._driver is not None, "the server is started first"
        waiting = asyncio.create_task(ended.wait(), name="end")
        await asyncio.wait({waiting, self._driver}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._driver.done():
            self._driver.result()

    async def stop(self) -> None:
        """Close every socket and end the driver."""
        if self._driver is not None:
            self._driver.cancel()
            await asyncio.wait({self._driver})
        for socket in [*self._sockets.values()]:
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def steer(self, *facts: MarketFact) -> None:
        """Let facts happen now; for tests in the same process."""
        for fact in facts:
            self.exchange.market(self.clock.now(), fact)
        self._flush()

    async def _listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        assert self._runner is not None, "the runner is set up first"
        site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server), "a started site has a server"
        found: int = server.sockets[0].getsockname()[1]
        return found

    # The market -------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        while True:
            self._stir.clear()
            self._drive_once()
            wait = min(IDLE_SECONDS, max(0.0, (self._next_at() - self.clock.now()) / NS_PER_SECOND))
            if wait == 0.0:
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):    # wait_for of Python 3.11 loses a cancel that meets a stir
                    await self._stir.wait()

    def _drive_once(self) -> None:
        now = self.clock.now()
        for _ in range(FACTS_AT_ONCE):
            if self._next is None or self._tape is None or self._next.now > now:
                break
            self.exchange.market(self._next.now, self._next)
            self._next = next(self._tape, None)
        self.exchange.wake(now if self._next is None else min(now, self._next.now))
        self._flush()

    def _next_at(self) -> int:
        due = self.exchange.next_wake()
        tape = None if self._next is None else self._next.now
        return min(at for at in (due, tape, self.clock.now() + NS_PER_SECOND) if at is not None)

    # Requests ---------------------------------------------------------------------------------------------

    async def _take(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if "ws-fapi" in request.path:
                return await self._serve_api(request)
            return await self._serve_streams(request)
        if self._is_steerable and request.path.startswith("/control/"):
            return await self._steered(request)
        return await self._answered(request)

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode(errors="replace")
        query = request.rel_url.raw_query_string
        asked = Request(
            method=request.method, path=request.path, query=query, body=body,
            params=dict(parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)),
            key=request.headers.get("X-MBX-APIKEY"), address=request.remote or "",
        )
        fate = self.carrier.fate(self.clock.now(), asked)
        await _wait(fate.wait_before)
        replies = [self.exchange.request(self.clock.now(), fate.heard_as or asked) for _ in range(fate.hearings)]
        self._flush()
        self._stir.set()
        await _wait(fate.wait_after)
        reply = fate.reply_for(next(iter(replies), None))
        if reply is None:
            return self._hung_up(request)
        if fate.cut_at is not None:
            return await self._cut(request, reply, fate.cut_at)
        return _response(reply)

    def _hung_up(self, request: web.Request) -> web.StreamResponse:
        """Close the connection without an answer."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _cut(self, request: web.Request, reply: Reply, at: int) -> web.StreamResponse:
        """Send the head and the first bytes of the body, and close."""
        response = web.StreamResponse(status=reply.status, headers={**JSON_HEADER, **reply.headers})
        response.content_length = len(reply.body)
        await response.prepare(request)
        await response.write(reply.body[:at])
        self._hung_up(request)
        return response

    async def _steered(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        now = self.clock.now()
        answer: Json = {}
        try:
            if request.path == "/control/facts":
                for fact in control.facts_of(text, self.exchange.floor.contracts, now=now):
                    self.exchange.market(now, fact)
            elif request.path == "/control/faults" and isinstance(self.carrier, Mischief):
                if request.method == "POST":
                    self.carrier.follow(text)
                answer = {"counts": self.carrier.counts}
            elif request.path == "/control/clock":
                self.clock.advance(control.advance_of(text))
                self._drive_once()
            else:
                return web.json_response({"error": "no such control"}, status=404)
        except Refused as refused:
            answer = {"code": refused.code, "msg": refused.message}
            return web.json_response(answer, status=refused.status)
        self._flush()
        return web.json_response(answer)

    # Sockets ----------------------------------------------------------------------------------------------

    async def _serve_api(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            if not await self._answer_api(socket, message.data, request.remote or ""):
                break
        return socket

    async def _answer_api(self, socket: web.WebSocketResponse, text: str, address: str) -> bool:
        """Answer one request of the WebSocket API; return False when the connection is to be closed instead."""
        asked = Request(method="WS", path="/ws-fapi/v1", body=text, address=address)
        fate = self.carrier.fate(self.clock.now(), asked)
        await _wait(fate.wait_before)
        replies = [Reply(200, self.exchange.api(self.clock.now(), text, address)) for _ in range(fate.hearings)]
        self._flush()
        self._stir.set()
        await _wait(fate.wait_after)
        reply = fate.reply_for(next(iter(replies), None))
        if reply is None:
            return False
        await socket.send_str(reply.body[: fate.cut_at].decode(errors="replace"))
        return True

    async def _serve_streams(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        names, is_combined = _streams_of(request)
        number = self.exchange.connect(
            self.clock.now(), names, is_combined=is_combined, listen_key=request.query.get("listenKey", "")
        )
        self._sockets[number] = socket
        self._queues[number] = asyncio.Queue(QUEUE_MOST)
        sender = asyncio.create_task(self._send(number), name=f"socket {number}")
        self._stir.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self.exchange.hear(self.clock.now(), number, message.data)
                    self._flush()
                    self._stir.set()
        finally:
            self.exchange.disconnect(number)
            self._sockets.pop(number, None)
            self._queues.pop(number, None)
            sender.cancel()
        return socket

    async def _send(self, number: int) -> None:
        """Send one socket's frames in the order in which they were made."""
        queue, socket = self._queues[number], self._sockets[number]
        while True:
            frame = await queue.get()
            if frame.delay:
                await asyncio.sleep(frame.delay / NS_PER_SECOND)
            if frame.body is None:
                await socket.close()
                return
            try:
                await socket.send_str(frame.body.decode(errors="surrogateescape"))
            except ConnectionError:
                return               # the reader sees the end of it, too, and cleans up

    def _flush(self) -> None:
        """Hand over what the exchange wants sent."""
        now = self.clock.now()
        for outgoing in self.exchange.take_outbox():
            for frame in self.carrier.carried(now, outgoing):
                queue = self._queues.get(frame.connection)
                if queue is None:
                    continue
                if queue.full():
                    while not queue.empty():
                        queue.get_nowait()
                    frame = Frame(frame.connection, None)
                queue.put_nowait(frame)


async def _wait(span: int) -> None:
    """Let ``span`` ns pass."""
    if span:
        await asyncio.sleep(span / NS_PER_SECOND)


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers={**JSON_HEADER, **reply.headers})


def _streams_of(request: web.Request) -> tuple[list[str], bool]:
    """Return the streams that a connection's address names, and whether it is a combined one.

    /ws, /ws/NAME/NAME, /stream?streams=NAME/NAME, each also below /public, /market and /private. A last part that is
    a number is ccxt's count of its connections and no name.
    """
    path = request.path
    if "/stream" in path:
        return [name for name in request.query.get("streams", "").split("/") if name], True
    tail = path.partition("/ws")[2].strip("/")
    return [name for name in tail.split("/") if name and not name.isdecimal()], False
