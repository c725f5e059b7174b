"""The machine's clock is wrong by more than a price may be old: the daemon measures it, and guards all the same."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.live.guarded import Guarded, guarded
from tests.live.killing import FALL
from tests.live.test_faults import until_marked
from tests.wire.builders import run


async def mark_of(home: Guarded) -> float:
    """Return the mark of the position as the daemon knows it, 0 where it knows none."""
    (position,) = (await home.ask("positions"))["positions"]
    return float(position["mark_price"] or 0)


@pytest.mark.parametrize("ahead", ["10", "-10"])
def test_daemon_whose_machine_has_the_wrong_time_sells_by_fresh_prices_and_by_no_old_ones(
    tmp_path: Path, ahead: str
) -> None:
    """Prices that are ten seconds old sell nothing, however young a wrong clock makes them; fresh ones do."""
    async def scene() -> None:
        async with guarded(tmp_path) as home:
            await home.start(TEST_CLOCK_AHEAD=ahead)
            await home.until_ready()
            await until_marked(home)                 # what stands in for a mark before the first one may be much older
            home.price("59990.0")
            while await mark_of(home) != 59_990:
                await asyncio.sleep(0.05)
            assert "clock_off" in home.alarms() and "market_stale" not in home.alarms()
            home.harm({"fault": "stale", "stream": "", "delay_ms": 10_000})
            await home.until(lambda: "market_stale" in home.alarms())
            home.price(FALL)
            await home.until_status(lambda main: main["ready"])
            assert home.trades() == []
            home.harm()
            await home.until(lambda: home.held() == 0)
            assert await home.stop() == 0

    run(scene, seconds=200)


@pytest.mark.parametrize("step", ["10", "-10"])
def test_daemon_whose_machines_clock_is_set_while_it_lives_goes_on_selling(tmp_path: Path, step: str) -> None:
    """Its own clock does not step, and its requests bear that one's time: none is refused as too old or too new."""
    async def scene() -> None:
        async with guarded(tmp_path) as home:
            await home.start(TEST_CLOCK_STEP=step)
            await home.until_ready()
            assert home.process is not None
            home.process.send_signal(signal.SIGUSR1)
            home.price(FALL)
            await home.until(lambda: home.held() == 0)
            assert await home.stop() == 0

    run(scene, seconds=200)
