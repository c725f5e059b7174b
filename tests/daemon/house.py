"""A daemon's inner rooms for tests: real engine, real simulated venue, real SQLite, real event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.journal.spare import SpareFile
from bot.adapters.journal.sqlite import SqliteJournal
from bot.app.daemon.clock import WallClock
from bot.app.daemon.committer import Committer, Trouble
from bot.app.daemon.driver import Driver
from bot.app.daemon.paper_port import PaperPort
from bot.domain.effects import Effect
from bot.domain.events import AccountFact
from bot.domain.market import Trade
from bot.domain.order import Approved
from bot.domain.run import RunHead
from bot.domain.scale import CASH_UNIT, NS_PER_MS
from bot.engine.engine import Engine
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.venue import PaperVenue
from tests import builders

LATENCY = 2 * NS_PER_MS
LOT = 1_000                          # of BTC, in quantity units
WAIT = 30.0                          # seconds; all of it takes milliseconds where nobody else works


@dataclass
class Seen:
    """Everything that a driver heard and decided."""

    facts: list[AccountFact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def on_fact(self, fact: AccountFact) -> None:
        self.facts.append(fact)

    def on_effects(self, effects: Sequence[Effect]) -> None:
        self.effects.extend(effects)


class NotedPort(PaperPort):
    """The simulated venue's port, which remembers the orders that reached it."""

    placed: list[str]

    def place(self, now: int, approved: Approved) -> None:
        self.placed.append(approved.request.name)
        super().place(now, approved)


@dataclass
class House:
    """What a test drives."""

    engine: Engine
    driver: Driver
    port: NotedPort
    journal: SqliteJournal
    clock: WallClock
    seen: Seen
    troubles: list[Trouble | None]
    committing: asyncio.Task[None]

    def price(self, price: float, quantity: int = 500 * LOT) -> None:
        """Let a BTC trade come in over the feed."""
        now = self.clock.now()
        self.port.hear(Trade(now, now, 0, round(price * 100), quantity, -1))

    async def until(self, is_so: Callable[[], bool], seconds: float = WAIT) -> None:
        """Wait until something is so, and fail when it takes too long."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not is_so():
            assert asyncio.get_running_loop().time() < deadline, f"it did not come to pass: {self.driver.failure!r}"
            await asyncio.sleep(0.002)

    async def until_reserved(self) -> None:
        """Wait until the names that an armed rule may need are durable."""
        departures = self.driver.departures
        await self.until(lambda: bool(departures._reserved) and not departures._reserving)


def run_head() -> RunHead:
    """The beginning of a journal of no particular run."""
    return RunHead(version="0", config_hash="0" * 64, config="", marker="pen", created=0)


@asynccontextmanager
async def house(
    folder: Path, *rules: str, btc: int = 10 * LOT, usdt: int = 2_000, entry: float = 100.0,
    journal: SqliteJournal | None = None,
) -> AsyncIterator[House]:
    """One account long BTC at ``entry``, guarded by ``rules``; its first snapshot is taken."""
    clock = WallClock()
    engine = builders.engine(*rules)
    start = AccountStart(
        account=0, asset="USDT", balance=usdt * CASH_UNIT,
        positions=(PositionStart(instrument=0, quantity=btc, entry_price=round(entry * 100)),),
    )
    venue = PaperVenue(VenueSpec(latency=LATENCY), builders.instruments(), [start])
    kept = SqliteJournal.create(folder / "journal.sqlite", run_head()) if journal is None else journal
    seen = Seen()
    port = NotedPort(venue, clock, accounts=1, keep=lambda: None)
    port.placed = []
    driver = Driver(engine, port, kept, clock, [seen])
    port.attach(tell=driver.inbox.tell, put=driver.inbox.put)
    troubles: list[Trouble | None] = []
    committer = Committer(kept, SpareFile(folder, kept), driver.durable, troubles.append)
    driver.commits = committer
    committing = asyncio.create_task(committer.run(lambda: None))
    made = House(engine, driver, port, kept, clock, seen, troubles, committing)
    made.price(entry)
    await made.until(lambda: engine.is_ready[0])
    try:
        yield made
    finally:
        committing.cancel()
        await asyncio.wait([committing])
        committer.close()
        kept.close()
