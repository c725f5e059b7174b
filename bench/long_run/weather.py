"""The market and the line, drawn from a seed: the same seed, the same prices and the same troubles in the same order.

Prices wander around where they began, so that an hour later rules still fire as in the first minute. A dip takes a
market down by half to one and a half percent for some seconds, and then back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

STEP_SIGMA = 2e-5                    # of the price, a trade
PULL = 1e-3                          # of the way back to the start, a trade
DIP_EVERY = (20.0, 60.0)             # s between two dips of a market
DIP_LASTS = (3.0, 8.0)               # s; marks come every second, so three are seen
DIP_DEPTH = (0.006, 0.015)
TROUBLE_EVERY = (10.0, 40.0)         # s between two troubles


@dataclass(slots=True)
class Market:
    """One market's price, told for each trade in turn."""

    symbol: str
    start: float
    digits: int
    random: Random
    log_price: float = 0.0
    dips_at: float = 0.0
    dips_until: float = 0.0
    depth: float = 0.0

    def __post_init__(self) -> None:
        self.dips_at = self.random.uniform(*DIP_EVERY)

    def trade(self, elapsed: float) -> dict[str, Any]:
        """Return the next trade as the exchange's control takes it; ``elapsed`` is seconds since the start."""
        self.log_price += self.random.gauss(0.0, STEP_SIGMA) - PULL * self.log_price
        if elapsed >= self.dips_at:
            self.dips_until = elapsed + self.random.uniform(*DIP_LASTS)
            self.depth = self.random.uniform(*DIP_DEPTH)
            self.dips_at = self.dips_until + self.random.uniform(*DIP_EVERY)
        dip = self.depth if elapsed < self.dips_until else 0.0
        price = self.start * (1 + self.log_price - dip)
        return {
            "kind": "trade", "symbol": self.symbol, "price": f"{price:.{self.digits}f}",
            "quantity": f"{self.random.uniform(5, 50):.3f}", "side": self.random.choice(("buy", "sell")),
        }


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that breaks: rules for the exchange's plan of faults, or, without any, the end of the stream's key."""

    name: str
    rules: tuple[dict[str, Any], ...] = ()


def _fault(fault: str, **what: Any) -> dict[str, Any]:
    return {"fault": fault, "times": 1, **what}


ORDER, STOP = {"method": "POST", "path": "/fapi/v1/order"}, {"method": "POST", "path": "/fapi/v1/algoOrder"}
CUTS = tuple(_fault("disconnected", stream=name) for name in ("btcusdt@aggTrade", "btcusdt@bookTicker", "user"))
TROUBLES = (
    Trouble("prices_cut", CUTS[:1]),
    Trouble("quotes_cut", CUTS[1:2]),
    Trouble("user_stream_cut", CUTS[2:]),
    Trouble("all_cut", (*CUTS, _fault("lost", times=5))),
    Trouble("book_gap", (_fault("gap", stream="btcusdt@depth", times=3),)),
    Trouble("key_ended"),
    Trouble("pages_503", (_fault("unavailable_503", method="GET", times=4),)),
    Trouble("pages_slow", (_fault("slow", method="GET", times=3, delay_ms=3_000),)),
    Trouble("orders_503", (_fault("unknown_503", **ORDER),)),
    Trouble("orders_503_lost", (_fault("unknown_503_lost", **ORDER),)),
    Trouble("answer_lost", (_fault("executed_lost", **ORDER),)),
    Trouble("stop_refused", (_fault("overloaded_503", **STOP),)),
    Trouble("fills_twice", (_fault("doubled", stream="user", times=5),)),
    Trouble("fills_not_told", (_fault("gap", event="ORDER_TRADE_UPDATE"),)),
)


def troubles(random: Random) -> Iterator[tuple[float, Trouble]]:
    """Yield what breaks and at which second, for ever: each kind once in a shuffled round, then the next round."""
    at = 0.0
    while True:
        for trouble in random.sample(TROUBLES, len(TROUBLES)):
            at += random.uniform(*TROUBLE_EVERY)
            yield at, trouble
