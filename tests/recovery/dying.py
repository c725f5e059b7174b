"""Lives of a paced paper run that end by SIGKILL at the n-th instant at which something becomes durable or leaves.

An instant lies before and after every save of the venue, which is before each of its answers and each message to it,
and before and after every commit of the journal. A life is a process of its own, forked from one that has imported
everything, with SQLite on a real disk; at its instant it sends SIGKILL to itself. Nothing of the program knows of it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from bot.adapters.journal.sqlite import SqliteJournal
from bot.app import paced
from bot.app.cli import main
from bot.app.loading import load_all
from bot.app.verbs import run as run  # loaded when it is called; every life would pay for it
from bot.domain.copying import replace
from bot.domain.events import AccountFact, FillOrigin, OrderFilled
from paper.messages import Message, SubmitOrder
from paper.store import PaperStore
from paper.venue import PaperVenue
from tests.recovery.scripts import STRANGER, Script

NEVER = 1 << 60
FELL = 71                            # exit code of a life that ended in any other way


class Instants:
    """Counts what passes; at number ``last`` the process is gone."""

    def __init__(self, last: int) -> None:
        self.count = 0
        self.last = last

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``act`` with an instant before and one after it."""

        def watched(*given: Any) -> Any:
            self._pass()
            found = act(*given)
            self._pass()
            return found

        return watched

    def _pass(self) -> None:
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


def live(script: Script, out: Path, *, last: int = NEVER) -> int | None:
    """Run from where ``out`` stands to the end of the tape, or to instant ``last``.

    Returns how many instants passed when it came to its end, None when it was killed. Any other death is an
    AssertionError with what it wrote.
    """
    told = out.with_suffix(".log")
    load_all(script.config, {})      # builds the parser once, and not in every life
    child = os.fork()
    if child == 0:
        _be(script, out, told, last)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"{script.name}: died of signal {os.WTERMSIG(status)}"
        return None
    text = told.read_text(encoding="utf-8")
    assert os.WEXITSTATUS(status) == 0 and text.startswith("instants "), f"{script.name} at {last}: {text}"
    return int(text.split()[1])


def _be(script: Script, out: Path, told: Path, last: int) -> NoReturn:
    """Be the run, in the process that was forked for it."""
    log = os.open(told, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    instants = Instants(last)
    PaperStore.save = instants.around(PaperStore.save)  # type: ignore[method-assign]
    SqliteJournal.commit = instants.around(SqliteJournal.commit)  # type: ignore[method-assign]
    PaperVenue.handle = _with_stranger(PaperVenue.handle, script)  # type: ignore[method-assign]

    def end(*_: object) -> NoReturn:
        os.write(log, f"instants {instants.count}\n".encode())
        os._exit(0)

    # baselines and report come after the last commit, and cost most of a second
    paced.finish = end  # type: ignore[attr-defined,assignment]
    code = FELL
    try:
        code = main(script.words(out))
    finally:                         # nothing may go back into the process that this one was forked from
        traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or FELL)


def _with_stranger(handle: Callable[..., Any], script: Script) -> Callable[..., Any]:
    """Let a person trade by hand at the time that the script says, once, and tell of it as the work of others."""
    request = script.stranger
    if request is None:
        return handle

    def watched(venue: PaperVenue, now: int, message: Message) -> Any:
        answers = list(handle(venue, now, message))
        if now >= script.stranger_at and request.name not in _names(venue):
            answers += handle(venue, now, SubmitOrder(request))
        return [(at, _theirs(fact)) for at, fact in answers if not _is_his_own_business(fact)]

    return watched


def _names(venue: PaperVenue) -> set[str]:
    """Every name that the venue has, or that is on its way to it."""
    state = venue._exchange.state
    found = {due.request.name for _, _, due in state.due if isinstance(due, SubmitOrder)}
    for account in state.accounts:
        found |= {*account.resting, *account.conditional, *account.ended}
    return found


def _is_his_own_business(fact: AccountFact) -> bool:
    return getattr(fact, "name", None) == STRANGER and not isinstance(fact, OrderFilled)


def _theirs(fact: AccountFact) -> AccountFact:
    if isinstance(fact, OrderFilled) and fact.name == STRANGER:
        return replace(fact, origin=FillOrigin.EXTERNAL)
    return fact
