"""A paper run by the wall clock that survives being killed: market time runs at a pace, all state is on disk.

The simulated venue outlives the process: its state and its place on the tape are saved before every answer
and before every decision of ours, in ``venue.sqlite`` beside the journal. A restart takes the venue from
there, folds the journal, walks the prices it has seen already without deciding, looks up every order that
was out, and only then goes on. The tape stands still while nobody runs.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import cast

import msgspec

from bot.adapters.journal.codec import decode, encode
from bot.adapters.journal.sqlite import SqliteJournal
from bot.adapters.latch import LatchFile
from bot.app.charter import CHARTER_SERIES, charter_of, read_charter
from bot.app.histories import load_histories
from bot.app.latches import Latches
from bot.app.loading import Loaded
from bot.app.markets import MarketSource, TapeEvent, sign_of
from bot.app.nearness import NEARNESS_SERIES
from bot.app.operator_log import operator_log
from bot.app.record import to_json
from bot.app.recorder import RunRecorder
from bot.app.reload import Hangup, Reloader, hash_in_force
from bot.app.running import (
    JOURNAL_NAME,
    RECORD_SERIES,
    SAMPLE_INTERVAL,
    VENUE_NAME,
    Finished,
    MakeObserver,
    finish,
    prepare_out,
    run_head,
    write_results,
)
from bot.app.session import Answer, Session
from bot.app.summary import Timing
from bot.app.watchers import Watchers
from bot.app.wiring import make_engine, make_layout, make_venue, restore_venue
from bot.domain.effects import Effect
from bot.domain.errors import InputError
from bot.domain.events import AccountFact, AccountSnapshot
from bot.domain.market import Candle
from bot.domain.run import TapeSource
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.recovery import refold
from paper.store import PaperStore
from paper.venue import PaperVenue

MEMORY_SERIES = "memory"
WINDOWS_SERIES = "windows"           # what rules looked back over, as of the checkpoint
LOOK_EVERY = 0.05                    # wall seconds between two waits: finer than a person sees
CHECKPOINT_EVERY = 10 * NS_PER_MINUTE


class Stopped(Exception):
    """A person asked the run to end; it can be taken up again."""


class _Cursor(msgspec.Struct):
    """Where the venue stands on the tape, by which sign each open bar is being walked, and what it has said
    that we have not heard yet: (time of delivery, kind, JSON). Nobody could ask it again for a liquidation.
    """

    consumed: int
    signs: dict[int, int]
    answers: list[tuple[int, str, str]] = []

    def under_way(self) -> list[Answer]:
        """Return the answers as a session keeps them; in order, they are a heap."""
        return [
            (at, number, cast("AccountFact", decode(kind, body.encode())))
            for number, (at, kind, body) in enumerate(self.answers)
        ]


class VenueKeeper:
    """Saves the venue with its place on the tape and ``answers``, the session's own list of those under way."""

    def __init__(self, store: PaperStore, venue: PaperVenue, signs: dict[int, int]) -> None:
        self.store = store
        self.venue = venue
        self.signs = signs
        self.answers: list[Answer] = []

    def save(self, consumed: int) -> None:
        """Return once the venue's state is durable."""
        told = [(at, type(fact).__name__, encode(fact).decode()) for at, _, fact in sorted(self.answers)]
        cursor = msgspec.json.encode(_Cursor(consumed, self.signs, told)).decode()
        self.store.save(cursor, self.venue.snapshot())


