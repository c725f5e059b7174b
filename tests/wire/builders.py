"""Builders for the wire's tests: an exchange without sockets, one with them, and a client's requests signed by hand."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bot.app.markets import make_instrument
from bot.domain.instrument import Instrument
from bot.domain.market import MarkPrice, Trade
from bot.domain.scale import CASH_UNIT, NS_PER_MS, NS_PER_SECOND
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.wire.clock import ServerClock
from paper.wire.contracts import as_listed
from paper.wire.core import CoreVenue
from paper.wire.exchange import Reply, Request, WireExchange
from paper.wire.faults import Carrier
from paper.wire.server import WireServer
from paper.wire.spec import Credentials, LimitSpec, WireSpec

KEY, SECRET = "a-key", "a-secret"
OTHER_KEY, OTHER_SECRET = "another-key", "another-secret"
START = 1_795_286_880 * NS_PER_SECOND    # a whole minute
SECOND, MS = NS_PER_SECOND, NS_PER_MS
BTC, ETH = "BTCUSDT", "ETHUSDT"
CREDENTIALS = (Credentials(KEY, SECRET, 0), Credentials(OTHER_KEY, OTHER_SECRET, 1))


def instruments() -> list[Instrument]:
    """BTC at 0.1, ETH at 0.01, as the venue lists them."""
    return [
        as_listed(make_instrument(0, "BTC/USDT:USDT", price_digits=2, quantity_digits=3)),
        as_listed(make_instrument(1, "ETH/USDT:USDT", price_digits=2, quantity_digits=3)),
    ]


def account(number: int = 0, *, balance: int = 10_000, leverage: int = 20, btc: int = 0) -> AccountStart:
    """An account with cash and, if asked, thousandths of BTC bought at the first price."""
    positions = (PositionStart(0, btc),) if btc else ()
    return AccountStart(number, "USDT", balance * CASH_UNIT, positions=positions, leverage=leverage)


@dataclass(slots=True)
class Bench:
    """An exchange without sockets and a time that the test moves."""

    exchange: WireExchange
    now: int = START

    @classmethod
    def make(
        cls, *accounts: AccountStart, limits: LimitSpec | None = None, spec: VenueSpec | None = None
    ) -> Bench:
        """An exchange at 60,000 and 3,000; by default with one account of 10,000."""
        venue = CoreVenue(spec or VenueSpec(latency=0), instruments(), accounts or [account()])
        wire = WireSpec(CREDENTIALS, limits=limits or LimitSpec())
        bench = cls(WireExchange(venue, wire, now=START))
        bench.trade("60000.0")
        bench.trade("3000.00", index=1)
        return bench

    def trade(self, price: str, *, index: int = 0, quantity: int = 1_000, side: int = 1) -> None:
        """Let somebody trade; ``quantity`` in thousandths."""
        self.exchange.market(self.now, Trade(self.now, self.now, index, _cents(price), quantity, side))

    def mark(self, price: str, *, index: int = 0) -> None:
        """Let the mark be told."""
        self.exchange.market(self.now, MarkPrice(self.now, self.now, index, _cents(price)))

    def wait(self, seconds: float) -> None:
        """Let time pass, in steps in which everything due happens at its own time."""
        until = self.now + round(seconds * SECOND)
        while (due := self.exchange.next_wake()) is not None and due <= until:
            self.now = max(self.now, due)
            self.exchange.wake(self.now)
        self.now = until
        self.exchange.wake(self.now)

    def ask(self, method: str, path: str, key: str = KEY, secret: str = SECRET, **params: object) -> Reply:
        """Send a signed request, its parameters in the query."""
        values = {name: _text(value) for name, value in params.items()}
        values.setdefault("timestamp", str(self.now // MS))
        query = urlencode(values)
        signature = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return self.exchange.request(self.now, Request(
            method, path, query=f"{query}&signature={signature}", params={**values, "signature": signature}, key=key,
        ))

    def get(self, path: str, **params: object) -> Any:
        """Return the body of a good reply."""
        return self.good("GET", path, **params)

    def good(self, method: str, path: str, **params: Any) -> Any:
        """Send a signed request that must succeed; return its body."""
        reply = self.ask(method, path, **params)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def refused(self, method: str, path: str, **params: Any) -> int:
        """Send a signed request that must be refused; return the venue's code."""
        reply = self.ask(method, path, **params)
        assert reply.status >= 400, reply.body
        code = json.loads(reply.body)["code"]
        assert isinstance(code, int)
        return code

    def order(self, side: str = "BUY", quantity: str = "0.010", price: str | None = None, **more: object) -> Any:
        """Place an order that must be taken: a limit order where there is a price, else a market order."""
        return self.good("POST", "/fapi/v1/order", **order_params(side, quantity, price, **more))

    def public(self, path: str, **params: object) -> Any:
        """Return the body of an unsigned request."""
        values = {name: _text(value) for name, value in params.items()}
        reply = self.exchange.request(self.now, Request("GET", path, query=urlencode(values), params=values))
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def listen(self, *names: str, key: str = "") -> Listener:
        """Open a stream connection; what was pushed before it is thrown away."""
        self.exchange.take_outbox()
        return Listener(self, self.exchange.connect(self.now, names, is_combined=False, listen_key=key))

    def user_stream(self, **who: Any) -> Listener:
        """Open a user stream of an account."""
        return self.listen(key=self.good("POST", "/fapi/v1/listenKey", **who)["listenKey"])


