"""What SQLite and the system refuse, as JournalError: the place, what is wrong, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.domain.errors import JournalError

_KEPT = "what was not committed is kept in memory and goes with the next commit"

# by SQLite's primary result code: what is wrong, and what to do
_FAULTS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_NOTADB: (
        "is not a journal",
        "give the journal.sqlite that a run wrote, or restore it from a backup",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "move it aside and restore it from a backup; the venue's own records are taken over at the next start",
    ),
    sqlite3.SQLITE_FULL: ("has no room left", f"free space on its disk; {_KEPT}"),
    sqlite3.SQLITE_BUSY: ("is held by another program", f"close what has it open for writing; {_KEPT}"),
    sqlite3.SQLITE_LOCKED: ("is held by another program", f"close what has it open for writing; {_KEPT}"),
    sqlite3.SQLITE_READONLY: ("cannot be written", "give write permission for the file and its folder"),
    sqlite3.SQLITE_PERM: ("cannot be opened", "give permission for the file and its folder"),
    sqlite3.SQLITE_AUTH: ("cannot be opened", "give permission for the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "check that its folder exists and that you may write in it",
    ),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", f"check the disk and its space; {_KEPT}"),
    sqlite3.SQLITE_CONSTRAINT: (
        "contradicts what is to be added",
        "keep the file and report it: this is a bug of penstock",
    ),
}
_OTHER = ("does not answer as a journal does", "give the journal.sqlite that a run wrote")


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into JournalError about the journal at ``path``."""
    try:
        yield
    except sqlite3.Error as error:
        # the low byte is the primary code; the rest only says where in SQLite
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        wrong, cure = _FAULTS.get(code, _OTHER)
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise JournalError(f"journal {path}: {wrong}, was {error} ({name}); {cure}") from error


def os_fault(path: Path, error: OSError) -> JournalError:
    """Return the JournalError for a refusal of the system about ``path``."""
    return JournalError(
        f"journal {path}: cannot be opened, was {error.strerror}; check that its folder exists and that you "
        "may write in it"
    )


def damaged(path: Path, what: str, was: object) -> JournalError:
    """Return the JournalError for a journal whose contents contradict its own digests."""
    return JournalError(
        f"journal {path}: {what}, was {was}; it was changed after it was written: keep a copy, restore a "
        "backup, and do not trust what this one says"
    )
