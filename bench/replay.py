"""How fast a replay is: the engine alone and the whole replay, beside what plain Python needs for the least.

    python -m bench.replay [--events N] [--json]

* floor: an object per event in plain Python (a slots class), dispatch by type through a dict, a timer heap.
* engine: the same trades through ``engine.step`` with the bundled rules; orders are filled at once, for nothing.
* replay: a Binance aggTrades CSV of as many trades, read, through the paper venue and the engine, as
  ``penstock replay`` does, without the baselines and the report.

The best of ``ROUNDS`` rounds counts, the three interleaved, since the machine may be busy; of floor and engine the
best of every ``LAP`` events, added up, since no whole round may be quiet. The market is a seeded random walk; the
account is a 10x long that the guard lets out once.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from math import fsum
from pathlib import Path

from bot.adapters.journal.null import NullJournal
from bot.app.loading import Loaded, load_all
from bot.app.markets import RecordedMarket, sign_of
from bot.app.recorder import RunRecorder
from bot.app.running import SAMPLE_INTERVAL, run_head
from bot.app.session import Session
from bot.app.watchers import Watchers
from bot.app.wiring import make_engine, make_layout, make_venue
from bot.domain.account import Balance, PositionKey, PositionReport
from bot.domain.effects import CancelOrder, Effect, LookUpOrder, PlaceOrder, PlaceStop
from bot.domain.events import AccountSnapshot, FillOrigin, Liquidity, OrderAccepted, OrderEnded, OrderFilled
from bot.domain.market import Trade
from bot.domain.order import OrderStatus
from bot.domain.scale import CASH_UNIT, NS_PER_MS
from bot.engine.engine import Engine

EVENTS = 1_000_000
ROUNDS = 3
LAP = 20_000                         # a twentieth of a second: short enough that some are left alone
START_MS = 1_583_971_200_000
CONFIG = Path(__file__).resolve().parents[1] / "config" / "penstock.yaml"
SYMBOL = "BTC/USDT:USDT"


Row = tuple[int, int, int, int]
"""ms, price in cents, quantity in thousandths, side."""


class FloorEvent:
    """The least an event can be in plain Python."""

    __slots__ = ("instrument", "now", "price", "quantity", "side")

    def __init__(self, now: int, instrument: int, price: int, quantity: int, side: int) -> None:
        self.now = now
        self.instrument = instrument
        self.price = price
        self.quantity = quantity
        self.side = side


def walk(events: int, seed: int = 7) -> Iterator[Row]:
    """Return (ms, price in cents, quantity in thousandths, side) of a seeded random walk downwards."""
    rng = random.Random(seed)
    price = 790_000
    now = START_MS
    for _ in range(events):
        now += rng.randrange(1, 40)
        price += rng.choice((-8, -3, 0, 0, 0, 0, 3, 7))
        yield now, price, rng.randrange(1, 900), rng.choice((-1, 1))


def floor(rows: list[Row]) -> list[float]:
    """Return seconds of each lap for objects, dispatch and a timer heap."""
    last = [0]

    def on_event(event: FloorEvent) -> None:
        last[0] = event.price

    handlers = {FloorEvent: on_event}
    timers: list[tuple[int, int]] = []
    laps = []
    for first in range(0, len(rows), LAP):
        started = time.perf_counter()
        for number, (ms, price, quantity, side) in enumerate(rows[first:first + LAP]):
            event = FloorEvent(ms, 0, price, quantity, side)
            handlers[event.__class__](event)
            heappush(timers, (ms + 1000, number))
            if timers[0][0] <= ms:
                heappop(timers)
        laps.append(time.perf_counter() - started)
    return laps


def engine_alone(loaded: Loaded, market: RecordedMarket, rows: list[Row]) -> list[float]:
    """Return seconds of each lap for making the trades and stepping them, with no venue to answer."""
    layout = make_layout(loaded.config, market)
    engine = make_engine(loaded, layout)
    first = rows[0][0] * NS_PER_MS
    value = layout.instruments[0].value(price=rows[0][1], quantity=1_500)
    position = PositionReport(PositionKey(0, 0), 1_500, value)
    engine.step(AccountSnapshot(first, first, 0, (Balance("USDT", 1_200 * CASH_UNIT),), (position,)))
    step = engine.step
    laps = []
    for start in range(0, len(rows), LAP):
        started = time.perf_counter()
        for ms, price, quantity, side in rows[start:start + LAP]:
            now = ms * NS_PER_MS
            effects, _ = step(Trade(now, now, 0, price, quantity, side))
            for effect in effects:
                _answer(engine, effect, now, price)
        laps.append(time.perf_counter() - started)
    return laps


def best_of(rounds: list[list[float]]) -> float:
    """Return the sum of the best laps."""
    return fsum(map(min, zip(*rounds, strict=True)))


def _answer(engine: Engine, effect: Effect, now: int, price: int) -> None:
    """Do as the least of venues would: fill orders, let stops rest, end what is cancelled."""
    match effect:
        case PlaceOrder():
            _fill(engine, effect, now, price)
        case PlaceStop():
            engine.step(OrderAccepted(now, 0, effect.approved.request.name))
        case LookUpOrder():
            engine.step(OrderAccepted(now, 0, effect.name))
        case CancelOrder():
            engine.step(OrderEnded(now, 0, effect.name, OrderStatus.CANCELED, 0))


def _fill(engine: Engine, order: PlaceOrder, now: int, price: int) -> None:
    """Answer an order as the least of venues would: wholly, at once, at the last price."""
    request = order.approved.request
    engine.step(
        OrderFilled(
            now=now, stamp=now, account=0, name=request.name, trade_id=request.name, key=request.key,
            side=request.side, price=price, quantity=request.quantity, fee=0, liquidity=Liquidity.TAKER,
            origin=FillOrigin.OURS, modelled=True,
        )
    )
    engine.step(OrderEnded(now, 0, request.name, OrderStatus.FILLED, request.quantity))


def whole_replay(loaded: Loaded, tape: Path) -> tuple[float, int]:
    """Return seconds and orders of a replay of the file, from its survey to its last event."""
    started = time.perf_counter()
    market = RecordedMarket.open([f"{SYMBOL}={tape}"], [SYMBOL, "ETH/USDT:USDT"])
    layout = make_layout(loaded.config, market)
    engine = make_engine(loaded, layout)
    venue = make_venue(loaded.config, layout)
    recorder = RunRecorder(engine, SAMPLE_INTERVAL)
    session = Session(engine, venue, NullJournal(run_head(loaded, market)), Watchers([recorder]))
    session.run(market.events(lambda index: sign_of(venue.net_quantity(index))))
    return time.perf_counter() - started, sum(record.children for record in recorder.parents.values())


def write_tape(path: Path, rows: Iterable[Row]) -> None:
    """Write the walk as a Binance aggTrades file."""
    with path.open("w") as file:
        file.write("agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n")
        for number, (ms, price, quantity, side) in enumerate(rows):
            maker = "true" if side < 0 else "false"
            file.write(f"{number},{price / 100:.2f},{quantity / 1000:.3f},{number},{number},{ms},{maker}\n")


def rss_mb_of(tape: Path) -> float:
    """Return the largest resident size of a process that does nothing but replay ``tape``."""
    command = [sys.executable, "-m", "bench.replay", "--memory-of", str(tape)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_memory(loaded: Loaded, tape: Path) -> None:
    """Replay once and print this process's largest resident size, MB."""
    whole_replay(loaded, tape)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / (1024 * 1024 if sys.platform == "darwin" else 1024))


