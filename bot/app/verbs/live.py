"""``penstock run CONFIG --live`` or ``--live-prices``: the daemon on a venue, on its demo, or on paper."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from bot.app.config import Mode
from bot.app.daemon.clock import WallClock
from bot.app.daemon.daemon import Daemon
from bot.app.daemon.live_connection import LiveConnection
from bot.app.daemon.paper_connection import PaperConnection
from bot.app.daemon.public_feed import PublicFeed
from bot.app.loading import Loaded
from bot.domain.errors import InputError

SWITCH_INTERVAL = 0.0005             # seconds the journal thread may keep the loop waiting; Python has ten times it


def run_daemon(loaded: Loaded, out: Path, environ: Mapping[str, str], *, is_confirmed: bool) -> int:
    """Run until a signal or a failure; raises InputError for live money that was not asked for twice."""
    live = [name for name, spec in loaded.config.accounts.items() if spec.mode is Mode.LIVE]
    if live and not is_confirmed:
        raise InputError(
            f"accounts.{live[0]}.mode: is live, and the command line does not say so; add --live when orders are to be "
            "sent with real money"
        )
    if is_confirmed and not live:
        raise InputError("run --live: no account's mode is live; leave --live out, or change the configuration")
    return run_loop(Daemon(loaded, out, LiveConnection.open, environ).run())


def run_paper(loaded: Loaded, out: Path, environ: Mapping[str, str]) -> int:
    """Run paper accounts on the live prices of their exchange, until a signal or a failure."""
    async def connect(loaded: Loaded, clock: WallClock) -> PaperConnection:
        return PaperConnection(loaded, clock, await PublicFeed.open(loaded, clock), out)

    return run_loop(Daemon(loaded, out, connect, environ).run())


def run_loop(work: Coroutine[Any, Any, int]) -> int:
    """Run on uvloop's loop where there is one: ccxt brings it, and it saves a tenth to a quarter of the way."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        import uvloop
    except ImportError:                  # as on Windows
        return asyncio.run(work)
    result: int = uvloop.run(work)
    return result
