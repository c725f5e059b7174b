"""Somebody else closes what we are selling: its owner, or the venue for a loser's sake. Nothing is turned round."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from bot.domain.account import PositionSide
from bot.domain.events import FillOrigin, OrderFilled, OrderRejected
from bot.domain.scale import CASH_UNIT
from paper.spec import AccountStart, PositionMode, PositionStart, VenueSpec
from tests.live.guarded import housed
from tests.live.inside import Inside
from tests.live.watchman import Watchman
from tests.wire.builders import run

BELOW = """
rules:
  below:
    for_each: position
    when: market.mark_price < 59_500 USDT
    do: close
    execute: {algo: twap, over: 8s, slice: 400ms, collar: 5%}
"""
POOR = VenueSpec(latency=0, insurance={})
"""A venue whose insurance fund has nothing."""
LOSER = AccountStart(1, "USDT", 400 * CASH_UNIT, leverage=50, positions=(PositionStart(0, 200),))
"""Long 0.2 BTC on 400 USDT: bankrupt at 58,000, and at 57,000 nobody but a winner can take it over."""


def raced(
    folder: Path, scenario: Callable[[Inside, Watchman], Awaitable[None]], start: AccountStart,
    others: Sequence[AccountStart] = (),
) -> None:
    """Run a scenario with a daemon that closes what is held when the mark falls below 59,500."""
    async def scene() -> None:
        async with housed(Inside, folder, BELOW, start=start, others=others, spec=POOR) as home:
            watchman = Watchman(home.server.exchange)
            await home.start()
            await home.until_ready()
            await scenario(home, watchman)

    run(scene, seconds=150.0)


def starting(quantity: int, mode: PositionMode = PositionMode.ONE_WAY) -> AccountStart:
    """One position and 10,000 USDT; in hedge mode it is the short leg, beside a long one of 0.1 BTC."""
    positions: tuple[PositionStart, ...] = (PositionStart(0, quantity),)
    if mode is PositionMode.HEDGE:
        short = PositionStart(0, quantity, side=PositionSide.SHORT)
        positions = (short, PositionStart(0, 100, side=PositionSide.LONG))
    return AccountStart(0, "USDT", 10_000 * CASH_UNIT, leverage=20, position_mode=mode, positions=positions)


@pytest.mark.parametrize("mode", [PositionMode.ONE_WAY, PositionMode.HEDGE], ids=["one way", "hedge"])
def test_live_short_deleveraged_by_the_venue_while_we_buy_it_back_is_never_turned_round(
    tmp_path: Path, mode: PositionMode
) -> None:
    """The venue closes 0.2 of our winning short against a bankrupt long, under our slices: we buy that much less."""
    side = PositionSide.NET if mode is PositionMode.ONE_WAY else PositionSide.SHORT

    async def scenario(home: Inside, watchman: Watchman) -> None:
        home.price("59400.0")
        await home.until(lambda: -500 < watchman.of(0, side)[-1].held < -200)
        home.price("57000.0")
        await home.until(lambda: watchman.of(0, side)[-1].held == 0)
        await home.until_status(lambda main: main["positions"] == 0 and not main["parents"] and not main["orders"])
        assert await home.stop() == 0
        fills = {fill.trade_id: fill for fill in home.recorded(OrderFilled) if fill.key.side is side}.values()
        assert sum(fill.quantity for fill in fills if fill.origin is FillOrigin.ADL) == 200
        assert sum(fill.quantity for fill in fills if fill.origin is FillOrigin.OURS) == 300
        assert max(seen.held for seen in watchman.of(0, side)) == 0

    raced(tmp_path, scenario, starting(-500, mode), [LOSER])


def test_live_position_that_its_owner_turns_round_while_we_sell_is_left_to_him(tmp_path: Path) -> None:
    """He sells more than is left, and is short: that is a position of his own making, which we neither buy nor sell."""
    async def scenario(home: Inside, watchman: Watchman) -> None:
        home.price("59400.0")
        await home.until(lambda: 0 < watchman.of()[-1].held < 500)
        home.harm({"fault": "delayed", "stream": "btcusdt@markPrice"})     # by nothing: it counts the marks
        home.price("59600.0")                        # a short of his is none of the rule's business
        await home.until(lambda: home.met.get("delayed", 0) >= 2)
        more = f"{(watchman.of()[-1].held + 100) / 1000:.3f}"
        home.venue("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity=more)
        assert -120 < (turned := watchman.of()[-1].held) < 0
        await home.until_status(lambda main: not main["parents"] and not main["orders"])
        await asyncio.sleep(1.5)                     # three slices, had there been any left
        assert watchman.of()[-1].held == turned
        assert await home.stop() == 0

    raced(tmp_path, scenario, starting(500))


def test_live_slice_that_arrives_after_the_owner_has_closed_does_nothing(tmp_path: Path) -> None:
    """It left while there was something to sell and is on its way for a second: reduce-only, it finds nothing."""
    async def scenario(home: Inside, watchman: Watchman) -> None:
        home.harm({"fault": "late", "method": "POST", "path": "/fapi/v1/order", "skip": 1, "delay_ms": 1_000})
        home.price("59400.0")
        await home.until(lambda: home.met.get("late", 0) >= 1)
        left = f"{watchman.of()[-1].held / 1000:.3f}"
        home.venue("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity=left)
        assert watchman.of()[-1].held == 0
        await home.until_status(lambda main: main["positions"] == 0 and not main["parents"] and not main["orders"])
        assert min(seen.held for seen in watchman.of()) == 0
        await home.until(lambda: bool(home.recorded(OrderRejected)))         # the record is committed a moment later
        assert home.recorded(OrderRejected)[0].code == "-2022"
        assert await home.stop() == 0

    raced(tmp_path, scenario, starting(500))


def test_live_dust_that_the_owner_leaves_is_closed_to_the_last_lot(tmp_path: Path) -> None:
    """He sells all but the least lot, worth less than the least order: what reduces may be smaller, and we end flat."""
    async def scenario(home: Inside, watchman: Watchman) -> None:
        home.price("59400.0")
        await home.until(lambda: 0 < watchman.of()[-1].held < 500)
        most = f"{(watchman.of()[-1].held - 1) / 1000:.3f}"
        home.venue("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity=most)
        await home.until(lambda: watchman.of()[-1].held == 0)
        await home.until_status(lambda main: main["positions"] == 0 and not main["parents"] and not main["orders"])
        await home.until(lambda: not home.stops())
        assert min(seen.held for seen in watchman.of()) == 0
        assert await home.stop() == 0

    raced(tmp_path, scenario, starting(500))
