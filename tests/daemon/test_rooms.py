"""Clock, inbox, supervisor, control socket and service manager: each by itself, with real sockets and a real loop."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from bot.adapters.control.address import CONTROL_NAME, Address, find, publish, withdraw
from bot.adapters.control.client import DaemonSilent, ask
from bot.adapters.control.server import LINE_MAX, ControlServer
from bot.adapters.sd_notify import SystemdNotifier
from bot.app.daemon import inbox as inbox_module
from bot.app.daemon.clock import WallClock
from bot.app.daemon.inbox import Inbox
from bot.app.daemon.supervisor import LOOK_EVERY, Failure, Pulse, Supervisor
from bot.domain.errors import ContractError, InputError, PenstockError
from bot.domain.events import Timer
from bot.domain.market import MarkPrice, Quote, Trade

# The clock ------------------------------------------------------------------------------------------------


def test_clock_set_back_an_hour_goes_on_and_says_so() -> None:
    """A step of the machine's clock moves no deadline of ours; it is seen as drift."""
    wall, monotonic = [10**18], [5]
    clock = WallClock(lambda: wall[0], lambda: monotonic[0])
    before = clock.now()
    wall[0] -= 3600 * 10**9
    monotonic[0] += 7
    assert clock.now() == before + 7
    assert clock.drift() == -3600 * 10**9 - 7


def test_clock_behind_the_journal_goes_on_from_its_end() -> None:
    """After a restart time does not go back, though the machine's clock has."""
    clock = WallClock(lambda: 1_000, lambda: 0)
    clock.never_before(5_000)
    assert clock.now() == 5_000
    clock.never_before(4_000)
    assert clock.now() == 5_000


# The inbox ------------------------------------------------------------------------------------------------


def mark(now: int, price: int, instrument: int = 0) -> MarkPrice:
    return MarkPrice(now, now, instrument, price)


def trade(now: int) -> Trade:
    return Trade(now, now, 0, 100, 1, 1)


def test_inbox_newer_mark_takes_the_place_of_the_older_and_trades_are_all_kept() -> None:
    """What is, is told as it is now; what happened is told whole; and time never goes back on the way out."""
    box = Inbox(lambda: None, lambda: 0)
    events = [mark(1, 100), trade(2), mark(3, 101, instrument=1), trade(4), mark(5, 102), trade(6)]
    for event in events:
        box.put(event)
    taken = box.take()
    assert taken == events[1:]
    assert [event.now for event in taken] == sorted(event.now for event in taken)
    assert box.conflated == 1 and box.take() == []


def test_inbox_marks_of_two_kinds_do_not_push_each_other_out() -> None:
    """A quote is no mark."""
    box = Inbox(lambda: None, lambda: 0)
    box.put(mark(1, 100))
    box.put(Quote(2, 2, 0, 99, 1, 101, 1))
    assert len(box) == 2


def test_inbox_wakes_once_for_everything_that_waits() -> None:
    """The driver is called when the first event comes, and again only after it has taken them."""
    woken: list[int] = []
    box = Inbox(lambda: woken.append(1), lambda: 0)
    box.put(trade(1))
    box.tell(Timer(2))
    assert len(woken) == 1
    box.take()
    box.tell(Timer(3))
    assert len(woken) == 2


def test_inbox_fact_read_before_a_price_came_is_stamped_when_it_comes_in() -> None:
    """What was on a page that took a while to be read is told now, and time does not go back for the engine."""
    clock = [10]
    box = Inbox(lambda: None, lambda: clock[0])
    box.put(trade(12))
    box.tell(Timer(3))
    box.put(trade(11))
    clock[0] = 20
    box.tell(Timer(13))
    assert [event.now for event in box.take()] == [12, 12, 12, 20]


