"""All tapes through all strategies: in several processes, with results kept so that a long sweep can be resumed."""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.rescue.outcome import Outcome
from bench.rescue.passage import Plan, pass_through
from bench.rescue.rows import Passed
from bench.rescue.strategy import DEFAULT, DO_NOTHING, SELL_AT_ONCE, Strategy
from bench.rescue.tape import RescueTape, TapeBars


@dataclass(frozen=True, slots=True)
class Task:
    """One side of one tape; ``keep`` is the folder where results of earlier commands lie, or None."""

    tape: RescueTape
    sign: int
    strategies: tuple[Strategy, ...]
    plan: Plan
    keep: Path | None


def work_through(tasks: Sequence[Task], jobs: int) -> Iterator[Passed]:
    """Yield the results of every task in their order, whichever process was first; progress goes to stderr."""
    started = time.perf_counter()
    results: Iterator[Passed]
    if jobs == 1:
        results = map(perform, tasks)
        yield from _told(results, tasks, started)
        return
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        yield from _told(pool.imap(perform, tasks, chunksize=1), tasks, started)


def _told(results: Iterator[Passed], tasks: Sequence[Task], started: float) -> Iterator[Passed]:
    for number, found in enumerate(results, start=1):
        runs = sum(outcome.is_run for outcome in found.outcomes)
        print(
            f"{number}/{len(tasks)} {found.label}: {len(found.outcomes)} outcomes, {runs} by runs, "
            f"{time.perf_counter() - started:.0f} s",
            file=sys.stderr, flush=True,
        )
        yield found


def perform(task: Task) -> Passed:
    """Return all outcomes of one task, those that were kept as they are."""
    outcomes: list[Outcome] = []
    missing: list[Strategy] = []
    for strategy in task.strategies:
        kept = _kept(task, strategy)
        if kept is None:
            missing.append(strategy)
        else:
            outcomes += kept
    alone = _kept(task, Strategy(DO_NOTHING))
    if alone is None or missing:
        tape = TapeBars.load(task.tape)
        found = pass_through(tape, task.tape.symbol, missing, task.sign, task.plan)
        for strategy in (Strategy(DO_NOTHING), *missing):
            own = [outcome for outcome in found if outcome.strategy in _names(strategy)]
            _keep(task, strategy, own)
            if strategy.name != DO_NOTHING:
                outcomes += own
            else:
                alone = own
    return Passed(
        task.tape.name, task.tape.kind.value, task.tape.is_major, task.sign, (*(alone or ()), *outcomes)
    )


def _names(strategy: Strategy) -> tuple[str, ...]:
    """Return the strategies whose outcomes one pass of a strategy gives: selling at once needs the default's fire."""
    return (DEFAULT, SELL_AT_ONCE) if strategy.name == DEFAULT else (strategy.name,)


def _file(task: Task, strategy: Strategy) -> Path | None:
    if task.keep is None:
        return None
    digest = hashlib.sha256(repr((task.plan, task.tape.path.name, task.sign, strategy.name)).encode())
    for path in strategy.books:
        digest.update(path.read_bytes())
    name = f"{task.tape.name} {task.sign} {strategy.name}".replace(" ", "_").replace("/", "_")
    return task.keep / f"{name}-{digest.hexdigest()[:12]}.json"


def _kept(task: Task, strategy: Strategy) -> list[Outcome] | None:
    path = _file(task, strategy)
    if path is None or not path.is_file():
        return None
    return msgspec.json.decode(path.read_bytes(), type=list[Outcome])


def _keep(task: Task, strategy: Strategy, outcomes: Sequence[Outcome]) -> None:
    path = _file(task, strategy)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(list(outcomes)))
        partial.rename(path)
