"""File and engine kept the same, without a process: which word wins, and what is written back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.adapters.latch import ALL, LATCH_NAME, LatchFile, Word
from bot.app.latches import Latches
from bot.app.logs import configure
from bot.app.session import Session
from bot.domain.effects import SetLatch
from bot.domain.errors import JournalError
from bot.domain.events import Command, CommandKind
from bot.domain.latch import Latch


@dataclass
class FakeSession:
    """Two accounts whose latches do as they are told; ``commands`` is what was asked."""

    held: list[Latch]
    commands: list[Command] = field(default_factory=list)
    latches: Latches | None = None

    @property
    def engine(self) -> Any:
        names = [SimpleNamespace(name="main"), SimpleNamespace(name="other")]
        accounts = [SimpleNamespace(latch=latch) for latch in self.held]
        return SimpleNamespace(layout=SimpleNamespace(accounts=names), book=SimpleNamespace(accounts=accounts))

    def command(self, command: Command) -> None:
        self.commands.append(command)
        latch = {
            CommandKind.FREEZE: Latch.FROZEN, CommandKind.KILL: Latch.KILLED, CommandKind.FLATTEN: Latch.FLATTENING,
            CommandKind.RESUME: Latch.OPEN,
        }[command.kind]
        self.come_to(command.account, latch, command.by)

    def come_to(self, account: int, latch: Latch, by: str = "") -> None:
        self.held[account] = latch
        assert self.latches is not None
        self.latches.on_effects([SetLatch(account, latch, "it was said", by, 1)])


def made(folder: Path, *held: Latch) -> tuple[Latches, FakeSession]:
    session = FakeSession(list(held))
    session.latches = Latches(LatchFile(folder), cast("Session", session))
    return session.latches, session


def word(latch: Latch, at: str = "t") -> Word:
    return Word(latch, "a test", "ann", at)


@pytest.mark.parametrize("journal", list(Latch))
@pytest.mark.parametrize("file", [None, *Latch])
def test_start_lets_the_stricter_of_journal_and_file_hold(tmp_path: Path, journal: Latch, file: Latch | None) -> None:
    """Every pair of the two: neither an old backup nor a lost file opens anything, and both agree afterwards."""
    latches, session = made(tmp_path, journal, Latch.OPEN)
    if file is not None:
        latches.file.say("main", word(file))
    latches.start(1)
    strictest = max((journal, file or Latch.OPEN), key=lambda latch: latch.strictness)
    assert session.held == [strictest, Latch.OPEN]
    found = latches.file.read()
    assert (found["main"].latch if found else Latch.OPEN) is strictest
    latches.look(2)
    assert len(session.commands) <= 1


def test_look_obeys_a_newer_word_though_it_opens(tmp_path: Path) -> None:
    """While the run goes on a person is heard, and named."""
    latches, session = made(tmp_path, Latch.KILLED, Latch.OPEN)
    latches.start(1)
    latches.file.say("main", word(Latch.OPEN))
    latches.look(2)
    latches.look(3)
    assert [(each.kind, each.by, each.now) for each in session.commands] == [(CommandKind.RESUME, "ann", 2)]


def test_look_takes_a_word_for_all_to_every_account(tmp_path: Path) -> None:
    """A kill without `--account` is a kill of the whole run."""
    latches, session = made(tmp_path, Latch.OPEN, Latch.FROZEN)
    latches.start(1)
    latches.file.say(ALL, word(Latch.KILLED))
    latches.look(2)
    assert session.held == [Latch.KILLED, Latch.KILLED]


def test_end_of_a_flatten_is_written_down_as_killed(tmp_path: Path) -> None:
    """A journal restored from the midst of it must not sell what a person has bought since."""
    latches, session = made(tmp_path, Latch.OPEN, Latch.OPEN)
    latches.start(1)
    latches.file.say(ALL, word(Latch.FLATTENING))
    latches.look(2)
    session.come_to(0, Latch.KILLED)
    words = latches.file.read()
    assert (words["main"].latch, words[ALL].latch) == (Latch.KILLED, Latch.FLATTENING)
    latches.look(3)
    assert session.held == [Latch.KILLED, Latch.FLATTENING]


def test_end_of_a_flatten_does_not_write_over_a_resume_that_was_not_seen_yet(tmp_path: Path) -> None:
    """The person spoke between two looks; the next look hears him."""
    latches, session = made(tmp_path, Latch.OPEN, Latch.OPEN)
    latches.start(1)
    latches.file.say("main", word(Latch.FLATTENING))
    latches.look(2)
    latches.file.say("main", word(Latch.OPEN))
    session.come_to(0, Latch.KILLED)
    latches.look(3)
    assert session.held[0] is Latch.OPEN


def test_unreadable_file_refuses_a_start_and_freezes_a_run(tmp_path: Path) -> None:
    """Nobody knows what it says: at a start a person looks, and while the run goes on nothing opens meanwhile."""
    latches, session = made(tmp_path, Latch.OPEN, Latch.OPEN)
    latches.start(1)
    (tmp_path / LATCH_NAME).write_text("?", encoding="utf-8")
    latches.look(2)
    assert session.held == [Latch.FROZEN, Latch.FROZEN]
    with pytest.raises(JournalError):
        made(tmp_path, Latch.OPEN, Latch.OPEN)[0].start(1)


def test_word_for_an_account_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A slip of the pen looks like what it is."""
    stream = StringIO()
    configure(stream, "info", json=True)
    latches, session = made(tmp_path, Latch.OPEN, Latch.OPEN)
    latches.file.say("mian", word(Latch.KILLED))
    latches.start(1)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["account"]) == ("latch_unknown_account", "mian")
    assert session.commands == []
