"""What a daemon owes an account at any exchange: scenes for an adapter of its own and for ccxt's unified methods."""

from __future__ import annotations

import signal
from collections import Counter

import pytest

from bot.domain.effects import OpenEpisode, PlaceOrder
from tests.live.guarded import Guarded

SOLD = 0.5                           # BTC, all that the account holds


async def sell_beyond_the_stop(home: Guarded) -> None:
    """A stop rests already, then the price falls: all is sold in slices, the stop goes, and the daemon ends well."""
    home.price("57000.0")
    await home.until(lambda: home.held() == 0)
    await home.until_status(lambda main: main["positions"] == 0 and not main["orders"])
    await home.until(lambda: not home.stops())
    assert await home.stop() == 0
    assert_sold_once(home)
    assert len(home.recorded(OpenEpisode)) == 1
    assert len(home.recorded(PlaceOrder)) >= 2   # in slices


async def finish_after_a_kill(home: Guarded) -> None:
    """Kill -9 between two slices: the next start asks what became of them, and sells the rest once."""
    await home.start()
    await home.until_ready()
    home.price("57000.0")
    await home.until(lambda: 0 < home.held() < SOLD)
    assert await home.stop(signal.SIGKILL) == -signal.SIGKILL
    await home.start()
    await home.until(lambda: home.held() == 0)
    await home.until_status(lambda main: main["positions"] == 0 and not main["orders"])
    assert await home.stop() == 0
    assert_sold_once(home)
    names = [placed.approved.request.name for placed in home.recorded(PlaceOrder)]
    assert len(names) == len(set(names))


def assert_sold_once(home: Guarded) -> None:
    """Hold the venue's books to one sale of everything, in which no client id came twice."""
    assert sum(float(trade["qty"]) for trade in home.trades()) == pytest.approx(SOLD)
    rows = home.venue("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
    assert [name for name, count in Counter(row["clientOrderId"] for row in rows).items() if count > 1] == []
