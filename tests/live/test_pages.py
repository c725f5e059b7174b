"""Pages that leave things out, poll after poll: nothing is believed absent without two witnesses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.adapters.ccxt import user_stream
from bot.adapters.ccxt.witnesses import Witnesses
from bot.domain.effects import OpenEpisode
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from paper.spec import AccountStart, PositionStart
from tests.live.guarded import housed
from tests.live.inside import Inside
from tests.live.watchman import Watchman
from tests.wire.builders import run

TWO = AccountStart(
    0, "USDT", 2_600 * CASH_UNIT, leverage=20, positions=(PositionStart(0, 500), PositionStart(1, 5_000))
)
BTC_STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 2%
    do: {reduce: 60%}
    execute: {algo: twap, over: 4s, slice: 500ms, collar: 5%}
"""
EMPTY, PART = "no_positions", "part_of_positions"
RISK, ACCOUNT = "/fapi/v3/positionRisk", "/fapi/v3/account"
POLLS = 10
LISTS = ("/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders")


def left_out(folder: Path, scenario: Callable[[Inside, Watchman], Awaitable[None]]) -> None:
    """Run a scenario with a daemon that guards a long of BTC and one of ETH, and polls four times a second."""
    async def scene() -> None:
        async with housed(Inside, folder, BTC_STOP, start=TWO, more="    protect: {replace_every: 1s}\n") as home:
            watchman = Watchman(home.server.exchange)
            await home.start()
            await home.until_ready()
            assert len(home.stops()) == 2
            await scenario(home, watchman)

    run(scene, seconds=150.0)


@pytest.fixture(autouse=True)
def _polled_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty polls while it sells, and a reconciliation in every eighth."""
    monkeypatch.setattr(user_stream, "POLL_EVERY", 0.25)
    monkeypatch.setattr(user_stream, "RECONCILE_EVERY", 2 * NS_PER_SECOND)


def test_live_page_that_leaves_positions_out_for_ten_polls_stops_no_sale_and_loses_no_stop(tmp_path: Path) -> None:
    """One page lacks both positions, then one; the lists of orders are empty: the sale is as large as it was to be."""
    async def scenario(home: Inside, watchman: Watchman) -> None:
        home.price("58500.0")
        for fault in (EMPTY, PART):
            home.harm({"fault": fault, "path": RISK}, *({"fault": "no_trades", "path": page} for page in LISTS))
            await home.until(lambda fault=fault: home.met.get(fault, 0) >= POLLS)  # type: ignore[misc]
        await home.until(lambda: home.met["no_trades"] >= 4 * POLLS)
        assert (await home.until_status(lambda main: main["ready"]))["positions"] == 2
        await home.until(lambda: home.held() == pytest.approx(0.2))
        home.harm()
        await home.until_status(lambda main: main["positions"] == 2 and not main["parents"] and not main["orders"])
        await home.until(lambda: stops_of(home) == {"BTCUSDT": [0.2], "ETHUSDT": [5.0]})
        assert len(home.recorded(OpenEpisode)) == 1
        assert "account_doubted" in home.alarms()
        assert [each.held for each in watchman.of(1)] == [5_000] * len(watchman.of(1))
        assert watchman.bare(0) == watchman.bare(1) == []
        assert await home.stop() == 0
        assert sum(float(trade["qty"]) for trade in home.trades()) == pytest.approx(0.3)

    left_out(tmp_path, scenario)


def test_live_position_that_both_pages_leave_out_for_three_seconds_is_still_guarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pages agree that ETH is gone, and no fill says why: until that has lasted it keeps its stop."""
    monkeypatch.setattr(Witnesses, "AGAIN", 60 * NS_PER_SECOND)      # three seconds of ours may be ten of the machine's

    async def scenario(home: Inside, watchman: Watchman) -> None:
        home.harm({"fault": PART, "path": RISK}, {"fault": PART, "path": ACCOUNT})
        await asyncio.sleep(3.0)
        assert (await home.until_status(lambda main: main["ready"]))["positions"] == 2
        home.harm()
        await home.until(lambda: "account_doubted" in home.alarms())
        await asyncio.sleep(1.0)
        assert stops_of(home) == {"BTCUSDT": [0.5], "ETHUSDT": [5.0]}
        assert [(each.held, len(each.stops)) for each in watchman.of(1)][-1] == (5_000, 1)
        assert watchman.bare(1) == [] and home.trades() == []
        assert await home.stop() == 0

    left_out(tmp_path, scenario)


def stops_of(home: Inside) -> dict[str, list[float]]:
    """Return the quantities of the stops that rest, by symbol."""
    found: dict[str, list[float]] = {}
    for row in home.stops():
        found.setdefault(row["symbol"], []).append(float(row["quantity"]))
    return {symbol: sorted(found[symbol]) for symbol in sorted(found)}
