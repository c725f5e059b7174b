"""What a daemon keeps for its report: how its accounts went, point by point, since no journal has prices.

    every minute, at fires and orders   a point of every account's series
    every five minutes, and at the end  all of it into the journal, beside the record; what the record has is forgotten
    points older than two days          one an hour stays: a year is some ten thousand

It looks on and must stop nothing: whatever goes wrong here is logged once and costs a report, no exit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from bot.adapters.journal.reader import open_readonly
from bot.adapters.journal.sqlite import SqliteJournal
from bot.app.daemon.clock import WallClock
from bot.app.daemon.driver import Commits
from bot.app.daemon.supervisor import Pulse
from bot.app.live_record import LAYOUT_SERIES, kept_layout, live_record
from bot.app.nearness import NEARNESS_SERIES
from bot.app.paced import MEMORY_SERIES
from bot.app.recorder import RunRecorder
from bot.app.running import JOURNAL_NAME, write_results
from bot.domain.effects import Effect
from bot.domain.events import AccountFact
from bot.domain.scale import NS_PER_DAY, NS_PER_MINUTE
from bot.engine.engine import Engine

LOOK_EVERY = 0.5                     # seconds
SAVE_EVERY = 5 * NS_PER_MINUTE       # of the series alone; facts and decisions are durable at once
FINE_FOR = 2 * NS_PER_DAY
ROWS_MAX = 50_000                    # of a journal whose report is written at the end: some three seconds

log = structlog.get_logger()


class Recording:
    """A watcher of the driver, and a task that takes points."""

    def __init__(self, engine: Engine, journal: SqliteJournal, clock: WallClock, title: str) -> None:
        self.recorder: Final = RunRecorder(engine, NS_PER_MINUTE)
        self._journal = journal
        self._clock = clock
        self._sample_at = 0
        self._near_at = 0
        self._save_at = 0
        self._is_broken = False
        self.commits: Commits | None = None
        journal.put_series(LAYOUT_SERIES, kept_layout(title, engine.layout))
        self._safely(self._recall)

    def on_fact(self, fact: AccountFact) -> None:
        """Keep what an account began with, and what came in or went out."""
        self._safely(lambda: self.recorder.on_fact(fact))

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Take a point at fires and orders."""
        self._safely(lambda: self.recorder.on_effects(effects))

    async def run(self, pulse: Pulse) -> None:
        """Take points and save them, for ever."""
        while True:
            pulse.beat()
            self._safely(self._look)
            await asyncio.sleep(LOOK_EVERY)

    def save(self) -> None:
        """Hand everything to the journal's next commit."""
        self._safely(self._save)

    def _recall(self) -> None:
        memory = self._journal.get_series(MEMORY_SERIES)
        if memory is not None:
            self.recorder.recall(memory)

    def _look(self) -> None:
        recorder, now = self.recorder, self._clock.now()
        if not any(recorder.engine.columns.known):
            return
        if now >= self._sample_at:
            self._sample_at = recorder.on_moment(now, 0)
        if now >= self._near_at:
            self._near_at = recorder.nearness.on_moment(now, 0)
        if now >= self._save_at:
            self._save()
            self._save_at = now + SAVE_EVERY

    def _save(self) -> None:
        recorder = self.recorder
        recorder.thin(self._clock.now() - FINE_FOR)
        self._journal.put_series(MEMORY_SERIES, recorder.memory())
        self._journal.put_series(NEARNESS_SERIES, recorder.nearness.memory())
        recorder.forget_recorded()
        if self.commits is not None:
            self.commits.request(recorder.engine.book.seq, is_waited_for=False)

    def _safely(self, work: Callable[[], object]) -> None:
        if self._is_broken:
            return
        try:
            work()
        except Exception as error:  # a guard that stops for the sake of a report is none
            self._is_broken = True
            log.error("recording_failed", now=self._clock.now(), reason=repr(error), exc_info=error)


def write_report(out: Path) -> None:
    """Write summary and report of a run that ends, if that takes no longer than a service manager waits."""
    try:
        with open_readonly(out / JOURNAL_NAME) as journal:
            record = live_record(journal) if journal.rows() <= ROWS_MAX else None
        if record is not None:
            write_results(record, out)
    except Exception as error:  # the guard has ended well; a report can be made again by its verb
        log.error("report_failed", reason=repr(error), exc_info=error)
