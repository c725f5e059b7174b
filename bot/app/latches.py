"""Keeps the latches of a running engine and the file beside its journal the same: a person may write either.

At a start the stricter of the two holds, so that neither a journal restored from before nor a file that was lost
opens an account. After that the file's newer word is a command, and what the engine comes to is written back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog

from bot.adapters.latch import ALL, LatchFile, Mark, Word, word_for
from bot.adapters.wishes import WishFile
from bot.app.wishes import Commanded, Wishes
from bot.domain.effects import Effect, SetLatch
from bot.domain.errors import JournalError
from bot.domain.events import AccountFact, Command, CommandKind
from bot.domain.latch import Latch

NOT_AGAIN = 1 << 62                  # ns: it is asked by the pacer, not by the clock of the market
_COMMANDS = {
    Latch.OPEN: CommandKind.RESUME, Latch.FROZEN: CommandKind.FREEZE, Latch.KILLED: CommandKind.KILL,
    Latch.FLATTENING: CommandKind.FLATTEN,
}

log = structlog.get_logger()


class Latches:
    """An observer of the run, and what the pacer asks whether somebody wants something."""

    def __init__(self, file: LatchFile, session: Commanded) -> None:
        self.file = file
        self.session = session
        self.wishes = Wishes(WishFile(file.path.parent), session)
        self.names = [slot.name for slot in session.engine.layout.accounts]
        self.seen: dict[str, Word | None] = dict.fromkeys(self.names)
        self.mark: Mark | None = None

    def start(self, now: int) -> None:
        """Let the stricter of file and journal hold; before anything else of the run.

        Raises JournalError when the file cannot be read.
        """
        self.wishes.start()
        self.mark = self.file.mark()
        words = self.file.read()
        self._tell_of_strangers(words, now)
        for account, name in enumerate(self.names):
            word = self.seen[name] = word_for(words, name)
            held = self._held(account)
            if word is not None and word.latch.strictness > held.strictness:
                self._command(account, word, now)
            elif held is not Latch.OPEN and (word is None or word.latch is not held):
                log.warning("latch_kept", now=now, account=name, latch=held.value, reason="the journal has it")
                self._note(name, held, "the journal has it", "")

    def look(self, now: int) -> None:
        """Obey what was written since the last look, latches and wishes; ``now`` is the market's time."""
        self.wishes.look(now)
        mark = self.file.mark()
        if mark == self.mark or mark is None:
            return
        self.mark = mark
        try:
            words = self.file.read()
        except JournalError as error:
            log.error("latch_unreadable", now=now, reason=str(error))
            words = dict.fromkeys(self.names, Word(Latch.FROZEN, "the latch file cannot be read", "", _clock()))
        self._tell_of_strangers(words, now)
        for account, name in enumerate(self.names):
            word = word_for(words, name)
            if word is None or word == self.seen[name]:
                continue
            self.seen[name] = word
            if word.latch is not self._held(account):
                self._command(account, word, now)

    # What an observer is told ------------------------------------------------------------------------------

    def on_fact(self, fact: AccountFact) -> None:
        """A command's effect says what came of it."""

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Write down what an account has come to."""
        for effect in effects:
            if isinstance(effect, SetLatch):
                self._note(self.names[effect.account], effect.latch, effect.reason, effect.by)

    def on_moment(self, now: int, consumed: int) -> int:
        """Time passing shuts nothing."""
        del consumed
        return now + NOT_AGAIN

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """The end of a tape opens nothing."""

    def _tell_of_strangers(self, words: Mapping[str, Word], now: int) -> None:
        """Say aloud that a word was for nobody: a slip of the pen must not look like an account that was shut."""
        for name in words:
            if name != ALL and name not in self.names:
                known = ", ".join(self.names)
                log.error("latch_unknown_account", now=now, account=name, reason=f"this run's accounts are {known}")

    def _held(self, account: int) -> Latch:
        return self.session.engine.book.accounts[account].latch

    def _command(self, account: int, word: Word, now: int) -> None:
        self.session.command(Command(now, account, _COMMANDS[word.latch], word.reason, by=word.by))

    def _note(self, name: str, latch: Latch, reason: str, by: str) -> None:
        seen = self.seen[name]
        if seen is not None and seen.latch is latch:
            return
        word = Word(latch, reason, by, _clock())
        try:
            if self.file.note(name, word, seen=seen):
                self.seen[name], self.mark = word, self.file.mark()
        except JournalError as error:            # the journal has it; the file is the second of two
            log.error("latch_not_written", account=name, latch=latch.value, reason=str(error))


def _clock() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
