"""A journal that keeps nothing, for benches: what a step costs without the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from bot.adapters.journal.chain import Row
from bot.adapters.journal.codec import Fact
from bot.adapters.journal.reader import BEFORE_ALL
from bot.domain.effects import Effect
from bot.domain.run import RunHead


class NullJournal:
    """The doors of ``SqliteJournal``; whatever goes in is gone, and an empty journal is what is read."""

    def __init__(self, head: RunHead) -> None:
        self.head = head

    def append_fact(self, seq: int, fact: Fact) -> None:
        """Drop a fact."""

    def append_effects(self, seq: int, now: int, effects: Sequence[Effect]) -> None:
        """Drop effects."""

    def checkpoint(self, seq: int, now: int, body: bytes) -> None:
        """Drop a checkpoint."""

    def last_time(self) -> int:
        """Return 0: nothing is kept."""
        return 0

    def sign(self, word: str) -> None:
        """Leave no word: there is no lock."""
        del word

    def put_series(self, name: str, body: bytes) -> None:
        """Drop a series."""

    def waiting(self) -> list[Row]:
        """Return nothing: what was appended is gone."""
        return []

    def commit(self) -> None:
        """Do nothing."""

    def read(self, after: int = BEFORE_ALL) -> Iterator[tuple[int, Fact | Effect]]:
        """Yield nothing, whatever ``after`` is."""
        del after
        return iter(())

    def effects_of(self, *kinds: type[Effect]) -> Iterator[Effect]:
        """Yield nothing, whatever the kinds."""
        del kinds
        return iter(())

    def latest_checkpoint(self) -> tuple[int, bytes] | None:
        """Return None."""
        return None

    def last_seq(self) -> int:
        """Return -1."""
        return BEFORE_ALL

    def rows(self) -> int:
        """Return 0."""
        return 0

    def get_series(self, name: str) -> bytes | None:
        """Return None, whatever the name."""
        del name
        return None

    def verify(self) -> int:
        """Return 0."""
        return 0

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
