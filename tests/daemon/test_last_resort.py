"""Whom the last resort may end, and whom it must not touch."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.adapters.control.address import Address, publish
from bot.app.daemon.last_resort import kill_hung
from bot.app.running import JOURNAL_NAME


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that is listened to, and answers nothing for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_kill_of_an_address_whose_process_holds_no_journal_ends_nobody(tmp_path: Path) -> None:
    """The address survived a crash and its number is another program's by now: that one is left alone."""
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with silent_port() as port:
            publish(tmp_path, Address(port, "token", stranger.pid, "nowhere.yaml"))
            (tmp_path / f"{JOURNAL_NAME}.lock").write_text("1")
            assert kill_hung(tmp_path, {}) is None
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_kill_of_the_silent_process_that_holds_the_journal_ends_it_and_says_what_failed(tmp_path: Path) -> None:
    """It is the daemon by its own lock: it is ended, even where nothing can be cancelled afterwards."""
    hung = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with silent_port() as port:
            publish(tmp_path, Address(port, "token", hung.pid, str(tmp_path / "gone.yaml")))
            (tmp_path / f"{JOURNAL_NAME}.lock").write_text(str(hung.pid))
            ended = kill_hung(tmp_path, {})
        assert hung.wait(timeout=10) == -9
        assert ended is not None and ended.process == hung.pid and ended.cancelled == ()
        assert ended.trouble is not None and "gone.yaml" in ended.trouble
    finally:
        hung.kill()
        hung.wait()
