"""Whatever happens to the file, the journal tells the truth or refuses, with the place and the cure."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.adapters.journal.faults import faults_of
from bot.adapters.journal.reader import open_readonly
from bot.adapters.journal.sqlite import SqliteJournal
from bot.domain.errors import JournalError
from tests.adapters.journal_samples import FIRED, HEAD, RESERVED, append_step, record
from tests.shared_data import ROOT

STEPS = range(40)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def written(path: Path) -> Path:
    """A journal of forty steps in eight batches, closed."""
    with SqliteJournal.create(path, HEAD) as journal:
        for seq in STEPS:
            append_step(journal, seq)
            if seq % 5 == 4:
                journal.commit()
        journal.append_effects(STEPS[-1], 0, [FIRED, RESERVED])
        journal.checkpoint(STEPS[-1], 0, b"book")
    return path


# Append-only, and chained ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("head", "value"), ("facts", "now"), ("effects", "body"), ("batches", "digest"),
        ("decisions", "why"), ("reservations", "count"),
    ],
)
def test_journal_record_changed_by_sql_is_refused(written: Path, table: str, column: str) -> None:
    """No statement changes or removes what was recorded, from any program."""
    db = sqlite3.connect(written)
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
            db.execute(statement)
    db.close()


TAMPERINGS = [
    ("a fact's body", "UPDATE facts SET body = '{\"now\":77}' WHERE seq = 7"),
    ("a fact's time", "UPDATE facts SET now = 77 WHERE seq = 7"),
    ("an effect's kind", "UPDATE effects SET kind = 'EndEpisode' WHERE seq = 7 AND ordinal = 1"),
    ("two effects swapped", "UPDATE effects SET ordinal = ordinal + 2 WHERE seq = 7 AND ordinal = 0"),
    ("a gap in a step", "UPDATE effects SET ordinal = 5 WHERE seq = 7 AND ordinal = 1"),
    ("a row moved to another step", "UPDATE effects SET seq = 6, ordinal = 2 WHERE seq = 7 AND ordinal = 1"),
    ("the first row lost", "DELETE FROM facts WHERE seq = 0"),
    ("the last row lost", "DELETE FROM effects WHERE seq = 39 AND ordinal = 3"),
    ("a middle step lost", "DELETE FROM facts WHERE seq = 20"),
    ("a row added at the end", "INSERT INTO facts VALUES (99, 0, 1, 'Timer', '{\"now\":1}')"),
    ("a row added in the middle", "INSERT INTO facts VALUES (7, 1, 1, 'Timer', '{\"now\":1}')"),
    ("a batch lost", "DELETE FROM batches WHERE batch = 3"),
    ("the last batch lost", "DELETE FROM batches WHERE batch = (SELECT max(batch) FROM batches)"),
    ("the configuration", "UPDATE head SET value = 'accounts: {}' WHERE key = 'config'"),
    ("the marker", "UPDATE head SET value = 'q8' WHERE key = 'marker'"),
    ("a decision", "UPDATE decisions SET why = 'because'"),
    ("a reservation", "UPDATE reservations SET quantity_max = 1"),
    ("a reservation lost", "DELETE FROM reservations"),
]


@pytest.mark.parametrize(("what", "statement"), TAMPERINGS, ids=[what for what, _ in TAMPERINGS])
def test_journal_tampered_with_is_not_opened(written: Path, what: str, statement: str) -> None:
    """Somebody who takes the triggers away and edits is found out before anything is built on it."""
    db = sqlite3.connect(written)
    for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {trigger}")
    assert db.execute(statement).rowcount == 1, what
    db.commit()
    db.close()
    with open_readonly(written) as reader, pytest.raises(JournalError, match="it was changed after it was"):
        reader.verify()
    with pytest.raises(JournalError, match="it was changed after it was written"):
        SqliteJournal.open(written)
    SqliteJournal.create(written.with_name("other.sqlite"), HEAD).close()


def test_journal_untouched_verifies(written: Path) -> None:
    """The same journal without any change is sound: the checks above do not cry wolf."""
    with SqliteJournal.open(written) as journal:
        assert journal.verify() == 3 * len(STEPS) + 2


def what_it_says(path: Path) -> object:
    """Return the record of a verified journal, or None where it was refused; any other error is a failure."""
    try:
        with open_readonly(path) as reader:
            reader.verify()
            return reader.head, list(reader.read())
    except JournalError:
        return None


def test_journal_bits_flipped_anywhere_never_changes_what_is_read(written: Path, tmp_path: Path) -> None:
    """A disk that rots is refused, or the rot lies in bytes that carry nothing: never another record."""
    sound = what_it_says(written)
    assert sound is not None
    whole = written.read_bytes()
    chance = random.Random(12)
    copy = tmp_path / "copy.sqlite"
    refused = 0
    for _ in range(250):
        where = chance.randrange(len(whole))
        copy.write_bytes(whole[:where] + bytes([whole[where] ^ 1 << chance.randrange(8)]) + whole[where + 1 :])
        said = what_it_says(copy)
        assert said in (sound, None), f"byte {where}"
        refused += said is None
    assert refused > 25


def test_journal_cut_short_is_refused(written: Path, tmp_path: Path) -> None:
    """A file that lost its end, by a byte or by half, is refused."""
    whole = written.read_bytes()
    copy = tmp_path / "copy.sqlite"
    chance = random.Random(12)
    last_page = range(len(whole) - 4096, len(whole))
    for length in (0, 1, 99, 100, len(whole) // 2, last_page[0], *chance.sample(last_page, 40)):
        copy.write_bytes(whole[:length])
        assert what_it_says(copy) is None, f"{length} of {len(whole)} bytes"


# One writer -----------------------------------------------------------------------------------------------


def test_journal_second_writer_is_refused_until_the_first_leaves(written: Path) -> None:
    """Two daemons on one journal would each think that the names are theirs."""
    first = SqliteJournal.open(written)
    with pytest.raises(JournalError, match=f"another process is writing it, was process {os.getpid()}; stop"):
        SqliteJournal.open(written)
    first.close()
    first.close()
    SqliteJournal.open(written).close()


def test_journal_second_process_is_refused(written: Path) -> None:
    """The same between two processes; the message names the one that has it."""
    with SqliteJournal.open(written):
        other = writer_process(written)
        _, errors = other.communicate(timeout=60)
    assert other.returncode != 0
    assert f"another process is writing it, was process {os.getpid()}" in errors


# What stands in the way of opening ------------------------------------------------------------------------


def test_journal_missing_or_foreign_file_says_what_to_do(tmp_path: Path) -> None:
    """No file, a folder, an empty file, text, another program's database: each is named, nothing is made."""
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("ts_ms,open,high\n" * 100)
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE trades (id)").connection.close()
    for name, message in [
        ("none", "there is no journal, was nothing; give the path"),
        (".", "there is no journal, was a folder; give the path"),
        ("empty", "there is no journal, was an empty file; give the path"),
        ("text", "is not a journal, was file is not a database .*; give the journal.sqlite"),
        ("other", "is an SQLite file but not a journal, was without a table `head`; give"),
    ]:
        for opening in (SqliteJournal.open, open_readonly):
            with pytest.raises(JournalError, match=message) as caught:
                opening(tmp_path / name)
            assert caught.value.exit_code == 4
    assert not (tmp_path / "none.lock").exists()


