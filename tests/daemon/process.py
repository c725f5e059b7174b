"""A daemon in a process of its own, whose prices a test types: ``python -m tests.daemon.process CONFIG OUT``.

Each line on its standard input is a BTC price; ``die TASK`` lets a task of the feed end with an error, ``hang TASK``
lets it fall silent, ``bug`` sends the engine an event that breaks its contract.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.app.daemon.clock import WallClock
from bot.app.daemon.connection import NamedJob
from bot.app.daemon.daemon import Daemon
from bot.app.daemon.paper_connection import PaperConnection
from bot.app.daemon.supervisor import Pulse
from bot.app.loading import Loaded, load_all
from bot.app.markets import make_instrument
from bot.domain.instrument import Instrument
from bot.domain.market import MarketFact, Trade
from tests.app.runs import BTC

SILENCE_MAX = 2.0


class TypedFeed:
    """Prices from standard input, one task that reads and one that only lives."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self.instruments: tuple[Instrument, ...] = (make_instrument(0, BTC, price_digits=2, quantity_digits=6),)
        self._dying: set[str] = set()
        self._hanging: set[str] = set()

    def jobs(self, put: Callable[[MarketFact], None], ring: Callable[[str, str], None]) -> Sequence[NamedJob]:
        del ring

        async def read(pulse: Pulse) -> None:
            loop = asyncio.get_running_loop()
            reader = asyncio.StreamReader()
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
            while True:
                pulse.beat()
                try:
                    async with asyncio.timeout(0.5):
                        line = (await reader.readline()).decode()
                except TimeoutError:
                    continue
                self._hear(line.split(), put)

        async def live(pulse: Pulse) -> None:
            while True:
                if "live" not in self._hanging:
                    pulse.beat()
                if "live" in self._dying:
                    raise KeyError("linear")
                await asyncio.sleep(0.05)

        return [NamedJob("feed", read, 3600.0), NamedJob("live", live, SILENCE_MAX)]

    def _hear(self, words: list[str], put: Callable[[MarketFact], None]) -> None:
        match words:
            case ["die", task]:
                self._dying.add(task)
            case ["hang", task]:
                self._hanging.add(task)
            case ["bug"]:
                put(Trade(self._clock.now(), 1, 99, 100, 1, 1))
            case [price]:
                now = self._clock.now()
                put(Trade(now, now, 0, round(float(price) * 100), 10**12, -1))
            case _:
                pass

    async def close(self) -> None:
        """There is nothing to let go of."""


async def main(config: Path, out: Path) -> int:
    """Run the daemon to its end."""

    async def connect(loaded: Loaded, clock: WallClock) -> PaperConnection:
        return PaperConnection(loaded, clock, TypedFeed(clock), out)

    return await Daemon(load_all(config, os.environ), out, connect, os.environ).run()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]))))
