"""The adapter of unified methods in front of the paper exchange on the wire: ccxt's id ``binance``, one account.

Nothing that is written for Binance takes part but its line of habits; errors are judged as an unknown exchange's.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.connection import Access, Connection, Endpoints
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.names import PLAIN
from bot.adapters.ccxt.outcome import OTHERS, Dialect
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.turnstile import Turnstile
from bot.adapters.ccxt.unified.api import UnifiedApi
from bot.adapters.ccxt.unified.habits import habits_of
from bot.adapters.ccxt.unified.orders import Arts
from bot.adapters.ccxt.unified.rehearsal import Rehearsal
from bot.adapters.ccxt.unified.venue import UnifiedVenue
from bot.domain.account import MarginMode, PositionKey
from bot.domain.events import AccountFact
from bot.domain.names import STOPS_FROM, child_name, parent_name
from bot.domain.order import Approved, OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import NS_PER_SECOND
from paper.spec import AccountStart
from paper.wire.mischief import Mischief
from paper.wire.server import WireServer
from tests.wire.builders import KEY, SECRET, serving

MARKER = "pen"
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
POSITION = PositionKey(0, 0)


@dataclass(slots=True)
class Wired:
    """A server, our connection to it, and everything that was told."""

    server: WireServer
    api: UnifiedApi
    connection: Connection
    markets: Markets
    venue: UnifiedVenue
    time: VenueTime
    carrier: Mischief
    facts: list[AccountFact] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    _counter: int = 0

    def of(self, kind: type) -> list[Any]:
        """Return the facts of a kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def harm(self, *rules: dict[str, Any]) -> None:
        """Let these faults befall requests from now on, and no others."""
        self.carrier.follow(json.dumps({"rules": rules}))

    async def until(self, done: Callable[[], object], seconds: float = 10.0) -> None:
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

    async def trade_by_hand(self, side: str, amount: float, **parameters: Any) -> Any:
        """Let the account's owner trade at the market."""
        return await self.connection.ask("create_order", SYMBOLS[0], "market", side, amount, None, parameters)


@asynccontextmanager
async def wired(
    *accounts: AccountStart, dialect: Dialect = OTHERS, changed: Mapping[str, Any] | None = None
) -> AsyncIterator[Wired]:
    """Yield the adapter connected to a server; ``changed`` are abilities that the exchange is to lack, or have."""
    carrier = Mischief()
    async with serving(*accounts, carrier=carrier) as server:
        turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=time.time_ns)
        base = f"127.0.0.1:{server.port}"
        access = Access("binance", key=KEY, secret=SECRET, endpoints=Endpoints(f"http://{base}", f"ws://{base}/ws"))
        connection, api = Connection(access, turnstile), UnifiedApi("binance")
        await connection.open()
        try:
            venue_time = VenueTime(time.time_ns)
            markets = await api.read_markets(connection, SYMBOLS)
            await api.ask_time(connection, venue_time)
            habits = habits_of("binance")
            rehearsal = Rehearsal(connection.exchange, SYMBOLS[0], PLAIN, habits)
            abilities = await rehearsal.look()
            await rehearsal.close()
            arts = Arts(replace(abilities, **(changed or {})), habits)
            view = AccountView(0, MARKER, PLAIN, markets.by_symbol, lambda _: MarginMode.CROSS)
            facts: list[AccountFact] = []
            troubles: list[Trouble] = []
            assert habits.cash is not None
            venue = UnifiedVenue(
                connection, view, arts, dialect, habits.cash, venue_time, tell=facts.append, report=troubles.append
            )
            yield Wired(server, api, connection, markets, venue, venue_time, carrier, facts, troubles)
            await venue.close()
        finally:
            await connection.close()
