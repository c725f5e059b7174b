"""Whom the last resort may end, and whom it must not touch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from bot.adapters.control.address import CONTROL_NAME, Address, find, keep, publish
from bot.adapters.journal.lock import Holder, WriterLock, has_open, holder_of
from bot.app.daemon import last_resort
from bot.app.daemon.last_resort import kill_hung
from bot.app.running import JOURNAL_NAME

HOLDS = """
import sys, time
from pathlib import Path
from bot.adapters.journal.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
if len(sys.argv) > 2:
    lock.sign(sys.argv[2])
print("held", flush=True)
time.sleep(600)
"""
SLEEPS = "import time; print('asleep', flush=True); time.sleep(600)"


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that is listened to, and answers nothing for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def process(code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has said its first line, and does nothing after it."""
    with subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True) as born:
        try:
            assert born.stdout is not None and born.stdout.readline()
            yield born
        finally:
            born.kill()


def holder(folder: Path, *word: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """A process that holds the run's journal, and has signed the lock with a word where one is given."""
    return process(HOLDS, str(folder / JOURNAL_NAME), *word)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for an answer as long as a test can."""
    monkeypatch.setattr(last_resort, "PATIENCE", 0.3)


def test_kill_of_an_address_whose_process_holds_no_journal_ends_nobody(tmp_path: Path) -> None:
    """The address survived a crash and its number is another program's by now: that one is left alone."""
    with process(SLEEPS) as stranger, silent_port() as port:
        publish(tmp_path, Address(port, "token", stranger.pid, "nowhere.yaml"))
        (tmp_path / f"{JOURNAL_NAME}.lock").write_text("1")
        assert kill_hung(tmp_path, {}) is None
        assert stranger.poll() is None


@pytest.mark.parametrize("has_address", [True, False])
def test_kill_of_a_number_that_address_and_lock_still_tell_ends_no_stranger(tmp_path: Path, has_address: bool) -> None:
    """Both outlived the daemon, and its number was given to another program, which has never opened the lock."""
    with process(SLEEPS) as stranger, silent_port() as port:
        if has_address:
            publish(tmp_path, Address(port, "token", stranger.pid, "nowhere.yaml"))
        (tmp_path / f"{JOURNAL_NAME}.lock").write_text(f"{stranger.pid}\nnowhere.yaml\n")
        assert kill_hung(tmp_path, {}) is None
        assert stranger.poll() is None


def test_kill_of_the_silent_process_that_holds_the_journal_ends_it_and_says_what_failed(tmp_path: Path) -> None:
    """It is the daemon by its own lock: it is ended, even where nothing can be cancelled afterwards."""
    with holder(tmp_path) as hung, silent_port() as port:
        publish(tmp_path, Address(port, "token", hung.pid, str(tmp_path / "gone.yaml")))
        ended = kill_hung(tmp_path, {})
        assert hung.wait(timeout=10) == -9
    assert ended is not None and ended.process == hung.pid and ended.cancelled == ()
    assert ended.trouble is not None and "gone.yaml" in ended.trouble


@pytest.mark.parametrize("address", [None, "", "{}", '{"port": 1}'])
def test_kill_without_an_address_ends_the_daemon_that_signed_the_lock(tmp_path: Path, address: str | None) -> None:
    """Its file is gone or broken; who holds the journal, and by which configuration, the lock says."""
    if address is not None:
        (tmp_path / CONTROL_NAME).write_text(address)
    with holder(tmp_path, str(tmp_path / "lost.yaml")) as hung:
        ended = kill_hung(tmp_path, {})
        assert hung.wait(timeout=10) == -9
    assert ended is not None and ended.process == hung.pid
    assert ended.trouble is not None and "lost.yaml" in ended.trouble


def test_kill_without_an_address_leaves_a_run_that_never_had_one_alone(tmp_path: Path) -> None:
    """A paced run has none, and a daemon that is only starting has none yet: neither has signed."""
    with holder(tmp_path) as paced:
        assert kill_hung(tmp_path, {}) is None
        assert paced.poll() is None


def test_kill_without_an_address_leaves_a_daemon_that_puts_it_back_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That one lives: it looks after its address, and hears the latch."""
    monkeypatch.setattr(last_resort, "PATIENCE", 60.0)
    with holder(tmp_path, "some.yaml") as living:
        back = threading.Timer(0.2, keep, (tmp_path, Address(1, "token", living.pid, "some.yaml")))
        back.start()
        assert kill_hung(tmp_path, {}) is None
        back.join()
        assert living.poll() is None


def test_address_that_is_gone_or_broken_is_put_back_and_another_stays(tmp_path: Path) -> None:
    """Only what nobody can use is written over."""
    own = Address.of(7, "mine.yaml")
    keep(tmp_path, own)
    assert find(tmp_path) == own
    (tmp_path / CONTROL_NAME).write_text("{")
    keep(tmp_path, own)
    assert find(tmp_path) == own
    other = Address(8, "other", 1, "other.yaml")
    publish(tmp_path, other)
    keep(tmp_path, own)
    assert find(tmp_path) == other


def test_lock_says_who_holds_it_by_which_word_and_the_kernel_whether_that_is_true(tmp_path: Path) -> None:
    """The number and the word outlive the process; that the file is open does not."""
    journal = tmp_path / JOURNAL_NAME
    assert holder_of(journal) is None and has_open(os.getpid(), journal) is not True
    lock = WriterLock(journal)
    assert holder_of(journal) == Holder(os.getpid(), "") and has_open(os.getpid(), journal) is not False
    lock.sign("/a folder/live.yaml")
    assert holder_of(journal) == Holder(os.getpid(), "/a folder/live.yaml")
    lock.release()
    assert holder_of(journal) == Holder(os.getpid(), "/a folder/live.yaml")
    assert has_open(os.getpid(), journal) is not True
    WriterLock(journal).release()
    assert holder_of(journal) == Holder(os.getpid(), "")     # the next one begins without a word
