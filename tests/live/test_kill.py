"""The kill switch against the living, the hanging and the dead."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.control.address import CONTROL_NAME
from bot.adapters.latch import LatchFile
from bot.domain.latch import Latch
from tests.live.guarded import Guarded, guarded
from tests.shared_data import ROOT
from tests.wire.builders import KEY, SECRET, run

# joins the best price and rests there: what a kill must find
PATIENT = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 10m, slice: 10s, collar: 5%, tactic: passive, patience: 5m, order_class: cost}
"""


async def penstock(home: Guarded, verb: str) -> Any:
    """Run a verb on the run's folder as a person would; return what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", verb, str(home.out), "--reason", "a test", "--by", "ann", "--json",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, env={**os.environ, "TEST_KEY": KEY, "TEST_SECRET": SECRET},
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed
    return json.loads(printed)


@pytest.mark.parametrize("has_address", [True, False], ids=["with its address", "with its address lost"])
def test_kill_of_a_daemon_that_hangs_ends_it_and_cancels_its_orders_at_the_venue(
    tmp_path: Path, has_address: bool
) -> None:
    """Nothing of the daemon answers: its process is ended, its orders go, its stop stays, and it starts killed."""
    async def scene() -> None:
        async with guarded(tmp_path, PATIENT) as home:
            await home.start()
            await home.until_ready()
            home.price("57000.0")
            await home.until(lambda: bool(home.venue("GET", "/fapi/v1/openOrders")))
            assert home.process is not None
            home.process.send_signal(signal.SIGSTOP)     # open sockets, no word: the worst of both
            if not has_address:
                (home.out / CONTROL_NAME).unlink()
            told = await penstock(home, "kill")
            assert await home.ended() == -signal.SIGKILL
            assert len(told["ended_hung"]["cancelled"]) == 1 and told["ended_hung"]["trouble"] is None
            assert home.venue("GET", "/fapi/v1/openOrders") == []
            assert len(home.stops()) == 1
            await home.start()
            await home.until_status(lambda main: main["ready"] and main["latch"] == "killed")
            held = home.held()
            await asyncio.sleep(2)
            assert home.held() == held > 0               # a rule of the cost class rests until a person resumes
            assert await home.stop() == 0

    run(scene, seconds=200)


def test_kill_of_a_living_daemon_leaves_its_process_and_its_stop(tmp_path: Path) -> None:
    """A daemon that answers obeys by itself: children cancelled, latch written, process alive."""
    async def scene() -> None:
        async with guarded(tmp_path, PATIENT) as home:
            await home.start()
            await home.until_ready()
            home.price("57000.0")
            await home.until(lambda: bool(home.venue("GET", "/fapi/v1/openOrders")))
            told = await penstock(home, "kill")
            assert told["ended_hung"] is None
            await home.until_status(lambda main: main["latch"] == "killed" and not main["orders"])
            assert home.venue("GET", "/fapi/v1/openOrders") == [] and len(home.stops()) == 1
            assert await home.stop() == 0
            assert {word.latch for word in LatchFile(home.out).read().values()} == {Latch.KILLED}

    run(scene, seconds=200)
