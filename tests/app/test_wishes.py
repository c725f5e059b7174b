"""Overrides and re-arming from the command line: written beside the run, heard once, by the run that goes on."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.adapters.journal.lock import WriterLock
from bot.adapters.latch import LatchFile
from bot.adapters.wishes import WISHES_NAME, WishFile
from bot.app.cli import main
from bot.app.latches import Latches
from bot.app.running import JOURNAL_NAME
from bot.app.wishes import Wishes
from bot.domain.denials import DenialCode
from bot.domain.effects import RaiseAlarm, SetOverride
from bot.domain.events import Command, CommandKind
from bot.domain.scale import NS_PER_MINUTE
from bot.rules.triggers import NEVER_FIRED
from tests.builders import ETH_KEY, KEY, STOP, T0, snapshot, trade
from tests.engine.driver import Trader, engine

LATCHED = STOP.replace("do: close", "do: close\n    latch: true")


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """The folder of a run that a process goes on with."""
    lock = WriterLock(tmp_path / JOURNAL_NAME)
    yield tmp_path
    lock.release()


class Heard:
    """An engine as the session keeps it, and what reaches it."""

    def __init__(self, folder: Path) -> None:
        self.driver = Trader(engine(LATCHED))
        self.commands: list[Command] = []
        self.wishes = Wishes(WishFile(folder), self)
        self.wishes.start()

    @property
    def engine(self) -> Any:
        return self.driver.engine

    def command(self, command: Command) -> None:
        self.commands.append(command)
        self.driver.step(command)

    def hear(self, now: int = T0) -> list[Command]:
        self.commands.clear()
        self.wishes.look(now)
        return list(self.commands)


def said(*words: str) -> int:
    return main([*words, "--reason", "the feed is fine", "--by", "ann", "--json"])


def test_override_said_to_a_run_lets_the_control_rest_from_then_on(run: Path) -> None:
    """Ten minutes of the market's time, for every account, with name and reason, and once."""
    heard = Heard(run)
    assert said("override", str(run), "PRICES_DIVERGE", "--for", "10m") == 0
    (command,) = heard.hear(T0 + 5)
    assert command == Command(
        T0 + 5, 0, CommandKind.OVERRIDE, "the feed is fine", by="ann", control=DenialCode.PRICES_DIVERGE,
        until=T0 + 5 + 10 * NS_PER_MINUTE,
    )
    assert [effect.control for effect in heard.driver.found(SetOverride)] == [DenialCode.PRICES_DIVERGE]
    assert heard.hear(T0 + 6) == []


def test_rearm_said_to_a_run_frees_the_latched_rule(run: Path) -> None:
    """A rule that fired once and is off forgets it; of the position that was named alone where one was."""
    heard = Heard(run)
    driver = heard.driver
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000, eth=8_000, eth_entry=200))
    driver.step(trade(1, 7_500))
    driver.step(trade(1, 180, instrument=1))
    elements = {element.key: element for _, element in driver.engine.book.fires}
    assert set(elements) == {KEY, ETH_KEY}
    assert said("rearm", str(run), "stop", "--scope", "BTC/USDT:USDT") == 0
    (command,) = heard.hear(driver.engine.book.now)
    assert (command.kind, command.rule, command.key) == (CommandKind.REARM, "stop", KEY)
    assert driver.engine.book.fires_of("stop", elements[KEY]) == NEVER_FIRED
    assert driver.engine.book.fires_of("stop", elements[ETH_KEY]).count == 1
    assert "rule_rearmed" in [alarm.code for alarm in driver.found(RaiseAlarm)]
    assert said("rearm", str(run), "stop") == 0
    heard.hear(driver.engine.book.now)
    assert not driver.engine.book.fires


def test_wish_said_before_the_run_was_taken_up_is_not_heard(run: Path) -> None:
    """An override from yesterday would let a control rest that nobody watches any more."""
    said("override", str(run), "PRICES_DIVERGE", "--for", "10m")
    heard = Heard(run)
    assert heard.hear() == []
    said("rearm", str(run), "stop")
    assert [command.kind for command in heard.hear()] == [CommandKind.REARM]


