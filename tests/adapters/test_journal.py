"""The journal gives back what was committed, in order, and takes nothing out of order."""

from __future__ import annotations

import inspect
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.journal import sqlite as writer
from bot.adapters.journal.null import NullJournal
from bot.adapters.journal.reader import JournalReader, open_readonly
from bot.adapters.journal.sqlite import SqliteJournal
from bot.domain.effects import OpenParent
from bot.domain.errors import ContractError, JournalError
from bot.domain.events import Timer
from tests.adapters.journal_samples import FIRED, HEAD, RESERVED, append_step, record, step


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    with SqliteJournal.create(path, HEAD) as made:
        yield made


def test_journal_committed_steps_come_back_in_order(journal: SqliteJournal) -> None:
    """A step's facts are read before its effects, and steps by number, also over several commits."""
    for seq in (3, 4, 9):
        append_step(journal, seq)
    journal.commit()
    append_step(journal, 12)
    journal.commit()
    assert list(journal.read()) == record((3, 4, 9, 12))
    assert list(journal.read(after=4)) == record((9, 12))
    assert list(journal.read(after=12)) == []


def test_journal_before_commit_nothing_is_read(journal: SqliteJournal) -> None:
    """What is only remembered is not yet there."""
    append_step(journal, 1)
    assert list(journal.read()) == []
    assert journal.last_seq() == -1
    journal.commit()
    assert len(list(journal.read())) == 3
    assert journal.last_seq() == 1


def test_journal_reopened_has_head_and_record(path: Path) -> None:
    """Head and record outlive the process that wrote them; the number goes on."""
    with SqliteJournal.create(path, HEAD) as first:
        append_step(first, 7)
    with SqliteJournal.open(path) as second:
        assert second.head == HEAD
        assert second.last_seq() == 7
        append_step(second, 8)
        second.commit()
        assert list(second.read()) == record((7, 8))
        assert second.verify() == 6


def test_journal_empty_commit_writes_nothing(journal: SqliteJournal, path: Path) -> None:
    """A commit of nothing costs nothing: no batch, no transaction."""
    journal.commit()
    append_step(journal, 1)
    journal.commit()
    journal.commit()
    assert rows(path, "SELECT batch, seq_last, rows FROM batches") == [(0, 1, 3)]


def test_journal_left_with_an_error_does_not_commit(path: Path) -> None:
    """After an exception the driver decides what is true; the journal does not commit on its own."""
    with pytest.raises(ValueError, match="boom"), SqliteJournal.create(path, HEAD) as made:
        append_step(made, 1)
        raise ValueError("boom")
    with open_readonly(path) as reader:
        assert list(reader.read()) == []


def test_journal_fact_in_an_earlier_commit_than_its_effects_is_in_order(journal: SqliteJournal) -> None:
    """The fact may be made durable before the step; its effects follow under the same number."""
    fact, effects = step(5)
    journal.append_fact(5, fact)
    journal.commit()
    journal.append_effects(5, fact.now, effects[:1])
    journal.commit()
    journal.append_effects(5, fact.now, effects[1:])
    journal.commit()
    assert list(journal.read()) == record((5,))
    assert journal.verify() == 3


@pytest.mark.parametrize("reopen", [False, True])
def test_journal_out_of_order_is_refused(path: Path, reopen: bool) -> None:
    """Nothing may come before what was appended, also when that was in an earlier life."""
    journal = SqliteJournal.create(path, HEAD)
    append_step(journal, 5)
    if reopen:
        journal.commit()
        journal.close()
        journal = SqliteJournal.open(path)
    with pytest.raises(ContractError, match="was step 5 part 0 after step 5 part 1"):
        journal.append_fact(5, Timer(now=50))
    with pytest.raises(ContractError, match="was step 4 part 1 after"):
        journal.append_effects(4, 40, step(4)[1])
    with pytest.raises(ContractError, match="was step 4 part 2 after"):
        journal.checkpoint(4, 40, b"")
    journal.append_effects(5, 50, step(5)[1])
    journal.append_fact(6, Timer(now=60))
    journal.commit()
    assert [seq for seq, _ in journal.read()] == [5] * 5 + [6]
    journal.close()


@pytest.mark.parametrize("reopen", [False, True])
def test_journal_after_a_checkpoint_its_step_is_closed(path: Path, reopen: bool) -> None:
    """A checkpoint holds its whole step: a later row of that step would be folded twice or never."""
    journal = SqliteJournal.create(path, HEAD)
    append_step(journal, 5)
    journal.checkpoint(8, 80, b"book")
    journal.commit()
    if reopen:
        journal.close()
        journal = SqliteJournal.open(path)
    assert journal.last_seq() == 8
    with pytest.raises(ContractError):
        journal.append_effects(8, 80, step(8)[1])
    journal.append_fact(9, Timer(now=90))
    journal.close()


def test_journal_decisions_are_columns(journal: SqliteJournal, path: Path) -> None:
    """A person asks SQL what fired and why."""
    journal.append_effects(2, 20, [FIRED])
    journal.commit()
    ((seq, now, rule, scope, episode, why, readings),) = rows(path, "SELECT * FROM decisions")
    assert (seq, now, rule, episode, why) == (2, 20, "margin_guard", 4, "4.9% is less than 5%")
    assert json.loads(str(scope)) == {
        "account": 0, "key": {"account": 0, "instrument": 1, "side": "long", "mode": "isolated"}
    }
    assert json.loads(str(readings)) == [
        {"text": "account.liquidation_distance", "value": 0.049, "unit": "ratio"},
        {"text": "account.leverage", "value": None, "unit": "x"},
    ]


