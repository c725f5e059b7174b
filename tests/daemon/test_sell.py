"""``penstock sell`` against a daemon in a process of its own: once, by name, whatever dies in between."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.adapters.wishes import WishFile
from bot.app.cli import main
from bot.app.daemon import committer
from bot.domain.account import PositionKey
from bot.domain.effects import PlaceOrder
from bot.domain.events import Command, CommandKind
from bot.domain.sale import Sale, SaleTerms, TakeSale
from tests.app.runs import BTC, NEVER_FIRES, penstock
from tests.daemon.house import LOT, house, run_head
from tests.daemon.test_driver import BlockedJournal
from tests.daemon.test_process import Process, daemon, effects, is_flat, is_ready

SIGNED = ("--reason", "a look", "--by", "ann")


def say(verb: str, live: Process, *words: str) -> dict[str, Any]:
    """Say a verb in this process, which a start of Python would only delay."""
    told = io.StringIO()
    with redirect_stdout(told):
        code = main([verb, str(live.out), *words, *SIGNED, "--json"])
    return {"code": code, **json.loads(told.getvalue())}


def sell(live: Process, amount: str, *more: str) -> dict[str, Any]:
    return say("sell", live, "--symbol", BTC, "--amount", amount, *more)


def holds(amount: str) -> Any:
    """Say whether nothing is at work and so much is held."""
    def is_so(status: dict[str, Any]) -> bool:
        main = status["accounts"]["main"]
        return is_ready(status) and main["gross_notional"] == float(amount) * 100 and not main["orders"]

    return is_so


def wish(name: str, quantity: int, *, seconds_ago: float = 0) -> dict[str, Any]:
    """A line as the verb writes it."""
    sale = Sale(name, PositionKey(0, 0), SaleTerms(0, "taker"), quantity)
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {
        "verb": "sell", "sale": msgspec.to_builtins(sale), "until": None, "account": "main", "reason": "r", "by": "ann",
        "at": at.isoformat(),
    }


def test_sell_is_quoted_sold_once_and_refused_beyond_what_is_held(tmp_path: Path) -> None:
    """A quote changes nothing; the same words twice sell once; too much is refused with its reason."""
    with daemon(tmp_path, NEVER_FIRES) as live:
        live.type(100)
        live.until(is_ready)
        quoted = sell(live, "0.4", "--over", "10m", "--dry")
        assert (quoted["state"], quoted["offer"]["quantity"], quoted["offer"]["keep"]) == ("quoted", "0.4", "0.6")
        assert float(quoted["offer"]["cost"]) < float(quoted["offer"]["cost_at_once"])
        cash = say("sell", live, "--cash", "12 USDT", "--dry")
        assert [each["position"] for each in cash["offers"]] == [f"main {BTC}"]
        assert 0.15 < float(cash["offer"]["quantity"]) < 0.3
        with ThreadPoolExecutor() as pool:           # in the same second, by two people
            words = ("sell", str(live.out), "--symbol", BTC, "--amount", "0.4", *SIGNED)
            both = list(pool.map(lambda _: penstock(*words), range(2)))
        assert [each.returncode for each in both] == [0, 0]
        assert all("sells 0.4 of main BTC/USDT:USDT, worth 40.00 USDT at 100" in each.stdout for each in both)
        live.until(holds("0.6"))
        again = sell(live, "0.4")
        assert (again["state"], again["known"], again["ended"]) == ("taken", True, "goal met")
        refused = sell(live, "0.7")
        assert refused["code"] == 2 and "only 0.6 can be sold, was 0.7" in refused["error"]
        assert "name of another sale" in sell(live, "0.3", "--name", f"{BTC} 0.4")["error"]
        assert sell(live, "50%", "--name", "half")["state"] == "taken"
        live.until(holds("0.3"))
        assert "can leave already" in say("sell", live, "--cash", "5 USDT")["error"]
        assert sell(live, "all")["state"] == "taken"
        live.until(is_flat)
        assert len(effects(live.out, TakeSale)) == 3
        assert live.ask("status")["accounts"]["main"]["sales"] == []


def test_sell_goes_on_frozen_not_killed_and_is_taken_back_by_its_name(tmp_path: Path) -> None:
    """A freeze lets it, a kill refuses it; a slow one is seen in the status, and ended by a person."""
    with daemon(tmp_path, NEVER_FIRES) as live:
        live.type(100)
        live.until(is_ready)
        say("freeze", live)
        live.until(lambda status: status["accounts"]["main"]["latch"] == "frozen")
        assert sell(live, "0.4", "--over", "1h", "--name", "slow")["state"] == "taken"
        (at_work,) = live.until(lambda status: bool(status["accounts"]["main"]["sales"]))["accounts"]["main"]["sales"]
        assert (at_work["name"], at_work["keep"], at_work["by"]) == ("slow", "0.6", "ann")
        assert say("sell", live, "--cancel", "slow")["state"] == "ended"
        assert say("sell", live, "--cancel", "slow")["code"] == 2
        say("kill", live)
        live.until(lambda status: status["accounts"]["main"]["latch"] == "killed")
        assert "resume it first" in sell(live, "0.1")["error"]
        assert live.ask("positions")["positions"][0]["amount"] in ("1", "0.99", "0.993334", "0.993333")


def test_sell_that_nobody_heard_before_a_kill_is_sold_once_by_the_next_process(tmp_path: Path) -> None:
    """The word is durable before anybody hears it; one that lay there for an hour is refused."""
    with daemon(tmp_path, NEVER_FIRES) as live:
        live.type(100)
        live.until(is_ready)
        live.popen.send_signal(signal.SIGSTOP)       # it hears nothing any more
        WishFile(live.out).say(wish("unheard", 400_000))
        WishFile(live.out).say(wish("old", 100_000, seconds_ago=3_600))
        live.popen.kill()
        live.code()
    for _ in range(2):                               # and once only, however often it is taken up
        with daemon(tmp_path, NEVER_FIRES) as live:
            live.type(100)
            live.until(holds("0.6"))
            live.popen.kill()
            live.code()
    assert [taken.sale.name for taken in effects(live.out, TakeSale)] == ["unheard"]
    assert sum(order.approved.request.quantity for order in effects(live.out, PlaceOrder)) == 400_000
    assert "said too long ago" in (live.out / "penstock.log").read_text()


def test_sale_order_waits_for_the_record_of_its_sale_though_its_name_was_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale lost with the process is heard again: what had left before its record would be sold twice."""
    monkeypatch.setattr(committer, "PATIENCE", 60.0)    # however slowly the test gets on, nothing is written beside it
    gate = threading.Event()
    gate.set()
    journal = BlockedJournal.create(tmp_path / "journal.sqlite", run_head())
    journal.gate = gate

    async def live() -> None:
        async with house(tmp_path, NEVER_FIRES, journal=journal) as home:
            await home.until_reserved()
            gate.clear()
            what = Sale("one", PositionKey(0, 0), SaleTerms(0, "taker"), LOT)
            home.driver.command(Command(home.clock.now(), 0, CommandKind.SELL, "r", by="ann", sale=what))
            await home.until(lambda: any(isinstance(effect, PlaceOrder) for effect in home.seen.effects))
            await asyncio.sleep(0.1)
            assert home.port.placed == []
            gate.set()
            await home.until(lambda: home.engine.book.quantity[0] == 9 * LOT)
            assert len(home.port.placed) == 1

    asyncio.run(live())
