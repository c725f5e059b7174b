"""The daemon as a process against an exchange that misbehaves: stops refused and cancelled, prices that are none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.domain.effects import OpenEpisode, PlaceOrder
from tests.live.guarded import Guarded, guarded, play

ALARM_WITHIN = 5.0                   # seconds, RELIABILITY T6
BUSY = 3.0                           # seconds more, for slow disks and the like: no fault is told so late by itself
STALE_AFTER = 5.0                    # seconds, the engine's own
# never true before the stop's level is reached
PATIENT_RULE = """
rules:
  last:
    for_each: position
    when: position.loss_ratio > 90%
    do: close
    execute: {algo: now, collar: 5%}
"""
SUDDEN = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: now, collar: 5%}
"""


def faulty(folder: Path, scenario: Callable[[Guarded], Awaitable[None]], book: str) -> None:
    """Run a scenario with an exchange and prices; the scenario starts the daemon."""
    play(guarded(folder, book), scenario)


async def until_marked(home: Guarded) -> None:
    """Wait until the daemon has the venue's own mark: before the first one the last trade stands in for it."""
    home.harm({"fault": "delayed", "stream": "btcusdt@markPrice"})       # by nothing: it counts the frames
    await home.until(lambda: home.met.get("delayed", 0) >= 2)
    home.harm()


def test_live_stop_refused_by_the_venue_is_told_and_the_daemon_closes_at_its_level(tmp_path: Path) -> None:
    """-4120 to every stop: ``unprotected`` is told; above the level nothing is sold, below it everything, once."""
    async def scenario(home: Guarded) -> None:
        home.harm({"fault": "code", "code": -4120, "method": "POST", "path": "/fapi/v1/algoOrder"})
        await home.start()
        await home.until(lambda: {"unprotected", "stop_refused"} <= set(home.alarms()))
        assert home.stops() == []
        level = float(re.findall(r"we close it at ([0-9.]+)", home.log())[-1])
        home.price(f"{level + 20:.1f}")
        await asyncio.sleep(2.5)                     # two marks and more
        assert home.trades() == []
        home.price(f"{level - 20:.1f}")
        await home.until(lambda: home.held() == 0)
        assert await home.stop() == 0
        assert [episode.rule for episode in home.recorded(OpenEpisode)] == ["protect:stop"]
        assert sum(float(trade["qty"]) for trade in home.trades()) == pytest.approx(0.5)

    faulty(tmp_path, scenario, PATIENT_RULE)


def test_live_stop_cancelled_by_somebody_is_placed_again(tmp_path: Path) -> None:
    """A stop that a person cancelled at the venue is back soon, under another name, and nothing was sold for it."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        (stop,) = home.stops()
        home.venue("DELETE", "/fapi/v1/algoOrder", algoId=str(stop["algoId"]))
        await home.until(lambda: bool(home.stops()))
        await home.until_ready()
        (again,) = home.stops()
        assert again["clientAlgoId"] != stop["clientAlgoId"]
        assert (again["triggerPrice"], again["quantity"]) == (stop["triggerPrice"], stop["quantity"])
        assert await home.stop() == 0
        assert home.trades() == []

    faulty(tmp_path, scenario, PATIENT_RULE)


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "not_a_number"}, {"fault": "zero"}, {"fault": "frozen"}, {"fault": "stale", "delay_ms": 60_000},
    ],
    ids=["not a number", "zero", "frozen, but pinging", "a minute old"],
)
def test_live_prices_that_are_none_sell_nothing_are_told_and_then_used_again(
    tmp_path: Path, fault: dict[str, Any]
) -> None:
    """While every price on the wire is broken a fall is not seen: an alarm and no order. Mended, it is sold by."""
    is_late = fault["fault"] in ("frozen", "stale")

    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        await until_marked(home)
        home.harm(*({**fault, "stream": stream} for stream in ("btcusdt@", "ethusdt@")))
        home.price("57000.0")
        watch = home.stopwatch()
        await home.until(lambda: {"market_stale" if is_late else "message_bad"} & set(home.alarms()))
        assert watch.seconds() < ALARM_WITHIN + BUSY + (STALE_AFTER if is_late else 0.0)
        await asyncio.sleep(2.0)
        assert home.trades() == [] and len(home.stops()) == 1
        assert home.recorded(PlaceOrder) == []
        home.harm()
        await home.until(lambda: home.held() == 0)
        assert await home.stop() == 0

    faulty(tmp_path, scenario, SUDDEN)


def test_live_crossed_quotes_are_told_and_sold_by_only_when_they_are_whole(tmp_path: Path) -> None:
    """Bids above asks are no market: they are told within seconds, and no order comes of them."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        home.harm({"fault": "crossed", "stream": "btcusdt@bookTicker"})
        home.price("60010.0")                        # a quote is told when it changes
        watch = home.stopwatch()
        await home.until(lambda: "message_bad" in home.alarms())
        assert watch.seconds() < ALARM_WITHIN + BUSY
        assert home.recorded(PlaceOrder) == []
        home.harm()
        home.price("57000.0")
        await home.until(lambda: home.held() == 0)
        assert await home.stop() == 0

    faulty(tmp_path, scenario, SUDDEN)