def test_journal_reservations_are_columns(journal: SqliteJournal, path: Path) -> None:
    """Whoever must know whether a name was reserved looks it up without reading effects."""
    journal.append_effects(2, 20, [RESERVED])
    journal.commit()
    assert rows(path, "SELECT * FROM reservations") == [
        ("p7001sl000000", 0, 1, "long", "isolated", "sell", 8, 16, 150_000, 2)
    ]


def test_journal_checkpoints_keeps_the_last_three(journal: SqliteJournal, path: Path) -> None:
    """The newest is the one that counts, and two older ones stand behind it."""
    assert journal.latest_checkpoint() is None
    for seq in (1, 2, 3, 4):
        journal.checkpoint(seq, seq * 10, b"book %d" % seq)
        journal.commit()
    assert journal.latest_checkpoint() == (4, b"book 4")
    assert rows(path, "SELECT seq FROM checkpoints ORDER BY seq") == [(2,), (3,), (4,)]


def test_journal_checkpoint_damaged_is_passed_over(journal: SqliteJournal, path: Path) -> None:
    """A checkpoint that is not what was written is not used; the one before it gives the same book."""
    for seq in (1, 2):
        journal.checkpoint(seq, seq * 10, b"book %d" % seq)
    journal.commit()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE checkpoints SET body = ? WHERE seq = 2", (b"book X",))
    db.close()
    assert journal.latest_checkpoint() == (1, b"book 1")


def test_journal_series_is_replaced_at_commit(journal: SqliteJournal) -> None:
    """A series is what was put last, once it is committed."""
    journal.put_series("equity", b"[1]")
    assert journal.get_series("equity") is None
    journal.commit()
    assert journal.get_series("equity") == b"[1]"
    journal.put_series("equity", b"[2]")
    journal.put_series("equity", b"[3]")
    journal.commit()
    assert journal.get_series("equity") == b"[3]"
    assert journal.get_series("distance") is None


def test_journal_waits_for_the_disk(journal: SqliteJournal) -> None:
    """Write-ahead log with full synchronisation: a commit that returned survives a power cut."""
    assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_journal_too_much_pending_is_refused(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is limited: at the limit the journal says that commits have failed, and loses nothing."""
    monkeypatch.setattr(writer, "PENDING_MAX", 3)
    append_step(journal, 1)
    with pytest.raises(JournalError, match="too much waits for a commit, was 3 messages"):
        journal.append_fact(2, Timer(now=20))
    journal.commit()
    journal.append_fact(2, Timer(now=20))
    journal.commit()
    assert len(list(journal.read())) == 4


def test_journal_appending_while_another_thread_commits_loses_nothing(journal: SqliteJournal) -> None:
    """The engine goes on while the disk works."""
    done = threading.Event()

    def commit_until_done() -> None:
        while not done.is_set():
            journal.commit()

    thread = threading.Thread(target=commit_until_done)
    thread.start()
    for seq in range(2_000):
        append_step(journal, seq)
    done.set()
    thread.join()
    journal.commit()
    assert list(journal.read()) == record(range(2_000))
    assert journal.verify() == 6_000


def test_reader_beside_a_writer_sees_what_was_committed(journal: SqliteJournal, path: Path) -> None:
    """A report may be made of a running daemon's journal; it can write nothing."""
    append_step(journal, 1)
    journal.commit()
    with open_readonly(path) as reader:
        assert list(reader.read()) == record((1,))
        append_step(journal, 2)
        journal.commit()
        assert list(reader.read()) == record((1, 2))
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._db.execute("INSERT INTO series VALUES ('x', 'y')")


def test_reader_leaves_no_files_behind(path: Path) -> None:
    """A run's folder holds the journal and the file of its lock; reading adds nothing."""
    SqliteJournal.create(path, HEAD).close()
    open_readonly(path).close()
    assert sorted(p.name for p in path.parent.iterdir()) == ["journal.sqlite", "journal.sqlite.lock"]


def test_null_journal_has_the_same_doors() -> None:
    """What runs with the journal runs without it: same methods, same arguments."""
    doors = {
        name: signature(member)
        for name, member in inspect.getmembers(SqliteJournal, inspect.isfunction)
        if not name.startswith("_")
    }
    assert {"append_fact", "append_effects", "commit", "read", "verify"} <= doors.keys()
    assert {name: signature(getattr(NullJournal, name)) for name in doors} == doors


def test_null_journal_keeps_nothing() -> None:
    """It reads as an empty journal whatever went in."""
    with NullJournal(HEAD) as journal:
        journal.append_fact(1, Timer(now=10))
        journal.append_effects(1, 10, step(1)[1])
        journal.checkpoint(1, 10, b"book")
        journal.put_series("equity", b"[]")
        journal.commit()
        assert list(journal.read()) == []
        assert journal.rows() == 0 and list(journal.effects_of(OpenParent)) == []
        assert journal.last_seq() == -1
        assert journal.latest_checkpoint() is None
        assert journal.get_series("equity") is None
        assert journal.verify() == 0
        assert journal.head == HEAD


def test_reader_has_no_way_to_write() -> None:
    """Only the writer can append."""
    assert not hasattr(JournalReader, "commit")
    assert not hasattr(JournalReader, "append_fact")


def signature(member: object) -> list[str]:
    assert callable(member)
    return [str(parameter) for parameter in inspect.signature(member).parameters.values()]


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()
