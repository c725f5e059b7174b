"""An order is on the wire when its daemon is killed: it arrives after the next daemon began, and is not sold again."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from bot.domain.effects import PlaceOrder
from paper.wire.exchange import Request
from paper.wire.faults import Fate
from paper.wire.mischief import Mischief
from tests.live.guarded import OWNERS, Guarded, guarded
from tests.live.killing import FALL
from tests.wire.builders import run

# Shorter than the 2 s for which the venue takes it, longer than a daemon takes to begin where nothing makes it wait.
# Where a slow machine makes it too late the venue refuses it, and the second daemon sells the same by itself.
LATE_MS = 1_600
TRIM = """
rules:
  trim:
    for_each: position
    when: position.loss_ratio > 4%
    max_fires: 1
    do: {reduce: 40%}
    execute: {algo: now, collar: 5%}
"""


class Late(Mischief):
    """Lets the first order of a sale in late, and says when it was on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.is_under_way = asyncio.Event()
        self.follow(json.dumps({"rules": [
            {"fault": "late", "method": "POST", "path": "/fapi/v1/order", "delay_ms": LATE_MS, "times": 1},
        ]}))

    def fate(self, now: int, request: Request) -> Fate:
        """Notice the first order of the daemon's."""
        if (request.method, request.path) == ("POST", "/fapi/v1/order") and not request.address.startswith(OWNERS):
            self.is_under_way.set()
        return super().fate(now, request)


@pytest.mark.parametrize("is_recorded", [True, False], ids=["recorded", "unrecorded"])
def test_order_that_arrives_after_its_daemon_was_killed_is_not_sold_again(tmp_path: Path, is_recorded: bool) -> None:
    """Two fifths are sold, once, whether the record of the order survived the kill or not; no name comes twice."""
    async def scene() -> None:
        carrier = Late()
        async with guarded(tmp_path, TRIM, carrier=carrier) as home:
            await home.start(**({} if is_recorded else {"TEST_FORGET_ORDERS": "1"}))
            await home.until_ready()
            home.price(FALL)
            await asyncio.wait_for(carrier.is_under_way.wait(), 60)
            if is_recorded:
                await home.until(lambda: home.recorded(PlaceOrder))
            await home.stop(signal.SIGKILL)
            assert bool(home.recorded(PlaceOrder)) is is_recorded
            await home.start()
            await _until_calm(home)
            assert home.held() == 0.3
            assert sum(float(trade["qty"]) for trade in home.trades()) == pytest.approx(0.2)
            orders = home.venue("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
            assert max(Counter(str(order["clientOrderId"]) for order in orders).values()) == 1
            assert await home.stop() == 0

    run(scene, seconds=200)


async def _until_calm(home: Guarded) -> None:
    """Wait until the daemon guards, something was sold, and nothing is at work any more for a while."""
    calm = 0
    while calm < 10:
        main = await home.status()
        is_calm = main and main["ready"] and not main["orders"] and not main["parents"] and home.trades()
        calm = calm + 1 if is_calm else 0
        await asyncio.sleep(0.1)
