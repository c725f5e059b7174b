"""The durable file: what was saved is there, the newest wins, and a kill in the middle tears nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.errors import ContractError, JournalError
from paper.state import FORM
from paper.store import PaperStore
from paper.venue import PaperVenue
from tests.paper.storm import INSTRUMENTS, SPEC, storm_accounts
from tests.shared_data import ROOT

WRITER = """
import sys
from pathlib import Path
from paper.store import PaperStore
store = PaperStore(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    store.save(str(number), str(number).encode() * 2000)
    print(number, flush=True)
"""


def test_new_file_holds_nothing(tmp_path: Path) -> None:
    """There is nothing to restore before the first save."""
    assert PaperStore(tmp_path / "paper.sqlite").load() is None


def test_saved_state_is_there_after_reopening_and_the_newest_wins(tmp_path: Path) -> None:
    """Two saves, a new process' eyes: the second one, cursor and snapshot together."""
    store = PaperStore(tmp_path / "paper.sqlite")
    store.save('{"tape": 1}', b"one")
    store.save('{"tape": 2}', b"two")
    store.close()
    assert PaperStore(tmp_path / "paper.sqlite").load() == ('{"tape": 2}', b"two")


def test_save_waits_for_the_disk(tmp_path: Path) -> None:
    """A power cut is not a kill: the file is opened so that a commit is synced before it returns."""
    store = PaperStore(tmp_path / "paper.sqlite")
    assert store._database.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_killed_writer_leaves_the_last_state_that_it_answered_for(tmp_path: Path) -> None:
    """Kill -9 amid saves: what was acknowledged is there, whole, or the one that was just being written."""
    path = tmp_path / "paper.sqlite"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(20)][-1]
    writer.send_signal(signal.SIGKILL)
    acknowledged = max([acknowledged, *(int(line) for line in writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()
    found = PaperStore(path).load()
    assert found is not None
    cursor, snapshot = found
    assert int(cursor) in (acknowledged, acknowledged + 1)
    assert snapshot == cursor.encode() * 2000


def test_file_that_is_no_database_is_refused_with_a_cure(tmp_path: Path) -> None:
    """Somebody else's file is not overwritten."""
    path = tmp_path / "paper.sqlite"
    path.write_text("this is not a database, but long enough to be taken for one" * 20)
    with pytest.raises(JournalError, match="move the file away"):
        PaperStore(path)


@pytest.mark.parametrize("snapshot", [b"", b"{}", b"null", b'{"markets":[],"accounts":[],"form":1}'])
def test_restore_of_foreign_bytes_is_refused(snapshot: bytes) -> None:
    """What is no snapshot of these instruments is never guessed at."""
    with pytest.raises(ContractError, match="venue snapshot"):
        PaperVenue.restore(SPEC, INSTRUMENTS, snapshot)


def test_restore_of_another_form_is_refused() -> None:
    """Another version's snapshot is not read as if it were ours."""
    newer = PaperVenue(SPEC, INSTRUMENTS, storm_accounts()).snapshot().replace(f'"form":{FORM}'.encode(), b'"form":0')
    with pytest.raises(ContractError, match=f"form must be {FORM}, was 0"):
        PaperVenue.restore(SPEC, INSTRUMENTS, newer)
