"""``penstock`` whose journal kills it at its n-th commit: ``python -m tests.live.process run ...``.

``TEST_DIE_AT_COMMIT`` is the number, from 1; the process dies after an even commit and before an odd one.
"""

from __future__ import annotations

import os
import signal
import sys

from bot.adapters.journal.sqlite import SqliteJournal
from bot.app.cli import main

_commit = SqliteJournal.commit
_left = int(os.environ["TEST_DIE_AT_COMMIT"])
_is_after = _left % 2 == 0


def _dying(journal: SqliteJournal) -> None:
    """Commit, and die at the chosen one. An empty commit writes nothing and does not count."""
    global _left
    if not journal.waiting():
        _commit(journal)
        return
    _left -= 1
    if _left == 0 and not _is_after:
        os.kill(os.getpid(), signal.SIGKILL)
    _commit(journal)
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    SqliteJournal.commit = _dying  # type: ignore[method-assign]
    sys.exit(main())
