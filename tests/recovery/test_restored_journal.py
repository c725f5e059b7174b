"""An older copy of the journal beside a venue that has moved on: it is noticed, and nothing is done twice (I17)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.domain.effects import PassOverName, RaiseAlarm
from tests.app.killing import journal_of
from tests.recovery.dying import live
from tests.recovery.judging import judge, outcome
from tests.recovery.scripts import SCRIPTS

JOURNAL = "journal.sqlite"


def keep_copy(out: Path, backup: Path) -> None:
    """Copy what a killed run left of its journal, the log beside it too."""
    backup.mkdir()
    for path in out.glob(f"{JOURNAL}*"):
        shutil.copy2(path, backup / path.name)


def restore(backup: Path, out: Path) -> None:
    """Put the copy in place of what is there now; an empty backup leaves no journal at all."""
    for path in out.glob(f"{JOURNAL}*"):
        path.unlink()
    for path in backup.glob("*"):
        shutil.copy2(path, out / path.name)


@pytest.mark.parametrize("name", ["stop_loss", "stop_replacement", "supersede", "hedge_mode"])
@pytest.mark.parametrize(("early", "late"), [(0.2, 0.6), (0.45, 0.9)])
def test_run_with_yesterdays_journal_ends_as_an_undisturbed_one(
    tmp_path: Path, name: str, early: float, late: float
) -> None:
    """What the venue knows and the journal lost is heard again: no name is used twice, no lot sold twice."""
    script = SCRIPTS[name](tmp_path / "script")
    instants = live(script, tmp_path / "calm")
    assert instants is not None
    calm, out, backup = outcome(tmp_path / "calm"), tmp_path / "run", tmp_path / "backup"
    assert live(script, out, last=int(instants * early)) is None
    keep_copy(out, backup)
    assert live(script, out, last=int(instants * (late - early))) is None
    restore(backup, out)
    assert live(script, out) is not None
    judge(script, out, calm, is_restored=True)


def test_run_with_an_older_journal_tells_of_orders_that_it_does_not_know(tmp_path: Path) -> None:
    """A person learns that the record is older than the venue, and the names are passed over in the record itself."""
    script = SCRIPTS["stop_loss"](tmp_path / "script")
    out, backup = tmp_path / "run", tmp_path / "backup"
    assert live(script, out, last=12) is None            # before the first order
    keep_copy(out, backup)
    assert live(script, out, last=40) is None
    restore(backup, out)
    assert live(script, out) is not None
    with journal_of(out) as journal:
        found = [item for _, item in journal.read()]
    assert [item.child for item in found if isinstance(item, PassOverName)]
    assert {item.code for item in found if isinstance(item, RaiseAlarm)} >= {"order_unrecorded"}


def test_run_that_lost_its_journal_uses_no_name_again(tmp_path: Path) -> None:
    """Even with no journal at all the venue's own memory of our names is enough; the rest is sold, and no more."""
    script = SCRIPTS["stop_loss"](tmp_path / "script")
    instants = live(script, tmp_path / "calm")
    assert instants is not None
    out, nothing = tmp_path / "run", tmp_path / "nothing"
    nothing.mkdir()
    assert live(script, out, last=instants * 2 // 3) is None
    assert 0 < -sum(outcome(out).traded.values()) < 1_500
    restore(nothing, out)
    assert live(script, out) is not None
    judge(script, out, outcome(tmp_path / "calm"), is_restored=True)