@dataclass(slots=True)
class Listener:
    """One connection; what it hears is taken out of the exchange's outbox."""

    bench: Bench
    number: int

    def events(self) -> list[Any]:
        """Return what came since it was last asked."""
        waiting = self.bench.exchange.take_outbox()
        return [json.loads(each.body) for each in waiting if each.connection == self.number]

    def say(self, **request: object) -> Any:
        """Send a request and return its answer."""
        self.bench.exchange.hear(self.bench.now, self.number, json.dumps(request))
        return self.events()[-1]


def order_params(side: str, quantity: str, price: str | None, **more: object) -> dict[str, object]:
    """Return the parameters of an order, RESULT asked for."""
    params: dict[str, object] = {"symbol": BTC, "side": side, "quantity": quantity, "newOrderRespType": "RESULT"}
    if price is None:
        return params | {"type": "MARKET"} | more
    return params | {"type": "LIMIT", "timeInForce": "GTC", "price": price} | more


@asynccontextmanager
async def serving(
    *accounts: AccountStart, carrier: Carrier | None = None, spec: VenueSpec | None = None, **options: Any
) -> AsyncIterator[WireServer]:
    """Serve an exchange at 60,000 and 3,000 on loopback."""
    clock = ServerClock()
    venue = CoreVenue(spec or VenueSpec(latency=0), instruments(), accounts or [account()])
    exchange = WireExchange(venue, WireSpec(CREDENTIALS), now=clock.now())
    server = WireServer(exchange, clock, carrier=carrier, is_steerable=True)
    await server.start(**options)
    try:
        steer(server, "60000.0")
        steer(server, "3000.00", index=1)
        yield server
    finally:
        await server.stop()


def steer(server: WireServer, price: str, *, index: int = 0, quantity: int = 1_000) -> None:
    """Let somebody buy at a price now."""
    now = server.clock.now()
    server.steer(Trade(now, now, index, _cents(price), quantity, 1))


def run(scenario: Callable[[], Awaitable[None]], *, seconds: float = 120.0) -> None:
    """Run a scenario with sockets to its end, but not for ever; a busy machine takes long over half a second."""
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), seconds)

    asyncio.run(bounded())


def same_shape(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """Return where a recorded reply has a field that ours lacks, or holds of another JSON type."""
    if isinstance(theirs, Mapping):
        if not isinstance(ours, Mapping):
            return [f"{where}: {ours!r} is no object"]
        return [
            fault for name, value in theirs.items()
            for fault in (
                same_shape(ours[name], value, f"{where}.{name}") if name in ours else [f"{where}.{name}: missing"]
            )
        ]
    if isinstance(theirs, list):
        if not isinstance(ours, list):
            return [f"{where}: {ours!r} is no list"]
        return same_shape(ours[0], theirs[0], f"{where}[0]") if ours and theirs else []
    if theirs is None or ours is None or _kind(ours) is _kind(theirs):
        return []
    return [f"{where}: {ours!r} where the venue has {theirs!r}"]


def _kind(value: object) -> type:
    return float if type(value) is int else type(value)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cents(price: str) -> int:
    whole, _, fraction = price.partition(".")
    return int(whole + fraction.ljust(2, "0"))
