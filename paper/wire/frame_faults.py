"""Faults of frames: one table. A fault takes a frame's body and says what goes out in its place, and how late."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from bot.domain.scale import NS_PER_MS
from paper.wire.hub import Outgoing
from paper.wire.rules import Rule
from paper.wire.values import Json

FrameFault = Callable[[Rule, Outgoing], list[tuple[bytes | None, int]]]
_PRICES = frozenset({"p", "b", "a", "c", "o", "h", "l", "L", "ap", "i", "P", "mp", "ep"})
_STAMPS = frozenset({"E", "T"})
_PLANS = frozenset({"markPriceUpdate", "kline"})    # whose T is no stamp: the next funding, the end of a bar


def _changed(change: Callable[[str, Json], Json]) -> Callable[[bytes], bytes]:
    """Return what applies a change to every named value of a body, at any depth."""

    def walk(name: str, value: Json) -> Json:
        if isinstance(value, dict):
            return {key: walk(key, each) for key, each in value.items()}
        if isinstance(value, list):
            return [walk(name, each) for each in value]
        return change(name, value)

    return lambda body: msgspec.json.encode(walk("", msgspec.json.decode(body)))


def _priced(text: str) -> FrameFault:
    """Put ``text`` where a price stands."""
    change = _changed(lambda name, value: text if name in _PRICES and _is_number(value) else value)
    return lambda rule, outgoing: [(change(outgoing.body), rule.delay)]


def _is_number(value: Json) -> bool:
    return isinstance(value, str) and value.replace(".", "", 1).replace("-", "", 1).isdecimal()


def _stale(rule: Rule, outgoing: Outgoing) -> list[tuple[bytes | None, int]]:
    """Set stamps back by the rule's delay; the frame itself comes at once."""
    return [(msgspec.json.encode(_aged(msgspec.json.decode(outgoing.body), rule.delay // NS_PER_MS, _STAMPS)), 0)]


def _aged(value: Json, back: int, names: frozenset[str]) -> Json:
    """Return a body whose stamps are ``back`` ms older; what it says of times to come stays as it was."""
    if isinstance(value, list):
        return [_aged(each, back, names) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("e") in _PLANS:
        names = names - {"T"}
    return {
        name: each - back if name in names and isinstance(each, int) else _aged(each, back, names)
        for name, each in value.items()
    }


def _crossed(rule: Rule, outgoing: Outgoing) -> list[tuple[bytes | None, int]]:
    """Let bids and asks change places."""
    body = msgspec.json.decode(outgoing.body)
    event = body.get("data", body) if isinstance(body, dict) else body
    if isinstance(event, dict) and "b" in event and "a" in event:
        event["b"], event["a"] = event["a"], event["b"]
    return [(msgspec.json.encode(body), rule.delay)]


def _cancelled_after(rule: Rule, outgoing: Outgoing) -> list[tuple[bytes | None, int]]:
    """Let an order's last fill be followed by its cancel, as an update that was overtaken."""
    body = msgspec.json.decode(outgoing.body)
    event = body.get("data", body) if isinstance(body, dict) else None
    order = event.get("o") if isinstance(event, dict) else None
    if not isinstance(order, dict) or order.get("X") != "FILLED":
        return [(outgoing.body, 0)]
    order |= {"x": "CANCELED", "X": "CANCELED", "l": "0", "L": "0", "t": 0}
    return [(outgoing.body, 0), (msgspec.json.encode(body), rule.delay)]


FRAME_FAULTS: Mapping[str, FrameFault] = {
    "gap": lambda _, __: [],
    "frozen": lambda _, __: [],
    "doubled": lambda rule, outgoing: [(outgoing.body, 0), (outgoing.body, rule.delay)],
    "delayed": lambda rule, outgoing: [(outgoing.body, rule.delay)],
    "cut": lambda rule, outgoing: [(outgoing.body[: len(outgoing.body) // 2], rule.delay)],
    "disconnected": lambda rule, _: [(None, rule.delay)],
    "not_a_number": _priced("NaN"),
    "zero": _priced("0"),
    "crossed": _crossed,
    "stale": _stale,
    "reordered": lambda _, outgoing: [(outgoing.body, 0)],
    "repeated": lambda _, outgoing: [(outgoing.body, 0)],
    "cancelled_after_fill": _cancelled_after,
}
