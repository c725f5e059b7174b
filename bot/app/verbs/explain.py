"""``penstock explain RUN``: why something was done, or was not, from the folder of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.journal.reader import open_readonly
from bot.app.charter import CHARTER_SERIES, read_charter
from bot.app.cli_codes import EXIT_GOOD
from bot.app.explain.questions import all_fires, at_time, one_fire, one_order, why_not
from bot.app.explain.telling import Run, Told
from bot.app.explain.text import Lines, at_text, fire_text, fires_text, order_text, why_not_text
from bot.app.explain.trail import read_trail
from bot.app.nearness import NEARNESS_SERIES, Nearest, read_nearness
from bot.app.paced import MEMORY_SERIES
from bot.app.record import from_json
from bot.app.recorder import remembered_series
from bot.app.running import JOURNAL_NAME, RECORD_SERIES
from bot.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; at most one of them, and none asks for the list of fires."""

    at: str | None = None
    order: str | None = None
    fire: int | None = None
    why_not: str | None = None


def explain_run(folder: Path, question: Question, *, as_json: bool) -> int:
    """Print the answer; raises InputError for a folder without a run and for unknown names and times."""
    run, nearness = open_run(folder)
    told, lines = _answer(run, nearness, question)
    if as_json:
        print(json.dumps({"run": str(folder), **told}))
    else:
        print("\n".join(lines).rstrip("\n"))
    return EXIT_GOOD


def open_run(folder: Path) -> tuple[Run, dict[str, Nearest]]:
    """Read a run's folder: its trail, what it was made of, and how near its rules came."""
    path = folder / JOURNAL_NAME
    if not path.is_file():
        raise InputError(f"explain {folder}: has no {JOURNAL_NAME}; give the folder of a run, its --out")
    with open_readonly(path) as journal:
        charter = journal.get_series(CHARTER_SERIES)
        if charter is None:
            raise InputError(f"explain {folder}: was made by a version that kept no rules in it; replay it, then ask")
        record = journal.get_series(RECORD_SERIES)
        nearness = journal.get_series(NEARNESS_SERIES)
        memory = journal.get_series(MEMORY_SERIES)
        words, trail = read_charter(charter), read_trail(journal.read())
    if record is not None:
        ended = from_json(record)
        run = Run(words, trail, ended, ended.series)
    else:
        lines = [] if memory is None else remembered_series(memory)
        run = Run(words, trail, None, dict(zip((account.name for account in words.accounts), lines, strict=False)))
    return run, {} if nearness is None else read_nearness(nearness)


def _answer(run: Run, nearness: dict[str, Nearest], question: Question) -> tuple[Told, Lines]:
    if question.at is not None:
        told = at_time(run, question.at)
        return told, at_text(told)
    if question.order is not None:
        told = one_order(run, question.order)
        return told, order_text(told)
    if question.fire is not None:
        told = one_fire(run, question.fire)
        return told, fire_text(told)
    if question.why_not is not None:
        told = why_not(run, question.why_not, nearness)
        return told, why_not_text(told)
    told = all_fires(run)
    return told, fires_text(told)
