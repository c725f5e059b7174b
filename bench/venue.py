"""How fast the simulated venue is: a deep book, orders through it, and a replay with all of it behind.

    python -m bench.venue [--messages N] [--trades N] [--json]

* floor: the changes of a book of ``LEVELS`` levels a side entered in two plain dicts, without order, numbers or limits.
* book: the same changes through ``paper.book``, which keeps the levels sorted and checks that none is missing.
* venue: the same changes through ``PaperVenue`` with prints among them, while ``ACCOUNTS`` accounts hold positions,
  rest orders, cancel them and send market orders through the book: a fifth of the messages are clients'.
* memory: what that book takes when it is new and when all changes are in, by tracemalloc.
* replay: trades a second of a whole replay, as ``bench.replay`` measures it: file, venue, engine.

The best of ``ROUNDS`` rounds counts, floor, book and venue interleaved, since the machine may be busy.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from bench.replay import CONFIG, walk, whole_replay, write_tape
from bot.app.loading import load_all
from bot.domain.account import PositionKey
from bot.domain.instrument import Filters, Instrument, InstrumentKind
from bot.domain.market import BookUpdate, Trade
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_MS
from paper.book import Book
from paper.messages import CancelRequest, Message, SubmitOrder
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.venue import PaperVenue

LEVELS = 1_000
ACCOUNTS = 8
MESSAGES = 100_000
TRADES = 1_000_000
ROUNDS = 3
START = 1_583_971_200_000_000_000
MID = 6_000_000                      # 60,000.00
TOUCHED = 6                          # levels of a side in one change, as in a capture of BTCUSDT's 100 ms stream
NEAR = 60.0                          # mean distance of a changed level from the middle, levels
CLIENTS = 0.2                        # share of the messages that clients send

Step = tuple[int, Message]


def perpetual() -> Instrument:
    """Return a linear perpetual with prices in cents and quantities in thousandths."""
    return Instrument(
        index=0, symbol="BTC/USDT:USDT", underlying="BTC", kind=InstrumentKind.LINEAR, base="BTC", quote="USDT",
        settle="USDT", price_digits=2, quantity_digits=3, contract_size=Decimal(1),
        filters=Filters(tick=1, lot=1, quantity_min=1, quantity_max=10**9, notional_min=0),
    )


def depth(count: int, seed: int = 7) -> Iterator[BookUpdate]:
    """Yield a snapshot of ``LEVELS`` levels a side and ``count`` numbered changes of it, mostly near the middle."""
    rng = random.Random(seed)
    yield BookUpdate(
        START, START, 0, tuple((MID - step, rng.randrange(1, 9_000)) for step in range(1, LEVELS + 1)),
        tuple((MID + step, rng.randrange(1, 9_000)) for step in range(1, LEVELS + 1)), True, 0, 1,
    )
    for number in range(2, count + 2):
        sides = [
            tuple(
                (MID + sign * (1 + min(LEVELS - 1, int(rng.expovariate(1 / NEAR)))),
                 0 if rng.random() < 0.1 else rng.randrange(1, 9_000))
                for _ in range(TOUCHED)
            )
            for sign in (-1, 1)
        ]
        now = START + number * 10 * NS_PER_MS
        yield BookUpdate(now, now, 0, sides[0], sides[1], False, number, number, number - 1)


def traffic(updates: Sequence[BookUpdate], seed: int = 11) -> Iterator[Step]:
    """Yield the changes, a print after every other one, and between them what clients send."""
    rng = random.Random(seed)
    sent: list[tuple[int, str]] = []
    for number, update in enumerate(updates):
        yield update.now, update
        if number % 2:
            yield update.now, Trade(update.now, update.now, 0, MID + rng.choice((-1, 1)), rng.randrange(1, 900), 0)
        if rng.random() > CLIENTS * 2:
            continue
        if sent and rng.random() < 0.5:
            account, name = sent.pop()
            yield update.now, CancelRequest(account, name)
            continue
        side, account, name = rng.choice(tuple(Side)), rng.randrange(ACCOUNTS), f"n{number}"
        is_market = rng.random() < 0.5
        limit = None if is_market else MID - side.sign * rng.randrange(5, 200)
        if not is_market:
            sent.append((account, name))
        yield update.now, SubmitOrder(OrderRequest(
            name=name, key=PositionKey(account, 0), side=side, quantity=rng.randrange(1, 20_000), limit_price=limit,
            time_in_force=TimeInForce.IOC if is_market else TimeInForce.GTC, reduce_only=False,
            order_class=OrderClass.OPERATOR,
        ))


def by_dicts(updates: Sequence[BookUpdate]) -> None:
    """Enter all changes in two dicts: the least that any book must do."""
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    for update in updates:
        for side, levels in ((bids, update.bids), (asks, update.asks)):
            for price, quantity in levels:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)


def by_book(updates: Sequence[BookUpdate]) -> Book:
    """Fold all changes; return the book."""
    book = Book()
    for update in updates:
        book.fold(update)
    return book


def by_venue(steps: Sequence[Step]) -> int:
    """Hand everything to a venue; return how many facts it told its clients."""
    accounts = [
        AccountStart(number, "USDT", 10**8 * CASH_UNIT, (PositionStart(0, 1_000 * (-1) ** number),))
        for number in range(ACCOUNTS)
    ]
    venue = PaperVenue(VenueSpec(), [perpetual()], accounts)
    return sum(len(venue.handle(now, message)) for now, message in steps)


def memory_kb(build: Callable[[], object]) -> float:
    """Return what the thing that ``build`` makes takes, kB."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = build()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return round((after - before) / 1024, 1)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(messages: int, trades: int, folder: Path) -> dict[str, float]:
    """Return all figures."""
    updates = list(depth(messages))
    steps = list(traffic(updates))
    tape = folder / "BTCUSDT-aggTrades.csv"
    write_tape(tape, walk(trades))
    loaded = load_all(CONFIG, {})
    floors, books, venues, replays = [], [], [], []
    for _ in range(ROUNDS):
        floors.append(_seconds(lambda: by_dicts(updates)))
        books.append(_seconds(lambda: by_book(updates)))
        venues.append(_seconds(lambda: by_venue(steps)))
        replays.append(whole_replay(loaded, tape)[0])
    orders = sum(isinstance(message, SubmitOrder) for _, message in steps)
    return {
        "levels_a_side": LEVELS,
        "levels_a_message": 2 * TOUCHED,
        "floor_messages_per_second": round(len(updates) / min(floors)),
        "book_messages_per_second": round(len(updates) / min(books)),
        "book_over_floor": round(min(books) / min(floors), 2),
        "venue_messages": len(steps),
        "venue_orders": orders,
        "venue_facts": by_venue(steps),
        "venue_messages_per_second": round(len(steps) / min(venues)),
        "book_kb": memory_kb(lambda: by_book(updates[:1])),
        "book_kb_after_all": memory_kb(lambda: by_book(updates)),
        "replay_trades": trades,
        "replay_trades_per_second": round(trades / min(replays)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="changes of the book")
    parser.add_argument("--trades", type=int, default=TRADES, help="trades of the replay")
    parser.add_argument("--json", action="store_true", help="print the JSON object and nothing else")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(parsed.messages, parsed.trades, Path(folder))
    if not parsed.json:
        for name, value in found.items():
            print(f"{name:28} {value:>14,}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
