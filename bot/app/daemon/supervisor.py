"""Tasks that are missed when they die: no task of the daemon is started anywhere else.

A task that ends, however it ends, or that has not beaten for as long as it may be silent has failed. The first failure
is told once, to whoever shuts the house; all tasks are cancelled together at the end. A loop that hangs as a whole
tells nobody: that is what the service manager's watchdog is for, which hears only ``progress``. When it goes on (a
machine that was put to sleep, a process that was stopped), no task is blamed for the time in which none could beat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

LOOK_EVERY = 0.5                     # seconds; a stall is told within this much of its limit
LAG_MAX = 1.0                        # seconds that the loop may be late: RELIABILITY 6.2, the rule of the ping
CANCEL_WAIT = 5.0                    # seconds for tasks to end when they are cancelled


@dataclass(slots=True)
class Pulse:
    """One task's heart: the task beats, the supervisor listens."""

    name: str
    silence_max: float
    now: Callable[[], float]
    last: float = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.now()

    def beat(self) -> None:
        """Say that something was achieved; never call it from a timer alone."""
        self.last = self.now()

    def excuse(self, seconds: float) -> None:
        """Count no silence for ``seconds`` in which the loop stood still."""
        self.last = min(self.now(), self.last + seconds)

    @property
    def is_silent(self) -> bool:
        """True when it has not beaten for longer than it may."""
        return self.now() - self.last > self.silence_max


Job = Callable[[Pulse], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Which task failed first, and how."""

    task: str
    reason: str
    error: BaseException | None = None


class Supervisor:
    """Keeps the daemon's tasks, and notices the first that dies or stalls."""

    def __init__(self, on_failure: Callable[[Failure], Awaitable[None]]) -> None:
        self._on_failure = on_failure
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pulses: dict[str, Pulse] = {}
        self._is_ending = False
        self.failure: Failure | None = None
        self._failed = asyncio.Event()

    def start(self, name: str, job: Job, *, silence_max: float) -> None:
        """Begin a task that must beat at least every ``silence_max`` seconds and must never end."""
        pulse = Pulse(name, silence_max, asyncio.get_running_loop().time)
        task = asyncio.create_task(job(pulse), name=name)
        self._tasks[name], self._pulses[name] = task, pulse
        task.add_done_callback(self._ended)

    async def watch(self, progress: Callable[[], None]) -> Failure:
        """Return the first failure; ``progress`` is called while every task beats and the loop is on time.

        Whatever ends the watching itself is a failure like any other: nobody would look after the tasks.
        """
        try:
            failure = await self._first_failure(progress)
        except Exception as error:       # noqa: BLE001 - the last place where it can be told
            failure = self._fail(_failure_of("watch", error))
        await self._on_failure(failure)
        return failure

    async def _first_failure(self, progress: Callable[[], None]) -> Failure:
        loop = asyncio.get_running_loop()
        while self.failure is None:
            asked = loop.time()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._failed.wait()
            late = max(0.0, loop.time() - asked - LOOK_EVERY)
            for pulse in self._pulses.values():
                pulse.excuse(late)
                if pulse.is_silent:
                    self._fail(Failure(pulse.name, f"has done nothing for {loop.time() - pulse.last:.1f} s"))
                    break
            else:
                if late < LAG_MAX:
                    progress()
        return self.failure

    async def end(self) -> None:
        """Cancel every task and wait until they have ended, but not for ever."""
        self._is_ending = True
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=CANCEL_WAIT)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._is_ending:
            return
        if task.cancelled():
            self._fail(Failure(task.get_name(), "was cancelled"))
            return
        error, name = task.exception(), task.get_name()
        self._fail(Failure(name, "ended by itself") if error is None else _failure_of(name, error))

    def _fail(self, failure: Failure) -> Failure:
        """Take a failure if it is the first, and return the first."""
        if self.failure is None:
            self.failure = failure
            self._failed.set()
        return self.failure


def _failure_of(task: str, error: BaseException) -> Failure:
    return Failure(task, f"{type(error).__name__}: {error}", error)
