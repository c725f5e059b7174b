"""SIGHUP to a paper run: a good file takes over, a bad one leaves the old in force and is logged with its place."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from bot.app.config import Config
from bot.app.loading import load_all
from bot.app.reload import require_same_ground
from bot.domain.errors import InputError
from bot.domain.events import Reloaded
from bot.settings.load import load_text
from tests.app.killing import Script, end, finish, held, journal_of, start, venue_of, wait_until_it_works
from tests.app.runs import BTC, NEVER_FIRES, STOP_NOW, Print, log_lines, long_of, penstock, write_config, write_trades

PATIENCE = 60.0                      # seconds; a reload takes half of one, on a busy machine a few


def after_the_fall(minutes: int) -> list[Print]:
    """Five calm seconds, then 4.5 % lower; a print a second."""
    return [
        (second * 1000, (10_000 if second < 5 else 9_550) + 0.01 * (second % 2), 500.001)
        for second in range(minutes * 60)
    ]


def script(folder: Path, *, pace: float) -> Script:
    config = write_config(folder, {BTC: long_of("1.5")}, usdt="3000", books=[NEVER_FIRES], instruments=[BTC])
    return Script(config, (f"{BTC}={write_trades(folder / 'b.csv', after_the_fall(20))}",), pace=pace)


def wait_for(process: subprocess.Popen[bytes], out: Path, event: str, *, count: int = 1) -> list[dict[str, Any]]:
    """Return the log's lines of one event, as soon as there are so many."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = [line for line in log_lines(out) if line["event"] == event]
        if len(found) >= count:
            return found
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError(f"no {event} within {PATIENCE:g} s")


def test_run_that_is_told_to_reload_follows_the_new_rules_and_is_held_to_them(tmp_path: Path) -> None:
    """A stop that is tightened while the run goes on sells; taken up again, the run is one of the new file."""
    mine = script(tmp_path, pace=20)
    out = tmp_path / "out"
    old = load_all(mine.config, {}).digest
    process = start(mine, out, mine.pace)
    wait_until_it_works(process, out)
    (tmp_path / "rules0.yaml").write_text(STOP_NOW, encoding="utf-8")
    process.send_signal(signal.SIGHUP)
    new = load_all(mine.config, {}).digest
    assert [line["config_hash"] for line in wait_for(process, out, "reloaded")] == [new]
    assert [line["rule"] for line in wait_for(process, out, "rule_fired")] == ["stop"]
    assert end(process, signal.SIGTERM)[0] == 0
    with journal_of(out) as journal:
        assert journal.head.config_hash == old
        assert [item.config_hash for _, item in journal.read() if isinstance(item, Reloaded)] == [new]

    (tmp_path / "rules0.yaml").write_text(NEVER_FIRES, encoding="utf-8")
    refused = penstock(*mine.words(out, 1_000_000))
    assert refused.returncode == 2
    assert "another configuration" in refused.stdout

    (tmp_path / "rules0.yaml").write_text(STOP_NOW, encoding="utf-8")
    summary = json.loads(finish(mine, out))
    assert summary["config_hash"] == new
    assert summary["rules"]["stop"]["fires"] == 1
    assert held(venue_of(out)).get(0, 0) == 0


def test_run_that_is_told_to_reload_a_bad_file_goes_on_under_the_old_one(tmp_path: Path) -> None:
    """A typing error and a changed position are refused with their place; a killed run is still one of the old file."""
    mine = script(tmp_path, pace=20)
    out = tmp_path / "out"
    good = mine.config.read_text(encoding="utf-8")
    process = start(mine, out, mine.pace)
    wait_until_it_works(process, out)
    book = tmp_path / "rules0.yaml"
    book.write_text(NEVER_FIRES.replace("loss_ratio", "lost_ratio"), encoding="utf-8")
    process.send_signal(signal.SIGHUP)
    first = wait_for(process, out, "reload_refused")[0]
    assert f"{book}:5:11: " in first["reason"]
    assert first["level"] == "error"
    book.write_text(NEVER_FIRES, encoding="utf-8")
    mine.config.write_text(good.replace("leverage: 20", "leverage: 10"), encoding="utf-8")
    process.send_signal(signal.SIGHUP)
    second = wait_for(process, out, "reload_refused", count=2)[1]
    assert "accounts.main.paper.leverage: may not change while a run goes on, was 10 after 20" in second["reason"]
    end(process, signal.SIGKILL)
    mine.config.write_text(good, encoding="utf-8")
    assert json.loads(finish(mine, out))["rules"]["never"]["fires"] == 0


BASE = """
accounts:
  main: {instruments: ["BTC/USDT:USDT"], exchange: {secret: env:KEY}, paper: {positions: {"BTC/USDT:USDT": {amount: 1}}
  }}
strategies: [a.yaml]
marker: pen
"""


def config(text: str) -> Config:
    return load_text(text, "penstock.yaml", Config, {"KEY": "hunter2", "OTHER": "hunter3"})


@pytest.mark.parametrize(
    "change",
    [
        ("strategies: [a.yaml]", "strategies: [b.yaml, c.yaml]"),
        ("marker: pen", "marker: pen\nlimits: {price_collar: 1%}"),
        ("main: {", "main: {survival: {sigmas: 4}, "),
        ("main: {", "main: {blind: {else_reduce: 10%}, "),
    ],
)
def test_require_same_ground_lets_rules_limits_and_floors_change(change: tuple[str, str]) -> None:
    """What says how to act may change at any time."""
    require_same_ground(config(BASE), config(BASE.replace(*change)), "penstock.yaml")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("main:", "other:"), "accounts: may not"),
        (('["BTC/USDT:USDT"]', '["BTC/USDT:USDT", "ETH/USDT:USDT"]'), "accounts.main.instruments: may not"),
        (("amount: 1", "amount: 2"), "accounts.main.paper.positions[BTC/USDT:USDT].amount: may not"),
        (("main: {", "main: {mode: live, "), "accounts.main.mode: may not change while a run goes on, was live after"),
        (("secret:", "id: okx, secret:"), "accounts.main.exchange.id: may not"),
        (("env:KEY", "env:OTHER"), "accounts.main.exchange.secret: may not"),
        (("marker: pen", "marker: abc"), "marker: may not"),
    ],
)
def test_require_same_ground_refuses_what_a_run_stands_on(change: tuple[str, str], where: str) -> None:
    """What the run began with may not, and the message names the key and never a secret."""
    with pytest.raises(InputError) as refused:
        require_same_ground(config(BASE), config(BASE.replace(*change)), "penstock.yaml")
    assert f"penstock.yaml: {where}" in str(refused.value)
    assert "hunter" not in str(refused.value)
