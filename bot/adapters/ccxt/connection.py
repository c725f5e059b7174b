"""One ccxt client of one key, or of none: built late, with its limiter off, its frames tapped and its loop guarded.

    REST    ``call``: a place in the turnstile, ccxt's signing and classes of errors, the venue's counts heard;
            orders, cancels and the time go by a line of our own, and ``send`` writes them before it returns
            ``ask``: one of ccxt's unified methods, each request of which takes its place by itself
    frames  decoded here once; whoever listens takes them first, and ccxt gets what nobody took

An exception in a handler of ccxt's would end its receive loop in silence, with the socket open and pings going on; so
no frame reaches one but through a guard, and prices do not reach one at all: its caches and waiters cost time with
every message, and nobody waits there.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from math import ceil
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from bot.adapters.ccxt.direct import Direct
from bot.adapters.ccxt.limiter import Lane
from bot.adapters.ccxt.line import Dial, Line, dial
from bot.adapters.ccxt.signing import Signer, hex_sha256, plain_query
from bot.adapters.ccxt.turnstile import Turnstile
from bot.adapters.ccxt.unified.client import adapt
from bot.domain.errors import ContractError, InputError
from bot.domain.scale import NS_PER_MS

TIMEOUT_MS = 5_000                   # an answer that is later than that has an unknown outcome, and is asked for
IDLE_SECONDS = 75                    # a connection is kept so long; warmed every 10 s, it never gets there
DNS_SECONDS = 300
PING_MS = 5_000                      # ccxt's 180 s find a dead socket after six minutes


class Where(Enum):
    """Which of a venue's worlds: its demo, or the one with money in it."""

    DEMO = "demo"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Other addresses than the venue's own: of REST (http://host:port) and of the streams (ws://host:port/ws)."""

    rest: str
    streams: str


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a venue. Keys are None for public data; ``connector`` and ``dial`` open connections, for tests."""

    exchange_id: str
    where: Where = Where.LIVE
    key: str | None = None
    secret: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    wallet: str | None = None
    private_key: str | None = field(default=None, repr=False)
    total: str | None = None         # what ccxt's total of a balance is, by a person's word: wallet or equity
    endpoints: Endpoints | None = None
    connector: Callable[[], aiohttp.TCPConnector] | None = None
    dial: Dial = dial


@dataclass(frozen=True, slots=True)
class _Turn:
    """In which lane the requests of a unified method go, and until when (ns, wall)."""

    lane: Lane
    valid_until: int | None


_TURN: ContextVar[_Turn | None] = ContextVar("turn", default=None)

class Connection:
    """Owns a ccxt client and its HTTP session; ``open`` before use, ``close`` after."""

    def __init__(self, access: Access, turnstile: Turnstile) -> None:
        self.access = access
        self.turnstile = turnstile
        self.exchange: Any = None
        self._session: aiohttp.ClientSession | None = None
        self._line = Line(access.dial)
        self._direct: Direct
        self.on_frame: Callable[[str, object], bool] = _nobody
        self.on_bad_frame: Callable[[str, str, Exception], None] = _unheard
        self.on_connected: Callable[[str], None] = _unnoticed

    async def open(self) -> None:
        """Build the client; nothing is sent yet. Raises InputError for an exchange that ccxt does not stream."""
        connector = (
            aiohttp.TCPConnector(keepalive_timeout=IDLE_SECONDS, ttl_dns_cache=DNS_SECONDS)
            if self.access.connector is None else self.access.connector()
        )
        self._session = aiohttp.ClientSession(connector=connector)
        self.exchange = _client(self.access, self._session, self)
        self._direct = Direct(self.exchange, self.turnstile, self._line, Signer(self.exchange))

    async def close(self) -> None:
        """Close sockets and session."""
        if self.exchange is not None:
            await self.exchange.close()
        if self._session is not None:
            await self._session.close()
        await self._line.close()

    async def call(
        self, method: str, parameters: Mapping[str, object], lane: Lane, *, weight: int, orders: int = 0,
        valid_until: int | None = None,
    ) -> Any:
        """Call one of ccxt's implicit methods in its turn; raises TooLate, and whatever ccxt raises."""
        async with self.turnstile.passage(lane, weight=weight, orders=orders, valid_until=valid_until):
            if self._direct.takes(method):
                return await self._direct.call(method, dict(parameters))
            return await getattr(self.exchange, method)(dict(parameters))

    async def ask(
        self, method: str, *arguments: object, lane: Lane = Lane.READ, valid_until: int | None = None
    ) -> Any:
        """Call one of ccxt's unified methods, each request in its turn; raises TooLate, and whatever ccxt raises.

        A request weighs the milliseconds of the venue's quota that ccxt says it costs.
        """
        token = _TURN.set(_Turn(lane, valid_until))
        try:
            return await getattr(self.exchange, method)(*arguments)
        finally:
            _TURN.reset(token)

    def send(
        self, method: str, parameters: Mapping[str, object], lane: Lane, *, weight: int, orders: int = 0,
        valid_until: int | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """Begin a call and return the wait for its answer, which raises what ``call`` does; raises nothing itself.

        Where neither a quota nor a connection has to be waited for, the request is written when this returns.
        """
        if self._direct.takes(method):
            ticket = self.turnstile.enter(lane, weight=weight, orders=orders, valid_until=valid_until)
            if ticket is not None:
                return self._direct.begin(ticket, method, dict(parameters))
        return self.call(method, parameters, lane, weight=weight, orders=orders, valid_until=valid_until)

    def set_clock(self, ahead_ms: int) -> None:
        """Let requests be stamped with the venue's time, which is so far ahead of ours."""
        self.exchange.options["timeDifference"] = -ahead_ms

    def drop(self, url: str, reason: str) -> None:
        """Break a socket; who waits on it gets an error and opens another."""
        client = (self.exchange.clients or {}).get(url)
        if client is not None:
            from ccxt.base.errors import NetworkError

            client.on_error(NetworkError(reason))

    def guard(self, client: Any) -> None:
        """Put the tap and the guard between a socket and ccxt's handlers."""
        def take(data: str | bytes) -> None:
            try:
                parsed = msgspec.json.decode(data)
                if not self.on_frame(client.url, parsed):
                    self.exchange.handle_message(client, parsed)
            except Exception as error:  # noqa: BLE001  # whatever it is: a loop that ends here is deaf for good
                text = data if isinstance(data, str) else data.decode(errors="replace")
                self.on_bad_frame(client.url, text, error)

        client.handle_text_or_binary_message = take


def _nobody(url: str, parsed: object) -> bool:
    del url, parsed
    return False


def _unheard(url: str, text: str, error: Exception) -> None:
    raise ContractError(f"{url}: a frame was bad and nobody listens, was {text[:100]!r}") from error


def _unnoticed(url: str) -> None:
    del url


def _client(access: Access, session: aiohttp.ClientSession, owner: Connection) -> Any:
    """Return a client of ccxt.pro with the guard in it. Importing ccxt takes half a second to four."""
    import ccxt.pro

    base = getattr(ccxt.pro, access.exchange_id, None) or getattr(ccxt.async_support, access.exchange_id, None)
    if base is None:
        raise InputError(
            f"exchange.id: ccxt does not know it, was {access.exchange_id!r}; see ccxt.exchanges for the list"
        )
    exchange = _guarded(base, owner)({
        "apiKey": access.key,
        "secret": access.secret,
        "password": access.password,
        "walletAddress": access.wallet,
        "privateKey": access.private_key,
        "session": session,
        "enableRateLimit": False,                # ours has lanes
        "timeout": TIMEOUT_MS,
        "options": {
            "fetchCurrencies": False,            # else it asks pages of spot first, and fails with them
            "maxRetriesOnFailure": 0,            # it would post orders again
            "ws": {"keepAlive": PING_MS},
        },
    })
    if access.exchange_id != "binanceusdm":
        adapt(exchange)
    if access.where is Where.DEMO:
        _use_demo(exchange)
    if access.endpoints is not None:
        if access.exchange_id == "binanceusdm":
            _redirect(exchange, access.endpoints)
        else:
            _redirect_all(exchange.urls["api"], access.endpoints)
    return exchange


def _guarded(base: Any, owner: Connection) -> Any:
    class Guarded(base):  # type: ignore[misc]  # ccxt's classes are untyped
        def client(self, url: str) -> Any:
            is_new = url not in (self.clients or {})
            client = super().client(url)
            if is_new:
                owner.guard(client)
            return client

        def on_connected(self, client: Any, message: Any = None) -> None:
            super().on_connected(client, message)
            owner.on_connected(client.url)

        def milliseconds(self) -> int:           # requests are stamped by the clock that the venue's is measured by
            return owner.turnstile.wall() // NS_PER_MS

        async def fetch2(self, path: str, *rest: Any, **named: Any) -> Any:
            turn = _TURN.get()
            if turn is None:                     # by ``call``, which has its place already
                return await super().fetch2(path, *rest, **named)
            cost = self.calculate_rate_limiter_cost(*_costed(path, *rest, **named))
            weight = ceil(float(cost) * self.rateLimit)
            async with owner.turnstile.passage(turn.lane, weight=weight, valid_until=turn.valid_until):
                return await super().fetch2(path, *rest, **named)

        @staticmethod
        def urlencode(params: Any = {}, *more: Any, **named: Any) -> Any:  # noqa: B006  # as ccxt has it
            return plain_query(params) or base.urlencode(params, *more, **named)

        @staticmethod
        def hmac(request: bytes, secret: bytes, *how: Any, **named: Any) -> Any:
            if how == (sha256,) and not named:
                return hex_sha256(request, secret)
            return base.hmac(request, secret, *how, **named)

        def on_rest_response(
            self, code: int, reason: str, url: str, method: str, headers: Any, body: Any, *sent: Any
        ) -> Any:
            owner.turnstile.heard(code, headers)
            return super().on_rest_response(code, reason, url, method, headers, body, *sent)

    return Guarded


def _costed(
    path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
) -> tuple[Any, str, str, Any, Any]:
    """Return what ccxt reckons a request's cost by, out of the arguments of ``fetch2``."""
    return api, method, path, params or {}, config or {}


def _use_demo(exchange: Any) -> None:
    """Switch to the venue's demo: by demo trading where it has that, by its test network elsewhere."""
    if exchange.urls.get("demo"):
        exchange.enable_demo_trading(True)
    elif exchange.urls.get("test"):
        exchange.set_sandbox_mode(True)
    else:
        raise InputError(f"mode: {exchange.id} has no demo, was demo; use paper")


def _redirect(exchange: Any, endpoints: Endpoints) -> None:
    """Point a client of Binance's futures at another host; ccxt wants the streams' address to end with /ws."""
    urls = exchange.urls["api"]
    for name, url in urls.items():
        if isinstance(url, str) and name.startswith(("fapi", "sapi")):
            urls[name] = endpoints.rest + url[url.index("/", len("https://")):]
    urls["ws"]["linear"] = endpoints.streams


def _redirect_all(urls: dict[str, Any], endpoints: Endpoints) -> None:
    """Point every address of any exchange at another host, its path kept."""
    for name, url in urls.items():
        if isinstance(url, dict):
            _redirect_all(url, endpoints)
        elif isinstance(url, str) and "://" in url:
            other = urlsplit(endpoints.streams if url.startswith("ws") else endpoints.rest)
            path = url.partition("://")[2].partition("/")[2]
            urls[name] = f"{other.scheme}://{other.netloc}/{path}".rstrip("/")
