"""Output that cannot go where it was sent: one line that says so, never a traceback, and nothing half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters.journal.lock import WriterLock
from bot.app.cli import main
from bot.app.running import VENUE_NAME
from bot.app.whole_files import write_all_new, write_whole
from bot.domain.errors import JournalError
from tests.app.runs import BTC, ENDS_WITHIN, STOP_NOW, crash, long_of, write_candles, write_config
from tests.shared_data import ROOT

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, a Linux device without room")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a configuration and a tape on which its rule fires."""
    write_config(tmp_path, {BTC: long_of("0.1")}, usdt="1000", books=[STOP_NOW])
    write_candles(tmp_path / "BTCUSDT.csv", crash())
    return tmp_path


def replayed(desk: Path, out: Path) -> int:
    return main([
        "replay", str(desk / "config.yaml"), "--tape", f"{BTC}={desk / 'BTCUSDT.csv'}", "--out", str(out), "--json"
    ])


@needs_full
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "json"])
def test_output_to_a_full_disk_says_so_in_one_line(more: list[str]) -> None:
    """A full disk is the world's fault and not ours: exit 2, a cure, and no traceback."""
    with FULL.open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "bot", "rules", *more], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=ENDS_WITHIN, check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "penstock: output: cannot be read or written, was No space left on device; check the disk and the "
        "permissions, or choose another place"
    ]


def test_output_in_a_locale_without_the_letters_is_escaped(desk: Path) -> None:
    """An account may have a name that this terminal cannot show; check then spells it, and does not fail."""
    config = desk / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("main:", "счёт:"), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "check", str(config)], cwd=ROOT, capture_output=True, timeout=ENDS_WITHIN,
        check=False, env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert rb"account \u0441\u0447\u0451\u0442: paper" in ended.stdout


def test_summary_whose_reader_leaves_ends_quietly(desk: Path) -> None:
    """`penstock report RUN | head -0` is no failure."""
    assert replayed(desk, desk / "run") in (0, 5)
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "report", str(desk / "run")], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as reporting:
        assert reporting.stdout is not None
        assert reporting.stderr is not None
        reporting.stdout.close()
        told = reporting.stderr.read()
        assert (reporting.wait(timeout=ENDS_WITHIN), told) == (0, b"")


def test_summary_on_a_narrow_terminal_keeps_its_columns(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On 20 columns the lines wrap; figures are never cut to one letter."""
    assert replayed(desk, desk / "run") in (0, 5)
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", "20")
    assert main(["report", str(desk / "run")]) == 0
    assert "…" not in capsys.readouterr().out


def test_replay_into_the_folder_of_a_paper_run_is_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A replay is made again in seconds; a paper run, and what its venue knows, never."""
    out = desk / "run"
    assert replayed(desk, out) in (0, 5)
    assert replayed(desk, out) in (0, 5)                     # a replay makes way for the next
    (out / VENUE_NAME).write_bytes(b"")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    assert replayed(desk, out) == 2
    assert "holds a paper run, was venue.sqlite; choose another" in json.loads(capsys.readouterr().out)["error"]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_write_whole_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is replaced by a whole one, or stands as it was."""
    (tmp_path / "report.html").write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "report.html", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("report.html", b"old")]


def test_write_all_new_that_fails_leaves_nothing_of_its_own(tmp_path: Path) -> None:
    """When one of several files cannot be written, the others and their folders go; what was there stays."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "b").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        write_all_new({tmp_path / "new" / "deep" / "a": b"1", tmp_path / "mine" / "b": b"2"})
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "b"]
    assert (tmp_path / "mine" / "b").read_bytes() == b"mine"


def test_write_all_new_writes_everything(tmp_path: Path) -> None:
    """Folders that are missing are made."""
    write_all_new({tmp_path / "new" / "deep" / "a": b"1", tmp_path / "b": b"2"})
    assert ((tmp_path / "new" / "deep" / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"1", b"2")


@needs_full
def test_lock_on_a_full_disk_is_a_fault_of_the_journal(tmp_path: Path) -> None:
    """Without room for a process number the run does not begin: exit 4 and what to look at."""
    (tmp_path / "journal.sqlite.lock").symlink_to(FULL)
    with pytest.raises(JournalError, match=r"No space left on device|Invalid argument"):
        WriterLock(tmp_path / "journal.sqlite")
