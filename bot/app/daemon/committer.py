"""Makes the journal durable beside the loop, in one thread: whoever must wait for the disk leaves a callback.

    append (loop) -> request -> commit (thread) -> durable(seq) (loop)

One commit takes everything that was appended before it began, so a burst costs one write to the disk. When the disk
refuses, or does not answer for ``PATIENCE``, the same record goes to an fsynced file beside the journal (R32), which
the next start puts back, and the record counts as durable from there. When that file cannot be written either, nothing
counts as durable, and only what was reserved before may leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from bot.domain.errors import JournalError

PATIENCE = 2.0                       # seconds; a commit takes 0.3 ms, one behind a checkpoint of SQLite some 10 ms
RETRY_EVERY = 1.0                    # seconds between two tries of a disk that refuses
# Encoding a record takes the interpreter from the loop. Where nobody waits for the disk, an order under way goes first.
LAZY = 0.002


class Durable(Protocol):
    """What a commit makes durable."""

    def commit(self) -> None: ...

    def waiting(self) -> Sequence[object]: ...


class Spare(Protocol):
    """Where the record goes when the journal does not take it."""

    def save(self) -> None:
        """Make all that waits for a commit durable elsewhere; raises JournalError when that fails as well."""

    def clear(self) -> None:
        """The journal has everything again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The journal's disk refuses, or is silent; ``is_lost`` when the spare file is of no use either."""

    reason: str
    is_lost: bool


class Committer:
    """``on_durable(step)`` is called on the loop when everything up to ``step`` can survive a power cut."""

    def __init__(
        self,
        journal: Durable,
        spare: Spare,
        on_durable: Callable[[int], None],
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._journal = journal
        self._spare = spare
        self._on_durable = on_durable
        self._on_trouble = on_trouble
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="spare")
        self._asked = asyncio.Event()
        self._hurry = asyncio.Event()
        self._step = -1
        self._durable = -1
        self._writes: Future[None] | None = None             # the newest commit as the thread has it
        self._commit: asyncio.Future[None] | None = None     # and as the loop, which hears of its end later
        self._retry_at = 0.0
        self._trouble: Trouble | None = None

    def request(self, step: int, *, is_waited_for: bool) -> None:
        """Ask for a commit of all that was appended up to ``step``, at once if an order waits for it."""
        self._step = step
        self._asked.set()
        if is_waited_for:
            self._hurry.set()

    async def run(self, beat: Callable[[], None]) -> None:
        """Commit whenever it is asked, for ever; ``beat`` is called as long as it goes round."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_EVERY):
                    await self._asked.wait()
            if self._asked.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LAZY):
                        await self._hurry.wait()
            was_asked = self._asked.is_set()     # for series and checkpoints as well, which are of no step of their own
            self._asked.clear()
            self._hurry.clear()
            beat()
            if was_asked or self._trouble is not None:
                await self._make_durable(self._step)

    def close(self) -> None:
        """Commit what is left and end the threads; raises JournalError when the disk refuses, or still hangs."""
        self._thread.shutdown(wait=self._trouble is None, cancel_futures=True)
        self._writing.shutdown(wait=False, cancel_futures=True)
        if self._writes is not None and not self._writes.done():
            raise JournalError(f"journal: {self._trouble and self._trouble.reason}; the rest lies in the spare file")
        self._journal.commit()
        self._spare.clear()

    async def _make_durable(self, step: int) -> None:
        """Commit, or write beside the journal what no commit has taken; a disk in trouble is not waited for again."""
        loop = asyncio.get_running_loop()
        if self._commit is None and loop.time() >= self._retry_at:
            self._writes = self._thread.submit(self._journal.commit)
            self._commit = asyncio.wrap_future(self._writes)
        reason = "is still refused"
        if self._commit is not None:
            await asyncio.wait({self._commit}, timeout=PATIENCE if self._trouble is None else 0)
            if not self._commit.done():
                reason = f"has not answered for {PATIENCE:g} s"
            else:
                error, self._commit = self._commit.exception(), None
                if error is None:
                    self._recovered(step)
                    return
                if not isinstance(error, JournalError):
                    raise error
                self._retry_at = loop.time() + RETRY_EVERY
                reason = str(error)
        await self._save_beside(self._step, reason)

    async def _save_beside(self, step: int, reason: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE):
                await loop.run_in_executor(self._writing, self._spare.save)
        except (JournalError, TimeoutError) as error:
            self._tell(Trouble(f"{reason}; and {error or 'the spare file does not answer'}", is_lost=True))
            return
        self._tell(Trouble(reason, is_lost=False))
        self._reach(step)

    def _recovered(self, step: int) -> None:
        if self._trouble is not None and self._journal.waiting():
            self._asked.set()                # what came after this commit began lies in the spare file alone
        elif self._trouble is not None:
            self._trouble = None
            self._spare.clear()
            self._on_trouble(None)
        self._reach(step)

    def _reach(self, step: int) -> None:
        if step > self._durable:
            self._durable = step
            self._on_durable(step)

    def _tell(self, trouble: Trouble) -> None:
        """Say it once, and again when it gets worse or better."""
        told, self._trouble = self._trouble, trouble
        if told is None or told.is_lost != trouble.is_lost:
            self._on_trouble(trouble)
