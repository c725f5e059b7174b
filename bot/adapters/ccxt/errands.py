"""The tasks of one account's venue: each asks for something and tells what it learned, and none dies unheard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Errands:
    """Starts tasks and keeps them. ``report`` is told the code and the words of what no task should come to."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        self._report = report
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin a task; its error, if it has one, is told as a bug."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def died(self, error: BaseException) -> None:
        """Tell of an error that nobody has an answer to."""
        self._report("venue_task_died", f"{type(error).__name__}: {error}; a bug of ours: please report it")

    async def close(self) -> None:
        """Cancel what is under way, and wait for its last words."""
        await asyncio.sleep(0)               # a task that has not begun could not tell what became of what it sent
        for task in [*self._tasks]:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.died(error)
