"""``penstock report RUN``: the summary and the report of a run, made again from its journal; of two, the difference.

A daemon's run is told while it goes on, and after it died, as far as its journal has it.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import msgspec

from bot.adapters.journal.reader import open_readonly
from bot.app.charter import CHARTER_SERIES, read_charter
from bot.app.live_record import live_record
from bot.app.record import RunRecord, from_json
from bot.app.report.compare import ComparedRun, compare_runs
from bot.app.report.compare_page import ComparedPage, render_page
from bot.app.running import JOURNAL_NAME, RECORD_SERIES, Finished, write_results
from bot.app.verbs.output import tell
from bot.app.whole_files import write_whole
from bot.domain.errors import InputError
from bot.domain.run import RunHead

COMPARISON_NAME = "comparison.html"
_NOT_COMPARED = frozenset({"hold_ns"})       # ``hold`` says it in words


def report_run(run: Path, *, as_json: bool) -> int:
    """Write ``summary.json`` and ``report.html`` of a run again and print its summary."""
    _, record = _stored(run)
    write_results(record, run)
    tell(Finished(record, run, is_liquidated=False), as_json=as_json)
    return 0


def report_two(a: Path, b: Path, *, out: Path | None, as_json: bool) -> int:
    """Print two runs side by side; with ``out`` their page goes there. Raises InputError over different markets."""
    runs = [_compared(a), _compared(b)]
    found = compare_runs(runs[0].run, runs[1].run)
    page = None if out is None else _write_page(runs[0], runs[1], out)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        from bot.app.console import table_console
        from bot.app.report.compare_text import render_comparison

        console = table_console()
        console.print(render_comparison(found))
        if page is not None:
            console.print(f"page: {page}", soft_wrap=True)
    return 0


def _write_page(a: ComparedPage, b: ComparedPage, out: Path) -> Path:
    """Write the page of two runs into a folder and return its path."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out}: cannot be used as a folder, {error.strerror}; choose another") from error
    path = out / COMPARISON_NAME
    write_whole(path, render_page(a, b).encode())
    return path


def _compared(run: Path) -> ComparedPage:
    head, record = _stored(run)
    with open_readonly(run / JOURNAL_NAME) as journal:
        stored = journal.get_series(CHARTER_SERIES)
    rules = {} if stored is None else read_charter(stored).rules
    texts = {
        name: {key: value for key, value in asdict(words).items() if key not in _NOT_COMPARED}
        for name, words in rules.items()
    }
    return ComparedPage(ComparedRun(str(run), head, record.summary, record.markets), record, texts)


def _stored(run: Path) -> tuple[RunHead, RunRecord]:
    """Return what a run's journal begins with, and its record; of a daemon's, as far as it has come."""
    path = run / JOURNAL_NAME
    if not path.is_file():
        raise InputError(f"report {run}: has no {JOURNAL_NAME}; give the folder of a run, its --out")
    with open_readonly(path) as journal:
        stored = journal.get_series(RECORD_SERIES)
        head = journal.head
        record = None if stored is not None else live_record(journal)
    if record is not None:
        return head, record
    if stored is None:
        raise InputError(f"report {run}: the run has not ended yet; take it up again, or wait")
    return head, from_json(stored)
