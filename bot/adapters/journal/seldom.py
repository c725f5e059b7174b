"""A journal of a run that can be made again at any time: the disk is asked now and then, not at every decision.

What is written is the same, but for how it is cut into batches. A replay that is killed has lost its last messages,
and nobody goes on from where it was.
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType

from bot.adapters.journal.sqlite import SqliteJournal
from bot.domain.errors import JournalError

MESSAGES_MIN = 2_000                 # a decision leaves three, and a look at the disk costs as much as ten decisions


class SeldomJournal(SqliteJournal):
    """Commits when enough waits, and at the end."""

    asked = 0                        # how many of the messages that wait a commit was asked for

    def commit(self) -> None:
        """Make what was appended durable if that is worth a look at the disk; see ``SqliteJournal.commit``."""
        self.asked = len(self._pending)
        if self.asked >= MESSAGES_MIN:
            super().commit()
            self.asked = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                super().commit()
                return
            del self._pending[self.asked:]           # the record ends where it would have,
            with suppress(JournalError):             # and it is the fault that is told
                super().commit()
        finally:
            self.close()
