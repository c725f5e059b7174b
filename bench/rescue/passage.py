"""One passage through a tape with all its entries: the market is lived through once, every run is a fork of it.

Venue and engines see the tape from its first bar, without an account. Where a run begins the process forks: the child
opens the account, lives it through and sends the outcome back; the parent goes on with a market that nobody traded in.
So runs share nothing but the past of the market, and the work of that past is done once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from bench.rescue.account import NOTIONAL, Entry, enter
from bench.rescue.life import alone, guarded, settled
from bench.rescue.outcome import Outcome
from bench.rescue.outlook import Outlook, refs_of
from bench.rescue.record import MarketRecord
from bench.rescue.strategy import DEFAULT, DO_NOTHING, SELL_AT_ONCE, Strategy, load_strategy
from bench.rescue.tape import TapeBars
from bot.app.config import Config
from bot.app.wiring import make_engine, make_layout, venue_spec
from bot.domain.errors import ContractError, InputError
from bot.domain.instrument import Instrument
from bot.domain.market import Candle
from bot.domain.scale import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from bot.engine.spec import Per, ProtectSpec
from bot.rules.ruleset import Rule, RuleSet
from paper.venue import PaperVenue

Known = Mapping[tuple[str, int, int], Sequence[Outcome]]
"""Outcomes of earlier commands by strategy, leverage and time of entry."""

NOTHING_KNOWN: Known = {}
HORIZON = NS_PER_DAY
HORIZON_MIN = NS_PER_HOUR            # an entry that is watched for less says nothing


@dataclass(frozen=True, slots=True)
class Plan:
    """Which entries are made on a tape; ``every`` and ``horizon`` in ns, ``notional`` at 10^-8."""

    every: int = 15 * NS_PER_MINUTE
    leverages: tuple[int, ...] = (5, 10, 20)
    horizon: int = HORIZON
    notional: int = NOTIONAL
    is_shortened: bool = True        # False: whole runs from the entry on, none settled by arithmetic; for tests


@dataclass(frozen=True, slots=True)
class _Market:
    """What a run needs of its market source to have its columns made."""

    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One run that is due when the passage comes to bar ``start``, for all strategies that come to the same in it."""

    start: int
    entry: Entry
    names: list[str]


def entries_of(tape: TapeBars, plan: Plan, sign: int) -> list[Entry]:
    """Return the entries of one side, by time and leverage."""
    found = []
    stamps = tape.stamps
    tape_end = int(stamps[-1]) + NS_PER_MINUTE
    for bar in range(len(stamps)):
        opened = int(stamps[bar])
        if opened % plan.every or tape_end - opened < HORIZON_MIN:
            continue
        end = int(stamps.searchsorted(opened + plan.horizon))
        for leverage in plan.leverages:
            entry = enter(
                tape.instrument, first=bar, end=end, price=int(tape.opens[bar]), leverage=leverage, sign=sign,
                notional=plan.notional,
            )
            if entry is not None:
                found.append(entry)
    return found


