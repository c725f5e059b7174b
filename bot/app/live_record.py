"""The record of a run that goes on, or died: made again from its journal, as a run's own end makes it.

Facts and decisions are all there; the series are as of the last time they were kept, at most five minutes ago. No
prices are, so what doing nothing would have come to is not known. Nothing is written and no clock is read.
"""

from __future__ import annotations

from itertools import chain

import msgspec

from bot.adapters.journal.reader import JournalReader
from bot.app.charter import CHARTER_SERIES, Charter, read_charter
from bot.app.paced import MEMORY_SERIES
from bot.app.record import DO_NOTHING, SELL_AT_ONCE, AccountSeries, RunRecord
from bot.app.recorder import RunRecorder, remembered_series
from bot.app.summary import Timing, summarise
from bot.domain.effects import Effect
from bot.domain.errors import JournalError
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND, to_fixed_rounded
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.record.recovery import refold
from bot.engine.spec import LimitsSpec, SurvivalSpec
from bot.rules.ruleset import RuleSet

LAYOUT_SERIES = "layout"
NOT_COMPARED = "Its prices were not kept, so nobody can say how doing nothing would have ended."


class _Kept(msgspec.Struct):
    title: str
    layout: Layout


def kept_layout(title: str, layout: Layout) -> bytes:
    """Return what a journal keeps of a run, so that its record can be made without its venue."""
    return msgspec.json.encode(_Kept(title, layout))


def live_record(journal: JournalReader) -> RunRecord | None:
    """Return the record of a run as far as it has come, or None where its journal keeps no layout.

    Raises JournalError for series that do not read.
    """
    stored, charter = journal.get_series(LAYOUT_SERIES), journal.get_series(CHARTER_SERIES)
    if stored is None or charter is None:
        return None
    try:
        kept = msgspec.json.decode(stored, type=_Kept)
    except msgspec.MsgspecError as error:
        raise JournalError(f"journal layout: does not read, was {error}; it was written by another version") from error
    memory = journal.get_series(MEMORY_SERIES)
    recorder = _recorder(journal, kept.layout, [] if memory is None else remembered_series(memory))
    if memory is not None:
        recorder.recall(memory)
    _tell_again(journal, recorder)
    return _record(journal, kept, read_charter(charter), recorder)


def _recorder(journal: JournalReader, layout: Layout, series: list[AccountSeries]) -> RunRecorder:
    """Return a recorder of an engine that stands where the run's last one stood, at the last marks that were kept."""
    found = journal.latest_checkpoint()
    seq, body = (-1, None) if found is None else found
    engine = Engine(
        layout, RuleSet(), limits=LimitsSpec(), survival=tuple(SurvivalSpec() for _ in layout.accounts),
        marker=journal.head.marker, book=refold(layout, body, journal.read(after=seq)),
    )
    for account, lines in enumerate(series):
        for position in layout.positions_of[account]:
            marks = lines.marks.get(layout.market_label(layout.keys[position]), ())
            mark = next((each for each in reversed(marks) if each is not None), None)
            instrument = layout.instrument_of(position)
            if mark is not None:
                engine.columns.move_price(instrument.index, to_fixed_rounded(mark, instrument.price_digits))
    for account in range(len(layout.accounts)):
        engine.columns.rebuild(account)
    return RunRecorder(engine, NS_PER_MINUTE)


def _tell_again(journal: JournalReader, recorder: RunRecorder) -> None:
    """Show the recorder all that happened; no point is taken of moments that are gone."""
    columns = recorder.engine.columns
    known, columns.known[:] = list(columns.known), [False] * len(columns.known)
    for _, item in journal.read():
        if isinstance(item, Effect):
            recorder.on_effects([item])
        else:
            recorder.on_fact(item)
        recorder.last_ts = max(recorder.last_ts, getattr(item, "now", 0))
    columns.known[:] = known
    taken = chain.from_iterable(lines.ts[-1:] for lines in recorder.lines)
    recorder.last_ts = max(recorder.last_ts, *taken, 0)


def _record(journal: JournalReader, kept: _Kept, charter: Charter, recorder: RunRecorder) -> RunRecord:
    layout = kept.layout
    first = recorder.last_ts if recorder.first_ts is None else recorder.first_ts
    summary = summarise(
        recorder,
        config_hash=journal.head.config_hash,
        modelled=(),
        timing=Timing((recorder.last_ts - first) / NS_PER_SECOND, 0),
        baselines={slot.name: {DO_NOTHING: None, SELL_AT_ONCE: None} for slot in layout.accounts},
        rules=list(dict.fromkeys([*charter.rules, *(fire.rule for fire in recorder.fires)])),
    )
    summary["tape"]["events"] = None         # prices are not counted by any record
    return RunRecord(
        title=kept.title,
        summary=summary,
        series={slot.name: recorder.lines[account].series() for account, slot in enumerate(layout.accounts)},
        story_facts=(NOT_COMPARED,),
        parent_paths=recorder.paths.paths(recorder.last_ts),
        stops=tuple(recorder.stops.paths()),
        alarms=tuple(recorder.alarm_counts()),
    )
