"""Journals and clocks with a flaw, for daemons in processes of their own.

``TEST_DIE_AT_COMMIT`` is the number of a commit, from 1; the process dies after an even one and before an odd one.
``TEST_FORGET_ORDERS`` lets no commit with an order in it come to an end. ``TEST_CLOCK_AHEAD`` are seconds by which the
machine's clock is wrong, ``TEST_CLOCK_STEP`` those by which somebody sets it at SIGUSR1.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping

from bot.adapters.journal.sqlite import SqliteJournal
from bot.app.daemon.clock import WallClock
from bot.domain.effects import PlaceOrder


def die_at_commit(environ: Mapping[str, str]) -> None:
    """Let this process die at the commit that the variable names, if there is one."""
    number = int(environ.get("TEST_DIE_AT_COMMIT", 0))
    if not number:
        return
    commit = SqliteJournal.commit
    is_after = number % 2 == 0
    left = number

    def dying(journal: SqliteJournal) -> None:
        """Commit, and die at the chosen one. An empty commit writes nothing and does not count."""
        nonlocal left
        if not journal.waiting():
            commit(journal)
            return
        left -= 1
        if left == 0 and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(journal)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    SqliteJournal.commit = dying  # type: ignore[method-assign, assignment]


def forget_orders(environ: Mapping[str, str]) -> None:
    """Let the disk hang in this process as soon as an order is to be recorded, if the variable asks for it."""
    if not environ.get("TEST_FORGET_ORDERS"):
        return
    commit = SqliteJournal.commit

    def hanging(journal: SqliteJournal) -> None:
        """Commit, unless an order waits: then never."""
        if any(isinstance(item[-1], PlaceOrder) for item in [*journal._pending]):
            threading.Event().wait()
        commit(journal)

    SqliteJournal.commit = hanging  # type: ignore[method-assign]


def set_clock(environ: Mapping[str, str]) -> None:
    """Let the machine's clock be wrong in this process, from the start or from a signal on, if a variable asks."""
    ahead, step = (int(environ.get(name, 0)) * 1_000_000_000 for name in ("TEST_CLOCK_AHEAD", "TEST_CLOCK_STEP"))
    if not ahead and not step:
        return
    right = time.time_ns

    def stepped(*_: object) -> None:
        nonlocal ahead
        ahead += step

    signal.signal(signal.SIGUSR1, stepped)
    time.time_ns = lambda: right() + ahead
    time.time = lambda: time.time_ns() / 1_000_000_000
    WallClock.__init__.__defaults__ = (time.time_ns, time.monotonic_ns)
