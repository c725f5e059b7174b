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

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.exchange_apis import api_of
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.turnstile import Turnstile
from bot.adapters.control.address import find
from bot.adapters.control.client import DaemonSilent, ask
from bot.adapters.journal.lock import holder_of
from bot.app.config import AccountSpec, Mode
from bot.app.daemon.live_connection import access_of
from bot.app.loading import Loaded, load_all
from bot.app.running import JOURNAL_NAME
from bot.domain.errors import InputError, PenstockError

INSIST = 6.0                         # seconds: 503s come in bursts of a few, and a person is waiting for a word
AGAIN = 1.0                          # seconds between two tries
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
    if holder_of(run / JOURNAL_NAME) != address.pid:
        return None                      # the address is of an earlier one; who holds the journal is only starting
    with suppress(ProcessLookupError, PermissionError):
        os.kill(address.pid, signal.SIGKILL)
    try:
        cancelled, failed = asyncio.run(_cancel_all(load_all(Path(address.config), environ)))
    except Exception as error:           # noqa: BLE001 - whatever fails here, the person must hear what was done
        cancelled, failed = [], [f"{type(error).__name__}: {error}"]
    trouble = f"its orders could NOT be cancelled: {'; '.join(failed)}" if failed else None
    return Ended(address.pid, tuple(cancelled), trouble)


async def _cancel_all(loaded: Loaded) -> tuple[list[str], list[str]]:
    """Cancel every plain order of ours in every account; return their names, and what failed, by account."""
    cancelled: list[str] = []
    failed: list[str] = []
    for index, (name, spec) in enumerate(loaded.config.accounts.items()):
        try:
            cancelled += await _cancel_of(loaded, index, spec)
        except Exception as error:       # noqa: BLE001 - the other accounts' orders are cancelled all the same
            failed.append(f"{name}: {type(error).__name__}: {error}")
    return cancelled, failed


async def _cancel_of(loaded: Loaded, index: int, spec: AccountSpec) -> list[str]:
    """Cancel an account's orders, trying again for ``INSIST`` while the venue does not answer."""
    if spec.mode is Mode.PAPER:
        raise InputError("is paper, and its venue was in the process that hung")
    turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=time.time_ns)
    connection = Connection(access_of(spec, spec.exchange.id, spec.mode, is_public=False), turnstile)
    try:
        await connection.open()
        until = time.monotonic() + INSIST        # not before: ccxt's own start takes seconds on a busy machine
        while True:
            try:
                return await api_of(spec.exchange.id).cancel_ours(
                    connection, marker=loaded.config.marker, account=index, symbols=spec.instruments
                )
            except Exception:            # an outage and a bad key look alike here; what lasts is told
                if time.monotonic() >= until:
                    raise
            await asyncio.sleep(AGAIN)
    finally:
        await connection.close()
