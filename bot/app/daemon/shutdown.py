"""How a daemon ends: on whose word, after what, and with which exit code.

    SIGTERM, SIGINT        drain: parents of the margin class may finish, for at most ``DRAIN_MAX``; then stop; 0
    a second one           stop now, stops stay; 0
    drain took too long    stop, and say so; 75
    a task died            freeze, ring, make the record durable, stop; 70
    the journal failed     4
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from bot.domain.order import OrderClass
from bot.engine.engine import Engine

DRAIN_MAX = 45.0                     # seconds: RELIABILITY 6.6; systemd waits 60
EXIT_UNFINISHED = 75
LOOK_EVERY = 0.1


class Shutdown:
    """Hears the signals that end a daemon, from the moment it is made, on the running loop."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ask)

    def ask(self) -> None:
        """Ask for the end; asked twice, for the end at once."""
        if self.asked.is_set():
            self.at_once.set()
        self.asked.set()

    async def drain(self, engine: Engine, is_failing: Callable[[], bool]) -> bool:
        """Wait until nothing that survival needs is at work; False when it still is after ``DRAIN_MAX``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DRAIN_MAX
        while is_rescuing(engine) and not self.at_once.is_set() and not is_failing():
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(LOOK_EVERY)
        return True


def is_rescuing(engine: Engine) -> bool:
    """Say whether a parent of the margin class is at work."""
    return any(
        duty.order_class is OrderClass.MARGIN for parent in engine.book.parents.values() for duty in parent.obligations
    )
