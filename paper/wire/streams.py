"""Names of public streams: ``btcusdt@depth@100ms``, ``!markPrice@arr@1s``.

Source: Binance USDⓈ-M futures API, "WebSocket Market Streams", read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from paper.wire.bars import INTERVALS
from paper.wire.contracts import Contract, Contracts

BEAT_MS = 100                        # the fastest speed of the clocked streams
_DEPTH = re.compile(r"depth(?P<levels>5|10|20)?(?:@(?P<speed>100|250|500)ms)?")
_MARK = re.compile(r"markPrice(?:@(?P<seconds>1|3)s)?")
_KLINE = re.compile(r"kline_(?P<interval>[0-9]+[a-zA-Z])")
_AT_ONCE = frozenset({"aggTrade", "trade", "bookTicker", "forceOrder"})
_CLOCKED = {"miniTicker": 500, "ticker": 2_000}
_DEPTH_USUAL_MS = 250


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream that exists. ``every_ms`` is 0 where events are told as they happen; ``contract`` None is all."""

    name: str
    kind: str
    contract: Contract | None
    every_ms: int = 0
    levels: int = 0                  # of a partial book; 0 for the changes of the whole one
    interval: str = ""               # of bars


def parse_stream(name: str, contracts: Contracts) -> Stream | None:
    """Return the stream of that name, or None when there is none."""
    if name.startswith("!"):
        return _of_all(name)
    symbol, _, rest = name.partition("@")
    contract = contracts.find(symbol.upper())
    if contract is None or symbol != symbol.lower():
        return None
    if rest in _AT_ONCE:
        return Stream(name, rest, contract)
    if rest in _CLOCKED:
        return Stream(name, rest, contract, _CLOCKED[rest])
    if found := _DEPTH.fullmatch(rest):
        speed = int(found["speed"] or _DEPTH_USUAL_MS)
        return Stream(name, "depth", contract, speed, levels=int(found["levels"] or 0))
    if found := _MARK.fullmatch(rest):
        return Stream(name, "markPrice", contract, int(found["seconds"] or 3) * 1_000)
    if (found := _KLINE.fullmatch(rest)) and found["interval"] in INTERVALS:
        return Stream(name, "kline", contract, 250, interval=found["interval"])
    return None


def _of_all(name: str) -> Stream | None:
    kind = name[1:].removesuffix("@arr")
    if kind in ("bookTicker", "forceOrder"):
        return Stream(name, kind, None)
    if kind in _CLOCKED:
        return Stream(name, kind, None, _CLOCKED[kind])
    seconds = {"!markPrice@arr": 3, "!markPrice@arr@3s": 3, "!markPrice@arr@1s": 1}.get(name)
    return None if seconds is None else Stream(name, "markPrice", None, seconds * 1_000)
