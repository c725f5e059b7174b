"""One run from a loaded configuration and a market to a finished record: the work of ``replay`` and ``run``.

A sweep of many short runs needs no record: see ``bot.app.quiet_run.run_quietly`` and ``bot.app.bar_market``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bot import __version__
from bot.adapters.journal.lock import WriterLock
from bot.adapters.journal.null import NullJournal
from bot.adapters.journal.seldom import SeldomJournal
from bot.app.baselines import Baseline, compare
from bot.app.charter import CHARTER_SERIES, charter_of
from bot.app.histories import load_histories
from bot.app.loading import Loaded
from bot.app.markets import MarketSource, sign_of
from bot.app.nearness import NEARNESS_SERIES
from bot.app.operator_log import operator_log
from bot.app.record import DO_NOTHING, SELL_AT_ONCE, RunRecord, to_json
from bot.app.recorder import RunRecorder
from bot.app.session import Observer, Session
from bot.app.summary import Timing, liquidation_entry, shortfall_bps, summarise
from bot.app.watchers import Watchers
from bot.app.whole_files import write_whole
from bot.app.wiring import make_engine, make_layout, make_venue
from bot.domain.account import PositionKey
from bot.domain.errors import InputError
from bot.domain.run import RunHead
from bot.domain.scale import NS_PER_MINUTE, cash_text
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint

JOURNAL_NAME = "journal.sqlite"
SUMMARY_NAME = "summary.json"
REPORT_NAME = "report.html"
VENUE_NAME = "venue.sqlite"           # of a paper run: the simulated venue's own state
RECORD_SERIES = "record"
SAMPLE_INTERVAL = NS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended."""

    record: RunRecord
    out: Path | None
    is_liquidated: bool              # a guarded account was


MakeObserver = Callable[[Engine, RunRecorder], Observer]


def replay(
    loaded: Loaded,
    market: MarketSource,
    *,
    title: str,
    out: Path | None,
    story_facts: Sequence[str] = (),
    make_observers: Sequence[MakeObserver] = (),
) -> Finished:
    """Take the configuration's paper accounts through the whole market, as fast as it goes.

    With ``out`` the folder gets a new journal, ``summary.json`` and ``report.html``; a replay that lies there
    is replaced.
    """
    layout = make_layout(loaded.config, market)
    engine = make_engine(loaded, layout)
    venue = make_venue(loaded.config, layout)
    recorder = RunRecorder(engine, SAMPLE_INTERVAL)
    head = run_head(loaded, market)
    journal: SeldomJournal | NullJournal
    journal = NullJournal(head) if out is None else _fresh_journal(out, head)
    with journal, operator_log(out) as logs:
        journal.put_series(CHARTER_SERIES, charter_of(loaded, layout))
        others = [make(engine, recorder) for make in make_observers]
        watchers = Watchers([recorder, recorder.nearness, *logs, *others])
        session = Session(engine, venue, journal, watchers)
        session.tell(load_histories(loaded, market, now=market.span[0]))
        started = time.perf_counter()
        session.run(market.events(lambda index: sign_of(venue.net_quantity(index))))
        wall = time.perf_counter() - started
        journal.checkpoint(engine.book.seq, engine.book.now, checkpoint.dump(engine.book))
        record = finish(loaded, market, layout, recorder, Timing(wall, session.consumed), title, story_facts)
        journal.put_series(NEARNESS_SERIES, recorder.nearness.memory())
        journal.put_series(RECORD_SERIES, to_json(record))
    if out is not None:
        write_results(record, out)
    return Finished(record, out, is_liquidated=bool(recorder.liquidations))