class Passage:
    """Takes every strategy through every entry of one side of a tape."""

    def __init__(self, tape: TapeBars, symbol: str, strategies: Sequence[Strategy], sign: int) -> None:
        if not hasattr(os, "fork"):
            raise InputError("bench.rescue: needs fork, which this system has not; run it on Linux or macOS")
        self.tape = tape
        self.sign = sign
        market = _Market((tape.instrument,))
        loaded = {strategy.name: load_strategy(strategy, symbol) for strategy in strategies}
        bare = load_strategy(Strategy(DO_NOTHING), symbol)
        layout = make_layout(bare.config, market)  # type: ignore[arg-type]  # of a market it wants the instruments
        self.spec = venue_spec(bare.config, layout)
        self.venue = PaperVenue(self.spec, (tape.instrument,), [])
        self.engines = {name: make_engine(each, layout) for name, each in loaded.items()}
        rules = [rule for each in loaded.values() for rule in each.rules.rules]
        reader = make_engine(replace(bare, rules=RuleSet(tuple(_numbered(rules)))), layout)
        record = MarketRecord(tape, reader, refs_of(rules), sign)
        self.outlooks = {
            name: Outlook(tape, record, each.rules.rules, _protect(each.config), self.spec.taker_fee)
            for name, each in loaded.items()
        }
        self.outlooks[DO_NOTHING] = Outlook(tape, record, (), ProtectSpec(per=Per.NONE), self.spec.taker_fee)
        self.bar = 0

    def outcomes(self, plan: Plan, known: Known = NOTHING_KNOWN) -> Iterator[Outcome]:
        """Yield every outcome: what is known or settled by arithmetic first, then the runs by their first bar."""
        runs: dict[tuple[Entry, object], Run] = {}
        for entry in entries_of(self.tape, plan, self.sign):
            for name in (DO_NOTHING, *self.engines):
                found = known.get((name, entry.leverage, int(self.tape.stamps[entry.first])))
                if found is not None:
                    yield from found
                    continue
                start = self._start(entry, name, plan)
                if start is None:
                    yield settled(self.tape, entry, name)
                    if name == DEFAULT:
                        yield settled(self.tape, entry, SELL_AT_ONCE)
                    continue
                alike = self.outlooks[name].awake(entry) if plan.is_shortened and name != DO_NOTHING else name
                run = runs.setdefault((entry, alike), Run(start, entry, []))
                run.names.append(name)
        gc.collect()
        gc.freeze()
        for run in sorted(runs.values(), key=lambda run: run.start):
            self._advance(run.start)
            yield from forked(lambda run=run: self._live(run))  # type: ignore[misc]  # bound now, called now

    def _start(self, entry: Entry, name: str, plan: Plan) -> int | None:
        """Return the bar at which a run begins; None where there is nothing to run."""
        if not plan.is_shortened:
            return entry.first
        outlook = self.outlooks[name]
        doubt = outlook.first_doubt(entry)
        return None if doubt is None else outlook.start(entry, doubt)

    def _advance(self, to: int) -> None:
        """Let venue and engines see the bars before ``to``."""
        engines = list(self.engines.values())
        for event in self.tape.events(self.bar, to, lambda _: self.sign):
            self.venue.handle(event.now, event)
            if not isinstance(event, Candle):
                for engine in engines:
                    engine.warm(event)
        self.bar = max(self.bar, to)

    def _live(self, run: Run) -> list[Outcome]:
        """Return what became of the entry under the first of the run's strategies, under the name of each."""
        tape, entry, name = self.tape, run.entry, run.names[0]
        if name == DO_NOTHING:
            return [alone(tape, entry, run.start, self.venue, self.outlooks[name], name)]
        before = self.venue.snapshot() if DEFAULT in run.names else None
        found = guarded(tape, entry, run.start, self.venue, self.engines[name], self.outlooks[name], name)
        outcomes = [msgspec.structs.replace(found, strategy=each) for each in run.names]
        if before is not None:
            other = PaperVenue.restore(self.spec, (tape.instrument,), before)
            sale = found.fires[0][1] if found.fires else None
            outcomes.append(alone(tape, entry, run.start, other, self.outlooks[DO_NOTHING], SELL_AT_ONCE, sale))
        return outcomes


def _protect(config: Config) -> ProtectSpec:
    return next(iter(config.accounts.values())).protect


def _numbered(rules: Sequence[Rule]) -> Iterator[Rule]:
    """Yield rules under names of their own, so that those of several strategies fit into one engine."""
    for number, rule in enumerate(rules):
        yield replace(rule, name=f"{rule.name}_{number}")


def forked(work: Callable[[], list[Outcome]]) -> list[Outcome]:
    """Return what ``work`` returns in a copy of this process; this one stays as it is.

    Raises ContractError when the copy fails; what it said is on its standard error.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reading)
            gc.disable()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(msgspec.json.encode(work()))
            code = 0
        except BaseException:            # noqa: BLE001  # whatever it is, this copy must end here
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        body = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise ContractError(f"run: its process ended with status {status}; see above")
    return msgspec.json.decode(body, type=list[Outcome])


def pass_through(
    tape: TapeBars, symbol: str, strategies: Sequence[Strategy], sign: int, plan: Plan
) -> list[Outcome]:
    """Return all outcomes of one side of a tape, in a fixed order."""
    return in_order(Passage(tape, symbol, strategies, sign).outcomes(plan))


def in_order(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return outcomes by strategy, leverage and time of entry."""
    return sorted(outcomes, key=lambda outcome: (outcome.strategy, outcome.leverage, outcome.opened))