class Pacer:
    """Holds market time to ``pace`` seconds per wall second; writes checkpoints and hears signals on the way."""

    def __init__(
        self,
        engine: Engine,
        journal: SqliteJournal,
        keeper: VenueKeeper,
        recorder: RunRecorder,
        reloader: Reloader,
        latches: Latches,
        pace: float,
    ) -> None:
        self.engine = engine
        self.reloader = reloader
        self.latches = latches
        self.recorder = recorder
        self.journal = journal
        self.keeper = keeper
        self.pace = pace
        self.started: tuple[float, int] | None = None
        self.checkpoint_at = 0
        self.is_stopping = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.is_stopping = True

    def on_fact(self, fact: AccountFact) -> None:
        """Write a checkpoint soon after the venue's first word, which says what the run began with."""
        if isinstance(fact, AccountSnapshot):
            self.checkpoint_at = 0

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Decisions do not change the pace."""

    def on_moment(self, now: int, consumed: int) -> int:
        """Wait until the wall clock has caught up with the market; raises Stopped when asked to end."""
        if self.started is None:
            self.started = time.monotonic(), now
        wall, market = self.started
        due = wall + (now - market) / NS_PER_SECOND / self.pace
        while not self.is_stopping and (ahead := due - time.monotonic()) > 0:
            time.sleep(min(ahead, LOOK_EVERY))   # a signal does not end a sleep: look for it now and then
            self._look(now)
        self._look(now)                          # a run that is behind the clock never sleeps
        if self.is_stopping:
            self._checkpoint(now, consumed)
            raise Stopped
        if now >= self.checkpoint_at:
            self.checkpoint_at = now + CHECKPOINT_EVERY
            self._checkpoint(now, consumed)
        return now + int(self.pace * LOOK_EVERY * NS_PER_SECOND)

    def _look(self, now: int) -> None:
        """See whether a person wants something."""
        self.latches.look(now)
        self.reloader.look(now)

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """Write the last checkpoint."""
        del tape_ended
        self._checkpoint(now, consumed)

    def _checkpoint(self, now: int, consumed: int) -> None:
        """Write a checkpoint; the venue is saved first, so that no restart finds it behind our own record."""
        self.keeper.save(consumed)
        self.journal.checkpoint(self.engine.book.seq, now, checkpoint.dump(self.engine.book))
        self.journal.put_series(MEMORY_SERIES, self.recorder.memory())
        self.journal.put_series(WINDOWS_SERIES, checkpoint.dump_windows(self.engine.readings.derived))
        self.journal.put_series(NEARNESS_SERIES, self.recorder.nearness.memory())
        self.journal.commit()


def run_paced(
    loaded: Loaded,
    market: MarketSource,
    *,
    pace: float,
    title: str,
    out: Path,
    environ: Mapping[str, str],
    make_observers: Sequence[MakeObserver] = (),
) -> Finished | None:
    """Run the paper accounts at a pace, taking up the run that lies in ``out`` if there is one.

    On SIGHUP the configuration is read again, with ``environ``. Returns None when a person stopped the run
    before the tape ended.
    """
    hangup = Hangup()
    layout = make_layout(loaded.config, market)
    prepare_out(out)
    journal_path = out / JOURNAL_NAME
    resumed = journal_path.exists()
    if resumed:
        journal = SqliteJournal.open(journal_path)
    else:
        journal = SqliteJournal.create(journal_path, run_head(loaded, market))
    with journal, closing(PaperStore(out / VENUE_NAME)) as store, operator_log(out) as logs:
        if resumed and hash_in_force(journal) != loaded.digest:
            raise InputError(
                f"--out {out}: holds a run of another configuration{_changed_plugins(journal, loaded)}, was "
                f"{loaded.digest[:12]} after {hash_in_force(journal)[:12]}; put the file and its rule books back as "
                "the run last read them, or choose another folder"
            )
        if resumed and _prices_of(journal.head.tapes) != _prices_of(market.sources):
            raise InputError(f"--out {out}: holds a run over another tape; choose another folder, or the same prices")
        venue, cursor = _venue(loaded, layout, store)
        engine = make_engine(loaded, layout, book=_book(journal, layout) if resumed else None)
        recorder = RunRecorder(engine, SAMPLE_INTERVAL)
        keeper = VenueKeeper(store, venue, cursor.signs)
        journal.put_series(CHARTER_SERIES, charter_of(loaded, layout, journal.get_series(CHARTER_SERIES)))
        others = [make(engine, recorder) for make in make_observers]
        watchers = Watchers([recorder, recorder.nearness, *logs, *others])
        session = Session(engine, venue, journal, watchers, keeper)
        reloader = Reloader(loaded, environ, hangup, session, journal)
        latches = Latches(LatchFile(out), session)
        watchers.add(latches)
        watchers.add(Pacer(engine, journal, keeper, recorder, reloader, latches, pace))
        tape = _tape_from(market, venue, cursor, engine)
        session.consumed = cursor.consumed
        session.answers = keeper.answers = cursor.under_way()
        session.answered = len(session.answers)
        started = time.perf_counter()
        if resumed or cursor.consumed:           # a new journal beside an old venue is an old one, too
            _replay_record(journal, recorder)
            session.restart(engine.book.now)
            windows = journal.get_series(WINDOWS_SERIES)
            if windows is not None:
                checkpoint.load_windows(windows, engine.readings.derived)
        session.tell(load_histories(loaded, market, now=max(market.span[0], engine.book.now)))
        latches.start(max(engine.book.now, market.span[0]))
        try:
            session.run(tape)
        except Stopped:
            return None
        timing = Timing(time.perf_counter() - started, session.consumed - cursor.consumed)
        record = finish(reloader.loaded, market, layout, recorder, timing, title, ())
        journal.put_series(NEARNESS_SERIES, recorder.nearness.memory())
        journal.put_series(RECORD_SERIES, to_json(record))
        journal.commit()
    write_results(record, out)
    return Finished(record, out, is_liquidated=bool(recorder.liquidations))


def _changed_plugins(journal: SqliteJournal, loaded: Loaded) -> str:
    """Return which plug-ins are not as the run has them, since nobody looks there first; empty when all are."""
    stored = journal.get_series(CHARTER_SERIES)
    before = {} if stored is None else read_charter(stored).plugins
    changed = [
        plugin.path for plugin in loaded.rules.plugins.files
        if before.get(plugin.path, plugin.sha256) != plugin.sha256
    ]
    return f", with another {' and '.join(changed)}" if changed else ""


def _prices_of(sources: Sequence[TapeSource]) -> list[str]:
    """Return what tells prices from others: a file may have moved, its content may not have changed."""
    return [source.sha256 or source.path for source in sources]


def _venue(loaded: Loaded, layout: Layout, store: PaperStore) -> tuple[PaperVenue, _Cursor]:
    """Return the venue as it was saved last, or a new one, and where it stands."""
    saved = store.load()
    if saved is None:
        return make_venue(loaded.config, layout), _Cursor(0, {})
    cursor, snapshot = saved
    return restore_venue(loaded.config, layout, snapshot), msgspec.json.decode(cursor, type=_Cursor)


def _book(journal: SqliteJournal, layout: Layout) -> Book:
    """Return the book that the journal amounts to."""
    found = journal.latest_checkpoint()
    seq, body = (-1, None) if found is None else found
    book = refold(layout, body, journal.read(after=seq))
    book.seq = max(book.seq, journal.last_seq())
    return book


def _replay_record(journal: SqliteJournal, recorder: RunRecorder) -> None:
    """Show the recorder what happened before the restart."""
    memory = journal.get_series(MEMORY_SERIES)
    if memory is not None:
        recorder.recall(memory)
    for _, item in journal.read():
        if isinstance(item, Effect):
            recorder.on_effects([item])
        else:
            recorder.on_fact(item)


def _tape_from(market: MarketSource, venue: PaperVenue, cursor: _Cursor, engine: Engine) -> Iterator[TapeEvent]:
    """Return the tape from the cursor on; what lies before it only warms the engine's market state.

    A bar that was under way is walked on as it was begun; all earlier bars end at the same close whichever
    way they are walked.
    """
    saved = dict(cursor.signs)
    skipping = True

    def held_sign(instrument: int) -> int:
        if skipping:
            return saved.get(instrument, 0)
        cursor.signs[instrument] = sign_of(venue.net_quantity(instrument))
        return cursor.signs[instrument]

    tape = market.events(held_sign)
    for _ in range(cursor.consumed):
        event = next(tape)
        if not isinstance(event, Candle):
            engine.warm(event)
    skipping = False
    return tape
