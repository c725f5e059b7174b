"""Runs the exchange and the daemon for so many hours, breaks the line between them, and compares their books."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from bench.long_run.books import Books, compare, recorded
from bench.long_run.owner import Owner
from bench.long_run.runners import HELD, start_daemon, start_exchange
from bench.long_run.vitals import Vitals, look, settled, slope
from bench.long_run.weather import Market, Trouble, troubles
from bot.adapters.control.client import ask
from bot.app.running import JOURNAL_NAME
from bot.domain.errors import PenstockError

TICK = 0.025                         # s between two bundles of trades
SAMPLE_EVERY = 30.0
BUY_BACK_EVERY = 15.0
START_MAX = 90.0                     # s: a start takes two, on a busy machine twenty
LOOK_EVERY = 5.0                     # s between two comparisons of all fills, so that the owner keeps his quota
SETTLE_MAX = 180.0                   # s after the last trouble: what was missed is asked for every minute
HOUR = 3_600.0


@dataclass
class Run:
    """A run under way, and what it has seen."""

    owner: Owner
    exchange: Process
    daemon: Process
    folder: Path
    markets: list[Market]
    rate: int
    began: float = field(default_factory=time.monotonic)
    told: int = 0                    # trades
    samples: list[Vitals] = field(default_factory=list)
    exchange_samples: list[Vitals] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    bought_back: int = 0
    unasked: int = 0                 # what we asked and had no answer to

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    async def status(self) -> dict[str, Any]:
        """Return what the daemon says of itself, empty while it does not answer."""
        try:
            found: dict[str, Any] = await asyncio.to_thread(ask, self.folder / "run", "status", {})
        except PenstockError:
            return {}
        return found

    # What goes on side by side -----------------------------------------------------------------------------

    async def trade(self) -> None:
        """Let the markets trade in turn at the rate, for ever; what the machine delayed is made up for."""
        while True:
            due = int(self.elapsed * self.rate) - self.told
            facts = [self.markets[(self.told + step) % len(self.markets)].trade(self.elapsed) for step in range(due)]
            if facts:
                try:
                    await self.owner.trade(facts)
                except (aiohttp.ClientError, TimeoutError):
                    self.unasked += 1
                self.told += due
            await asyncio.sleep(TICK)

    async def trouble(self, random: Random) -> None:
        """Break the line by the plan, for ever."""
        for at, trouble in troubles(random):
            await asyncio.sleep(max(0.0, at - self.elapsed))
            await self._befall(trouble)
            self.troubles[trouble.name] += 1

    async def _befall(self, trouble: Trouble) -> None:
        with suppress(aiohttp.ClientError, TimeoutError):
            if trouble.rules:
                await self.owner.follow(trouble.rules)
            else:
                await self.owner.ask("DELETE", "/fapi/v1/listenKey")

    async def buy_back(self) -> None:
        """Buy what rules have sold, as the owner, for ever."""
        while True:
            await asyncio.sleep(BUY_BACK_EVERY)
            try:
                held = await self.owner.positions()
                for symbol, amount in HELD.items():
                    missing = round(amount - held.get(symbol, 0.0), 3)
                    if missing >= 0.01:
                        await self.owner.buy(symbol, f"{missing:.3f}")
                        self.bought_back += 1
            except (aiohttp.ClientError, TimeoutError):
                self.unasked += 1

    async def sample(self) -> None:
        """Look at both processes every half minute, for ever."""
        while True:
            status = await self.status()
            tasks = status.get("health", {}).get("tasks")
            self.samples.append(look(self.daemon.pid, self.elapsed, tasks=tasks))
            self.exchange_samples.append(look(self.exchange.pid, self.elapsed))
            seen = self.samples[-1]
            print(
                f"{seen.seconds:7.0f} s  {seen.rss_mib:.1f} MiB  fds {seen.descriptors}  threads {seen.threads}  "
                f"tasks {seen.tasks}  cpu {seen.cpu_seconds:.0f} s  events {status.get('steps')}  "
                f"exchange {self.exchange_samples[-1].rss_mib:.1f} MiB", file=sys.stderr, flush=True,
            )
            await asyncio.sleep(SAMPLE_EVERY)

    # The end -----------------------------------------------------------------------------------------------

    async def until(self, is_so: Callable[[], Awaitable[bool]], seconds: float, *, every: float = 0.5) -> bool:
        """Wait until it is so; False when it was not in time or the daemon has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.daemon.returncode is None:
            if await is_so():
                return True
            await asyncio.sleep(every)
        return False

    async def is_ready(self) -> bool:
        """True when the daemon has the venue's word and nothing held is without a stop."""
        main = (await self.status()).get("accounts", {}).get("main", {})
        return bool(main) and main["ready"] and not main["unprotected"]

    async def is_quiet(self) -> bool:
        """True when nothing is at work and the books agree."""
        main = (await self.status()).get("accounts", {}).get("main", {})
        if not main or not main["ready"] or main["orders"] or main["parents"] or main["unprotected"]:
            return False
        return (await self.books()).agree

    async def books(self) -> Books:
        """Compare fills as they are now."""
        trades = {symbol: await self.owner.trades(symbol) for symbol in HELD}
        return compare(trades, await asyncio.to_thread(recorded, self.folder / "run" / JOURNAL_NAME))

    async def positions(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return what is held by the venue's word and by the daemon's, by the venue's symbols."""
        rows = (await asyncio.to_thread(ask, self.folder / "run", "positions", {}))["positions"]
        return await self.owner.positions(), {
            row["symbol"].partition(":")[0].replace("/", ""): float(row["amount"]) for row in rows
        }


async def live(folder: Path, *, seconds: float, rate: int, seed: int) -> dict[str, Any]:
    """Live through a run and return what there is to tell of it."""
    exchange, addresses = await start_exchange()
    markets = [
        Market("BTCUSDT", 60_000.0, 1, Random(f"btc {seed}")), Market("ETHUSDT", 3_000.0, 2, Random(f"eth {seed}"))
    ]
    async with Owner(addresses["rest"]) as owner:
        await owner.trade([market.trade(0.0) for market in markets])
        daemon = await start_daemon(folder, addresses)
        try:
            run = Run(owner, exchange, daemon, folder, markets, rate)
            return await _lived(run, seconds, Random(f"troubles {seed}"))
        finally:
            for process in (daemon, exchange):
                if process.returncode is None:
                    process.kill()
                await process.wait()


async def _lived(run: Run, seconds: float, random: Random) -> dict[str, Any]:
    trading = asyncio.create_task(run.trade())
    assert await run.until(run.is_ready, START_MAX), "the daemon was not ready in time"
    first, since = (await run.status())["steps"], run.elapsed
    others = [asyncio.create_task(each) for each in (run.trouble(random), run.buy_back(), run.sample())]
    ending = asyncio.create_task(run.daemon.wait())
    done, _ = await asyncio.wait({ending, trading, *others}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    faults = [f"it ended early: {task.result() if task is ending else repr(task.exception())}" for task in done]
    steps, lasted = (await run.status()).get("steps"), run.elapsed - since
    for task in others:
        task.cancel()
    if not faults:
        await run.owner.follow(())
        if not await run.until(run.is_quiet, SETTLE_MAX, every=LOOK_EVERY):
            faults.append(f"it did not settle: {(await run.status()).get('accounts')}")
    books, (at_venue, by_daemon) = await run.books(), ({}, {}) if ending.done() else await run.positions()
    trading.cancel()
    code = None
    if not ending.done():
        run.daemon.terminate()
        code = await asyncio.wait_for(ending, START_MAX)
        if code:
            faults.append(f"it ended with {code}")
    if at_venue != by_daemon:
        faults.append(f"positions differ: {at_venue} at the venue, {by_daemon} by the daemon")
    if not books.agree:
        faults.append("fills differ")
    events = None if steps is None else round((steps - first) / lasted, 1)
    return {
        "hours": round(lasted / HOUR, 3), "trades_per_second": round(run.told / run.elapsed, 1),
        "events_per_second": events, "exit_code": code, "daemon": _told(run.samples),
        "exchange": _told(run.exchange_samples), "troubles": dict(run.troubles),
        "bought_back": run.bought_back, "unasked": run.unasked, "books": asdict(books),
        "positions": {"venue": at_venue, "daemon": by_daemon}, "faults": faults,
    }


def _told(samples: list[Vitals]) -> dict[str, float | None]:
    late = settled(samples)
    told = [each for each in late if each.tasks is not None]
    return {
        "rss_mib_first": round(late[0].rss_mib, 1), "rss_mib_last": round(late[-1].rss_mib, 1),
        "rss_mib_max": round(max(each.rss_mib for each in samples), 1),
        "rss_mib_per_hour": _hourly([(each.seconds, each.rss_mib) for each in late]),
        "descriptors_max": max(each.descriptors for each in samples),
        "descriptors_per_hour": _hourly([(each.seconds, each.descriptors) for each in late]),
        "threads_max": max(each.threads for each in samples),
        "tasks_max": max((each.tasks or 0 for each in told), default=None),
        "tasks_per_hour": _hourly([(each.seconds, each.tasks or 0) for each in told]),
        "cpu_share": round(samples[-1].cpu_seconds / samples[-1].seconds, 3),
    }


def _hourly(points: list[tuple[float, float]]) -> float | None:
    """Return a slope by the hour, None where a run was too short to have one."""
    return round(slope(points) * HOUR, 3) if len(points) > 2 else None


def main(arguments: list[str] | None = None) -> int:
    """Live through a long run; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.long_run")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--rate", type=int, default=200, help="trades a second, all markets together")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="a folder for the run, which is kept")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="long-run-") as made:
        folder = asked.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        found = asyncio.run(live(folder, seconds=asked.hours * HOUR, rate=asked.rate, seed=asked.seed))
    print(json.dumps(found))
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