def test_journal_of_another_format_names_the_version_to_use(written: Path) -> None:
    """An old program does not write into a new journal, nor the reverse."""
    db = sqlite3.connect(written)
    db.executescript("DROP TRIGGER head_UPDATE; UPDATE head SET value = '2' WHERE key = 'format'")
    db.close()
    for opening in (SqliteJournal.open, open_readonly):
        with pytest.raises(JournalError, match=r"\(1\), was 2; read it with penstock 0.1.0"):
            opening(written)


def test_journal_create_where_one_exists_is_refused(written: Path) -> None:
    """A second run does not write over the first."""
    before = written.read_bytes()
    with pytest.raises(JournalError, match=r"already exists, was a file of .*; choose another folder"):
        SqliteJournal.create(written, HEAD)
    assert written.read_bytes() == before


def test_journal_create_in_an_impossible_folder_is_refused(tmp_path: Path) -> None:
    """A folder that is not there, or is a file, is our error."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(JournalError, match=r"cannot be opened, was .*; check that its folder exists"):
            SqliteJournal.create(folder / "journal.sqlite", HEAD)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_journal_in_a_folder_without_permission_is_read_but_not_written(written: Path) -> None:
    """A report can be made of a run that somebody else may write."""
    written.chmod(0o400)
    written.parent.chmod(0o500)
    try:
        with pytest.raises(JournalError):
            SqliteJournal.open(written)
        with open_readonly(written) as reader:
            assert reader.last_seq() == STEPS[-1]
    finally:
        written.parent.chmod(0o700)


def test_journal_creation_interrupted_is_begun_again(path: Path) -> None:
    """A crash while the file is made, and the log of a deleted journal, do not stand in the way."""
    for leftover in (".new", ".new-journal", "-wal", "-shm"):
        path.with_name(path.name + leftover).write_bytes(b"left over")
    with SqliteJournal.create(path, HEAD) as journal:
        append_step(journal, 1)
        journal.commit()
        assert list(journal.read()) == record((1,))


# Disks that refuse ----------------------------------------------------------------------------------------


def test_journal_disk_refuses_then_recovers_loses_nothing(path: Path) -> None:
    """A full disk is an error with a cure; once there is room, the same commit goes through."""
    journal = SqliteJournal.create(path, HEAD)
    append_step(journal, 0)
    journal.commit()
    for seq in range(1, 2_000):
        append_step(journal, seq)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(JournalError, match=r"kept in memory and goes with the next commit"):
            journal.commit()
        assert list(journal.read()) == record((0,))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    append_step(journal, 2_000)
    journal.commit()
    assert list(journal.read()) == record(range(2_001))
    assert journal.verify() == 3 * 2_001
    journal.close()


def test_journal_held_by_another_program_is_named(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody edits the file in an SQL shell: the commit says so, and goes through afterwards."""
    monkeypatch.setattr("bot.adapters.journal.schema.BUSY_TIMEOUT_S", 0.05)
    with SqliteJournal.open(written) as journal:
        other = sqlite3.connect(written, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        append_step(journal, 50)
        with pytest.raises(JournalError, match="is held by another program, was database is locked"):
            journal.commit()
        other.close()
        journal.commit()
        assert list(journal.read(after=49)) == record((50,))


def test_journal_commit_that_contradicts_the_file_is_undone(written: Path) -> None:
    """When somebody wrote the very row that comes next, the commit is refused whole, as often as it is tried."""
    with SqliteJournal.open(written) as journal:
        other = sqlite3.connect(written, isolation_level=None)
        other.execute("INSERT INTO effects VALUES (50, 1, 0, 'RaiseAlarm', '{}')")
        other.close()
        append_step(journal, 50)
        for _ in range(2):
            with pytest.raises(JournalError, match="contradicts what is to be added, was UNIQUE constraint"):
                journal.commit()
        assert journal._db.execute("SELECT count(*) FROM facts WHERE seq = 50").fetchone() == (0,)
        journal._pending.clear()


def test_faults_no_room_is_named_with_its_cure(path: Path) -> None:
    """SQLite's own "full" becomes a sentence an operator can act on, without its traceback type."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE t (x)")
    db.execute("PRAGMA max_page_count = 2")
    with pytest.raises(JournalError, match=r"has no room left, was .* \(SQLITE_FULL\); free space"), faults_of(path):
        db.execute("INSERT INTO t VALUES (zeroblob(100000))")
    db.close()


# Sudden death ---------------------------------------------------------------------------------------------


def writer_process(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.journal_writer", str(path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def test_journal_killed_at_any_instant_keeps_every_commit(path: Path, tmp_path: Path) -> None:
    """Ten times: a writer is killed without warning; what it said was committed is there, and is sound."""
    chance = random.Random(9)
    for life in range(10):
        process = writer_process(path)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        rest, errors = process.communicate(timeout=60)
        assert first, errors
        printed = [int(line) for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]
        copy = tmp_path / f"life{life}.sqlite"
        for tail in ("", "-wal"):
            shutil.copy(f"{path}{tail}", f"{copy}{tail}")
        with SqliteJournal.open(copy) as journal:
            last = journal.last_seq()
            assert last in (printed[-1], printed[-1] + 1)
            assert list(journal.read()) == record(range(last + 1))
            newest = journal.latest_checkpoint()
            assert newest is None or newest == (last - last % 7, b"book %d" % (last - last % 7))
