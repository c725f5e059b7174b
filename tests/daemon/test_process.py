"""The daemon as a real process: its start, its verbs, its signals, its deaths; prices are typed into it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.control.address import CONTROL_NAME
from bot.adapters.control.client import ask
from bot.adapters.journal.reader import open_readonly
from bot.app.running import JOURNAL_NAME, SUMMARY_NAME
from bot.domain.effects import OpenEpisode, PlaceOrder
from bot.domain.errors import PenstockError
from bot.domain.events import Command
from tests.app.killing import orders_of, venue_of
from tests.app.runs import BTC, long_of, penstock, write_config
from tests.shared_data import ROOT

WAIT = 60.0                          # seconds; a start takes one, on a busy machine ten
STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: now}
"""
SLOW_STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: twap, over: 4s, slice: 500ms, collar: 5%}
"""


@dataclass
class Process:
    """A daemon, and the folder of its run."""

    popen: subprocess.Popen[bytes]
    out: Path

    def type(self, *lines: object) -> None:
        assert self.popen.stdin is not None
        for line in lines:
            self.popen.stdin.write(f"{line}\n".encode())
        self.popen.stdin.flush()

    def ask(self, verb: str, **arguments: object) -> Any:
        return ask(self.out, verb, arguments)

    def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask for the status until it is as wanted."""
        status: dict[str, Any] = {}
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            assert self.popen.poll() is None, self.log()
            try:
                status = self.ask("status")
            except PenstockError:
                status = {}
            if status and is_so(status):
                return status
            time.sleep(0.02)
        raise AssertionError(f"it did not come to pass: {status}")

    def code(self) -> int:
        return self.popen.wait(WAIT)

    def log(self) -> str:
        """Return the log, empty where there is none yet."""
        path = self.out / "penstock.log"
        return path.read_text() if path.exists() else ""


@contextmanager
def daemon(folder: Path, book: str = STOP, *, latency: str = "50ms", **environ: str) -> Iterator[Process]:
    """Start a daemon of an account long 1 BTC; it is killed at the end if it still lives."""
    config = write_config(
        folder, {BTC: long_of("1")}, usdt="20", books=(book,), instruments=[BTC], latency=latency
    )
    out = folder / "run"
    popen = subprocess.Popen(
        [sys.executable, "-m", "tests.daemon.process", str(config), str(out)], cwd=ROOT, stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
    )
    try:
        yield Process(popen, out)
    finally:
        popen.kill()
        popen.wait()
        assert popen.stdin is not None
        popen.stdin.close()


def is_ready(status: dict[str, Any]) -> bool:
    return bool(status["accounts"]["main"]["ready"])


def is_flat(status: dict[str, Any]) -> bool:
    main = status["accounts"]["main"]
    return is_ready(status) and main["positions"] == 0 and not main["orders"]


def effects(out: Path, kind: type) -> list[Any]:
    """What a run decided, of one kind; it may be going on."""
    with open_readonly(out / JOURNAL_NAME) as journal:
        return [item for _, item in journal.read() if isinstance(item, kind)]


def test_daemon_price_beyond_the_stop_is_sold_and_sigterm_ends_it_well(tmp_path: Path) -> None:
    """From a typed price to a flat account, asked for by verbs, and a clean end."""
    with daemon(tmp_path) as live:
        live.type(100)
        ready = live.until(is_ready)
        assert ready["accounts"]["main"]["equity"] == "20"
        position = live.ask("positions")["positions"][0]
        assert (position["symbol"], position["amount"]) == (BTC, "1")
        live.type(94)
        live.until(is_flat)
        live.popen.send_signal(signal.SIGTERM)
        assert live.code() == 0
        assert not (live.out / CONTROL_NAME).exists()
        assert [episode.rule for episode in effects(live.out, OpenEpisode)] == ["stop"]


def test_daemon_killed_while_it_sells_goes_on_and_sells_no_more_than_it_had(tmp_path: Path) -> None:
    """Kill -9 between slices: the next process finds venue and record as they were, and finishes the sale."""
    with daemon(tmp_path, SLOW_STOP) as live:
        live.type(100)
        live.until(is_ready)
        live.type(94)
        live.until(lambda status: bool(effects(live.out, PlaceOrder)) and bool(status["accounts"]["main"]["parents"]))
        live.popen.kill()
        live.code()
    with daemon(tmp_path, SLOW_STOP) as live:
        live.type(94)
        live.until(is_flat)
        live.popen.send_signal(signal.SIGTERM)
        assert live.code() == 0
        names = [placed.approved.request.name for placed in effects(live.out, PlaceOrder)]
        assert len(names) == len(set(names))
        assert len(effects(live.out, OpenEpisode)) == 1