def test_wish_to_a_folder_where_nothing_goes_on_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody would hear it."""
    assert said("rearm", str(tmp_path), "stop") == 2
    assert "no run is going on there" in json.loads(capsys.readouterr().out)["error"]
    assert not (tmp_path / WISHES_NAME).exists()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("override", "{run}", "RATE_EXCEEDED", "--for", "10m"), "the control never rests, was 'RATE_EXCEEDED'"),
        (("override", "{run}", "RATE_EXEEDED", "--for", "10m"), "the control is unknown"),
        (("override", "{run}", "PRICES_DIVERGE", "--for", "ten"), "--for is not a length of time"),
        (("override", "{run}", "PRICES_DIVERGE", "--for", "0s"), "--for must be above 0"),
        (("rearm", "{run}/nowhere", "stop"), "is no folder"),
    ],
)
def test_wish_that_cannot_be_meant_is_refused_where_it_is_said(
    run: Path, words: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The person who says it is told, and nothing is written."""
    assert said(*(word.format(run=run) for word in words)) == 2
    assert error in json.loads(capsys.readouterr().out)["error"]
    assert not (run / WISHES_NAME).exists()


def test_wish_without_a_reason_is_refused(run: Path) -> None:
    """Whoever lets a control rest says why."""
    assert main(["rearm", str(run), "stop", "--reason", " ", "--by", "ann", "--json"]) == 2


@pytest.mark.parametrize(
    "wish",
    [
        b"not json\n", b"[]\n", b"{}\n",
        b'{"verb": "open", "account": "*", "reason": "r", "by": "b"}\n',
        b'{"verb": "rearm", "account": "other", "reason": "r", "by": "b", "rule": "stop", "scope": null}\n',
        b'{"verb": "rearm", "account": "*", "reason": "r", "by": "b", "rule": "stop", "scope": "DOGE"}\n',
        b'{"verb": "override", "account": "*", "reason": "r", "by": "b", "control": "NONE", "seconds": 1}\n',
    ],
)
def test_wish_that_nobody_understands_stops_no_other(run: Path, wish: bytes) -> None:
    """It is said in the operator's log, and the next line is heard."""
    heard = Heard(run)
    with (run / WISHES_NAME).open("ab") as stream:
        stream.write(wish)
    said("rearm", str(run), "stop")
    assert [command.kind for command in heard.hear()] == [CommandKind.REARM]


def test_wish_half_written_waits_for_its_end(run: Path) -> None:
    """A line is heard when it is whole."""
    heard = Heard(run)
    line = json.dumps({"verb": "rearm", "account": "main", "reason": "r", "by": "b", "rule": "stop", "scope": None})
    with (run / WISHES_NAME).open("a") as stream:
        stream.write(line[:20])
        stream.flush()
        assert heard.hear() == []
        stream.write(line[20:] + "\n")
    assert len(heard.hear()) == 1


def test_rule_that_does_not_exist_is_refused_by_the_engine_with_an_alarm(run: Path) -> None:
    """The command line has no rules at hand; the engine that has them says so."""
    heard = Heard(run)
    said("rearm", str(run), "stopp")
    heard.hear()
    assert [alarm.code for alarm in heard.driver.found(RaiseAlarm)] == ["command_refused"]


def test_latches_hear_wishes_at_their_every_look(run: Path) -> None:
    """One look for all that a person says: the paced run and the daemon have it already."""
    driver, commands = Trader(engine(STOP)), list[Command]()
    session: Any = SimpleNamespace(engine=driver.engine, command=commands.append)
    latches = Latches(LatchFile(run), session)
    latches.start(T0)
    said("rearm", str(run), "stop")
    latches.look(T0)
    assert [command.kind for command in commands] == [CommandKind.REARM]
