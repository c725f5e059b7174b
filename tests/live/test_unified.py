"""``penstock run --live`` on an exchange that is only one of ccxt's: unified methods alone, over real sockets.

The exchange is Binance's on the wire by ccxt's general id ``binance``, so none of what is written for ``binanceusdm``
takes part: an unmodified ccxt class that is treated as an unknown one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.domain.effects import OpenEpisode, PlaceOrder
from bot.domain.events import FillOrigin, OrderFilled, OrderOutcomeUnknown
from tests.live.duties import assert_sold_once, finish_after_a_kill, sell_beyond_the_stop
from tests.live.guarded import Guarded, guarded, play
from tests.live.test_paper import write_paper_config
from tests.shared_data import ROOT
from tests.wire.builders import KEY, SECRET


def unified(folder: Path, scenario: Callable[[Guarded], Awaitable[None]], *books: str) -> None:
    """Run a scenario with an exchange that the daemon knows by ccxt alone; the scenario starts the daemon."""
    play(guarded(folder, *books, exchange="binance"), scenario)


def ours(home: Guarded) -> list[str]:
    """Return the trades that the journal books as ours, each as often as it does."""
    return sorted(fill.trade_id.rpartition(":")[2] for fill in home.recorded(OrderFilled)
                  if fill.origin is FillOrigin.OURS)


def test_unified_loss_beyond_the_stop_is_sold_in_slices_and_booked_fill_by_fill(tmp_path: Path) -> None:
    """The main job by unified methods: a stop rests, the price falls, slices are sold, every fill is in the journal."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        assert [(row["algoStatus"], row["workingType"]) for row in home.stops()] == [("NEW", "MARK_PRICE")]
        await sell_beyond_the_stop(home)
        assert sorted(set(ours(home))) == sorted(str(trade["id"]) for trade in home.trades())

    unified(tmp_path, scenario)


def test_unified_killed_while_it_sells_finds_its_own_orders_and_finishes(tmp_path: Path) -> None:
    """Kill -9 between two slices: the next start asks what became of them, and sells the rest once."""
    unified(tmp_path, finish_after_a_kill)


def test_unified_lost_replies_are_looked_up_and_nothing_is_sold_twice(tmp_path: Path) -> None:
    """Every answer to an order is lost after it was executed: each is asked for by name, and the sale is one sale."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        home.harm({"fault": "executed_lost", "method": "POST", "path": "/fapi/v1/order"})
        home.price("57000.0")
        await home.until(lambda: home.held() == 0)
        home.harm()
        await home.until_status(lambda main: main["positions"] == 0 and not main["parents"])
        assert await home.stop() == 0
        assert {fact.name for fact in home.recorded(OrderOutcomeUnknown)} >= {
            row["clientOrderId"] for row in home.venue("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
        }
        assert_sold_once(home)

    unified(tmp_path, scenario)


def test_unified_stop_that_fires_while_nobody_runs_is_found_as_ours(tmp_path: Path) -> None:
    """Killed, and the price falls through the resting stop: the next start finds the account flat, and why."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        (stop,) = home.stops()
        assert await home.stop(signal.SIGKILL) == -signal.SIGKILL
        home.price(f"{float(stop['triggerPrice']) - 100:.1f}")
        await home.until(lambda: home.held() == 0)
        await home.start()
        await home.until_status(lambda main: main.get("ready") and main["positions"] == 0 and not main["orders"])
        assert await home.stop() == 0
        assert ours(home) and {fill.name for fill in home.recorded(OrderFilled)} == {stop["clientAlgoId"]}
        assert sum(float(trade["qty"]) for trade in home.trades()) == pytest.approx(0.5)
        assert not home.recorded(PlaceOrder)

    unified(tmp_path, scenario)


def test_unified_doctor_says_how_the_account_is_set_and_sends_no_order(tmp_path: Path) -> None:
    """What a person reads before he trusts it: markets, modes, and what the exchange lacks, here nothing."""
    async def scenario(home: Guarded) -> None:
        doctor = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "doctor", str(home.config), "--json", cwd=ROOT,
            stdout=asyncio.subprocess.PIPE, env={**os.environ, "TEST_KEY": KEY, "TEST_SECRET": SECRET},
        )
        printed, _ = await asyncio.wait_for(doctor.communicate(), 60)
        found = json.loads(printed)
        assert doctor.returncode == 0
        assert found["accounts"][0]["lacks"] == [] and found["accounts"][0]["position_mode"] == "one_way"
        assert [market["state"] for market in found["markets"]] == ["trading", "trading"]
        assert found["markets"][0]["brackets"] > 3
        assert home.venue("GET", "/fapi/v1/allOrders", symbol="BTCUSDT") == [] and home.stops() == []

    unified(tmp_path, scenario)


def test_unified_prices_alone_feed_a_paper_account(tmp_path: Path) -> None:
    """``--live-prices`` of any exchange: its prices by unified streams, orders on the simulated venue, none on it."""
    async def scenario(home: Guarded) -> None:
        write_paper_config(home, "id: binance")
        await home.start(mode="--live-prices")
        await home.until_status(lambda main: main.get("ready") and main["positions"] == 1)
        home.price("57000.0")
        await home.until_status(lambda main: main["positions"] == 0 and not main["orders"])
        assert await home.stop() == 0
        assert [episode.rule for episode in home.recorded(OpenEpisode)] == ["stop"]
        assert home.held() == 0.5 and home.trades() == []

    unified(tmp_path, scenario)