def test_daemon_killed_before_it_hears_of_a_fill_hears_of_it_before_it_reads_the_account(tmp_path: Path) -> None:
    """First what was missed, then what is held: the other way round a sale of ours is a loss that nobody explains."""
    with daemon(tmp_path, SLOW_STOP, latency="1s") as live:
        live.type(100)
        live.until(is_ready)
        live.type(94)
        live.until(lambda _: any(order.filled for order in orders_of(venue_of(live.out))))
        live.popen.kill()                # the word of it is on its way for a second
        live.code()
    with daemon(tmp_path, SLOW_STOP, latency="1s") as live:
        live.type(94)
        live.until(is_flat)
        live.popen.send_signal(signal.SIGTERM)
        assert live.code() == 0
        assert "position_differs" not in live.log()
    account = json.loads((live.out / SUMMARY_NAME).read_text())["accounts"]["main"]
    earned = Decimal(account["realised_pnl"]) - Decimal(account["fees"])
    assert Decimal(account["equity_end"]) == 20 + earned


def test_daemon_sigterm_lets_a_rescue_finish_and_a_second_one_does_not_wait(tmp_path: Path) -> None:
    """A stop of the service in the middle of a rescue is no reason to leave the account where it was."""
    with daemon(tmp_path, SLOW_STOP) as live:
        live.type(100)
        live.until(is_ready)
        live.type(94)
        live.until(lambda status: bool(status["accounts"]["main"]["parents"]))
        live.popen.send_signal(signal.SIGTERM)
        assert live.code() == 0
        assert sum(placed.approved.request.quantity for placed in effects(live.out, PlaceOrder)) == 1_000_000


def test_daemon_second_sigterm_ends_it_at_once(tmp_path: Path) -> None:
    """Whoever asks twice is not made to wait for a sale that takes an hour."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(WAIT)
        with daemon(tmp_path, SLOW_STOP.replace("over: 4s", "over: 1h"), NOTIFY_SOCKET=path) as live:
            live.type(100)
            live.until(is_ready)
            live.type(94)
            live.until(lambda status: bool(status["accounts"]["main"]["parents"]))
            live.popen.send_signal(signal.SIGTERM)
            while not manager.recv(1024).startswith(b"STOPPING=1"):
                assert live.popen.poll() is None
            live.popen.send_signal(signal.SIGTERM)   # the first one was heard
            assert live.code() == 0
        assert sum(placed.approved.request.quantity for placed in effects(live.out, PlaceOrder)) < 1_000_000


@pytest.mark.parametrize("line", ["die live", "hang live", "bug"])
def test_daemon_task_that_dies_or_hangs_freezes_and_ends_it_with_a_bugs_code(tmp_path: Path, line: str) -> None:
    """A daemon that is half alive is worse than one that is dead: it says so, shuts the account, and goes."""
    with daemon(tmp_path) as live:
        live.type(100)
        live.until(is_ready)
        live.type(line)
        assert live.code() == 70
        assert "task_failed" in live.log()
        if line != "bug":                # an engine that broke a promise is asked nothing any more
            with open_readonly(live.out / JOURNAL_NAME) as journal:
                assert any(isinstance(fact, Command) and fact.kind.value == "freeze" for _, fact in journal.read())


def test_daemon_hears_the_verbs_of_latches_and_wishes(tmp_path: Path) -> None:
    """Frozen, one control overridden, and resumed, by the verbs that a person types; the status says each."""
    signed = ("--reason", "a look", "--by", "ann")
    with daemon(tmp_path) as live:
        live.type(100)
        live.until(is_ready)
        assert penstock("freeze", str(live.out), *signed).returncode == 0
        live.until(lambda status: status["accounts"]["main"]["latch"] == "frozen")
        assert penstock("override", str(live.out), "NOTIONAL_ABOVE_MAX", "--for", "10m", *signed).returncode == 0
        live.until(lambda status: "NOTIONAL_ABOVE_MAX" in status["accounts"]["main"]["overrides"])
        assert penstock("resume", str(live.out), *signed).returncode == 0
        live.until(lambda status: status["accounts"]["main"]["latch"] == "open")
        with pytest.raises(PenstockError, match="question is unknown"):
            live.ask("freeze")


def test_daemon_tells_the_service_manager_that_it_lives_only_while_it_does(tmp_path: Path) -> None:
    """The watchdog is pinged by progress; when a task hangs it hears that the daemon stops, and no ping after it."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(WAIT)
        with daemon(tmp_path, NOTIFY_SOCKET=path) as live:
            live.type(100)
            words = []
            while not words or not words[-1].startswith(b"READY=1"):
                words.append(manager.recv(1024))
            assert manager.recv(1024).startswith(b"WATCHDOG=1")
            live.type("hang live")
            while not words[-1].startswith(b"STOPPING=1"):
                words.append(manager.recv(1024))
            assert live.code() == 70
            manager.settimeout(0.1)
            with pytest.raises(TimeoutError):
                manager.recv(1024)
