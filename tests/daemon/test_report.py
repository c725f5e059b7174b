"""A daemon's run leaves what a replay leaves: summary and report, at its end, while it goes on, and after its death."""

from __future__ import annotations

import io
import json
import signal
from contextlib import redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.app.cli import main
from bot.app.running import REPORT_NAME, SUMMARY_NAME
from bot.domain.effects import PlaceOrder
from tests.daemon.test_process import SLOW_STOP, Process, daemon, effects, is_flat, is_ready

STOP_IN_12_S = SLOW_STOP.replace("over: 4s, slice: 500ms", "over: 12s, slice: 1s")


def report(live: Process) -> dict[str, Any]:
    told = io.StringIO()
    with redirect_stdout(told):
        assert main(["report", str(live.out), "--json"]) == 0
    found: dict[str, Any] = json.loads(told.getvalue())
    return found


def without_times(summary: dict[str, Any]) -> dict[str, Any]:
    """Drop what the last moment of a run says: how long it took."""
    return {name: value for name, value in summary.items() if name not in ("timing", "tape")}


def test_daemon_leaves_a_report_at_its_end_and_one_is_made_while_it_goes_on_and_after_a_kill(tmp_path: Path) -> None:
    """Killed in the middle of a sale, taken up, sold, ended: one run, each order once, and every figure that can be."""
    with daemon(tmp_path, STOP_IN_12_S) as live:
        live.type(100)
        live.until(is_ready)
        live.until(lambda _: report(live)["accounts"]["main"]["equity_start"] == "20")   # its first point is durable
        live.type(94)
        live.until(lambda _: bool(effects(live.out, PlaceOrder)))   # an order may leave before its record is durable
        going_on = report(live)
        assert [fire["rule"] for fire in going_on["fires"]] == ["stop"]
        assert going_on["parents"][0]["ended"] is None
        live.popen.kill()
        live.code()
        dead = report(live)
        assert [fire["rule"] for fire in dead["fires"]] == ["stop"]
        assert (live.out / REPORT_NAME).stat().st_size > 10_000
        (live.out / SUMMARY_NAME).unlink()
        (live.out / REPORT_NAME).unlink()
    with daemon(tmp_path, STOP_IN_12_S) as live:
        live.type(94)
        live.until(is_flat)
        live.popen.send_signal(signal.SIGTERM)
        assert live.code() == 0
        summary = json.loads((live.out / SUMMARY_NAME).read_text())
        assert without_times(report(live)) == without_times(summary)
    (parent,) = summary["parents"]
    assert (parent["filled"], parent["end_reason"]) == ("1", "filled")
    assert sum(Decimal(fill["quantity"]) for fill in summary["fills"]) == 1
    account = summary["accounts"]["main"]
    assert account["equity_start"] == "20"
    assert Decimal(account["equity_end"]) == 20 + Decimal(account["realised_pnl"]) - Decimal(account["fees"])
    assert 12 < Decimal(account["equity_end"]) < Decimal("14.1")
    assert summary["rules"]["stop"]["fires"] == 1 and summary["rules"]["stop"]["saved"] is None
    assert "recording_failed" not in live.log()
    assert account["equity_min"] == account["equity_end"]
    page = (live.out / REPORT_NAME).read_text()
    assert "Its prices were not kept" in page and "Sell at once" not in page
    assert summary["baselines"] == {"main": {"do_nothing": None, "sell_at_once": None}}
