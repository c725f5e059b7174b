"""Reading a journal: for recovery, for reports, for the audit. Nothing here writes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from bot.adapters.journal.chain import EFFECTS, FACTS, Row, checkpoint_digest, first_digest, next_digest
from bot.adapters.journal.codec import Fact, decode
from bot.adapters.journal.derived import DECISION_COLUMNS, RESERVATION_COLUMNS, Columns, derived_rows
from bot.adapters.journal.faults import damaged, faults_of
from bot.adapters.journal.schema import FORMAT, connect, read_head
from bot.domain.effects import Effect
from bot.domain.errors import JournalError

_RECORD = (
    f"SELECT seq, {FACTS} AS part, ordinal, now, kind, body FROM facts WHERE seq > :after UNION ALL "
    f"SELECT seq, {EFFECTS} AS part, ordinal, now, kind, body FROM effects WHERE seq > :after "
    "ORDER BY seq, part, ordinal"
)
_DERIVED = ("OpenEpisode", "ReserveNames")
BEFORE_ALL = -1


class JournalReader:
    """A journal that is only read; ``open_readonly`` makes one. A running writer is no hindrance."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self.head = read_head(path, db)

    def read(self, after: int = BEFORE_ALL) -> Iterator[tuple[int, Fact | Effect]]:
        """Yield what was committed with a number above ``after``, in order: a step's facts, then its effects.

        Do not commit to the same object while this runs: what it then yields is undefined.
        """
        for row in self._rows(after):
            yield row.seq, cast("Fact | Effect", decode(row.kind, row.body.encode()))

    def effects_of(self, *kinds: type[Effect]) -> Iterator[Effect]:
        """Yield the committed effects of a few kinds, in order; the whole record is looked through."""
        marks = ", ".join("?" for _ in kinds)
        asked = f"SELECT kind, body FROM effects WHERE kind IN ({marks}) ORDER BY seq, ordinal"
        with faults_of(self.path):
            rows = self._db.execute(asked, [kind.__name__ for kind in kinds]).fetchall()
        for kind, body in rows:
            yield cast("Effect", decode(kind, body.encode()))

    def latest_checkpoint(self) -> tuple[int, bytes] | None:
        """Return (seq, body) of the newest checkpoint that is sound, or None.

        One that does not match its digest is passed over: facts are never removed, so folding from an
        older one, or from the first fact, comes to the same book.
        """
        with faults_of(self.path):
            found = self._db.execute("SELECT seq, now, body, digest FROM checkpoints ORDER BY seq DESC").fetchall()
        for seq, now, body, digest in found:
            if checkpoint_digest(seq, now, body) == digest:
                return seq, body
        return None

    def last_time(self) -> int:
        """Return when the last committed fact, effect or checkpoint was, ns; 0 in an empty journal."""
        with faults_of(self.path):
            rows = [
                self._db.execute(f"SELECT now FROM {table} ORDER BY seq DESC LIMIT 1").fetchone()
                for table in ("facts", "effects", "checkpoints")
            ]
        return max((int(row[0]) for row in rows if row is not None), default=0)

    def last_seq(self) -> int:
        """Return the highest number that a committed fact, effect or checkpoint has; -1 in an empty journal."""
        with faults_of(self.path):
            row = self._db.execute(
                "SELECT max(seq) FROM (SELECT max(seq) AS seq FROM facts UNION ALL "
                "SELECT max(seq) FROM effects UNION ALL SELECT max(seq) FROM checkpoints)"
            ).fetchone()
        return BEFORE_ALL if row[0] is None else int(row[0])

    def rows(self) -> int:
        """Return how many facts and effects were committed."""
        with faults_of(self.path):
            asked = "SELECT (SELECT count(*) FROM facts) + (SELECT count(*) FROM effects)"
            return int(self._db.execute(asked).fetchone()[0])

    def get_series(self, name: str) -> bytes | None:
        """Return the bytes kept under ``name``, or None."""
        with faults_of(self.path):
            row = self._db.execute("SELECT body FROM series WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def verify(self) -> int:
        """Check the file, the chain of digests and the derived tables; return the number of rows.

        Raises JournalError at the first contradiction. Reads every row.
        """
        with faults_of(self.path):
            verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise damaged(self.path, "its pages contradict each other", verdict)
            batches = self._db.execute("SELECT batch, rows, digest FROM batches ORDER BY batch").fetchall()
        rows = self._rows(BEFORE_ALL)
        digest = first_digest(FORMAT, self.head)
        checked = 0
        for number, (batch, size, written) in enumerate(batches):
            taken = list(islice(rows, size))
            digest = next_digest(digest, taken)
            if batch != number or len(taken) != size or digest != written:
                where = f"batch {number}, rows {checked + 1} to {checked + size}"
                raise damaged(self.path, "its record does not match its digests", where)
            checked += size
        surplus = next(rows, None)
        if surplus is not None:
            raise damaged(self.path, "a row follows the last batch", f"{surplus.kind} of step {surplus.seq}")
        self._verify_derived()
        return checked

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, after: int) -> Iterator[Row]:
        with faults_of(self.path):
            yield from map(Row._make, self._db.execute(_RECORD, {"after": after}))

    def _verify_derived(self) -> None:
        with faults_of(self.path):
            effects = self._db.execute(
                "SELECT seq, kind, body FROM effects WHERE kind IN (?, ?) ORDER BY seq, ordinal", _DERIVED
            )
            decisions, reservations = derived_rows(
                (seq, decode(kind, body.encode())) for seq, kind, body in effects
            )
            self._compare("decisions", DECISION_COLUMNS, decisions)
            self._compare("reservations", RESERVATION_COLUMNS, reservations)

    def _compare(self, table: str, columns: str, expected: list[Columns]) -> None:
        found = self._db.execute(f"SELECT {columns} FROM {table} ORDER BY rowid").fetchall()
        if found != expected:
            raise damaged(self.path, f"table `{table}` does not match the effects", f"{len(found)} rows")


def open_readonly(path: Path) -> JournalReader:
    """Open a journal for reports; also from a folder that may not be written, and beside a running writer.

    Raises JournalError when there is none at ``path``, or it is not one.
    """
    require_file(path)
    with faults_of(path):
        db = connect(path, mode=_reading_mode(path))
        try:
            db.execute("PRAGMA query_only = ON")
            return JournalReader(path, db)
        except BaseException:
            db.close()
            raise


def require_file(path: Path) -> None:
    """Raise JournalError unless ``path`` is a file that holds something."""
    if not path.is_file() or path.stat().st_size == 0:
        was = "an empty file" if path.is_file() else "a folder" if path.is_dir() else "nothing"
        raise JournalError(
            f"journal {path}: there is no journal, was {was}; give the path of the journal.sqlite that a run "
            "wrote, or start a run to make one"
        )


def _reading_mode(path: Path) -> str:
    # A reader that may write removes SQLite's two helper files when it is the last to leave; a read-only
    # one would leave them lying about, and in a read-only folder could not make them at all.
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "rw"
    return "ro" if path.with_name(path.name + "-wal").exists() else "ro&immutable=1"
