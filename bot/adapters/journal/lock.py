"""One writer per journal: a file beside it, locked by the kernel for as long as the process lives.

The kernel drops the lock at any death of the process, so nothing is ever left to clean up. The file itself
stays: to remove it while another process opens it would let in two. SQLite's own locks do not serve: they
are held for one transaction, and a second daemon must not get in between two of ours.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from bot.adapters.journal.faults import os_fault
from bot.domain.errors import JournalError


class WriterLock:
    """The right to write a journal, held from construction to ``release``.

    Raises JournalError when another process (or another journal object of this one) holds it.
    """

    def __init__(self, journal: Path) -> None:
        path = journal.with_name(journal.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise os_fault(path, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise JournalError(
                f"journal {journal}: another process is writing it, was process {holder}; stop that one, or "
                "start this run in another folder"
            ) from None
        except OSError as error:
            os.close(self._file)
            raise os_fault(path, error) from error
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._file)
            raise os_fault(path, error) from error

    def release(self) -> None:
        """Let the next writer in; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def holder_of(journal: Path) -> int | None:
    """Return the process that wrote itself into a journal's lock last; None where that cannot be told."""
    try:
        return int(journal.with_name(journal.name + ".lock").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
