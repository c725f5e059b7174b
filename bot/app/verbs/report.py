"""``penstock report RUN``: the summary and the report of a run, made again from its journal."""

from __future__ import annotations

from pathlib import Path

from bot.adapters.journal.reader import open_readonly
from bot.app.record import from_json
from bot.app.running import JOURNAL_NAME, RECORD_SERIES, Finished, write_results
from bot.app.verbs.output import tell
from bot.domain.errors import InputError


def report_run(run: Path, *, as_json: bool) -> int:
    """Write ``summary.json`` and ``report.html`` of a run again and print its summary."""
    path = run / JOURNAL_NAME
    if not path.is_file():
        raise InputError(f"report {run}: has no {JOURNAL_NAME}; give the folder of a run, its --out")
    with open_readonly(path) as journal:
        stored = journal.get_series(RECORD_SERIES)
    if stored is None:
        raise InputError(f"report {run}: the run has not ended yet; take it up again, or wait")
    record = from_json(stored)
    write_results(record, run)
    tell(Finished(record, run, is_liquidated=False), as_json=as_json)
    return 0
