"""Freeze, kill, flatten and resume of a paper run: from a command line, over restarts and restored journals."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from bot.app.cli import main
from bot.domain.effects import PlaceOrder, SetLatch
from bot.domain.events import Command
from bot.domain.latch import Latch
from tests.app.killing import PACE_HUGE, Script, end, held, journal_of, start, venue_of, wait_until_it_works
from tests.app.runs import (
    BTC,
    ETH,
    NEVER_FIRES,
    SECOND,
    Print,
    log_lines,
    long_of,
    one_object,
    penstock,
    write_config,
    write_trades,
)

PATIENCE = 60.0
QUICK = "limits: {flatten_over: 20s}\n"
SLOW_STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 4m, collar: 2%, order_class: cost}
"""


def calm(price: float, minutes: int) -> list[Print]:
    return [(second * 1000, price + 0.01 * (second % 2), 500.001) for second in range(minutes * 60)]


def falling(price: float, minutes: int) -> list[Print]:
    """Five calm seconds, then 4.5 % lower."""
    return [
        (second * 1000, price * (1 if second < 5 else 0.955) + 0.01 * (second % 2), 500.001)
        for second in range(minutes * 60)
    ]


def two_longs(folder: Path, *, pace: float, minutes: int = 8) -> Script:
    positions = {BTC: long_of("1.5"), ETH: long_of("60")}
    config = write_config(folder, positions, usdt="9000", books=[NEVER_FIRES], more=QUICK)
    btc, eth = write_trades(folder / "b.csv", calm(10_000, minutes)), write_trades(folder / "e.csv", calm(250, minutes))
    return Script(config, (f"{BTC}={btc}", f"{ETH}={eth}"), pace=pace)


def selling(folder: Path, *, pace: float) -> Script:
    """A stop that takes four minutes, from the fifth second on."""
    config = write_config(folder, {BTC: long_of("1.5")}, usdt="3000", books=[SLOW_STOP], instruments=[BTC])
    return Script(config, (f"{BTC}={write_trades(folder / 'b.csv', falling(10_000, 8))}",), pace=pace)


def alarms(out: Path) -> list[str]:
    return [str(line["code"]) for line in log_lines(out) if line["event"] == "alarm"]