def test_inbox_full_of_prices_is_a_fault_and_still_takes_what_became_of_an_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A driver that stands still is not waited for, and no fact of an account is ever refused."""
    monkeypatch.setattr(inbox_module, "EVENTS_MAX", 3)
    box = Inbox(lambda: None, lambda: 0)
    for now in range(3):
        box.put(trade(now))
    box.tell(Timer(3))
    with pytest.raises(ContractError, match="stood still"):
        box.put(trade(4))
    assert len(box) == 4


# The supervisor -------------------------------------------------------------------------------------------


async def beating(pulse: Pulse) -> None:
    while True:
        pulse.beat()
        await asyncio.sleep(0.02)


async def failure_of(name: str, job: object, *, silence_max: float = 5.0) -> tuple[Failure, int]:
    """Run a good task beside ``job``; return the failure, and how often progress was told before it."""
    told: list[Failure] = []
    pings: list[int] = []

    async def on_failure(failure: Failure) -> None:
        told.append(failure)

    supervisor = Supervisor(on_failure)
    supervisor.start("good", beating, silence_max=5.0)
    supervisor.start(name, job, silence_max=silence_max)  # type: ignore[arg-type]
    found = await asyncio.wait_for(supervisor.watch(lambda: pings.append(1)), 60)
    await supervisor.end()
    assert told == [found]
    return found, len(pings)


def test_supervisor_task_that_raises_is_told_with_its_error() -> None:
    """No exception of a task is ever lost."""

    async def dies(_: Pulse) -> None:
        await asyncio.sleep(0.01)
        raise KeyError("linear")

    found, _ = asyncio.run(failure_of("feed", dies))
    assert (found.task, found.reason) == ("feed", "KeyError: 'linear'")


def test_supervisor_task_that_ends_by_itself_has_failed() -> None:
    """A loop that returns has stopped working, however politely."""

    async def ends(_: Pulse) -> None:
        await asyncio.sleep(0)

    found, _ = asyncio.run(failure_of("feed", ends))
    assert found == Failure("feed", "ended by itself")


def test_supervisor_cancelled_task_has_failed() -> None:
    """A CancelledError that a library throws about does not end the bot without a word."""

    async def cancelled(_: Pulse) -> None:
        raise asyncio.CancelledError

    found, _ = asyncio.run(failure_of("feed", cancelled))
    assert found == Failure("feed", "was cancelled")


def test_supervisor_silent_task_has_failed_and_a_beating_one_has_not() -> None:
    """A task that waits for ever on a dead socket is dead, too."""

    async def silent(_: Pulse) -> None:
        await asyncio.sleep(60)

    found, pings = asyncio.run(failure_of("feed", silent, silence_max=1.2))
    assert found.task == "feed" and "has done nothing for" in found.reason
    assert pings >= 1                    # while it might still have beaten


def test_supervisor_blames_nobody_for_the_time_in_which_the_process_stood_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine that wakes after a minute has no dead task in it; one that is silent afterwards is told as ever."""
    async def silent(_: Pulse) -> None:
        await asyncio.sleep(3600)

    async def live() -> None:
        loop = asyncio.get_running_loop()
        time, asleep, pings = loop.time, [0.0], list[int]()
        monkeypatch.setattr(loop, "time", lambda: time() + asleep[0])

        async def on_failure(failure: Failure) -> None:
            """Nothing is to be shut."""

        supervisor = Supervisor(on_failure)
        supervisor.start("feed", silent, silence_max=30.0)
        watching = asyncio.create_task(supervisor.watch(lambda: pings.append(1)))
        await asyncio.sleep(0)
        asleep[0] += 60.0
        async with asyncio.timeout(60):
            while not pings and not watching.done():     # the first look is late, and pings nobody
                await asyncio.sleep(0.01)
        assert not watching.done()
        for _ in range(1_000):           # half a second at each look, as it goes by itself
            asleep[0] += LOOK_EVERY
            await asyncio.sleep(0.001)
        assert watching.done() and watching.result().task == "feed"
        await supervisor.end()

    asyncio.run(live())


