"""Runs a paced paper run in a process of its own, kills it, and reads what is left on the disk."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bot.adapters.journal.reader import JournalReader, open_readonly
from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.wiring import make_layout
from bot.domain.effects import PlaceOrder, PlaceStop, ReserveNames, ReserveStopNames
from bot.domain.events import FillOrigin, OrderFilled
from bot.domain.names import child_name
from bot.domain.order import Side
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint
from bot.engine.record.recovery import refold
from paper.state import Order, VenueState
from paper.store import PaperStore
from tests.app.runs import command, environment, penstock
from tests.shared_data import ROOT

LIVES_MAX = 30
START_UP_MAX = 60.0                  # seconds; a start takes one, on a busy machine ten
PACE_HUGE = 1_000_000


@dataclass(frozen=True)
class Script:
    """What is run: the arguments of ``run`` without pace and folder."""

    config: Path
    tapes: tuple[str, ...]
    pace: float                      # at which it is killed

    def words(self, out: Path, pace: float) -> list[str]:
        tapes = [word for tape in self.tapes for word in ("--tape", tape)]
        return ["run", str(self.config), *tapes, "--out", str(out), "--pace", f"{pace:g}", "--json"]

    def layout(self) -> Layout:
        loaded = load_all(self.config, {})
        return make_layout(loaded.config, RecordedMarket.open(self.tapes, loaded.config.symbols))


def start(script: Script, out: Path, pace: float) -> subprocess.Popen[bytes]:
    """Start a run and return at once."""
    return subprocess.Popen(
        command(*script.words(out, pace)), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_until_it_works(process: subprocess.Popen[bytes], out: Path) -> None:
    """Return when the run has written something since it was started and hears signals, or has ended.

    A new run's venue is first saved when it hears them: before that, SIGTERM would end it like any other process.
    """
    log = out / "venue.sqlite-wal"
    before = _print_of(log)
    deadline = time.monotonic() + START_UP_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None or (_print_of(log) != before and _is_saved(out)):
            return
        time.sleep(0.005)
    raise AssertionError(f"the run wrote nothing for {START_UP_MAX:g} s")


def wait_until_it_waits(process: subprocess.Popen[bytes]) -> None:
    """Return when the run sleeps until its next price is due: it gives the processor up twenty times a second then."""
    before = _times_given_up(process.pid)
    deadline = time.monotonic() + START_UP_MAX
    while _times_given_up(process.pid) < before + 20:
        assert time.monotonic() < deadline, "the run never waits"
        time.sleep(0.05)


def _times_given_up(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise AssertionError("this needs Linux")


def _is_saved(out: Path) -> bool:
    """Say whether the venue has been saved, of which the file alone tells nothing."""
    try:
        with closing(sqlite3.connect(f"file:{out / 'venue.sqlite'}?mode=ro", uri=True)) as store:
            return store.execute("SELECT 1 FROM venue").fetchone() is not None
    except sqlite3.OperationalError:     # no such file, or table, yet
        return False


def _print_of(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def end(process: subprocess.Popen[bytes], how: signal.Signals) -> tuple[int, bytes, bytes]:
    """Send a signal; return exit code, stdout and stderr."""
    process.send_signal(how)
    out, err = process.communicate(timeout=START_UP_MAX)
    return process.returncode, out, err


def kill_over_and_over(script: Script, out: Path, *, times: int, longest: float, seed: int) -> list[int]:
    """Kill the run ``times`` times, each at up to ``longest`` seconds after it began to work.

    Every fourth dies while it starts. Returns how much was sold at the venue when each died.
    """
    chance = random.Random(seed)
    sold = []
    for life in range(times):
        process = start(script, out, script.pace)
        if life % 4 == 3:
            time.sleep(chance.uniform(0.2, 1.2))
        else:
            wait_until_it_works(process, out)
            time.sleep(chance.uniform(0.0, longest))
        code, _, err = end(process, signal.SIGKILL)
        assert code == -signal.SIGKILL, f"it ended before it could be killed: {code} {err.decode()}"
        sold.append(sum(order.filled for order in orders_of(venue_of(out))) if (out / "venue.sqlite").exists() else 0)
    return sold


def finish(script: Script, out: Path) -> str:
    """Run to the end of the tape as fast as it goes; return what was printed."""
    found = penstock(*script.words(out, PACE_HUGE))
    assert (found.returncode, found.stderr) == (0, ""), found.stdout + found.stderr
    return found.stdout


# What is on the disk ------------------------------------------------------------------------------------


def venue_of(out: Path) -> VenueState:
    """Return the venue's state as it was saved last."""
    with closing(PaperStore(out / "venue.sqlite")) as store:
        saved = store.load()
    assert saved is not None
    return msgspec.json.decode(saved[1], type=VenueState)


def orders_of(state: VenueState) -> list[Order]:
    """Return every order that ever arrived at the venue."""
    found: list[Order] = []
    for account in state.accounts:
        found += account.resting.values()
        found += (msgspec.json.decode(raw, type=Order) for raw in account.ended.values())
    return found


def held(state: VenueState) -> dict[int, int]:
    """Return what is held, by instrument."""
    return {holding.key.instrument: holding.quantity for account in state.accounts for holding in account.holdings}


def sold_by_instrument(orders: Sequence[Order]) -> dict[int, int]:
    """Return what all orders sold, by instrument; no order of these scripts buys."""
    found: dict[int, int] = {}
    for order in orders:
        assert order.request.side is Side.SELL
        index = order.request.key.instrument
        found[index] = found.get(index, 0) + order.filled
    return found


def journal_of(out: Path) -> JournalReader:
    return open_readonly(out / "journal.sqlite")


def reserved_names(journal: JournalReader) -> Iterator[tuple[str, set[str]]]:
    """Yield every order that was decided on, with the names reserved before it."""
    names: set[str] = set()
    for _, item in journal.read():
        if isinstance(item, ReserveNames | ReserveStopNames):
            names |= {
                child_name(item.parent, child) for child in range(item.first_child, item.first_child + item.count)
            }
        elif isinstance(item, PlaceOrder | PlaceStop):
            yield item.approved.request.name, set(names)


def fills_of(journal: JournalReader) -> dict[tuple[int, str], OrderFilled]:
    """Return our fills by account and trade id: one that was told again is one."""
    found: dict[tuple[int, str], OrderFilled] = {}
    for _, item in journal.read():
        if isinstance(item, OrderFilled) and item.origin is FillOrigin.OURS:
            found.setdefault((item.account, item.trade_id), item)
    return found


def folded_twice(journal: JournalReader, layout: Layout) -> tuple[bytes, bytes]:
    """Return the book of the last checkpoint, and the book that the record up to it amounts to."""
    found = journal.latest_checkpoint()
    assert found is not None
    seq, body = found
    kept = checkpoint.load(body, layout)
    again = refold(layout, None, (item for item in journal.read() if item[0] <= seq))
    # Prices and idle timers move time and the step's number, and neither is journaled.
    again.now, again.seq = kept.now, kept.seq
    return checkpoint.dump(kept), checkpoint.dump(again)
