"""``penstock sell`` on the live path: by an unmodified ccxt, through a kill, and told in the run's report."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from bot.app.running import SUMMARY_NAME
from bot.domain.sale import TakeSale
from tests.app.runs import penstock
from tests.live.guarded import Guarded
from tests.live.test_daemon import live

STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 20%
    do: close
    execute: {algo: now}
"""


def test_live_sale_killed_on_its_way_sells_what_was_asked_and_its_stop_follows(tmp_path: Path) -> None:
    """0.2 of 0.5 in three slices, kill -9 between two: 0.3 is left at the venue, guarded, and the report tells it."""
    async def scenario(home: Guarded) -> None:
        await home.start()
        await home.until_ready()
        words = ("sell", str(home.out), "--symbol", "BTC/USDT:USDT", "--amount", "0.2", "--over", "15s",
                 "--name", "once", "--reason", "a redemption", "--by", "ann", "--json")
        said = await asyncio.to_thread(penstock, *words)
        assert json.loads(said.stdout)["state"] == "taken"
        await home.until(lambda: 0.3 < home.held() < 0.5)
        await home.stop(signal.SIGKILL)
        await home.start()
        await home.until_ready()
        again = await asyncio.to_thread(penstock, *words)
        assert json.loads(again.stdout)["known"]
        await home.until(lambda: home.held() <= 0.3)
        await home.until_status(lambda main: not main["sales"] and not main["orders"] and not main["parents"])
        await home.until(lambda: [float(row["quantity"]) for row in home.stops()] == [0.3])
        assert await home.stop() == 0
        assert home.held() == pytest.approx(0.3)
        assert sum(float(trade["qty"]) for trade in home.trades()) == pytest.approx(0.2)
        assert len(home.recorded(TakeSale)) == 1
        summary = json.loads((home.out / SUMMARY_NAME).read_text())
        assert [row["filled"] for row in summary["parents"]] == ["0.2"]
        assert [fire["rule"] for fire in summary["fires"]] == ["operator:sell main BTC/USDT:USDT"]
        assert summary["accounts"]["main"]["liquidations"] == []

    live(tmp_path, scenario, STOP)
