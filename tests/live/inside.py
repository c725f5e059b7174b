"""The same daemon in the test's own loop: half the time of a process, and its tasks within reach.

Everything else is as it is in a process: real sockets, ccxt, SQLite, signals. What a test wants to hold against the
operating system (a kill, a disk that is full) wants ``tests.live.guarded`` instead.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass

from bot.app.daemon.daemon import Daemon
from bot.app.daemon.live_connection import LiveConnection
from bot.app.loading import load_all
from tests.live.guarded import WAIT, Guarded
from tests.wire.builders import KEY, SECRET


@dataclass
class Inside(Guarded):
    """An exchange, prices that beat, and the daemon of the moment as a task."""

    daemon: Daemon | None = None
    running: asyncio.Task[int] | None = None

    async def start(self, *, mode: str = "--live", **environ: str) -> None:
        """Start a daemon; a mode of its own has only one in a process."""
        assert mode == "--live"
        known = {"TEST_KEY": KEY, "TEST_SECRET": SECRET, **environ}
        self.daemon = Daemon(load_all(self.config, known), self.out, LiveConnection.open, known)
        self.running = asyncio.create_task(self.daemon.run(), name="daemon")

    async def ended(self, seconds: float = WAIT) -> int:
        """Wait for the daemon's end and return its code."""
        assert self.running is not None
        async with asyncio.timeout(seconds):
            return await self.running

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, which the daemon must have begun to listen to, and wait for the end."""
        assert self.is_alive and number in (signal.SIGTERM, signal.SIGINT)
        os.kill(os.getpid(), number)
        return await self.ended()

    async def clear(self) -> None:
        """End what is left of the daemon, as a cancelled task."""
        if self.running is not None and not self.running.done():
            self.running.cancel()
            with suppress(asyncio.CancelledError):
                await self.running

    def latch(self) -> list[str]:
        """Return the latch of every account, by the engine itself."""
        assert self.daemon is not None
        return [account.latch.value for account in self.daemon.driver.engine.book.accounts]

    @property
    def is_alive(self) -> bool:
        return self.running is not None and not self.running.done()
