"""The simulated venue behind the daemon's port: what it says of an account, and from when on."""

from __future__ import annotations

import asyncio
import time

from bot.app.daemon.clock import WallClock
from bot.app.daemon.paper_port import PaperPort
from bot.domain.events import AccountFact, AccountSnapshot, OrderNotFound
from bot.domain.market import Trade
from bot.domain.scale import CASH_UNIT, NS_PER_MS
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.venue import PaperVenue
from tests import builders
from tests.daemon.house import LATENCY, LOT


def opened(told: list[AccountFact], kept: list[int], latency: int = LATENCY) -> PaperPort:
    """A port to a venue at which one account begins long, with the first price; what is told and kept is noted."""
    start = AccountStart(0, "USDT", 2_000 * CASH_UNIT, positions=(PositionStart(0, 10 * LOT),))
    venue = PaperVenue(VenueSpec(latency=latency), builders.instruments(), [start])
    port = PaperPort(venue, WallClock(), accounts=1, keep=lambda: kept.append(1))
    port.attach(tell=told.append, put=lambda _: None)
    return port


def trade() -> Trade:
    now = WallClock().now()
    return Trade(now, now, 0, 10_000, LOT, -1)


def test_paper_account_is_told_with_its_positions_or_not_at_all() -> None:
    """Asked before the first price it has none yet: told as flat, it would be called ready, and guarded as nothing."""
    async def live() -> None:
        told: list[AccountFact] = []
        port = opened(told, [])
        port.report_account(WallClock().now(), 0)    # as the daemon does when it begins
        port.hear(trade())
        async with asyncio.timeout(30):
            while not told:
                await asyncio.sleep(0.001)
        first = told[0]
        assert isinstance(first, AccountSnapshot)
        assert [position.quantity for position in first.positions] == [10 * LOT]

    asyncio.run(live())


def test_answer_whose_state_was_slow_to_keep_is_not_overtaken() -> None:
    """First fills that were missed, then the account that they explain: else it differs from what we had."""
    async def live() -> None:
        told: list[AccountFact] = []
        port = opened(told, [], latency=100 * NS_PER_MS)
        port.hear(trade())
        async with asyncio.timeout(30):
            while not told:
                await asyncio.sleep(0.001)
        told.clear()
        slow = iter([0.05])
        port._keep = lambda: time.sleep(next(slow, 0.0))
        port.look_up(WallClock().now(), 0, "pen000sn000000000")
        await asyncio.sleep(0.005)
        port.report_account(WallClock().now(), 0)    # arrives at the venue while the other's answer is being kept
        async with asyncio.timeout(30):
            while len(told) < 2:
                await asyncio.sleep(0.001)
        assert [type(fact) for fact in told] == [OrderNotFound, AccountSnapshot]

    asyncio.run(live())


def test_paper_venue_that_was_closed_does_nothing_more() -> None:
    """Its file is closed a moment later: what is due then is done by the process that takes the run up."""
    async def live() -> None:
        kept: list[int] = []
        port = opened([], kept)
        port.hear(trade())                           # the account is asked for, and answered one latency later
        port.close()
        before = len(kept)
        port.hear(trade())
        await asyncio.sleep(0.1)
        assert len(kept) == before

    asyncio.run(live())
