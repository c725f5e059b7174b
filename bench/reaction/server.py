"""The venue of the bench, in its own process: prints its port, ticks when it is subscribed to, prints what it saw.

    python -m bench.reaction.server --events N
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time

from bench.reaction.sockets import Venue, Wire
from bench.reaction.terms import BALANCE, HIGH, KEY, LOW, POSITION, SECRET
from bot.app.markets import make_instrument
from bot.domain.market import MarkPrice, Trade
from bot.domain.scale import CASH_UNIT
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.wire.contracts import as_listed
from paper.wire.core import CoreVenue
from paper.wire.exchange import WireExchange
from paper.wire.spec import Credentials, LimitSpec, WireSpec

SETTLE = 5.0                         # seconds from the subscription to the first tick: a daemon still reads its account
GAP = 0.004                          # seconds between an order and the next tick: fills and acknowledgements pass
MISSED_AFTER = 1.0                   # seconds without an order
WARM = 200                           # ticks that do not count
ENDLESS = 1_000_000_000
PATIENCE = 60.0


class Clock:
    """Ticks, and when the order that answers one came."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.came = 0

    def order(self, now: int) -> None:
        """An order's bytes are here."""
        if not self.answered.is_set():
            self.came = now
            self.answered.set()


def make_exchange() -> WireExchange:
    """One market at ``HIGH`` and one account that is long enough for every event."""
    listed = as_listed(make_instrument(0, "BTC/USDT:USDT", price_digits=2, quantity_digits=3))
    start = AccountStart(0, "USDT", BALANCE * CASH_UNIT, positions=(PositionStart(0, POSITION),), leverage=20)
    limits = LimitSpec(weight_1m=ENDLESS, orders_10s=ENDLESS, orders_1m=ENDLESS)
    spec = WireSpec((Credentials(KEY, SECRET, 0),), limits=limits)
    return WireExchange(CoreVenue(VenueSpec(latency=0), [listed], [start]), spec, now=time.time_ns())


async def serve(events: int) -> list[int]:
    """Tick ``events`` times after the warm-up; return the reactions, ns."""
    clock = Clock()
    venue = Venue(make_exchange(), clock.order)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(venue), "127.0.0.1", 0)
    _tell(venue, HIGH)
    beating = asyncio.create_task(_beat(venue))
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await _subscribed(venue)
    await asyncio.sleep(SETTLE)
    took, missed = [], 0
    for number in range(WARM + events):
        clock.answered.clear()
        sent = _tell(venue, LOW)
        try:
            async with asyncio.timeout(MISSED_AFTER):
                await clock.answered.wait()
            if number >= WARM:
                took.append(clock.came - sent)
        except TimeoutError:
            missed += 1
            if missed > 50 + number // 100:
                raise SystemExit(f"server: {missed} of {number + 1} ticks were not answered") from None
        await asyncio.sleep(GAP)
        _tell(venue, HIGH)
        await asyncio.sleep(GAP)
    beating.cancel()
    print(f"server: {missed} missed", file=sys.stderr)
    return took


async def _subscribed(venue: Venue) -> None:
    """Wait until somebody listens to trades."""
    async with asyncio.timeout(PATIENCE):
        while not any(name.endswith("rade") for name in venue.exchange.floor.hub.wanted):
            await asyncio.sleep(0.05)


async def _beat(venue: Venue) -> None:
    """Let marks come and keys live on, as the venue does every second."""
    while True:
        await asyncio.sleep(0.5)
        now = time.time_ns()
        venue.exchange.market(now, MarkPrice(now, now, 0, HIGH))
        venue.exchange.wake(now)
        venue.flush()


def _tell(venue: Venue, price: int) -> int:
    now = time.time_ns()
    return venue.trade(Trade(now, now, 0, price, 1_000, -1))


def main() -> None:
    """Serve one contestant."""
    parser = argparse.ArgumentParser(prog="bench.reaction.server")
    parser.add_argument("--events", type=int, required=True)
    took = asyncio.run(serve(parser.parse_args().events))
    print(json.dumps({"took": took}), flush=True)


if __name__ == "__main__":
    main()
