"""The venue's state where a killed process leaves it: one SQLite file with one row. The only I/O of this room.

``save`` returns when the state is on the disk. It is called before each answer leaves, so that no client ever
knows more than the file.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bot.domain.errors import JournalError


class PaperStore:
    """Keeps a snapshot together with the caller's place in its tape, in one transaction."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; raises JournalError when it cannot be used."""
        self._path = path
        try:
            # synchronous=FULL: a commit is on the disk when it returns, in WAL mode by one fsync of the log
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS venue (id INTEGER PRIMARY KEY CHECK (id = 1), cursor TEXT NOT NULL, "
                "snapshot BLOB NOT NULL)"
            )
        except sqlite3.Error as error:
            raise self._failed("cannot be opened", error) from error

    def save(self, cursor: str, snapshot: bytes) -> None:
        """Replace what is kept; durable when it returns."""
        try:
            self._database.execute(
                "INSERT INTO venue VALUES (1, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET cursor = excluded.cursor, snapshot = excluded.snapshot",
                (cursor, snapshot),
            )
        except sqlite3.Error as error:
            raise self._failed("cannot be written", error) from error

    def load(self) -> tuple[str, bytes] | None:
        """Return cursor and snapshot as they were saved last, or None in a new file."""
        try:
            row = self._database.execute("SELECT cursor, snapshot FROM venue").fetchone()
        except sqlite3.Error as error:
            raise self._failed("cannot be read", error) from error
        return None if row is None else (row[0], row[1])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _failed(self, what: str, error: sqlite3.Error) -> JournalError:
        return JournalError(f"{self._path}: {what}, {error}; check the disk, or move the file away to start anew")
