"""The record beside the journal, for when the journal's disk refuses or is silent (RELIABILITY R32).

One line of JSON per fact or effect, appended and written through to the disk. The next start puts what is in it back
into the journal before anything is folded; a commit that succeeds after all makes it void. A last line that a crash
tore was never durable, and is passed over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from bot.adapters.append import append_through
from bot.adapters.journal.chain import EFFECTS, FACTS, Row
from bot.adapters.journal.codec import Fact, decode
from bot.domain.effects import Effect
from bot.domain.errors import JournalError

SPARE_NAME = "journal.spare"


class Unsaved(Protocol):
    """A journal with a record that it could not commit."""

    def waiting(self) -> list[Row]: ...


class Restored(Protocol):
    """A journal that takes a record again."""

    @property
    def place(self) -> tuple[int, int, int]: ...

    def append_fact(self, seq: int, fact: Fact) -> None: ...

    def append_effects(self, seq: int, now: int, effects: list[Effect]) -> None: ...

    def commit(self) -> None: ...


class SpareFile:
    """The file in a run's folder; it is there only while the journal lacks something."""

    def __init__(self, folder: Path, journal: Unsaved) -> None:
        self.path = folder / SPARE_NAME
        self._journal = journal
        self._saved = (-1, -1, -1)

    def save(self) -> None:
        """Append all that the journal has not committed and that is not here yet; durable on return.

        Raises JournalError when the file cannot be written.
        """
        rows = [row for row in self._journal.waiting() if _place(row) > self._saved]
        if not rows:
            return
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        try:
            append_through(self.path, lines, mode=0o600)
        except OSError as error:
            raise JournalError(
                f"{self.path}: cannot be written either, was {error.strerror}; free space or mend the disk now: "
                "nothing is recorded"
            ) from error
        self._saved = _place(rows[-1])

    def clear(self) -> None:
        """Remove the file; raises JournalError when it cannot be."""
        self._saved = (-1, -1, -1)
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be removed, was {error.strerror}; remove it by hand") from error


def restore(folder: Path, journal: Restored) -> int:
    """Put back what an earlier process could not commit; return how many rows, 0 where there is no such file.

    Raises JournalError for a line in the middle that cannot be read: what follows it would be folded wrongly.
    """
    path = folder / SPARE_NAME
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return 0
    last = journal.place
    put = 0
    for number, line in enumerate(lines[:-1], 1):    # after the last whole line stands nothing, or what a crash tore
        try:
            row = Row(*msgspec.json.decode(line, type=tuple[int, int, int, int, str, str]))
        except msgspec.DecodeError as error:
            raise JournalError(
                f"{path}:{number}: cannot be read ({error}); keep a copy, and remove this line and all after it"
            ) from error
        if _place(row) <= last:
            continue
        message = decode(row.kind, row.body.encode())
        if row.part == FACTS:
            journal.append_fact(row.seq, message)        # type: ignore[arg-type]  # the part says which it is
        elif row.part == EFFECTS:
            journal.append_effects(row.seq, row.now, [message])  # type: ignore[list-item]
        put += 1
    journal.commit()
    path.unlink()
    return put


def _place(row: Row) -> tuple[int, int, int]:
    return row.seq, row.part, row.ordinal
