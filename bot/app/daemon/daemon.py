"""A daemon from its start to its end.

    journal, spare file -> keys, modes, clock (connect) -> re-fold -> engine -> venue's word -> stops -> ready
    -> until a signal, or the first task that dies -> drain -> record durable -> end
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import structlog

from bot import __version__
from bot.adapters.control.address import Address, keep, publish, withdraw
from bot.adapters.control.server import ControlServer
from bot.adapters.journal.spare import SpareFile, restore
from bot.adapters.journal.sqlite import SqliteJournal
from bot.adapters.latch import LatchFile
from bot.adapters.sd_notify import SystemdNotifier
from bot.adapters.webhook import Webhook
from bot.app.charter import CHARTER_SERIES, charter_of
from bot.app.cli_codes import EXIT_BUG, EXIT_GOOD
from bot.app.daemon import memory
from bot.app.daemon.answers import Answers
from bot.app.daemon.bell import Bell
from bot.app.daemon.clock import WallClock
from bot.app.daemon.committer import Committer, Trouble
from bot.app.daemon.connection import Connect, Connection
from bot.app.daemon.driver import Driver
from bot.app.daemon.recording import Recording, write_report
from bot.app.daemon.shutdown import EXIT_UNFINISHED, Shutdown, is_rescuing
from bot.app.daemon.supervisor import Failure, Pulse, Supervisor
from bot.app.latches import Latches
from bot.app.loading import Loaded
from bot.app.operator_log import operator_log
from bot.app.reload import Hangup, Reloader, hash_in_force
from bot.app.running import JOURNAL_NAME, prepare_out
from bot.app.wiring import make_engine
from bot.domain.errors import InputError, JournalError
from bot.domain.events import Command, CommandKind, Restarted
from bot.domain.run import RunHead
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.recovery import refold

CHECKPOINT_EVERY = 600.0             # seconds
LOOK_EVERY = 0.25                    # seconds between two looks at latch file and SIGHUP
SETTLE = 1.0                         # seconds after a failure in which answers may still come in and be recorded

log = structlog.get_logger()


class Daemon:
    """One process: ``run`` returns its exit code."""

    def __init__(self, loaded: Loaded, out: Path, connect: Connect, environ: Mapping[str, str]) -> None:
        self.loaded = loaded
        self.out = out
        self.environ = environ
        self._connect = connect
        self.clock = WallClock()
        self.trouble: Trouble | None = None
        self.failure: Failure | None = None
        self.address: Address | None = None  # while it listens
        self.is_open = False                 # the venue's word on every account is in, and decisions are made

    async def run(self) -> int:
        """Live until a person or a failure ends it."""
        prepare_out(self.out)
        async with AsyncExitStack() as stack:
            shutdown = Shutdown()
            hangup = Hangup()
            notifier = stack.enter_context(closing(SystemdNotifier(self.environ)))
            found = self._found_journal()
            if found is not None:
                stack.enter_context(closing(found))
                self.clock.never_before(found.last_time())   # before the venue's clock is measured by it
            alone_since = self.clock.now()       # who sent for this run before is dead: its lock was free
            connection = await self._connect(self.loaded, self.clock)
            stack.push_async_callback(connection.close)
            journal = stack.enter_context(closing(self._new_journal())) if found is None else found
            is_resumed = found is not None
            if is_resumed:
                connection.took_over(alone_since)
            logs = stack.enter_context(operator_log(self.out))
            engine = self._engine(connection.layout, journal, is_resumed=is_resumed)
            bell = Bell(self.clock, self._webhook())
            self.recording = Recording(engine, journal, self.clock, f"Guarding {self.loaded.path.name}")
            self.driver = Driver(engine, connection.venue, journal, self.clock, [*logs, bell, self.recording])
            committer = Committer(journal, SpareFile(self.out, journal), self.driver.durable, self._on_trouble)
            self.driver.commits = self.recording.commits = committer
            self.bell, self.committer, self.journal, self.notifier = bell, committer, journal, notifier
            journal.put_series(CHARTER_SERIES, charter_of(self.loaded, engine.layout,
                                                          journal.get_series(CHARTER_SERIES)))
            supervisor = Supervisor(self._on_failure)
            connection.attach(put=self.driver.inbox.put, tell=self.driver.inbox.tell, ring=bell.ring)
            for price in await connection.history():
                engine.warm(price)
            stack.enter_context(memory.set_aside())
            self._start(supervisor, connection)
            code = await self._live(supervisor, shutdown, connection, hangup, is_resumed=is_resumed)
            await supervisor.end()
            return self._end(code)

    # The start ---------------------------------------------------------------------------------------------

    def _new_journal(self) -> SqliteJournal:
        head = RunHead(
            version=__version__, config_hash=self.loaded.digest, config=self.loaded.text,
            marker=self.loaded.config.marker, created=self.clock.now(),
        )
        return SqliteJournal.create(self.out / JOURNAL_NAME, head)

    def _found_journal(self) -> SqliteJournal | None:
        """Return the journal that an earlier process began, with what a spare file still held; None of a new run."""
        path = self.out / JOURNAL_NAME
        if not path.exists():
            return None
        journal = SqliteJournal.open(path)
        try:
            put_back = restore(self.out, journal)
            if put_back:
                log.warning("record_put_back", rows=put_back)
            if hash_in_force(journal) != self.loaded.digest:
                raise InputError(
                    f"--out {self.out}: holds a run of another configuration, was {self.loaded.digest[:12]} after "
                    f"{hash_in_force(journal)[:12]}; put the file and its rule books back as the run last read them "
                    "and change them by SIGHUP, or choose another folder"
                )
        except BaseException:
            journal.close()
            raise
        return journal

    def _engine(self, layout: Layout, journal: SqliteJournal, *, is_resumed: bool) -> Engine:
        if not is_resumed:
            return make_engine(self.loaded, layout)
        found = journal.latest_checkpoint()
        seq, body = (-1, None) if found is None else found
        book: Book = refold(layout, body, journal.read(after=seq))
        book.seq = max(book.seq, journal.last_seq())
        self.clock.never_before(book.now)
        return make_engine(self.loaded, layout, book=book)

    def _webhook(self) -> Webhook | None:
        secret = self.loaded.config.alerts.webhook
        self.webhook = None if secret is None else Webhook(secret.reveal())
        return self.webhook

    def _start(self, supervisor: Supervisor, connection: Connection) -> None:
        supervisor.start("journal", lambda pulse: self.committer.run(pulse.beat), silence_max=15.0)
        supervisor.start("driver", self._drive, silence_max=5.0)
        supervisor.start("checkpoints", self._checkpoints, silence_max=5.0)
        supervisor.start("recording", self.recording.run, silence_max=30.0)
        supervisor.start("memory", lambda pulse: memory.tidy(pulse.beat, self._is_quiet), silence_max=5.0)
        if (hook := self.webhook) is not None:
            supervisor.start("webhook", lambda pulse: hook.run(pulse.beat), silence_max=90.0)
        for named in connection.jobs():
            supervisor.start(named.name, named.job, silence_max=named.silence_max)

    # The life ----------------------------------------------------------------------------------------------

    async def _live(
        self, supervisor: Supervisor, shutdown: Shutdown, connection: Connection, hangup: Hangup, *, is_resumed: bool
    ) -> int:
        driver = self.driver
        now = self.clock.now()
        if is_resumed:
            driver.inbox.tell(Restarted(now, "restart"))
        latches = Latches(LatchFile(self.out), driver)
        driver.watchers = [*driver.watchers, latches]
        latches.start(now)
        driver.turn()                    # asks for what was missed: the account is read after it, and explained by it
        for account in range(len(driver.engine.layout.accounts)):
            connection.venue.report_account(self.clock.now(), account)
        reloader = Reloader(self.loaded, self.environ, hangup, driver, self.journal)
        supervisor.start("operator", lambda pulse: self._listen(pulse, latches, reloader), silence_max=5.0)
        server = ControlServer(Answers(driver, self._health).answer)
        address = await server.start(str(self.loaded.path.resolve()))
        publish(self.out, address)
        self.address = address
        self.journal.sign(address.config)
        watching = asyncio.create_task(supervisor.watch(self._progress), name="watch")
        asked = asyncio.create_task(shutdown.asked.wait(), name="shutdown")
        try:
            await asyncio.wait({watching, asked}, return_when=asyncio.FIRST_COMPLETED)
            self.notifier.stopping("a task has failed" if supervisor.failure else "asked to stop")
            if supervisor.failure is None and not await shutdown.drain(driver.engine, watching.done):
                self.bell.ring("drain_unfinished", "orders of the margin class are still at work at the end")
                return EXIT_UNFINISHED
            return EXIT_GOOD if supervisor.failure is None else EXIT_BUG
        finally:
            for task in (watching, asked):
                task.cancel()
            self.address = None
            withdraw(self.out, address)
            await server.close()

    async def _drive(self, pulse: Pulse) -> None:
        """Notice that the driver has stopped; it beats while a turn that is asked for comes to pass."""
        while not self.driver.stopped.is_set():
            self.driver.turn()
            pulse.beat()
            try:
                async with asyncio.timeout(1.0):
                    await self.driver.stopped.wait()
            except TimeoutError:
                continue
        assert self.driver.failure is not None
        raise self.driver.failure

    async def _checkpoints(self, pulse: Pulse) -> None:
        due = time.monotonic() + CHECKPOINT_EVERY
        while True:
            pulse.beat()
            await asyncio.sleep(1.0)
            if time.monotonic() >= due:
                due = time.monotonic() + CHECKPOINT_EVERY
                self._checkpoint()

    async def _listen(self, pulse: Pulse, latches: Latches, reloader: Reloader) -> None:
        """Hear a person's word in the latch file, and SIGHUP; stay to be found."""
        while True:
            pulse.beat()
            now = self.clock.now()
            latches.look(now)
            reloader.look(now)
            if self.address is not None:
                keep(self.out, self.address)
            await asyncio.sleep(LOOK_EVERY)

    def _is_quiet(self) -> bool:
        """True while nothing waits to be decided on, or for its record."""
        return not self.driver.inbox and not self.driver.departures.is_holding

    def _checkpoint(self) -> None:
        engine = self.driver.engine
        self.journal.checkpoint(engine.book.seq, engine.book.now, checkpoint.dump(engine.book))
        self.committer.request(engine.book.seq, is_waited_for=False)

    def _progress(self) -> None:
        """Every task beats and the loop is on time: the service manager may know."""
        if not self.is_open and all(self.driver.engine.is_ready):
            self.is_open = True
            self.notifier.ready(self._status_line())
            log.info("ready", now=self.clock.now(), status=self._status_line())
        self.notifier.alive(self._status_line())

    def _health(self) -> Mapping[str, Any]:
        return {
            "failure": None if self.failure is None else f"{self.failure.task}: {self.failure.reason}",
            "journal": None if self.trouble is None else self.trouble.reason,
            "rescuing": is_rescuing(self.driver.engine),
            "clock_drift_seconds": self.clock.drift() / NS_PER_SECOND,
            "undelivered_alarms": 0 if self.webhook is None else self.webhook.undelivered,
            "tasks": len(asyncio.all_tasks()),
        }

    def _status_line(self) -> str:
        engine = self.driver.engine
        held = sum(1 for quantity in engine.book.quantity if quantity)
        return f"{held} positions, {len(engine.book.parents)} parents at work"

    # Trouble and the end -----------------------------------------------------------------------------------

    def _on_trouble(self, trouble: Trouble | None) -> None:
        """Nothing that could raise exposure is sent while the record lies beside the journal, or nowhere."""
        self.trouble = trouble
        if trouble is None:
            self.bell.ring("journal_recovered", "the journal takes the record again; resume when all is well")
            return
        self.bell.ring("journal_failed", trouble.reason)
        if trouble.is_lost:
            self.driver.unrecorded()
        self._freeze("the journal's disk fails")

    async def _on_failure(self, failure: Failure) -> None:
        """Safe mode: shut every account to what could raise exposure, ring, and let answers come in for a while."""
        self.failure = failure
        log.error("task_failed", task=failure.task, reason=failure.reason, exc_info=failure.error)
        self.bell.ring("task_failed", f"{failure.task}: {failure.reason}; the daemon freezes and ends")
        self._freeze(f"the task {failure.task} has failed")
        await asyncio.sleep(SETTLE)
        if self.webhook is not None:
            await self.webhook.drain(SETTLE)

    def _freeze(self, reason: str) -> None:
        for account in range(len(self.driver.engine.layout.accounts)):
            self.driver.command(Command(self.clock.now(), account, CommandKind.FREEZE, reason, by="penstock"))

    def _end(self, code: int) -> int:
        self.recording.save()
        if self.driver.failure is None:
            self._checkpoint()
        try:
            self.committer.close()
        except JournalError as error:
            log.error("journal_failed", reason=str(error))
            return error.exit_code
        write_report(self.out)
        return code
