"""The kill switch with two things broken at once, and what it says at the next start, whatever was restored."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

from bot.adapters.control.address import CONTROL_NAME
from bot.adapters.latch import ALL, LATCH_NAME, LatchFile, Word
from bot.app.running import JOURNAL_NAME
from bot.app.verbs.shut import shut
from bot.domain.latch import Latch
from tests.live.guarded import Guarded, housed
from tests.live.inside import Inside
from tests.live.test_kill import PATIENT
from tests.wire.builders import KEY, SECRET, run

OBEYS_WITHIN = 1.0                   # seconds, RELIABILITY I29
BUSY = 2.0                           # seconds more, for slow disks and the like
Home = TypeVar("Home", bound=Guarded)


def resting(kind: type[Home], folder: Path, scenario: Callable[[Home], Awaitable[None]]) -> None:
    """Run a scenario with a daemon one of whose orders rests at the venue."""
    async def scene() -> None:
        async with housed(kind, folder, PATIENT) as home:
            await home.start()
            await home.until_ready()
            home.price("57000.0")
            await home.until(lambda: bool(plain(home)))
            await scenario(home)

    run(scene, seconds=200)


async def kill(home: Guarded) -> Any:
    """Kill as the verb does; return what it tells. Never where the daemon is in this process and has an address."""
    told = io.StringIO()

    def say() -> None:
        keys = {"TEST_KEY": KEY, "TEST_SECRET": SECRET}
        with redirect_stdout(told):
            assert shut("kill", home.out, account=None, reason="a test", by="ann", environ=keys, as_json=True) == 0

    await asyncio.to_thread(say)
    return json.loads(told.getvalue())


def plain(home: Guarded) -> list[object]:
    """Return the plain orders that are open at the venue."""
    found: list[object] = home.venue("GET", "/fapi/v1/openOrders")
    return found


def latched(home: Guarded) -> set[Latch]:
    """Return what the latch file says."""
    return {word.latch for word in LatchFile(home.out).read().values()}


def test_kill_of_a_daemon_that_hangs_beside_a_journal_that_nobody_can_read_ends_it_all_the_same(
    tmp_path: Path,
) -> None:
    """No answer, garbage for a journal, and a venue that is down for two tries: its orders go, stop and word stay."""
    async def scenario(home: Guarded) -> None:
        killing = await hung(home)
        for path in home.out.glob(f"{JOURNAL_NAME}*"):
            if path.suffix != ".lock":
                path.write_bytes(b"no database")
        await home.until(lambda: home.met.get("unavailable_503", 0) >= 2)
        home.harm()
        told = await killing
        assert len(told["ended_hung"]["cancelled"]) == 1 and told["ended_hung"]["trouble"] is None
        assert plain(home) == [] and len(home.stops()) == 1 and latched(home) == {Latch.KILLED}
        await home.start()
        assert await home.ended() == 4               # nothing is guarded by guesses, and nothing is sold
        assert plain(home) == [] and len(home.stops()) == 1 and home.trades() == []

    resting(Guarded, tmp_path, scenario)


def test_kill_of_a_daemon_that_hangs_while_the_venue_is_down_for_good_says_what_is_left(tmp_path: Path) -> None:
    """The process ends at once; that its orders still rest is said, and the next start is killed and cancels them."""
    async def scenario(home: Guarded) -> None:
        ended = (await (await hung(home)))["ended_hung"]
        assert ended["cancelled"] == [] and "NOT be cancelled" in ended["trouble"]
        assert len(plain(home)) == 1 and latched(home) == {Latch.KILLED}
        home.harm()
        await home.start()
        await home.until_status(lambda main: main["ready"] and main["latch"] == "killed")
        await home.until(lambda: not plain(home))
        assert len(home.stops()) == 1 and home.trades() == []
        assert await home.stop() == 0

    resting(Guarded, tmp_path, scenario)


async def hung(home: Guarded) -> asyncio.Task[Any]:
    """Let the daemon hang and the venue be down, and kill; return what the verb says, when it does."""
    assert home.process is not None
    home.process.send_signal(signal.SIGSTOP)
    home.harm({"fault": "unavailable_503"})
    killing = asyncio.create_task(kill(home))
    assert await home.ended() == -signal.SIGKILL
    return killing


def test_kill_without_address_file_and_with_a_broken_latch_file_is_heard_by_a_living_daemon(tmp_path: Path) -> None:
    """Nobody knows where it listens, and the old word cannot be read: the new one is written and obeyed at once."""
    async def scenario(home: Inside) -> None:
        (home.out / CONTROL_NAME).rename(home.out / f"{CONTROL_NAME}.gone")
        (home.out / LATCH_NAME).write_text("{ no latch", encoding="utf-8")
        await home.until(lambda: "frozen" in home.latch())
        told = await kill(home)
        watch = home.stopwatch()
        assert told["ended_hung"] is None
        await home.until(lambda: home.latch() == ["killed"] and plain(home) == [])
        assert watch.seconds() < OBEYS_WITHIN + BUSY
        await home.until((home.out / CONTROL_NAME).exists)       # by that it is told from one that hangs
        assert len(home.stops()) == 1 and home.is_alive
        assert await home.stop() == 0

    resting(Inside, tmp_path, scenario)


def test_kill_holds_after_a_restart_whichever_of_its_two_places_was_put_back(tmp_path: Path) -> None:
    """Said to journal and file: a journal of before it was said opens nothing, and neither does a file that is gone."""
    async def restarted(home: Inside) -> None:
        await home.start()
        await home.until_status(lambda main: main["ready"] and main["latch"] == "killed")
        assert latched(home) == {Latch.KILLED}

    async def scenario(home: Inside) -> None:
        assert await home.stop() == 0
        backup = home.folder / "backup"
        shutil.copytree(home.out, backup)
        await home.start()
        await home.until_ready()
        LatchFile(home.out).say(ALL, Word(Latch.KILLED, "a test", "ann", "2026-11-21T12:00:00Z"))
        await home.until(lambda: home.latch() == ["killed"])
        assert await home.stop() == 0
        for path in home.out.glob(f"{JOURNAL_NAME}*"):
            path.unlink()
        for path in backup.glob(f"{JOURNAL_NAME}*"):
            shutil.copy(path, home.out)
        await restarted(home)
        assert await home.stop() == 0
        (home.out / LATCH_NAME).unlink()
        await restarted(home)
        held = home.held()
        await asyncio.sleep(1.0)
        assert home.held() == held > 0 and plain(home) == []
        assert await home.stop() == 0

    resting(Inside, tmp_path, scenario)
