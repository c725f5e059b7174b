"""Every task of the daemon hurt once where it stands: it goes on as before, or the house is shut, told and left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.adapters.latch import LatchFile
from bot.app.daemon import daemon as daemon_module
from bot.app.daemon.supervisor import Job, Supervisor
from bot.domain.latch import Latch
from tests.live.guarded import SCENE_MAX, WAIT, housed
from tests.live.inside import Inside
from tests.wire.builders import run

WITHIN = 5.0                         # seconds until it is told, RELIABILITY I28
BUSY = 3.0                           # seconds more, for slow disks and the like
DIES = 70
GOES_ON = 0
TASKS = {
    "journal": DIES, "driver": DIES, "checkpoints": DIES, "webhook": DIES, "operator": DIES, "clock": DIES,
    "markets": DIES, "polls main": DIES, "feed": DIES, "stream main": GOES_ON, "memory": DIES, "recording": DIES,
}
"""By the supervisor's name, and what becomes of the daemon. A stream that is hurt is opened again."""
INNER = {"feed": "BinanceFeed._watch"}
"""Where a task only waits for others: the one of them that is hurt."""


class Hurt(Exception):
    """What no code expects."""


async def hurt(name: str) -> None:
    """Let what a task waits for raise, in the innermost of what it awaits, as soon as it waits."""
    async with asyncio.timeout(WAIT):
        while not is_hurt(name):
            await asyncio.sleep(0)


def is_hurt(name: str) -> bool:
    """Hurt a task that waits; one that is about to go on is left alone."""
    tasks = asyncio.all_tasks()
    task = next(each for each in tasks if name in (each.get_name(), getattr(each.get_coro(), "__qualname__", "")))
    while True:
        waits_for = task._fut_waiter  # type: ignore[attr-defined]  # where asyncio keeps it
        if not isinstance(waits_for, asyncio.Task):
            break
        task = waits_for
    if waits_for is None or waits_for.done():
        return False
    waits_for.set_exception(Hurt(name))
    return True


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of all tasks that the daemon starts, as it starts them."""
    names: list[str] = []
    start = Supervisor.start

    def noted(supervisor: Supervisor, name: str, job: Job, *, silence_max: float) -> None:
        names.append(name)
        start(supervisor, name, job, silence_max=silence_max)

    monkeypatch.setattr(Supervisor, "start", noted)
    monkeypatch.setattr(daemon_module, "SETTLE", 0.2)
    yield names


def hooked(folder: Path, scenario: Callable[[Inside], object]) -> None:
    """Run a scenario with a daemon that is ready and has all of its tasks, a webhook's among them."""
    async def scene() -> None:
        async with housed(Inside, folder, more="alerts: {webhook: env:TEST_HOOK}\n") as home:
            await home.start(TEST_HOOK="https://127.0.0.1:1/nobody")
            await home.until_ready()
            await scenario(home)  # type: ignore[misc]

    run(scene, seconds=SCENE_MAX)


@pytest.mark.parametrize("name", [*TASKS, "watch"])
def test_task_that_is_hurt_ends_the_daemon_in_order_or_goes_on(
    tmp_path: Path, supervised: list[str], name: str
) -> None:
    """Dead: told within seconds, every account frozen for the next start too, stop at rest, exit 70. Else: it sells.

    Who looks after the others is hurt as well.
    """
    async def scenario(home: Inside) -> None:
        assert sorted(supervised) == sorted(TASKS), "a task that is added wants a line in the table"
        watch = home.stopwatch()
        await hurt(INNER.get(name, name))
        if TASKS.get(name, DIES) == DIES:
            assert await home.ended() == DIES
            assert watch.seconds() < WITHIN + BUSY
            assert "task_failed" in home.alarms() and f"{name}: " in home.log()
            assert LatchFile(home.out).read()["main"].latch is Latch.FROZEN
        else:
            await home.until(lambda: "user_stream_lost" in home.alarms())
            assert watch.seconds() < WITHIN + BUSY
            home.price("57000.0")
            await home.until(lambda: home.held() == 0)
            await home.until_status(lambda main: main["positions"] == 0)
            await home.until(lambda: not home.stops())
            assert await home.stop() == 0
        assert watch.seconds() < 2 * (WITHIN + BUSY)
        assert len(home.stops()) == (1 if home.held() else 0)

    assert supervised == []
    hooked(tmp_path, scenario)
