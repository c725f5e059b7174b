"""A journal that kills its process at the n-th commit, for daemons in processes of their own.

``TEST_DIE_AT_COMMIT`` is the number, from 1; the process dies after an even commit and before an odd one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from bot.adapters.journal.sqlite import SqliteJournal


def die_at_commit(environ: Mapping[str, str]) -> None:
    """Let this process die at the commit that the variable names, if there is one."""
    number = int(environ.get("TEST_DIE_AT_COMMIT", 0))
    if not number:
        return
    commit = SqliteJournal.commit
    is_after = number % 2 == 0
    left = number

    def dying(journal: SqliteJournal) -> None:
        """Commit, and die at the chosen one. An empty commit writes nothing and does not count."""
        nonlocal left
        if not journal.waiting():
            commit(journal)
            return
        left -= 1
        if left == 0 and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(journal)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    SqliteJournal.commit = dying  # type: ignore[method-assign, assignment]
