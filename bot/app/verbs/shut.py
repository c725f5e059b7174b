"""``penstock freeze|kill|flatten|resume RUN``: a person's word, written where a run sees it at its next look.

No journal, no engine and no socket takes part, so it works while any of them does not. A run that is going on obeys
within a second; one that is not, before anything else when it is taken up again. A daemon that hangs hears nothing:
there ``kill`` ends its process and cancels its orders at the venue itself.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.journal.lock import WriterLock
from bot.adapters.latch import ALL, LatchFile, Word
from bot.app.cli_codes import EXIT_GOOD
from bot.app.running import JOURNAL_NAME
from bot.domain.errors import InputError, JournalError
from bot.domain.latch import Latch

if TYPE_CHECKING:
    from bot.app.daemon.last_resort import Ended

_LATCHES = {"freeze": Latch.FROZEN, "kill": Latch.KILLED, "flatten": Latch.FLATTENING, "resume": Latch.OPEN}


def shut(
    verb: str, run: Path, *, account: str | None, reason: str, by: str | None, environ: Mapping[str, str], as_json: bool
) -> int:
    """Write the word and say who will hear it.

    Raises InputError for a folder of no run, a word that nobody signs, and a resume that no run would hear: at a
    start the stricter of file and journal holds.
    """
    if not run.is_dir():
        raise InputError(f"{verb} {run}: is no folder; give the folder of a run, its --out")
    who = (by or login()).strip()
    if not who or not reason.strip():
        raise InputError(f"{verb}: needs a name and a reason, were {who!r} and {reason!r}; give --by and --reason")
    goes_on = is_running(run)
    if verb == "resume" and not goes_on:
        raise InputError(
            f"resume {run}: no run is going on there, and what is shut stays so at a start; take the run up first, "
            "then resume"
        )
    at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    word = Word(_LATCHES[verb], reason.strip(), who, at)
    LatchFile(run).say(account or ALL, word)
    helped = _end_hung(run, environ) if verb == "kill" and goes_on else None
    if as_json:
        print(json.dumps({
            "run": str(run), "account": account or ALL, "latch": word.latch.value, "by": who, "reason": word.reason,
            "at": at, "running": goes_on and helped is None,
            "ended_hung": None if helped is None else asdict(helped),
        }))
    elif helped is not None:
        print(f"{account or 'all accounts'}: {word.latch.value} by {who}; {helped.told()}")
    else:
        when = "the run hears it within a second" if goes_on else "it holds from the run's next start on"
        print(f"{account or 'all accounts'}: {word.latch.value} by {who}; {when}")
    return EXIT_GOOD


def _end_hung(run: Path, environ: Mapping[str, str]) -> Ended | None:
    from bot.app.daemon.last_resort import kill_hung  # all else here works without a line of the live path

    return kill_hung(run, environ)


def login() -> str:
    """Return the name that a person is logged in by, empty where there is none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):     # a container may run as a number without a name
        return ""


def is_running(run: Path) -> bool:
    """Say whether a process holds the run's journal; True where that cannot be told."""
    try:
        WriterLock(run / JOURNAL_NAME).release()
    except JournalError:
        return True
    return False
