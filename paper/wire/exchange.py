"""The door of the exchange on the wire: requests in, replies out, and an outbox of frames; no I/O, no clock.

Time comes with every call, ns UTC, and never goes back inside. Messages reach the core venue at once: the way there
and back is the real one, of the sockets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from bot.domain.market import Candle, MarketFact
from paper.messages import Wake
from paper.wire import countdown, trailing
from paper.wire.beat import Beat
from paper.wire.core import CoreVenue
from paper.wire.floor import Call, Floor
from paper.wire.hub import Outgoing
from paper.wire.methods import METHODS
from paper.wire.params import Params
from paper.wire.refusals import Refused
from paper.wire.routes import ROUTES, Access, Route
from paper.wire.signing import known_key, signed_params, signed_text, verify
from paper.wire.spec import WireSpec
from paper.wire.values import Json, Row

NOBODY = -1
WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
ORDERS_10S_HEADER = "X-MBX-ORDER-COUNT-10S"
ORDERS_1M_HEADER = "X-MBX-ORDER-COUNT-1M"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: ``query`` and ``body`` as they were sent, ``params`` what both say."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an HTTP request, before anything happens to it on its way."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class WireExchange:
    """A paper venue as Binance's USD-M futures."""

    def __init__(self, venue: CoreVenue, spec: WireSpec, *, now: int) -> None:
        self.floor = Floor(venue, spec, now=now)
        self._keys = spec.by_key()
        self._beat = Beat(self.floor.exchange, self.floor.board, self.floor.hub, now=now)

    # The market -------------------------------------------------------------------------------------------

    def market(self, now: int, fact: MarketFact | Candle) -> None:
        """Take in a fact of the tape."""
        floor = self._at(now)
        is_starting = any(account.starting for account in floor.exchange.state.accounts)
        floor.tell(fact)
        if is_starting:
            floor.reports.start_afresh()
        if not isinstance(fact, Candle):
            floor.board.fold(fact, now=floor.now)
            trailing.follow(floor, fact.instrument)

    def wake(self, now: int) -> None:
        """Do what is due by now."""
        floor = self._at(now)
        floor.tell(Wake())
        countdown.run_out(floor)
        floor.listen_keys.expire(floor.now)
        self._beat.push(floor.now)

    def next_wake(self) -> int | None:
        """Return when something is due by itself, or None."""
        floor = self.floor
        due = (floor.venue.next_wake(), floor.deadlines.next_at(), floor.listen_keys.next_at(), self._beat.next_at())
        return min((at for at in due if at is not None), default=None)

    # Requests ---------------------------------------------------------------------------------------------

    def request(self, now: int, request: Request) -> Reply:
        """Answer an HTTP request."""
        floor = self._at(now)
        route = ROUTES.get((request.method, request.path))
        params = Params(request.params)
        account = NOBODY
        try:
            if route is None:
                raise Refused(-5000, f"Path {request.path}, Method {request.method} is invalid", status=404)
            floor.limits.weigh(request.address, route.weigh(params), now=floor.now)
            account = self._admitted(route, params, request.key, signed_text(request.query, request.body))
            body = self._handled(route, Call(account, params, request.address))
        except Refused as refused:
            return self._refused(refused, account, request.address)
        return Reply(200, msgspec.json.encode(body), self._headers(account, request.address))

    def api(self, now: int, text: str, address: str = "127.0.0.1") -> bytes:
        """Answer a request of the WebSocket API."""
        floor = self._at(now)
        identity: Json = None
        try:
            method, params, identity = _parsed(text)
            route = METHODS.get(method)
            if route is None:
                raise Refused(-1099, "Not found, unauthenticated, or unauthorized.", status=404)
            floor.limits.weigh(address, route.weigh(params), now=floor.now)
            account = self._admitted(route, params, params.values.get("apiKey"), signed_params(params))
            result = self._handled(route, Call(account, params, address))
        except Refused as refused:
            error: Row = {"code": refused.code, "msg": refused.message}
            return msgspec.json.encode({"id": identity, "status": refused.status, "error": error})
        return msgspec.json.encode({"id": identity, "status": 200, "result": result, "rateLimits": []})

    # Streams ----------------------------------------------------------------------------------------------

    def connect(self, now: int, names: Sequence[str], *, is_combined: bool, listen_key: str = "") -> int:
        """Add a connection of the streams; return its number. A listen key may stand among the names, too."""
        floor = self._at(now)
        connection = floor.hub.open(names, is_combined=is_combined)
        floor.listen_keys.attach(connection, listen_key)
        return connection.number

    def hear(self, now: int, connection: int, text: str) -> None:
        """Take what a connection says."""
        self._at(now).hub.hear(connection, text)

    def disconnect(self, connection: int) -> None:
        """Forget a connection."""
        self.floor.hub.close(connection)

    def take_outbox(self) -> list[Outgoing]:
        """Take out what is to be sent, oldest first."""
        hub = self.floor.hub
        waiting, hub.outbox = hub.outbox, []
        return waiting

    # Inside -----------------------------------------------------------------------------------------------

    def _at(self, now: int) -> Floor:
        self.floor.now = max(self.floor.now, now)
        return self.floor

    def _admitted(self, route: Route, params: Params, key: str | None, signed: str) -> int:
        """Return whose account a request is about; refuse who may not ask."""
        if route.access is Access.OPEN:
            return NOBODY
        owner = known_key(self._keys, key)
        if route.access is Access.SIGNED:
            verify(owner, params, signed=signed, now=self.floor.now)
        return owner.account

    def _handled(self, route: Route, call: Call) -> Json:
        if route.orders:
            self.floor.limits.count_orders(call.account, route.orders, now=self.floor.now)
        return route.handler(self.floor, call)

    def _headers(self, account: int, address: str) -> dict[str, str]:
        limits, now = self.floor.limits, self.floor.now
        headers = {WEIGHT_HEADER: str(limits.used_weight(address, now=now))}
        if account != NOBODY:
            ten_seconds, minute = limits.used_orders(account, now=now)
            headers[ORDERS_10S_HEADER] = str(ten_seconds)
            headers[ORDERS_1M_HEADER] = str(minute)
        return headers

    def _refused(self, refused: Refused, account: int, address: str) -> Reply:
        headers = self._headers(account, address)
        if refused.retry_after is not None:
            headers["Retry-After"] = str(refused.retry_after)
        body: Row = {"code": refused.code, "msg": refused.message}
        return Reply(refused.status, msgspec.json.encode(body), headers)


def _parsed(text: str) -> tuple[str, Params, Json]:
    """Return method, parameters and id of a request of the WebSocket API."""
    try:
        request = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Refused(-1135, "Invalid JSON Request") from error
    params = request.get("params", {}) if isinstance(request, dict) else None
    if not isinstance(params, dict) or not isinstance(request.get("method"), str):
        raise Refused(-1135, "Invalid JSON Request")
    identity = request.get("id")
    values = {str(name): _text(value) for name, value in params.items() if value is not None}
    return request["method"], Params(values), identity if isinstance(identity, int | str) else None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