def measure(loaded: Loaded, events: int, folder: Path) -> dict[str, float]:
    """Return all figures for a tape of ``events`` trades."""
    tape, head = folder / "BTCUSDT-aggTrades.csv", folder / "BTCUSDT-head.csv"
    write_tape(tape, walk(events))
    write_tape(head, walk(events // 10))
    # First, while this process is small: a child's largest size counts its parent's until it is its own.
    rss_head, rss_tape = rss_mb_of(head), rss_mb_of(tape)
    market = RecordedMarket.open([f"{SYMBOL}={head}"], [SYMBOL, "ETH/USDT:USDT"])
    rows = list(walk(events))
    floors, engines, replays = [], [], []
    for _ in range(ROUNDS):
        floors.append(floor(rows))
        engines.append(engine_alone(loaded, market, rows))
        replays.append(whole_replay(loaded, tape))
    best_floor, best_engine, best_replay = best_of(floors), best_of(engines), min(seconds for seconds, _ in replays)
    return {
        "events": events,
        "orders": replays[0][1],
        "floor_events_per_second": round(events / best_floor),
        "engine_events_per_second": round(events / best_engine),
        "events_per_second": round(events / best_replay),
        "engine_over_floor": round(best_engine / best_floor, 2),
        "replay_over_floor": round(best_replay / best_floor, 2),
        "rss_mb": round(rss_tape, 1),
        "rss_mb_at_a_tenth": round(rss_head, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--json", action="store_true", help="print the JSON object and nothing else")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    loaded = load_all(CONFIG, {})
    if parsed.memory_of is not None:
        print_memory(loaded, parsed.memory_of)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(loaded, parsed.events, Path(folder))
    if not parsed.json:
        for name, value in found.items():
            print(f"{name:28} {value:>14,}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