def wait_for_alarm(process: subprocess.Popen[bytes], out: Path, code: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if code in alarms(out):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError(f"no {code} within {PATIENCE:g} s, only {alarms(out)}")


def say(verb: str, out: Path) -> dict[str, Any]:
    """Say a word as a person would, from another process than the run's: this one."""
    told = io.StringIO()
    with redirect_stdout(told):
        assert main([verb, str(out), "--reason", "a test", "--by", "ann", "--json"]) == 0
    return one_object(told.getvalue())


def latches_of(out: Path) -> list[Latch]:
    with journal_of(out) as journal:
        return [item.latch for _, item in journal.read() if isinstance(item, SetLatch)]


def test_flatten_of_a_running_run_empties_every_position_and_ends_killed(tmp_path: Path) -> None:
    """Told from another process: both legs go side by side, then the account stays shut, over the next start, too."""
    script, out = two_longs(tmp_path, pace=30), tmp_path / "out"
    process = start(script, out, script.pace)
    wait_until_it_works(process, out)
    assert say("flatten", out)["running"] is True

    wait_for_alarm(process, out, "account_flat")

    assert end(process, signal.SIGTERM)[0] == 0
    assert held(venue_of(out)) in ({}, {0: 0, 1: 0})
    assert latches_of(out) == [Latch.FLATTENING, Latch.KILLED]
    words = json.loads((out / "penstock.latch").read_text(encoding="utf-8"))
    assert words["main"]["latch"] == "killed" and words["*"]["by"] == "ann"
    assert penstock(*script.words(out, PACE_HUGE)).returncode == 0
    assert latches_of(out) == [Latch.FLATTENING, Latch.KILLED]


def test_kill_stops_a_sale_and_resume_by_a_person_lets_it_go_on(tmp_path: Path) -> None:
    """Children stop at once; after the resume the rule, which is true still, fires anew and sells the rest."""
    script, out = selling(tmp_path, pace=10), tmp_path / "out"
    process = start(script, out, script.pace)
    wait_until_it_works(process, out)
    wait_for_sale(process, out)
    say("kill", out)
    wait_for_alarm(process, out, "account_killed")
    time.sleep(1.0)                                    # ten seconds of market: a child would have been due
    assert held(venue_of(out)) != {}

    say("resume", out)
    wait_for_alarm(process, out, "account_resumed")
    assert end(process, signal.SIGTERM)[0] == 0
    assert penstock(*script.words(out, PACE_HUGE)).returncode == 0
    assert held(venue_of(out)) in ({}, {0: 0})
    with journal_of(out) as journal:
        items = [item for _, item in journal.read()]
    kill, resume = (item for item in items if isinstance(item, Command))
    assert [(item.kind.value, item.by) for item in (kill, resume)] == [("kill", "ann"), ("resume", "ann")]
    assert resume.now - kill.now > 5 * SECOND
    between = items[items.index(kill) : items.index(resume)]
    assert not [item for item in between if isinstance(item, PlaceOrder)]


def wait_for_sale(process: subprocess.Popen[bytes], out: Path) -> None:
    """Return when a parent has been at work for a while."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if (out / "penstock.log").exists() and "parent_opened" in (out / "penstock.log").read_text(encoding="utf-8"):
            time.sleep(1.5)                            # 15 s of market: three slices
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("nothing was sold")


def test_run_whose_journal_is_restored_from_before_the_kill_is_still_killed(tmp_path: Path) -> None:
    """The backup knows of no kill; the file beside it does, and nothing more is sold."""
    script, out, backup = selling(tmp_path, pace=10), tmp_path / "out", tmp_path / "backup"
    process = start(script, out, script.pace)
    wait_until_it_works(process, out)
    wait_for_sale(process, out)
    assert end(process, signal.SIGTERM)[0] == 0
    shutil.copytree(out, backup)                       # of journal and venue; nobody has killed anything yet
    left = held(venue_of(out))
    assert say("kill", out)["running"] is False
    for path in backup.iterdir():
        shutil.copy(path, out / path.name)
    assert latches_of(out) == []

    assert penstock(*script.words(out, PACE_HUGE)).returncode == 0

    assert held(venue_of(out)) == left
    assert latches_of(out) == [Latch.KILLED]


def test_run_whose_latch_file_was_lost_is_still_frozen_by_its_journal(tmp_path: Path) -> None:
    """The other way round: the journal alone is enough, and writes the file anew."""
    script, out = two_longs(tmp_path, pace=30), tmp_path / "out"
    process = start(script, out, script.pace)
    wait_until_it_works(process, out)
    say("freeze", out)
    wait_for_alarm(process, out, "account_frozen")
    assert end(process, signal.SIGTERM)[0] == 0
    (out / "penstock.latch").unlink()

    assert penstock(*script.words(out, PACE_HUGE)).returncode == 0

    assert latches_of(out) == [Latch.FROZEN]
    assert json.loads((out / "penstock.latch").read_text(encoding="utf-8"))["main"]["latch"] == "frozen"


@pytest.mark.parametrize(("words", "what"), [
    (("kill", "nowhere", "--reason", "x"), "is no folder"),
    (("freeze", ".", "--reason", " ", "--by", "ann"), "needs a name and a reason"),
    (("flatten", ".", "--reason", "x", "--by", " "), "needs a name and a reason"),
    (("resume", ".", "--reason", "x", "--by", "ann"), "take the run up first"),
])
def test_word_that_cannot_hold_is_refused_with_what_to_do(
    words: tuple[str, ...], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word that nobody signs, of no run, or that no run would hear."""
    words = tuple(str(tmp_path) if word == "." else word for word in words)
    assert main([*words, "--json"]) == 2
    assert what in one_object(capsys.readouterr().out)["error"]
