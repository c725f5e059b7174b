"""The file of latches: whole or not at all, readable or refused, and a person's word before a run's."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from bot.adapters import latch as module
from bot.adapters.latch import ALL, LATCH_NAME, LatchFile, Word, word_for
from bot.domain.errors import JournalError
from bot.domain.latch import Latch

KILLED = Word(Latch.KILLED, "a test", "ann", "2026-11-21T16:00:00Z")
FROZEN = Word(Latch.FROZEN, "another", "bob", "2026-11-21T17:00:00Z")


def test_latch_file_that_is_not_there_shuts_nothing(tmp_path: Path) -> None:
    """Most runs never have one."""
    file = LatchFile(tmp_path)
    assert file.read() == {} and file.mark() is None


def test_latch_file_keeps_each_account_and_a_word_for_all_makes_them_void(tmp_path: Path) -> None:
    """One account's word stands beside another's, until somebody speaks for all."""
    file = LatchFile(tmp_path)
    file.say("main", KILLED)
    file.say("other", FROZEN)
    assert file.read() == {"main": KILLED, "other": FROZEN}
    file.say(ALL, FROZEN)
    file.say("main", KILLED)
    words = file.read()
    assert (word_for(words, "main"), word_for(words, "other"), word_for({}, "main")) == (KILLED, FROZEN, None)


def test_latch_file_changes_its_mark_with_every_word(tmp_path: Path) -> None:
    """A run looks at the mark twenty times a second, and reads only when it is another."""
    file = LatchFile(tmp_path)
    file.say("main", KILLED)
    first = file.mark()
    assert file.mark() == first
    file.say("main", KILLED)
    assert file.mark() != first


def test_note_of_a_run_gives_way_to_a_word_it_has_not_seen(tmp_path: Path) -> None:
    """A flatten that ends just when a person freezes must not write over him."""
    file = LatchFile(tmp_path)
    file.say("main", FROZEN)
    assert file.note("main", KILLED, seen=None) is False
    assert file.read() == {"main": FROZEN}
    assert file.note("main", KILLED, seen=FROZEN) is True
    assert file.read() == {"main": KILLED}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"main": 1}', '{"main": {"latch": "ajar"}}',
                                  '{"main": {"latch": "killed"}}', "\xff"])
def test_damaged_latch_file_is_refused_and_can_be_said_anew(tmp_path: Path, text: str) -> None:
    """Nobody knows what it meant, so nothing starts by it; a kill writes over it all the same."""
    (tmp_path / LATCH_NAME).write_bytes(text.encode("latin-1"))
    file = LatchFile(tmp_path)
    with pytest.raises(JournalError, match=r"penstock\.latch: cannot be read .*; say what holds"):
        file.read()
    file.say("main", KILLED)
    assert file.read() == {"main": KILLED}


def test_writer_that_dies_half_way_leaves_the_old_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft is another file until it is whole and on the disk."""
    file = LatchFile(tmp_path)
    file.say("main", FROZEN)

    def dies(handle: int) -> None:
        del handle
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", dies)
    with pytest.raises(JournalError, match="No space left on device; free space"):
        file.say("main", KILLED)
    assert file.read() == {"main": FROZEN}


def test_word_is_on_the_disk_before_its_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the draft is synced, then it is renamed, then the folder is synced."""
    happened: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        happened.append("sync")
        sync(handle)

    def renamed(old: Path, new: Path) -> Path:
        happened.append("rename")
        return replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    LatchFile(tmp_path).say("main", KILLED)
    assert happened == ["sync", "rename", "sync"]


def test_kill_is_written_though_another_writer_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is a courtesy: whoever holds it for longer than a second has lost it."""
    monkeypatch.setattr(module, "LOCK_WAIT", 0.1)
    holder = os.open(tmp_path / f"{LATCH_NAME}.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    began = time.monotonic()
    LatchFile(tmp_path).say("main", KILLED)
    assert LatchFile(tmp_path).read() == {"main": KILLED}
    assert time.monotonic() - began > 0.05
    os.close(holder)
