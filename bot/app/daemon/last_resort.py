"""What ``kill`` does to a daemon that hangs: it ends the process, and cancels the orders at the venue itself.

Neither journal nor engine takes part: the venue's list of open orders says which are ours by their names. Stops that
rest are conditional orders, on another list, and stay. The latch is written before, so that the next start is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.ccxt import binance_orders
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.limiter import Lane, Limiter
from bot.adapters.ccxt.names import code_of
from bot.adapters.ccxt.turnstile import Turnstile
from bot.adapters.control.address import find
from bot.adapters.control.client import DaemonSilent, ask
from bot.app.config import Mode
from bot.app.daemon.live_connection import access_of
from bot.app.loading import Loaded, load_all
from bot.domain.errors import InputError, PenstockError
from bot.domain.names import parse_name

PATIENCE = 3.0                       # seconds for a daemon to say how it stands; it answers in milliseconds


@dataclass(frozen=True, slots=True)
class Ended:
    """What was done about a daemon that hung: its process, the orders cancelled, and what could not be done."""

    process: int
    cancelled: tuple[str, ...]
    trouble: str | None

    def told(self) -> str:
        """Return it in words."""
        did = f"the daemon hung, so its process {self.process} was ended"
        if self.trouble is not None:
            return f"{did}; {self.trouble}"
        count = len(self.cancelled)
        return f"{did}; orders of it that were open at the venue and are cancelled: {count}; stops stay"


def kill_hung(run: Path, environ: Mapping[str, str]) -> Ended | None:
    """End a daemon that does not answer and cancel its orders; None when it answers, or none is known there."""
    try:
        ask(run, "status", {}, patience=PATIENCE)
    except DaemonSilent:
        address = find(run)
    except PenstockError:                # no daemon but a paced run, or one that answers something else: it lives
        return None
    else:
        return None
    with suppress(ProcessLookupError, PermissionError):
        os.kill(address.pid, signal.SIGKILL)
    try:
        cancelled = asyncio.run(_cancel_all(load_all(Path(address.config), environ)))
    except Exception as error:           # noqa: BLE001 - whatever fails here, the person must hear what was done
        return Ended(address.pid, (), f"its orders could NOT be cancelled: {type(error).__name__}: {error}")
    return Ended(address.pid, tuple(cancelled), None)


async def _cancel_all(loaded: Loaded) -> list[str]:
    """Cancel every plain order of ours in every account; return their names."""
    cancelled: list[str] = []
    for index, (name, spec) in enumerate(loaded.config.accounts.items()):
        if spec.mode is Mode.PAPER:
            raise InputError(f"accounts.{name}: is paper, and its venue was in the process that hung")
        turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=time.time_ns)
        connection = Connection(access_of(spec, spec.exchange.id, spec.mode, is_public=False), turnstile)
        try:
            await connection.open()
            cancelled += await _cancel_of(connection, loaded.config.marker, index)
        finally:
            await connection.close()
    return cancelled


async def _cancel_of(connection: Connection, marker: str, account: int) -> list[str]:
    names = code_of(connection.access.exchange_id)
    rows: Any = await connection.call("fapiPrivateGetOpenOrders", {}, Lane.RISK, weight=40)
    cancelled = []
    for row in rows:
        identity = str(row["clientOrderId"])
        name = names.decode(identity)
        parsed = None if name is None else parse_name(marker, name)
        if parsed is None or name is None or parsed.account != account or parsed.is_stop:
            continue
        asked = binance_orders.cancel(str(row["symbol"]), identity, is_conditional=False)
        await connection.call(asked.method, asked.parameters, Lane.RISK, weight=asked.weight)
        cancelled.append(name)
    return cancelled
