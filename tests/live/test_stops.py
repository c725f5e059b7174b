"""The stop that rests at the venue, on the wire: seen or not, replaced as the position changes, one at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.live.guarded import housed, play
from tests.live.inside import Inside
from tests.live.watchman import Watchman
from tests.wire.builders import account

T_STOP = 3.0                         # seconds that a position may lie bare after it has grown, RELIABILITY I24
BUSY = 3.0                           # seconds more, for slow disks and the like
SOON = "    protect: {replace_every: 1s}\n"
SLOW = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: {reduce: 40%}
    execute: {algo: twap, over: 2s, slice: 500ms, collar: 5%}
"""
INVISIBLE = (
    {"fault": "code", "code": -2013, "method": "GET", "path": "/fapi/v1/algoOrder"},
    {"fault": "no_trades", "method": "GET", "path": "/fapi/v1/openAlgoOrders"},
    {"fault": "no_trades", "method": "GET", "path": "/fapi/v1/allAlgoOrders"},
    {"fault": "gap", "event": "ALGO_UPDATE"},
)


def stopped(folder: Path, scenario: Callable[[Inside], Awaitable[None]]) -> None:
    """Run a scenario with an exchange and prices; the scenario starts the daemon."""
    play(housed(Inside, folder, SLOW, start=account(btc=500, balance=3_000), more=SOON), scenario)


def test_live_stop_that_nobody_can_see_is_no_stop_and_one_is_left_when_it_is_seen_again(tmp_path: Path) -> None:
    """The venue takes it and knows nothing of it when asked: ``unprotected`` is told; in the end exactly one rests."""
    async def scenario(home: Inside) -> None:
        watchman = Watchman(home.server.exchange)
        home.harm(*INVISIBLE)
        await home.start()
        await home.until(lambda: len(home.stops()) == 2)
        await home.until(lambda: "unprotected" in home.alarms())
        assert home.trades() == []
        home.harm({"fault": "disconnected", "stream": "user", "times": 1})
        home.venue("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage="7")      # the stream has something to say
        await home.until(lambda: "protected" in home.alarms() and len(home.stops()) == 1)
        await home.until_ready()
        (stop,) = home.stops()
        assert (float(stop["quantity"]), stop["reduceOnly"]) == (0.5, True)
        assert await home.stop() == 0
        assert len(home.stops()) == 1 and home.trades() == []
        assert watchman.bare() == []                 # what was taken and not seen may rest: it was left alone

    stopped(tmp_path, scenario)


def test_live_stop_follows_the_position_and_the_new_one_rests_before_the_old_one_goes(tmp_path: Path) -> None:
    """Bought more: covered again in 3 s. Sold by hand, then by us in slices: never bare for a moment.

    New stops take their time to reach the venue and cancels do not, so the order in which they leave would show.
    """
    def trade(home: Inside, side: str, quantity: str) -> None:
        home.venue("POST", "/fapi/v1/order", symbol="BTCUSDT", side=side, type="MARKET", quantity=quantity)

    async def until_one(home: Inside, quantity: float) -> None:
        await home.until(lambda: [float(stop["quantity"]) for stop in home.stops()] == [quantity])

    async def scenario(home: Inside) -> None:
        watchman = Watchman(home.server.exchange)
        await home.start()
        await home.until_ready()
        home.harm({"fault": "late", "method": "POST", "path": "/fapi/v1/algoOrder", "delay_ms": 300})
        watch = home.stopwatch()
        trade(home, "BUY", "0.300")
        await until_one(home, 0.8)
        (grown,) = watchman.bare()
        assert grown - watch.excused < T_STOP + BUSY
        trade(home, "SELL", "0.400")
        await until_one(home, 0.4)
        home.price("57000.0")
        await until_one(home, 0.24)
        assert home.held() == pytest.approx(0.24)
        assert watchman.bare() == [grown]
        assert max(len(seen.stops) for seen in watchman.of()) == 2
        trade(home, "SELL", "0.240")
        await home.until(lambda: not home.stops())
        assert "unprotected" not in home.alarms() or grown > T_STOP / 2      # which is then told with right
        assert await home.stop() == 0
        assert {seen.held > 0 for seen in watchman.of()} == {True, False} and watchman.of()[-1].held == 0

    stopped(tmp_path, scenario)
