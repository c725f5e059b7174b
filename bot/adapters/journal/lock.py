"""One writer per journal: a file beside it, locked by the kernel for as long as the process lives.

The kernel drops the lock at any death of the process, so nothing is ever left to clean up. The file itself
stays: to remove it while another process opens it would let in two. SQLite's own locks do not serve: they
are held for one transaction, and a second daemon must not get in between two of ours.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.journal.faults import os_fault
from bot.domain.errors import JournalError


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a journal, as it wrote into the lock: its process, and the word that it left; "" where it left none."""

    process: int
    word: str


class WriterLock:
    """The right to write a journal, held from construction to ``release``.

    Raises JournalError when another process (or another journal object of this one) holds it.
    """

    def __init__(self, journal: Path) -> None:
        path = _lock_of(journal)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise os_fault(path, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode("ascii", "replace").partition("\n")[0] or "unknown"
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
            self.sign("")
        except OSError as error:
            os.close(self._file)
            raise os_fault(path, error) from error

    def sign(self, word: str) -> None:
        """Leave a word of one line beside the number of this process, for who finds nothing else of it."""
        os.pwrite(self._file, f"{os.getpid()}\n{word}\n".encode(), 0)

    def release(self) -> None:
        """Let the next writer in; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def holder_of(journal: Path) -> Holder | None:
    """Return who wrote itself into a journal's lock last, dead or alive; None where that cannot be told."""
    try:
        number, word, *_ = [*_lock_of(journal).read_text(encoding="utf-8").split("\n"), ""]
        return Holder(int(number), word)
    except (OSError, ValueError):
        return None


def has_open(process: int, journal: Path) -> bool | None:
    """Say whether a process has a journal's lock open, by the kernel's word; None where the kernel says nothing.

    The number in the lock outlives its process, and may be anybody's by now.
    """
    try:
        lock = _lock_of(journal).stat()
        files = list(Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False if Path("/proc/self/fd").is_dir() and not Path(f"/proc/{process}/fd").is_dir() else None
    for file in files:
        with suppress(OSError):                  # one that was closed meanwhile
            if os.path.samestat(file.stat(), lock):
                return True
    return False


def _lock_of(journal: Path) -> Path:
    return journal.with_name(journal.name + ".lock")
