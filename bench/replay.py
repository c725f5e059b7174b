"""How fast a replay is: the engine alone and the whole replay, beside what plain Python needs for the least.

    python -m bench.replay [--events N] [--json]

* floor: an object per event in plain Python (a slots class), dispatch by type through a dict, a timer heap.
* engine: the same number of trades through ``engine.step`` with the bundled rules and no venue.
* replay: a Binance aggTrades CSV of as many trades, read, through the paper venue and the engine, as
  ``penstock replay`` does, without the baselines and the report.

The best of ``ROUNDS`` rounds counts, the three interleaved, since the machine may be busy. The market is a
seeded random walk; the account is a 10x long that the guard lets out once.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from heapq import heappop, heappush
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
from bot.domain.events import AccountSnapshot
from bot.domain.market import Trade
from bot.domain.scale import CASH_UNIT, NS_PER_MS

EVENTS = 1_000_000
ROUNDS = 3
START_MS = 1_583_971_200_000
CONFIG = Path(__file__).resolve().parents[1] / "config" / "penstock.yaml"
SYMBOL = "BTC/USDT:USDT"


class FloorEvent:
    """The least an event can be in plain Python."""

    __slots__ = ("instrument", "now", "price", "quantity", "side")

    def __init__(self, now: int, instrument: int, price: int, quantity: int, side: int) -> None:
        self.now = now
        self.instrument = instrument
        self.price = price
        self.quantity = quantity
        self.side = side


def walk(events: int, seed: int = 7) -> list[tuple[int, int, int, int]]:
    """Return (ms, price in cents, quantity in thousandths, side) of a seeded random walk downwards."""
    rng = random.Random(seed)
    price = 790_000
    now = START_MS
    rows = []
    for _ in range(events):
        now += rng.randrange(1, 40)
        price += rng.choice((-8, -3, 0, 0, 0, 0, 3, 7))
        rows.append((now, price, rng.randrange(1, 900), rng.choice((-1, 1))))
    return rows


def floor(rows: list[tuple[int, int, int, int]]) -> float:
    """Return seconds for objects, dispatch and a timer heap."""
    last = [0]

    def on_event(event: FloorEvent) -> None:
        last[0] = event.price

    handlers = {FloorEvent: on_event}
    timers: list[tuple[int, int]] = []
    started = time.perf_counter()
    for number, (ms, price, quantity, side) in enumerate(rows):
        event = FloorEvent(ms, 0, price, quantity, side)
        handlers[event.__class__](event)
        heappush(timers, (ms + 1000, number))
        if timers[0][0] <= ms:
            heappop(timers)
    return time.perf_counter() - started


def engine_alone(loaded: Loaded, market: RecordedMarket, rows: list[tuple[int, int, int, int]]) -> float:
    """Return seconds for making the trades and stepping them, with no venue to answer."""
    layout = make_layout(loaded.config, market)
    engine = make_engine(loaded, layout)
    first = rows[0][0] * NS_PER_MS
    value = layout.instruments[0].value(price=rows[0][1], quantity=1_500)
    position = PositionReport(PositionKey(0, 0), 1_500, value)
    engine.step(AccountSnapshot(first, first, 0, (Balance("USDT", 1_200 * CASH_UNIT),), (position,)))
    step = engine.step
    started = time.perf_counter()
    for ms, price, quantity, side in rows:
        now = ms * NS_PER_MS
        step(Trade(now, now, 0, price, quantity, side))
    return time.perf_counter() - started


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


def write_tape(path: Path, rows: list[tuple[int, int, int, int]]) -> None:
    """Write the walk as a Binance aggTrades file."""
    with path.open("w") as file:
        file.write("agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n")
        for number, (ms, price, quantity, side) in enumerate(rows):
            maker = "true" if side < 0 else "false"
            file.write(f"{number},{price / 100:.2f},{quantity / 1000:.3f},{number},{number},{ms},{maker}\n")


def rss_mb() -> float:
    """Return the largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--json", action="store_true", help="print the JSON object and nothing else")
    parsed = parser.parse_args()
    loaded = load_all(CONFIG, {})
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "BTCUSDT-aggTrades.csv"
        write_tape(tape, walk(parsed.events))
        # Memory first, before the other measurements hold a million rows: a short tape, then the whole one.
        head = Path(folder) / "BTCUSDT-head.csv"
        with tape.open() as source, head.open("w") as target:
            target.writelines(line for _, line in zip(range(parsed.events // 10), source, strict=False))
        whole_replay(loaded, head)
        rss_short = rss_mb()
        replays = [whole_replay(loaded, tape)]
        rss_whole = rss_mb()
        market = RecordedMarket.open([f"{SYMBOL}={tape}"], [SYMBOL, "ETH/USDT:USDT"])
        rows = walk(parsed.events)
        floors, engines = [], []
        for _ in range(ROUNDS):
            floors.append(floor(rows))
            engines.append(engine_alone(loaded, market, rows))
            replays.append(whole_replay(loaded, tape))
    best_floor, best_engine, best_replay = min(floors), min(engines), min(seconds for seconds, _ in replays)
    found = {
        "events": parsed.events,
        "orders": replays[0][1],
        "floor_events_per_second": round(parsed.events / best_floor),
        "engine_events_per_second": round(parsed.events / best_engine),
        "events_per_second": round(parsed.events / best_replay),
        "engine_over_floor": round(best_engine / best_floor, 2),
        "replay_over_floor": round(best_replay / best_floor, 2),
        "rss_mb": round(rss_whole, 1),
        "rss_mb_at_a_tenth": round(rss_short, 1),
    }
    if not parsed.json:
        for name, value in found.items():
            print(f"{name:28} {value:>14,}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
