"""The venue's doors shut in the middle of a sale: no page answers, or the account's stream is deaf and looks open."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.adapters.ccxt import binance_api, turnstile, user_stream
from bot.app.daemon import live_connection
from bot.domain.effects import OpenEpisode
from bot.domain.events import FillOrigin, OrderFilled
from bot.domain.scale import NS_PER_SECOND
from tests.live.guarded import housed, play
from tests.live.inside import Inside

OUTAGE = 20.0                        # seconds; polls come every 10, and two witnesses of absence stand 5 apart
HEARD_WITHIN = 15.0                  # seconds: a look-up finds the fill, and the stream has 5 more to tell it
BUSY = 5.0                           # seconds more, for slow disks and the like
SLOW = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 4%
    do: close
    execute: {algo: twap, over: 5s, slice: 500ms, collar: 5%}
"""


def cut_off(folder: Path, scenario: Callable[[Inside], Awaitable[None]]) -> None:
    """Run a scenario with an exchange and prices; the scenario starts the daemon."""
    play(housed(Inside, folder, SLOW), scenario)


async def finished(home: Inside) -> None:
    """Wait for the sale's end, and hold the record against the venue's books."""
    await home.until(lambda: home.held() == 0)
    await home.until_status(lambda main: main["positions"] == 0 and not main["parents"] and not main["orders"])
    assert await home.stop() == 0
    fills = [fill for fill in home.recorded(OrderFilled) if fill.origin is FillOrigin.OURS]
    assert sorted({fill.trade_id for fill in fills}) == sorted(f"BTCUSDT:{row['id']}" for row in home.trades())
    rows = home.venue("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
    assert max(Counter(row["clientOrderId"] for row in rows).values()) == 1
    assert sum(float(trade["qty"]) for trade in home.trades()) == pytest.approx(0.5)
    assert len(home.recorded(OpenEpisode)) == 1


def test_live_venue_that_answers_nothing_for_a_while_gets_no_storm_and_one_sale(tmp_path: Path) -> None:
    """Every page is 503 for 20 s while it sells: it lives, tells it, knocks no harder than before, and finishes."""
    async def scenario(home: Inside) -> None:
        await home.start()
        await home.until_ready()
        home.price("57000.0")
        await home.until(lambda: 0 < home.held() < 0.5)
        home.harm({"fault": "unavailable_503"})
        began = time.monotonic()
        await asyncio.sleep(OUTAGE)
        await home.until(lambda: {"account_unread", "clock_unread"} & set(home.alarms()))
        assert home.is_alive and 0 < home.held() < 0.5
        assert home.met["unavailable_503"] < 20 * (time.monotonic() - began)
        home.harm()
        await finished(home)

    cut_off(tmp_path, scenario)


def test_live_user_stream_that_is_open_and_deaf_is_noticed_and_replaced(tmp_path: Path) -> None:
    """Its key is deleted in silence: the fills that pages tell give it away, and one sale is made all the same."""
    async def scenario(home: Inside) -> None:
        await home.start()
        await home.until_ready()
        home.server.exchange.floor.listen_keys.end(0)
        home.price("57000.0")
        await home.until(lambda: 0 < home.held() < 0.5)
        watch = home.stopwatch()
        await home.until(lambda: "user_stream_lost" in home.alarms())
        assert watch.seconds() < HEARD_WITHIN + BUSY
        assert "it is deaf" in home.log()
        await finished(home)

    cut_off(tmp_path, scenario)


def test_live_daemon_that_may_ask_nothing_for_long_waits_for_it_and_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Banned for two minutes, polls and clock wait longer than they may be silent: that is told, and is no death.

    A daemon that died of it would be started again, and ask again, and be banned for longer. Here all of it happens in
    a fortieth of the time, but for the ban.
    """
    for place, name, span in (
        (turnstile, "WAIT_MAX", NS_PER_SECOND // 2), (user_stream, "POLL_EVERY", 0.25),
        (user_stream, "RECONCILE_EVERY", NS_PER_SECOND // 2), (live_connection, "CLOCK_EVERY", 0.25),
        (live_connection, "CLOCK_SILENCE_MAX", 2.0), (binance_api, "POLL_SILENCE_MAX", 2.0),
        (binance_api, "STREAM_SILENCE_MAX", 2.0), (user_stream, "PROLONG_EVERY", 0.5),
    ):
        monkeypatch.setattr(place, name, span)

    async def scenario(home: Inside) -> None:
        await home.start()
        await home.until_ready()
        home.harm({"fault": "banned_418", "times": 1})
        await home.until(lambda: home.met.get("banned_418", 0) == 1)
        await asyncio.sleep(4.5)                     # twice as long as any of them may be silent
        await home.until(lambda: {"clock_unread", "account_unread", "key_not_prolonged"} <= set(home.alarms()))
        assert home.is_alive and "task_failed" not in home.alarms()
        assert len(home.stops()) == 1
        assert await home.stop() == 0

    cut_off(tmp_path, scenario)