# The control socket ---------------------------------------------------------------------------------------


async def answer(verb: str, arguments: object) -> dict[str, object]:
    if verb == "bad":
        raise InputError("nothing like it")
    return {"verb": verb, "arguments": arguments}


async def asked(folder: Path, verb: str, arguments: dict[str, object]) -> object:
    return await asyncio.to_thread(ask, folder, verb, arguments)


def test_control_question_with_the_token_is_answered(tmp_path: Path) -> None:
    """A verb finds the daemon by its run folder, and gets its answer, or its refusal with the exit code."""

    async def live() -> None:
        server = ControlServer(answer)
        publish(tmp_path, await server.start("config.yaml"))
        assert await asked(tmp_path, "status", {"a": 1}) == {"verb": "status", "arguments": {"a": 1}}
        with pytest.raises(PenstockError, match="nothing like it") as refused:
            await asked(tmp_path, "bad", {})
        assert refused.value.exit_code == 2
        await server.close()

    asyncio.run(live())


def test_control_stranger_is_told_nothing(tmp_path: Path) -> None:
    """Another user of this machine may find the port, but not the token."""

    async def live() -> None:
        server = ControlServer(answer)
        address = await server.start("config.yaml")
        publish(tmp_path, Address(address.port, "guessed", address.pid, ""))
        with pytest.raises(PenstockError, match="token") as refused:
            await asked(tmp_path, "status", {})
        assert refused.value.exit_code == 3
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(b"GET / HTTP/1.1\r\n")
        assert "not understood" in json.loads(await reader.readline())["error"]
        writer.close()
        await writer.wait_closed()
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(b"x" * (3 * LINE_MAX))
        with suppress(ConnectionResetError):
            assert await reader.read() == b""    # hung up on, without a word
        writer.close()
        with suppress(ConnectionResetError):
            await writer.wait_closed()
        await server.close()

    asyncio.run(live())


def test_control_address_is_its_owners_alone_and_goes_with_the_daemon(tmp_path: Path) -> None:
    """The token lies in a file of mode 600, and a later daemon's is not taken away by an earlier one."""
    first, second = Address.of(1, ""), Address.of(2, "")
    publish(tmp_path, first)
    assert (tmp_path / CONTROL_NAME).stat().st_mode & 0o777 == 0o600
    publish(tmp_path, second)
    withdraw(tmp_path, first)
    assert find(tmp_path) == second
    withdraw(tmp_path, second)
    with pytest.raises(InputError, match="no daemon runs there; `penstock run CONFIG --live"):
        find(tmp_path)


def test_control_daemon_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """Whoever asks a hanging daemon learns in seconds that it hangs, and what works without it."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        publish(tmp_path, Address(deaf.getsockname()[1], "token", os.getpid(), ""))
        with pytest.raises(DaemonSilent, match="penstock kill"):
            ask(tmp_path, "status", {}, patience=0.2)


# The service manager --------------------------------------------------------------------------------------


def test_systemd_hears_ready_alive_and_stopping(tmp_path: Path) -> None:
    """One datagram each, in the words of sd_notify."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(30)
        notifier = SystemdNotifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "10000000"})
        assert notifier.watchdog_seconds == 10
        notifier.ready("2 positions, protected")
        notifier.alive("all well")
        notifier.stopping("a person asked")
        assert [manager.recv(1024) for _ in range(3)] == [
            b"READY=1\nSTATUS=2 positions, protected", b"WATCHDOG=1\nSTATUS=all well",
            b"STOPPING=1\nSTATUS=a person asked",
        ]
        notifier.close()


def test_systemd_not_there_is_no_trouble() -> None:
    """A daemon that was started by hand tells nobody."""
    notifier = SystemdNotifier({})
    notifier.alive("all well")
    assert notifier.watchdog_seconds is None
    notifier.close()
