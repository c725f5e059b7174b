"""``penstock report RUN``: the summary and the report of a run, made again from its journal; of two, the difference."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from bot.adapters.journal.reader import open_readonly
from bot.app.record import RunRecord, from_json
from bot.app.report.compare import ComparedRun, compare_runs
from bot.app.running import JOURNAL_NAME, RECORD_SERIES, Finished, write_results
from bot.app.verbs.output import tell
from bot.domain.errors import InputError
from bot.domain.run import RunHead


def report_run(run: Path, *, as_json: bool) -> int:
    """Write ``summary.json`` and ``report.html`` of a run again and print its summary."""
    _, record = _stored(run)
    write_results(record, run)
    tell(Finished(record, run, is_liquidated=False), as_json=as_json)
    return 0


def report_two(a: Path, b: Path, *, as_json: bool) -> int:
    """Print two runs side by side and write nothing; raises InputError when they are over different markets."""
    found = compare_runs(_compared(a), _compared(b))
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        from bot.app.console import table_console
        from bot.app.report.compare_text import render_comparison

        table_console().print(render_comparison(found))
    return 0


def _compared(run: Path) -> ComparedRun:
    head, record = _stored(run)
    return ComparedRun(str(run), head, record.summary)


def _stored(run: Path) -> tuple[RunHead, RunRecord]:
    """Return what a run's journal begins with, and its record."""
    path = run / JOURNAL_NAME
    if not path.is_file():
        raise InputError(f"report {run}: has no {JOURNAL_NAME}; give the folder of a run, its --out")
    with open_readonly(path) as journal:
        stored = journal.get_series(RECORD_SERIES)
        head = journal.head
    if stored is None:
        raise InputError(f"report {run}: the run has not ended yet; take it up again, or wait")
    return head, from_json(stored)
