"""Daemons that are born with everything imported: two seconds of a processor less for each of hundreds of starts.

A server of ``multiprocessing`` imports the daemon and ccxt once and forks; what comes out is a process like any other,
with a number, signals, descriptors and limits of its own, and its end is what the command line's would be.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([
    "ccxt.pro", "bot.app.cli", "bot.app.daemon.daemon", "bot.app.daemon.live_connection", "bot.app.verbs.run",
    "tests.live.process",
])


class Born:
    """A process of ours, with as much of ``asyncio.subprocess.Process`` as the tests use."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], says: Path) -> None:
        """Start it; what it says on either output goes to the end of the file ``says``."""
        self._process = _CONTEXT.Process(target=_live, args=(tuple(words), dict(environ), says), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """What it ended with, negative for a signal; None while it lives."""
        return self._process.exitcode

    async def wait(self) -> int:
        """Wait for its end and return what it ended with."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; to a process that has ended, nothing."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self.send_signal(signal.SIGKILL)


def _live(words: Sequence[str], environ: Mapping[str, str], says: Path) -> None:
    """Be the command line, in the child."""
    from bot.app.cli import main
    from tests.live.process import die_at_commit, forget_orders, set_clock

    os.environ.update(environ)
    file = os.open(says, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(file, stream.fileno())
    die_at_commit(environ)
    forget_orders(environ)
    set_clock(environ)
    sys.exit(main(words))
