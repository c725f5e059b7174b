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
from bench.rescue.passage import Passage, Plan, in_order
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
    """Return all outcomes of one task; runs that earlier commands kept are not made again."""
    tape = TapeBars.load(task.tape)
    kept = {strategy.name: _Kept(task, strategy) for strategy in (Strategy(DO_NOTHING), *task.strategies)}
    known = {key: found for each in kept.values() for key, found in each.known.items()}
    outcomes = []
    for outcome in Passage(tape, task.tape.symbol, task.strategies, task.sign).outcomes(task.plan, known):
        outcomes.append(outcome)
        if outcome.is_run:
            kept[DEFAULT if outcome.strategy == SELL_AT_ONCE else outcome.strategy].add(outcome)
    return Passed(task.tape.name, task.tape.kind.value, task.tape.is_major, task.sign, tuple(in_order(outcomes)))


class _Kept:
    """The runs of one strategy over one side of a tape, a line each, in a file that only grows."""

    def __init__(self, task: Task, strategy: Strategy) -> None:
        self.path = _file(task, strategy)
        self.known: dict[tuple[str, int, int], list[Outcome]] = {}
        self.lines: set[tuple[str, int, int]] = set()
        if self.path is None or not self.path.is_file():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                outcome = msgspec.json.decode(line, type=Outcome)
            except msgspec.DecodeError:
                continue                 # a command that was killed left half a line
            key = (outcome.strategy, outcome.leverage, outcome.opened)
            if key in self.lines:
                continue                 # two commands at once made the same run
            self.lines.add(key)
            self.known.setdefault((strategy.name, outcome.leverage, outcome.opened), []).append(outcome)

    def add(self, outcome: Outcome) -> None:
        """Keep a run that is new."""
        key = (outcome.strategy, outcome.leverage, outcome.opened)
        if self.path is None or key in self.lines:
            return
        self.lines.add(key)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(outcome) + b"\n")


def _file(task: Task, strategy: Strategy) -> Path | None:
    """Return where a strategy's runs are kept: another rule book, tape, size or horizon is another file."""
    if task.keep is None:
        return None
    plan = task.plan
    digest = hashlib.sha256(
        repr((task.tape.path.name, plan.horizon, plan.notional, plan.is_shortened)).encode()
    )
    for path in strategy.books:
        digest.update(path.read_bytes())
    name = f"{task.tape.name} {task.sign} {strategy.name}".replace(" ", "_").replace("/", "_")
    return task.keep / f"{name}-{digest.hexdigest()[:12]}.jsonl"
