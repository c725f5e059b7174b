"""Our live adapter in front of the paper exchange on the wire: real ccxt, real sockets, one account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.ccxt.account_stream import AccountDecoder
from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.connection import Access, Connection, Endpoints
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.names import PLAIN
from bot.adapters.ccxt.probe import Markets, measure_time, read_markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.turnstile import Turnstile
from bot.adapters.ccxt.user_stream import UserStream
from bot.adapters.ccxt.venue import BinanceVenue
from bot.domain.account import MarginMode, PositionKey
from bot.domain.events import AccountFact
from bot.domain.names import STOPS_FROM, child_name, parent_name
from bot.domain.order import Approved, OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import NS_PER_SECOND
from paper.spec import AccountStart
from paper.wire.faults import Carrier
from paper.wire.server import WireServer
from tests.wire.builders import KEY, SECRET, serving

MARKER = "pen"
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
POSITION = PositionKey(0, 0)


@dataclass(slots=True)
class Wired:
    """A server, our connection to it, and everything that was told."""

    server: WireServer
    connection: Connection
    markets: Markets
    venue: BinanceVenue
    stream: UserStream
    time: VenueTime
    facts: list[AccountFact] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    _counter: int = 0

    def of(self, kind: type) -> list[Any]:
        """Return the facts of a kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def until(self, done: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until something has come about; raises AssertionError when it does not."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not done():
            assert asyncio.get_running_loop().time() < deadline, f"waited in vain: {self.facts} {self.troubles}"
            await asyncio.sleep(0.005)

    def request(
        self, side: Side = Side.SELL, quantity: int = 10, price: str | None = "59000", **more: Any
    ) -> OrderRequest:
        """Return the next order of ours: BTC, thousandths, immediate or cancel, reduce-only."""
        self._counter += 1
        instrument = self.markets.instruments[0]
        scale = 10**instrument.price_digits
        trigger = more.pop("trigger", None)
        start = STOPS_FROM if trigger is not None else 0
        name = child_name(parent_name(MARKER, POSITION, side, start + self._counter), 0)
        asked: dict[str, Any] = {
            "name": name, "key": POSITION, "side": side, "quantity": quantity,
            "limit_price": None if price is None else int(float(price) * scale), "time_in_force": TimeInForce.IOC,
            "reduce_only": True, "order_class": OrderClass.MARGIN,
            "trigger_price": None if trigger is None else int(float(trigger) * scale),
        }
        return OrderRequest(**(asked | more))

    def place(self, request: OrderRequest, *, valid_for: float = 5.0) -> str:
        """Let the venue place an order; return its name."""
        now = self.time.now()
        self.venue.place(now, Approved(request, now + int(valid_for * NS_PER_SECOND), 0))
        return request.name


@asynccontextmanager
async def wired(
    *accounts: AccountStart, carrier: Carrier | None = None, streams: bool = False, **options: Any
) -> AsyncIterator[Wired]:
    """Yield our adapter connected to a server; with ``streams`` the user stream is open."""
    async with serving(*accounts, carrier=carrier, **options) as server:
        turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=time.time_ns)
        base = f"127.0.0.1:{server.port}"
        access = Access("binanceusdm", key=KEY, secret=SECRET, endpoints=Endpoints(f"http://{base}", f"ws://{base}/ws"))
        connection = Connection(access, turnstile)
        await connection.open()
        venue_time = VenueTime(time.time_ns)
        await measure_time(connection, venue_time)
        markets = await read_markets(connection, SYMBOLS)
        decoder = AccountDecoder(AccountView(0, MARKER, PLAIN, markets.by_symbol, lambda _: MarginMode.CROSS))
        facts: list[AccountFact] = []
        troubles: list[Trouble] = []
        venue = BinanceVenue(connection, decoder, venue_time, tell=facts.append, report=troubles.append)
        stream = UserStream(connection, decoder, venue, venue_time, report=troubles.append)
        bench = Wired(server, connection, markets, venue, stream, venue_time, facts, troubles)
        task = asyncio.create_task(stream.run(lambda: None)) if streams else None
        try:
            if streams:
                await asyncio.wait_for(stream.is_open.wait(), 5)
            yield bench
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
            await venue.close()
            await connection.close()
