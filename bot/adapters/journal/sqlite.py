"""Writing a journal: appended to memory at once, to the disk at ``commit``, all of it or nothing.

Appending only remembers the message; it is encoded when it is committed, so that a step pays a list entry.
One thread may append while another commits: a commit takes what is there when it begins, and only removes
it from memory after the disk has it. A commit that fails loses nothing and may be tried again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bot.adapters.journal.chain import EFFECTS, FACTS, Row, checkpoint_digest, first_digest, next_digest
from bot.adapters.journal.codec import Fact, encode
from bot.adapters.journal.derived import DECISION_COLUMNS, RESERVATION_COLUMNS, derived_rows, insertion
from bot.adapters.journal.faults import faults_of, os_fault
from bot.adapters.journal.lock import WriterLock
from bot.adapters.journal.reader import BEFORE_ALL, JournalReader, require_file
from bot.adapters.journal.schema import CHECKPOINTS_KEPT, FORMAT, connect, make_durable, make_tables
from bot.domain.effects import Effect
from bot.domain.errors import ContractError, JournalError
from bot.domain.run import RunHead

# A step leaves a handful; so many mean that commits have failed for hours, and memory is what ends next.
PENDING_MAX = 500_000

_SEALED = 2                          # after facts and effects: a checkpoint covers the whole step

_INSERT_ROW = {
    FACTS: "INSERT INTO facts (seq, ordinal, now, kind, body) VALUES (?, ?, ?, ?, ?)",
    EFFECTS: "INSERT INTO effects (seq, ordinal, now, kind, body) VALUES (?, ?, ?, ?, ?)",
}
_INSERT_BATCH = "INSERT INTO batches (batch, seq_last, rows, digest) VALUES (?, ?, ?, ?)"
_INSERT_DECISION = insertion("decisions", DECISION_COLUMNS)
_INSERT_RESERVATION = insertion("reservations", RESERVATION_COLUMNS)
_PUT_CHECKPOINT = "INSERT OR REPLACE INTO checkpoints (seq, now, body, digest) VALUES (?, ?, ?, ?)"
_DROP_CHECKPOINTS = (
    "DELETE FROM checkpoints WHERE seq NOT IN "
    f"(SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT {CHECKPOINTS_KEPT})"
)
_PUT_SERIES = "INSERT OR REPLACE INTO series (name, body) VALUES (?, ?)"


# seq, part, ordinal, now, message; a bare tuple, since one is made in the step for every message
_Pending = tuple[int, int, int, int, Fact | Effect]


class _Checkpoint(NamedTuple):
    seq: int
    now: int
    body: bytes


class SqliteJournal(JournalReader):
    """A journal that is written by this process alone, from ``create`` or ``open`` until ``close``."""

    def __init__(self, path: Path, db: sqlite3.Connection, lock: WriterLock) -> None:
        super().__init__(path, db)
        self._lock = lock
        self._committing = threading.Lock()
        self._pending: list[_Pending] = []
        self._checkpoints: list[_Checkpoint] = []
        self._series: list[tuple[str, bytes]] = []
        self._batches, self._digest = self._chain_end()
        self._place, self._ordinal = self._last_place()

    @classmethod
    def create(cls, path: Path, head: RunHead) -> Self:
        """Make a new journal at ``path``, in a folder that exists; a name that is there holds a whole one.

        Raises JournalError when there already is a file, or the folder is missing or may not be written.
        """
        lock = WriterLock(path)
        try:
            if path.exists():
                raise JournalError(
                    f"journal {path}: already exists, was a file of {path.stat().st_size} bytes; choose "
                    "another folder, or open it to go on with that run"
                )
            _make_file(path, head)
            return cls._attach(path, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal at ``path`` to go on with its run, after verifying all of it.

        Raises JournalError when there is none, when it is another program's, of another format or changed
        since it was written, or when another process writes it.
        """
        require_file(path)
        lock = WriterLock(path)
        try:
            journal = cls._attach(path, lock)
        except BaseException:
            lock.release()
            raise
        try:
            journal.verify()
        except BaseException:
            journal.close()
            raise
        return journal

    def append_fact(self, seq: int, fact: Fact) -> None:
        """Remember a fact of step ``seq`` for the next commit.

        Raises ContractError when it would come before something that was already appended.
        """
        self._remember(seq, FACTS, fact.now, fact)

    def append_effects(self, seq: int, now: int, effects: Sequence[Effect]) -> None:
        """Remember the effects of step ``seq``, decided at ``now``, for the next commit.

        Raises ContractError when they would come before something that was already appended.
        """
        for effect in effects:
            self._remember(seq, EFFECTS, now, effect)

    def checkpoint(self, seq: int, now: int, body: bytes) -> None:
        """Remember the book as it is after step ``seq``; nothing more of that step may follow.

        The three newest are kept. Raises ContractError when a later step was already appended.
        """
        self._take_place(seq, _SEALED)
        self._checkpoints.append(_Checkpoint(seq, now, body))

    def sign(self, word: str) -> None:
        """Leave a word of one line in the lock, which can be read whatever becomes of the journal."""
        self._lock.sign(word)

    def put_series(self, name: str, body: bytes) -> None:
        """Keep bytes under ``name`` with the next commit, in place of what was there."""
        self._series.append((name, body))

    @property
    def place(self) -> tuple[int, int, int]:
        """Where the record stands: step, part of it (facts before effects), and the number within that part."""
        return *self._place, self._ordinal

    def waiting(self) -> list[Row]:
        """Return the facts and effects that no commit has made durable yet, oldest first."""
        return [_row(entry) for entry in self._pending[:]]

    def commit(self) -> None:
        """Make everything that was appended durable, in one transaction; on return a power cut cannot take it.

        Does nothing when nothing was appended. Raises JournalError when the disk refuses; then all of it
        is still in memory and goes with the next commit.
        """
        with self._committing:
            # checkpoints first: what they cover was appended before them, and is then in `pending` too
            checkpoints = self._checkpoints[:]
            series = self._series[:]
            pending = self._pending[:]
            if not (pending or checkpoints or series):
                return
            rows = [_row(entry) for entry in pending]
            digest = next_digest(self._digest, rows) if rows else self._digest
            with faults_of(self.path), _transaction(self._db):
                self._write_rows(rows, digest, pending)
                self._write_extras(checkpoints, series)
            del self._pending[: len(pending)]
            del self._checkpoints[: len(checkpoints)]
            del self._series[: len(series)]
            self._digest = digest
            self._batches += bool(rows)

    def close(self) -> None:
        """Let go of the file and of the right to write; what was not committed is dropped."""
        super().close()
        self._lock.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.close()

    @classmethod
    def _attach(cls, path: Path, lock: WriterLock) -> Self:
        with faults_of(path):
            db = connect(path, mode="rw")
            try:
                make_durable(db)
                return cls(path, db, lock)
            except BaseException:
                db.close()
                raise

    def _remember(self, seq: int, part: int, now: int, message: Fact | Effect) -> None:
        if len(self._pending) >= PENDING_MAX:
            raise JournalError(
                f"journal {self.path}: too much waits for a commit, was {len(self._pending)} messages; commits "
                "have been failing: mend what the earlier alarm says"
            )
        self._take_place(seq, part)
        self._pending.append((seq, part, self._ordinal, now, message))

    def _take_place(self, seq: int, part: int) -> None:
        place = (seq, part)
        if place > self._place:
            self._place, self._ordinal = place, 0
        elif place == self._place:
            self._ordinal += 1
        else:
            raise ContractError(
                f"journal: what is appended must not come before what was, was step {seq} part {part} after "
                f"step {self._place[0]} part {self._place[1]} (0 facts, 1 effects, 2 checkpoint); append in "
                "the order of the steps"
            )

    def _write_rows(self, rows: list[Row], digest: bytes, pending: list[_Pending]) -> None:
        if not rows:
            return
        for part, statement in _INSERT_ROW.items():
            self._db.executemany(
                statement, [(r.seq, r.ordinal, r.now, r.kind, r.body) for r in rows if r.part == part]
            )
        self._db.execute(_INSERT_BATCH, (self._batches, rows[-1].seq, len(rows), digest))
        decisions, reservations = derived_rows((entry[0], entry[4]) for entry in pending)
        self._db.executemany(_INSERT_DECISION, decisions)
        self._db.executemany(_INSERT_RESERVATION, reservations)

    def _write_extras(self, checkpoints: list[_Checkpoint], series: list[tuple[str, bytes]]) -> None:
        for seq, now, body in checkpoints:
            self._db.execute(_PUT_CHECKPOINT, (seq, now, body, checkpoint_digest(seq, now, body)))
        if checkpoints:
            self._db.execute(_DROP_CHECKPOINTS)
        self._db.executemany(_PUT_SERIES, series)

    def _chain_end(self) -> tuple[int, bytes]:
        with faults_of(self.path):
            row = self._db.execute("SELECT batch, digest FROM batches ORDER BY batch DESC LIMIT 1").fetchone()
        return (0, first_digest(FORMAT, self.head)) if row is None else (row[0] + 1, row[1])

    def _last_place(self) -> tuple[tuple[int, int], int]:
        places: list[tuple[tuple[int, int], int]] = [((BEFORE_ALL, _SEALED), 0)]
        queries = (
            (FACTS, "SELECT seq, ordinal FROM facts ORDER BY seq DESC, ordinal DESC LIMIT 1"),
            (EFFECTS, "SELECT seq, ordinal FROM effects ORDER BY seq DESC, ordinal DESC LIMIT 1"),
            (_SEALED, "SELECT seq, 0 FROM checkpoints ORDER BY seq DESC LIMIT 1"),
        )
        with faults_of(self.path):
            for part, query in queries:
                places += [((seq, part), ordinal) for seq, ordinal in self._db.execute(query)]
        return max(places)


def _row(entry: _Pending) -> Row:
    seq, part, ordinal, now, message = entry
    return Row(seq, part, ordinal, now, type(message).__name__, encode(message).decode())


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # after some faults SQLite has rolled back by itself, and then there is nothing left to undo
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _make_file(path: Path, head: RunHead) -> None:
    # Under another name until it is whole: a crash in here must not leave a file that no start can open.
    # A log left by a deleted journal would be played into the new one.
    draft = path.with_name(path.name + ".new")
    for leftover in ("-wal", "-shm", ".new", ".new-journal"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    with faults_of(path):
        db = connect(draft, mode="rwc")
        try:
            make_tables(db, head)
        finally:
            db.close()
    try:
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise os_fault(path, error) from error
