"""What ``kill`` does to a daemon that hangs: it ends the process, and cancels the orders at the venue itself.

Which process that is, its address says; where that is lost, the lock of the journal, which the daemon signed. A process
that has not this lock open is nobody's daemon, whatever number is written where. A daemon that lives and has lost its
address puts it back within a second, and is not ended.

Neither journal nor engine takes part: the venue's list of open orders says which are ours by their names. Stops that
rest are conditional orders, on another list, and stay. The latch is written before, so that the next start is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.exchange_apis import api_of
from bot.adapters.ccxt.limiter import Limiter
from bot.adapters.ccxt.turnstile import Turnstile
from bot.adapters.control.address import NoAddress, find
from bot.adapters.control.client import DaemonSilent, ask
from bot.adapters.journal.lock import Holder, has_open, holder_of
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
    hung = _hung(run)
    if hung is None or hung.process == os.getpid():
        return None
    try:
        if not _end(run, hung.process):
            return None
        failed = []
    except PermissionError:
        failed = [f"process {hung.process} is another user's and could NOT be ended"]
    try:
        cancelled, uncancelled = asyncio.run(_cancel_all(load_all(Path(hung.word), environ)))
    except Exception as error:           # noqa: BLE001 - whatever fails here, the person must hear what was done
        cancelled, uncancelled = [], [f"{type(error).__name__}: {error}"]
    if uncancelled:
        failed.append(f"its orders could NOT be cancelled: {'; '.join(uncancelled)}")
    return Ended(hung.process, tuple(cancelled), "; ".join(failed) or None)


def _hung(run: Path) -> Holder | None:
    """Return the process that hangs, and the path of its configuration; None where none is known to."""
    holder = holder_of(run / JOURNAL_NAME)
    try:
        ask(run, "status", {}, patience=PATIENCE)
    except DaemonSilent:
        address = find(run)
        # Another holder is only starting, and the address of one before it: that one is no more.
        return Holder(address.pid, address.config) if holder is not None and holder.process == address.pid else None
    except NoAddress:                    # a paced run and a daemon that is starting have left no word either
        return holder if holder is not None and holder.word and not _is_put_back(run) else None
    except PenstockError:                # it answers something else: it lives
        return None
    return None


def _is_put_back(run: Path) -> bool:
    """True when a daemon whose address was lost has put it back, as one that lives does four times a second."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            find(run)
        except NoAddress:
            time.sleep(0.05)
        except InputError:
            return True                  # it is there, and not for us to read
        else:
            return True
    return False


def _end(run: Path, process: int) -> bool:
    """End a process that has the run's lock open; False for any other. Raises PermissionError for another user's."""
    if not hasattr(os, "pidfd_open"):    # not Linux: whose the number is only the lock says, which somebody holds
        os.kill(process, signal.SIGKILL)
        return True
    try:
        handle = os.pidfd_open(process)  # from here on the number cannot become somebody else's
    except ProcessLookupError:
        return False
    try:
        if has_open(process, run / JOURNAL_NAME) is False:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return False                     # it has ended by itself just now
    finally:
        os.close(handle)
    return True


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
