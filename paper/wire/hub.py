"""Connections: what each is subscribed to, what it says, and what is to be sent to it.

A raw connection receives events as they are, a combined one as ``{"stream": name, "data": event}``.
Source: Binance USDⓈ-M futures API, "Connect" and "Live Subscribing/Unsubscribing to streams", read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from paper.wire.contracts import Contracts
from paper.wire.streams import Stream, parse_stream
from paper.wire.values import Json

STREAMS_MOST = 1_024                 # of one connection, as the venue has it


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frame for one connection. ``stream`` is what it belongs to: a stream's name, "user", or "answer"."""

    connection: int
    stream: str
    body: bytes


@dataclass(slots=True)
class Connection:
    """One socket of the streams; ``account`` is whose user stream it carries, or None."""

    number: int
    is_combined: bool
    names: dict[str, Stream] = field(default_factory=dict)
    account: int | None = None
    listen_key: str = ""


class Hub:
    """All connections, and the frames that wait to be sent, oldest first.

    ``on_unlisted`` is told of names that are no streams: listen keys may stand among them.
    """

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self.connections: dict[int, Connection] = {}
        self.wanted: dict[str, dict[int, Stream]] = {}       # by stream name, then connection
        self.outbox: list[Outgoing] = []
        self.on_unlisted: Callable[[Connection, str], None] | None = None
        self._opened = 0

    def open(self, names: Sequence[str], *, is_combined: bool) -> Connection:
        """Add a connection subscribed to ``names``; those that do not exist stay silent, as at the venue."""
        self._opened += 1
        connection = Connection(self._opened, is_combined)
        self.connections[connection.number] = connection
        for name in names:
            self._subscribe(connection, name)
        return connection

    def close(self, number: int) -> None:
        """Forget a connection."""
        connection = self.connections.pop(number, None)
        if connection is not None:
            for name in list(connection.names):
                self._unsubscribe(connection, name)

    def streams(self) -> list[Stream]:
        """Return every stream that anybody is subscribed to, once."""
        return [next(iter(who.values())) for who in self.wanted.values()]

    def hear(self, number: int, text: str) -> None:
        """Take a request of a connection and put the answer into the outbox."""
        connection = self.connections[number]
        try:
            request = msgspec.json.decode(text)
        except msgspec.DecodeError:
            self.answer(number, {"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}})
            return
        if not isinstance(request, dict):
            self.answer(number, {"error": {"code": 2, "msg": "Invalid request: request must be an object"}})
            return
        identity = request.get("id")
        answer = self._answered(connection, str(request.get("method")), request.get("params"))
        self.answer(number, {**answer, "id": identity if isinstance(identity, int | str) else None})

    def publish(self, name: str, event: Json) -> None:
        """Send an event to the subscribers of a stream."""
        for number in self.wanted.get(name, ()):
            self._send(self.connections[number], name, name, event)

    def tell(self, account: int, event: Json) -> None:
        """Send an event to an account's user streams."""
        for connection in self.connections.values():
            if connection.account == account:
                self._send(connection, "user", connection.listen_key, event)

    def answer(self, number: int, body: Json) -> None:
        """Send a connection what it asked for."""
        self.outbox.append(Outgoing(number, "answer", msgspec.json.encode(body)))

    def _send(self, connection: Connection, stream: str, named: str, event: Json) -> None:
        body: Json = {"stream": named, "data": event} if connection.is_combined else event
        self.outbox.append(Outgoing(connection.number, stream, msgspec.json.encode(body)))

    def _answered(self, connection: Connection, method: str, params: object) -> Mapping[str, Json]:
        names = [str(each) for each in params] if isinstance(params, list) else []
        match method:
            case "SUBSCRIBE":
                if len(connection.names) + len(names) > STREAMS_MOST:
                    return {"error": {"code": 4, "msg": f"Too many streams: at most {STREAMS_MOST} per connection"}}
                for name in names:
                    self._subscribe(connection, name)
                return {"result": None}
            case "UNSUBSCRIBE":
                for name in names:
                    self._unsubscribe(connection, name)
                return {"result": None}
            case "LIST_SUBSCRIPTIONS":
                return {"result": list(connection.names)}
            case "SET_PROPERTY" if isinstance(params, list) and len(params) == 2 and params[0] == "combined":
                connection.is_combined = params[1] is True
                return {"result": None}
            case "GET_PROPERTY":
                return {"result": connection.is_combined}
            case _:
                return {"error": {"code": 2, "msg": f"Invalid request: unknown variant `{method}`"}}

    def _subscribe(self, connection: Connection, name: str) -> None:
        stream = parse_stream(name, self._contracts)
        if stream is None:
            if self.on_unlisted is not None:
                self.on_unlisted(connection, name)
            return
        connection.names[name] = stream
        self.wanted.setdefault(name, {})[connection.number] = stream

    def _unsubscribe(self, connection: Connection, name: str) -> None:
        connection.names.pop(name, None)
        who = self.wanted.get(name)
        if who is not None:
            who.pop(connection.number, None)
            if not who:
                del self.wanted[name]
