"""A person's last word on each account, in a small file beside the journal: what was shut stays shut.

The journal can be restored from a day on which nothing was shut, and it may be what has failed when somebody kills
the run. So the word lies here as well, replaced as a whole and written through to the disk. It holds, per account
or for all of them (``*``), a latch, who wanted it, why and when; a word for all makes earlier ones for one void.

Whoever writes holds a lock beside the file, but not at any price: a writer that hangs may not keep a kill from being
written, and replacing a file is atomic with or without it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import JournalError
from bot.domain.latch import Latch

LATCH_NAME = "penstock.latch"
ALL = "*"
LOCK_WAIT = 1.0                      # seconds; a writer needs a few milliseconds
LOCK_LOOK = 0.02

Mark = tuple[int, int, int]
"""Which version of the file it is, without reading it: inode, size, time of writing."""


@dataclass(frozen=True, slots=True)
class Word:
    """One latch, and who said so; ``at`` is ISO 8601 UTC."""

    latch: Latch
    reason: str
    by: str
    at: str


class LatchFile:
    """The words of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LATCH_NAME

    def mark(self) -> Mark | None:
        """Return which version lies there, None for none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def read(self) -> dict[str, Word]:
        """Return the words by account; raises JournalError for a file that nobody can tell the meaning of."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error
        try:
            return {
                name: Word(Latch(each["latch"]), str(each["reason"]), str(each["by"]), str(each["at"]))
                for name, each in json.loads(text).items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unreadable(error) from error

    def say(self, account: str, word: Word) -> None:
        """Write a person's word, over a file that nobody can read if need be: a kill may not wait for a repair."""
        with self._locked():
            try:
                words = {} if account == ALL else self.read()
            except JournalError:
                words = {}
            self._write({**words, account: word})

    def note(self, account: str, word: Word, *, seen: Word | None) -> bool:
        """Write what a run has come to and return True, unless a person said something since ``seen``."""
        with self._locked():
            words = self.read()
            if word_for(words, account) != seen:
                return False
            self._write({**words, account: word})
            return True

    def _write(self, words: Mapping[str, Word]) -> None:
        body = {
            name: {"latch": word.latch.value, "reason": word.reason, "by": word.by, "at": word.at}
            for name, word in words.items()
        }
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with draft.open("w", encoding="utf-8") as stream:
                stream.write(json.dumps(body, indent=1) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)                 # the new name is durable only with its folder
            finally:
                os.close(folder)
        except OSError as error:
            raise JournalError(
                f"{self.path}: cannot be written, was {error.strerror}; free space on its disk or give permission, and "
                "say it again"
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            for _ in range(int(LOCK_WAIT / LOCK_LOOK)):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(LOCK_LOOK)
            yield
        finally:
            os.close(lock)

    def _unreadable(self, error: Exception) -> JournalError:
        return JournalError(
            f"{self.path}: cannot be read ({error}), so nobody knows which accounts are shut; say what holds with "
            f"`penstock kill {self.path.parent} --reason ...` or another of its kind, which writes it anew"
        )


def word_for(words: Mapping[str, Word], account: str) -> Word | None:
    """Return what holds for an account: its own word, or the one for all."""
    return words.get(account, words.get(ALL))
