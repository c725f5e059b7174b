"""How the journal's thread ends with its daemon: what is being written then is waited for, a disk that hangs is not."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

import pytest

from bot.app.daemon import committer as rooms
from bot.app.daemon.committer import Committer, Trouble
from bot.domain.errors import JournalError


@dataclass
class SlowJournal:
    """A journal whose first commit waits until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)
    commits: int = 0

    def commit(self) -> None:
        self.commits += 1
        if self.commits == 1:
            self.begun.set()
            self.free.wait(60.0)

    def waiting(self) -> list[object]:
        return []


class KeptAside:
    """A spare file that takes everything."""

    def save(self) -> None: ...

    def clear(self) -> None: ...


async def ended_in_a_commit(journal: SlowJournal, troubles: list[Trouble | None]) -> Committer:
    """Return a committer whose task was ended while its first commit was under way."""
    committer = Committer(journal, KeptAside(), lambda _: None, troubles.append)
    task = asyncio.create_task(committer.run(lambda: None))
    committer.request(1, is_waited_for=True)
    async with asyncio.timeout(60.0):
        while not journal.begun.is_set() or (rooms.PATIENCE < 1.0 and not troubles):
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    return committer


def test_committer_ended_in_the_middle_of_a_commit_waits_for_it_and_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread ends its commit while the loop does not look: the daemon ends well."""
    monkeypatch.setattr(rooms, "PATIENCE", 60.0)

    async def scene() -> None:
        journal, troubles = SlowJournal(), list[Trouble | None]()
        committer = await ended_in_a_commit(journal, troubles)
        threading.Timer(0.05, journal.free.set).start()
        committer.close()
        assert journal.commits == 2 and troubles == []

    asyncio.run(scene())


def test_committer_ended_while_the_disk_hangs_says_so_and_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is silent would hold the end up for ever: the rest lies in the spare file, and that is told."""
    monkeypatch.setattr(rooms, "PATIENCE", 0.02)

    async def scene() -> None:
        journal, troubles = SlowJournal(), list[Trouble | None]()
        committer = await ended_in_a_commit(journal, troubles)
        with pytest.raises(JournalError, match="the rest lies in the spare file"):
            committer.close()
        assert [trouble is not None and trouble.is_lost for trouble in troubles] == [False]
        journal.free.set()

    asyncio.run(scene())
