"""The journal of a replay: the same record, from fewer looks at the disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot.adapters.journal import seldom
from bot.adapters.journal.reader import open_readonly
from bot.adapters.journal.seldom import SeldomJournal
from bot.adapters.journal.sqlite import SqliteJournal
from tests.adapters.journal_samples import HEAD, append_step, record

STEPS = 7


def batches(path: Path) -> int:
    """How many commits a finished journal was written in."""
    db = sqlite3.connect(path)
    try:
        return int(db.execute("SELECT count(*) FROM batches").fetchone()[0])
    finally:
        db.close()


def write(journal: SqliteJournal) -> None:
    """Write a few steps, each with a commit of its own."""
    with journal:
        for number in range(STEPS):
            append_step(journal, number)
            journal.commit()


def test_seldom_journal_holds_the_record_of_one_that_commits_at_once(tmp_path: Path) -> None:
    """Facts, effects and their order are the same; only the batches are fewer."""
    at_once, later = tmp_path / "at_once.sqlite", tmp_path / "later.sqlite"
    write(SqliteJournal.create(at_once, HEAD))
    write(SeldomJournal.create(later, HEAD))
    with open_readonly(at_once) as one, open_readonly(later) as other:
        assert list(one.read()) == list(other.read()) == record(range(STEPS))
        assert other.verify() == one.verify()
    assert batches(later) == 1 < batches(at_once)


def test_seldom_journal_commits_by_itself_when_enough_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long replay must not keep its whole record in memory."""
    monkeypatch.setattr(seldom, "MESSAGES_MIN", 3)
    path = tmp_path / "journal.sqlite"
    write(SeldomJournal.create(path, HEAD))
    assert 1 < batches(path) < STEPS + 1


def test_seldom_journal_left_with_an_error_ends_at_the_last_commit_that_was_asked_for(tmp_path: Path) -> None:
    """After a fault the record is that of a journal which commits at once, and it is the fault that is told."""
    path = tmp_path / "journal.sqlite"
    with pytest.raises(ZeroDivisionError), SeldomJournal.create(path, HEAD) as journal:
        append_step(journal, 0)
        journal.commit()
        append_step(journal, 1)
        raise ZeroDivisionError
    with open_readonly(path) as reader:
        assert list(reader.read()) == record((0,))
