"""The journal held shut by another program, held by another daemon, broken, or in a folder that takes no writing."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.adapters.journal.spare import SPARE_NAME
from bot.app.running import JOURNAL_NAME
from bot.domain.errors import JournalError
from bot.domain.events import FillOrigin, OrderFilled
from tests.live.guarded import Guarded, housed, play
from tests.live.inside import Inside
from tests.shared_data import ROOT
from tests.wire.builders import KEY, SECRET

SLOW = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 4s, slice: 500ms, collar: 5%}
"""
OBEYS_NONE = 77
DROP_FROM_BOUNDS, DAC_OVERRIDE = 24, 1       # prctl(2), capabilities(7): root that obeys the modes of files


def journaled(folder: Path, scenario: Callable[[Inside], Awaitable[None]]) -> None:
    """Run a scenario with an exchange and prices; the scenario starts the daemon."""
    play(housed(Inside, folder, SLOW), scenario)


async def another(home: Inside) -> tuple[int, str]:
    """Start a second daemon on the run's folder, as a process; return its end and what it said."""
    await Guarded.start(home)
    assert home.process is not None
    async with asyncio.timeout(60.0):
        code = await home.process.wait()
    return code, home.says.read_text()


async def without_rights(home: Inside) -> tuple[int, str]:
    """Start one that obeys the modes of files, whoever it is; return its end and what it said."""
    def obey() -> None:
        if os.geteuid() == 0 and ctypes.CDLL(None).prctl(DROP_FROM_BOUNDS, DAC_OVERRIDE, 0, 0, 0) != 0:
            os._exit(OBEYS_NONE)

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", str(home.config), "--live", "--out", str(home.out), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, preexec_fn=obey,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TEST_KEY": KEY, "TEST_SECRET": SECRET},
    )
    try:
        async with asyncio.timeout(60.0):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, printed.decode()


def booked(home: Inside) -> None:
    """Hold the record's fills against the venue's."""
    ours = {fill.trade_id for fill in home.recorded(OrderFilled) if fill.origin is FillOrigin.OURS}
    assert ours == {f"BTCUSDT:{row['id']}" for row in home.trades()}
    assert sum(float(row["qty"]) for row in home.trades()) == pytest.approx(0.5)


def test_live_journal_held_shut_by_another_program_is_told_and_the_sale_goes_on(tmp_path: Path) -> None:
    """Somebody has the database in a transaction: the record goes beside it, is told, and is put back when he lets go.

    Another daemon is refused the folder all the while, by the number of the one that has it.
    """
    async def scenario(home: Inside) -> None:
        await home.start()
        await home.until_ready()
        with closing(sqlite3.connect(home.out / JOURNAL_NAME, isolation_level=None)) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            refusal = asyncio.create_task(another(home))
            home.price("57000.0")
            await home.until(lambda: home.held() == 0)
            await home.until(lambda: "journal_failed" in home.alarms())
            await home.until_status(lambda main: main["positions"] == 0 and main["latch"] == "frozen")
            assert (home.out / SPARE_NAME).exists()
            code, told = await refusal
            assert code == 4 and f"was process {os.getpid()}" in told
            somebody.execute("ROLLBACK")
        await home.until(lambda: "journal_recovered" in home.alarms())
        await home.until_status(lambda main: not main["parents"] and not main["orders"])
        assert await home.stop() == 0
        assert not (home.out / SPARE_NAME).exists()
        booked(home)

    journaled(tmp_path, scenario)


def test_live_journal_that_is_broken_is_refused_and_a_backup_of_it_is_taken_up(tmp_path: Path) -> None:
    """A changed figure in the record: nothing is guarded by guesses. The stop rests; with the backup it goes on."""
    async def scenario(home: Inside) -> None:
        await home.start()
        await home.until_ready()
        (stop,) = home.stops()
        assert await home.stop() == 0
        backup = home.folder / "backup"
        shutil.copytree(home.out, backup)
        with closing(sqlite3.connect(home.out / JOURNAL_NAME)) as journal:
            for (trigger,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                journal.execute(f"DROP TRIGGER {trigger}")       # they let nobody change what was written
            last = "seq = (SELECT max(seq) FROM facts)"
            # its time, of nineteen digits, begins with a 1 until 2033
            assert journal.execute(f"UPDATE facts SET body = replace(body, '1', '2') WHERE {last}").rowcount >= 1
            journal.commit()
        await home.start()
        with pytest.raises(JournalError, match="journal"):
            await home.ended()
        assert [row["algoId"] for row in home.stops()] == [stop["algoId"]] and home.trades() == []
        shutil.rmtree(home.out)
        shutil.copytree(backup, home.out)
        await home.start()
        await home.until_ready()
        home.price("57000.0")
        await home.until(lambda: home.held() == 0)
        await home.until_status(lambda main: main["positions"] == 0 and not main["parents"] and not main["orders"])
        assert await home.stop() == 0
        booked(home)

    journaled(tmp_path, scenario)


def test_live_folder_that_takes_no_writing_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """Without a record there is no guard: said at once, by the name of the folder, and the venue hears of no order."""
    async def scenario(home: Inside) -> None:
        home.out.mkdir()
        home.out.chmod(0o500)
        try:
            code, told = await without_rights(home)
        finally:
            home.out.chmod(0o700)
        if code == OBEYS_NONE:
            pytest.skip("root obeys no modes here, and may not be made to")
        assert code in (2, 4) and str(home.out) in told
        assert home.stops() == [] and home.venue("GET", "/fapi/v1/openOrders") == []

    journaled(tmp_path, scenario)
