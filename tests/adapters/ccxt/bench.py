"""What the benches of both adapters share: the paper exchange on the wire, a connection to it, and orders of ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bot.adapters.ccxt.connection import Access, Connection, Endpoints
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.turnstile import Turnstile
from bot.domain.account import PositionKey
from bot.domain.events import AccountFact, OrderAccepted, OrderEnded
from bot.domain.names import STOPS_FROM, child_name, parent_name
from bot.domain.order import Approved, OrderClass, OrderRequest, OrderStatus, Side, TimeInForce
from bot.domain.scale import NS_PER_SECOND
from bot.ports import Venue
from paper.spec import AccountStart
from paper.wire.faults import Carrier
from paper.wire.server import WireServer
from tests.wire.builders import KEY, SECRET, serving

MARKER = "pen"
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
POSITION = PositionKey(0, 0)
WAIT = 40.0                          # seconds; what is waited for takes a tenth of one, on a busy machine more

Port = TypeVar("Port", bound=Venue)


@dataclass(slots=True, kw_only=True)
class AdapterBench(Generic[Port]):
    """A server, an adapter's connection to it, and everything that was told."""

    server: WireServer
    connection: Connection
    markets: Markets
    venue: Port
    time: VenueTime
    facts: list[AccountFact] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    _counter: int = 0

    def of(self, kind: type) -> list[Any]:
        """Return the facts of a kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def until(self, done: Callable[[], object], seconds: float = WAIT) -> None:
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
        scale = 10**self.markets.instruments[0].price_digits
        trigger = more.pop("trigger", None)
        start = STOPS_FROM if trigger is not None else 0
        asked: dict[str, Any] = {
            "name": child_name(parent_name(MARKER, POSITION, side, start + self._counter), 0), "key": POSITION,
            "side": side, "quantity": quantity, "limit_price": None if price is None else int(float(price) * scale),
            "time_in_force": TimeInForce.IOC, "reduce_only": True, "order_class": OrderClass.MARGIN,
            "trigger_price": None if trigger is None else int(float(trigger) * scale),
        }
        return OrderRequest(**(asked | more))

    def stop(self, trigger: str = "55000", **more: Any) -> OrderRequest:
        """Return a stop that rests."""
        return self.request(price=None, trigger=trigger, order_class=OrderClass.STOP, **more)

    def place(self, request: OrderRequest, *, valid_for: float = 5.0) -> str:
        """Let the venue place an order; return its name."""
        now = self.time.now()
        self.venue.place(now, Approved(request, now + int(valid_for * NS_PER_SECOND), 0))
        return request.name


@asynccontextmanager
async def reached(
    exchange_id: str, *accounts: AccountStart, carrier: Carrier | None = None, **options: Any
) -> AsyncIterator[tuple[WireServer, Connection]]:
    """Yield a server and an open connection to it by ccxt's class of an id."""
    async with serving(*accounts, carrier=carrier, **options) as server:
        turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=time.time_ns)
        base = f"127.0.0.1:{server.port}"
        endpoints = Endpoints(f"http://{base}", f"ws://{base}/ws")
        connection = Connection(Access(exchange_id, key=KEY, secret=SECRET, endpoints=endpoints), turnstile)
        await connection.open()
        try:
            yield server, connection
        finally:
            await connection.close()


async def take_a_stop_and_end_it(bench: AdapterBench[Any]) -> None:
    """Place a stop, hold what the exchange has of it against what was asked for, and end it on its own page."""
    name = bench.place(bench.stop())
    await bench.until(lambda: bench.of(OrderAccepted))
    (stop,) = bench.server.exchange.floor.register.shelf(0).open_algos.values()
    assert (stop.terms.client_id, stop.terms.working_type, stop.terms.reduce_only) == (name, "MARK_PRICE", True)
    bench.venue.cancel(bench.time.now(), 0, name)
    await bench.until(lambda: bench.of(OrderEnded))
    told = [(fact.name, fact.status, fact.filled) for fact in bench.of(OrderEnded)]
    assert told == [(name, OrderStatus.CANCELED, 0)]
