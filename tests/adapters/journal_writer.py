"""A process that commits steps until it is killed: ``python -m tests.adapters.journal_writer PATH``.

It prints the number of a step only after its commit has returned.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from bot.adapters.journal.sqlite import SqliteJournal
from tests.adapters.journal_samples import HEAD, append_step


def main() -> None:
    path = Path(sys.argv[1])
    journal = SqliteJournal.open(path) if path.exists() else SqliteJournal.create(path, HEAD)
    for seq in count(journal.last_seq() + 1):
        append_step(journal, seq)
        if seq % 7 == 0:
            journal.checkpoint(seq, seq * 10, b"book %d" % seq)
        journal.commit()
        print(seq, flush=True)


if __name__ == "__main__":
    main()