def finish(
    loaded: Loaded,
    market: MarketSource,
    layout: Layout,
    recorder: RunRecorder,
    timing: Timing,
    title: str,
    story_facts: Sequence[str],
) -> RunRecord:
    """Run the baselines and return the whole record."""
    nothing, at_once = compare(loaded.config, market, layout, recorder)
    summary = summarise(
        recorder,
        config_hash=loaded.digest,
        modelled=market.modelled,
        timing=timing,
        baselines={
            slot.name: _baselines(account, layout, recorder, nothing, at_once)
            for account, slot in enumerate(layout.accounts)
        },
        rules=list(dict.fromkeys([*loaded.rules.by_name(), *(fire.rule for fire in recorder.fires)])),
    )
    return RunRecord(
        title=title,
        summary=summary,
        series={slot.name: recorder.lines[account].series() for account, slot in enumerate(layout.accounts)},
        baseline_series={
            slot.name: {
                name: found.series[account]
                for name, found in ((DO_NOTHING, nothing), (SELL_AT_ONCE, at_once)) if found is not None
            }
            for account, slot in enumerate(layout.accounts)
        },
        story_facts=tuple(story_facts),
        parent_paths=recorder.paths.paths(recorder.last_ts),
        stops=tuple(recorder.stops.paths()),
        alarms=tuple(recorder.alarm_counts()),
    )


def _baselines(
    account: int, layout: Layout, recorder: RunRecorder, nothing: Baseline, at_once: Baseline | None
) -> dict[str, Any]:
    sold = None
    if at_once is not None:
        sold = {
            "equity_end": cash_text(at_once.equity_end[account]),
            "shortfall_bps": _shortfall_at_once(account, recorder, at_once),
        }
    return {
        "do_nothing": {
            "equity_end": cash_text(nothing.equity_end[account]),
            "liquidations": [
                liquidation_entry(stage, layout) for stage in nothing.liquidations if stage.account == account
            ],
        },
        "sell_at_once": sold,
    }


def _shortfall_at_once(account: int, recorder: RunRecorder, at_once: Baseline) -> float | None:
    """Return the shortfall of selling at once against the mark at the first fire, weighted by value."""
    marks: dict[PositionKey, int] = {}
    for fire in recorder.fires:
        for mark in fire.marks:
            marks.setdefault(mark.key, mark.price)
    weight = 0
    weighted = 0.0
    for fill in at_once.fills:
        if fill.account != account or fill.key not in marks:
            continue
        found = shortfall_bps(
            side=fill.side, arrival=marks[fill.key], value=fill.price * fill.quantity, quantity=fill.quantity
        )
        if found is not None:
            size = recorder.engine.layout.instruments[fill.key.instrument].value(
                price=fill.price, quantity=fill.quantity
            )
            weight += size
            weighted += found * size
    return round(weighted / weight, 4) if weight else None


def run_head(loaded: Loaded, market: MarketSource) -> RunHead:
    """Return what the journal begins with. A replay is not dated: the same replay is the same record."""
    return RunHead(
        version=__version__,
        config_hash=loaded.digest,
        config=loaded.text,
        marker=loaded.config.marker,
        created=market.span[0],
        tapes=market.sources,
    )


def write_results(record: RunRecord, out: Path) -> None:
    """Write ``summary.json`` and ``report.html``."""
    from bot.app.report.html import render

    body = msgspec.json.format(msgspec.json.encode(record.summary), indent=2)
    write_whole(out / SUMMARY_NAME, body + b"\n")
    write_whole(out / REPORT_NAME, render(record).encode())


def prepare_out(out: Path) -> None:
    """Make the run folder; refuses one that holds things which no run of ours left there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        strangers = [entry.name for entry in out.iterdir() if entry.name.split(".")[0] not in _OURS]
    except OSError as error:
        raise InputError(f"--out {out}: cannot be used as a folder, {error.strerror}; choose another") from error
    if strangers:
        raise InputError(f"--out {out}: holds other files, was {strangers[0]}; choose an empty or new folder")


_OURS = frozenset({"control", "journal", "summary", "report", "venue", "penstock"})


def _fresh_journal(out: Path, head: RunHead) -> SeldomJournal:
    prepare_out(out)
    lock = WriterLock(out / JOURNAL_NAME)            # raises while another process writes a run here
    try:
        if (out / VENUE_NAME).exists():              # a replay is made again in seconds, a paper run never
            raise InputError(
                f"--out {out}: holds a paper run, was {VENUE_NAME}; choose another folder, or remove this one yourself"
            )
        for entry in out.iterdir():
            if entry.suffix != ".lock":              # to remove it would let two processes in
                entry.unlink()
    finally:
        lock.release()
    return SeldomJournal.create(out / JOURNAL_NAME, head)
