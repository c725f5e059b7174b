"""Watches a run from outside the engine and keeps what the summary and the report are made of.

Everything is taken from facts, effects and the engine's readable state; nothing flows back.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isinf
from typing import assert_never

import msgspec

from bot.app.nearness import Nearest, Nearness
from bot.app.parent_paths import Crossed, ParentPaths
from bot.app.performance import CashFlow
from bot.app.record import AccountSeries, AlarmCount
from bot.app.stop_paths import StopPaths
from bot.app.thresholds import DISTANCE, RATIO, Gauge
from bot.app.ways_out import WaysOut
from bot.domain.effects import (
    Effect,
    EndParent,
    OpenEpisode,
    OpenParent,
    ParentEnd,
    PlaceOrder,
    RaiseAlarm,
    RecordDenial,
    ReviseParent,
)
from bot.domain.events import AccountFact, AccountSnapshot, CashMoved, FillOrigin, LiquidationStage, OrderFilled
from bot.domain.names import child_name
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR, NS_PER_SECOND, units_per_one
from bot.engine.engine import Engine
from bot.engine.measures.columns import Extremes

_CHILD_LETTERS = len(child_name("", 0))


@dataclass
class ParentRecord:
    """One parent order and what came of it; quantities and prices at the instrument's scales."""

    opened: OpenParent
    rules: tuple[str, ...]
    algo: str
    quantity: int
    filled: int = 0
    value: int = 0                   # price x quantity of the fills
    fees: int = 0
    children: int = 0
    ended: EndParent | None = None


@dataclass
class _Lines:
    """The growing lists behind one account's series."""

    symbols: list[str]
    ts: list[int] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)
    distance: list[float | None] = field(default_factory=list)
    margin_ratio: list[float | None] = field(default_factory=list)
    marks: dict[str, list[float | None]] = field(default_factory=dict)
    quantities: dict[str, list[float | None]] = field(default_factory=dict)
    thresholds: dict[str, list[float | None]] = field(default_factory=dict)
    flows: list[CashFlow] = field(default_factory=list)
    ratio_thresholds: dict[str, list[float | None]] = field(default_factory=dict)

    def series(self) -> AccountSeries:
        """Return the lists as the report takes them."""
        return AccountSeries(
            self.ts, self.equity, self.distance, self.margin_ratio, self.marks, self.quantities, self.thresholds,
            self.ratio_thresholds,
        )

    def thin(self, before: int) -> None:
        """Of the points before a moment, ns, keep the first one and the last of every hour since, its end included."""
        hours = {(ts - self.ts[0] - 1) // NS_PER_HOUR: place for place, ts in enumerate(self.ts) if ts < before}
        fine = bisect_left(self.ts, before)
        kept = sorted({0, *hours.values()} | set(range(fine, len(self.ts)))) if self.ts else []
        if len(kept) == len(self.ts):
            return
        self.ts = [self.ts[place] for place in kept]
        self.equity = [self.equity[place] for place in kept]
        self.distance = [self.distance[place] for place in kept]
        self.margin_ratio = [self.margin_ratio[place] for place in kept]
        for group in (self.marks, self.quantities, self.thresholds, self.ratio_thresholds):
            for name, levels in group.items():
                group[name] = [levels[place] for place in kept]


class _Memory(msgspec.Struct):
    lines: list[_Lines]
    equity_start: dict[int, int]
    first_ts: int | None
    nearest: dict[str, Nearest]
    worst: list[Extremes]
    crossed: dict[str, Crossed] = {}


@dataclass
class RunRecorder:
    """Collects while a run goes on; ``interval`` ns lie between two points of a series."""

    engine: Engine
    interval: int
    fires: list[OpenEpisode] = field(default_factory=list)
    parents: dict[str, ParentRecord] = field(default_factory=dict)
    fills: list[OrderFilled] = field(default_factory=list)
    trades_told: set[tuple[int, str]] = field(default_factory=set)
    liquidations: list[LiquidationStage] = field(default_factory=list)
    denials: dict[str, int] = field(default_factory=dict)
    alarms: list[RaiseAlarm] = field(default_factory=list)
    equity_start: dict[int, int] = field(default_factory=dict)
    equity_at_fire: dict[int, int] = field(default_factory=dict)
    lines: list[_Lines] = field(default_factory=list)
    first_ts: int | None = None
    last_ts: int = 0
    consumed: int = 0
    nearness: Nearness = field(init=False)
    paths: ParentPaths = field(init=False)
    stops: StopPaths = field(init=False)
    ways_out: WaysOut = field(init=False)

    def __post_init__(self) -> None:
        watch = self.engine.watch
        self.paths = ParentPaths(self.engine)
        self.stops = StopPaths(self.engine.layout)
        self.ways_out = WaysOut(self.engine.layout)
        self.nearness = Nearness(self.engine, [*watch.account_rules, *watch.position_rules, *watch.portfolio_rules])
        layout = self.engine.layout
        for positions in layout.positions_of:
            symbols = [layout.market_label(layout.keys[position]) for position in positions]
            self.lines.append(
                _Lines(
                    symbols,
                    marks={symbol: [] for symbol in symbols},
                    quantities={symbol: [] for symbol in symbols},
                )
            )

    def on_fact(self, fact: AccountFact) -> None:
        """Keep fills and liquidations, and what an account began with."""
        if isinstance(fact, AccountSnapshot):
            self._note_start(fact)
        elif isinstance(fact, LiquidationStage):
            self.liquidations.append(fact)
        elif isinstance(fact, CashMoved):
            self._note_flow(fact)
        elif isinstance(fact, OrderFilled) and fact.origin is FillOrigin.OURS:
            trade = (fact.account, fact.trade_id)
            if trade in self.trades_told:
                return               # after a restart the venue tells the fills of what was out again
            self.trades_told.add(trade)
            self.fills.append(fact)
            name = fact.name[:-_CHILD_LETTERS]
            parent = self.parents.get(name)
            if parent is not None:
                parent.filled += fact.quantity
                parent.value += fact.quantity * fact.price
                parent.fees += fact.fee
                self.paths.on_fill(name, fact)
        self.stops.on_fact(fact)

    def _note_start(self, fact: AccountSnapshot) -> None:
        """Keep what an account began with, as the first point of its series: before a rule has done anything."""
        columns, account = self.engine.columns, fact.account
        if columns.known[account] and account not in self.equity_start:
            self.equity_start[account] = columns.equity[account]
            self._sample(account, self.lines[account], fact.now)

    def _note_flow(self, fact: CashMoved) -> None:
        """Keep what a deposit or withdrawal made of the equity; of other currencies it is not known to the cent.

        After a restart the journal tells it again: what the memory has, or a point was taken after, is known already.
        """
        columns, lines = self.engine.columns, self.lines[fact.account]
        if not columns.known[fact.account] or fact.asset != self.engine.layout.accounts[fact.account].settle:
            return
        told = [(flow.ts, flow.after - flow.before) for flow in lines.flows]
        if (fact.now, fact.amount) in told or (lines.ts and fact.now < lines.ts[-1]):
            return
        after = columns.equity[fact.account]
        lines.flows.append(CashFlow(fact.now, after - fact.amount, after))

    def memory(self) -> bytes:
        """Return what the journal's record cannot give back: the series, and where they began."""
        worst = self.engine.columns.extremes
        crossed = self.paths.crossed
        saved = _Memory(self.lines, self.equity_start, self.first_ts, self.nearness.by_rule, worst, crossed)
        return msgspec.msgpack.encode(saved)         # JSON has no infinity, and a margin ratio may be that

    def recall(self, memory: bytes) -> None:
        """Go on from ``memory``; what lay between it and a crash is a hole in the series.

        The engine's extremes are set to what they were: walking the old prices with what is held now measured
        accounts that never were.
        """
        saved = msgspec.msgpack.decode(memory, type=_Memory)
        self.engine.columns.extremes[:] = saved.worst
        self.lines, self.equity_start, self.first_ts = saved.lines, saved.equity_start, saved.first_ts
        self.nearness.by_rule.update(saved.nearest)
        self.paths.crossed.update(saved.crossed)

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Keep fires, parents, denials and alarms; of fires and orders a point of the series as well.

        A wick comes and goes between two points: what was decided in it would be drawn far from any price. Effects
        that the journal tells again after a restart are of moments that are gone, and no point can be taken of them.
        """
        self.paths.on_effects(effects)
        self.stops.on_effects(effects)
        self.ways_out.on_effects(effects)
        for effect in effects:
            match effect:
                case OpenEpisode():
                    self.fires.append(effect)
                    account = effect.element.account
                    self.equity_at_fire.setdefault(account, effect.equity)
                case OpenParent():
                    self.parents[effect.parent] = ParentRecord(
                        effect, _rules(effect), effect.obligations[-1].algo, effect.quantity
                    )
                case ReviseParent() | PlaceOrder() | EndParent():
                    self._follow_parent(effect)
                case RecordDenial():
                    self.denials[effect.code.name] = self.denials.get(effect.code.name, 0) + 1
                case RaiseAlarm():
                    self.alarms.append(effect)
                case _:
                    pass
            if isinstance(effect, OpenEpisode | PlaceOrder) and effect.now == self.engine.book.now:
                self._sample_all(effect.now, apart=NS_PER_SECOND)

    def _follow_parent(self, effect: ReviseParent | PlaceOrder | EndParent) -> None:
        """Keep what becomes of a parent; one of an earlier process may be known to the journal alone."""
        record = self.parents.get(effect.parent)
        if record is None:
            return
        match effect:
            case ReviseParent():
                record.quantity = effect.quantity
                record.rules = tuple(dict.fromkeys((*record.rules, *_rules(effect))))
            case PlaceOrder():
                record.children += 1
            case EndParent():
                record.ended = effect
            case _:
                assert_never(effect)

    def thin(self, before: int) -> None:
        """Keep one point an hour of the series before a moment, ns."""
        for lines in self.lines:
            lines.thin(before)

    def forget_recorded(self) -> None:
        """Forget what a journal tells again, but for open parents: a run that goes on for months must not grow."""
        self.trades_told = {(fill.account, fill.trade_id) for fill in self.fills}     # of lately: may be told again
        self.parents = {name: record for name, record in self.parents.items() if record.ended is None}
        self.fires, self.fills, self.liquidations, self.alarms, self.denials = [], [], [], [], {}
        self.stops, self.ways_out = StopPaths(self.engine.layout), WaysOut(self.engine.layout)

    def alarm_counts(self) -> list[AlarmCount]:
        """Return the alarms by code, in the order of each code's first."""
        by_code: dict[str, list[RaiseAlarm]] = {}
        for alarm in self.alarms:
            by_code.setdefault(alarm.code, []).append(alarm)
        return [
            AlarmCount(code, times=len(found), first=found[0].now, last=found[-1].now, detail=found[0].detail)
            for code, found in by_code.items()
        ]

    def on_moment(self, now: int, consumed: int) -> int:
        """Take one point of every account's series; return when the next one is due."""
        del consumed
        if self.first_ts is None:
            self.first_ts = now
        self._sample_all(now, apart=1)
        return now + self.interval

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """Take the last point, without which a series ends before its account does, and end what is still open.

        Only here: in the journal an open parent stays open, so that a run which is taken up again goes on with it.
        """
        self.last_ts = tape_ended
        self.consumed = consumed
        for record in self.parents.values():
            if record.ended is None:
                record.ended = self._halted(record.opened, tape_ended)
        self._sample_all(now, apart=1)

    def _halted(self, opened: OpenParent, now: int) -> EndParent:
        """Return the end of a parent that outlives its tape, as the engine would count it at the tape's last event."""
        market, instrument = self.engine.market, opened.key.instrument
        return EndParent(
            parent=opened.parent,
            reason=ParentEnd.HALTED,
            market_volume=market.traded[instrument] - opened.traded,
            market_turnover=market.turnover[instrument] - opened.turnover,
            now=max(now, opened.now),    # one that an answer on its way brought about begins after the tape
        )

    def _sample_all(self, now: int, *, apart: int) -> None:
        """Take a point of every account that is known, ``apart`` ns or more after its last one."""
        for account, lines in enumerate(self.lines):
            if self.engine.columns.known[account] and (not lines.ts or now - lines.ts[-1] >= apart):
                self._sample(account, lines, now)

    def _sample(self, account: int, lines: _Lines, now: int) -> None:
        engine = self.engine
        columns = engine.columns
        distance = columns.distance[account]
        ratio = columns.margin_ratio(account)
        lines.ts.append(now)
        lines.equity.append(columns.equity[account] / CASH_UNIT)
        lines.distance.append(None if isinf(distance) else distance)
        lines.margin_ratio.append(None if isinf(ratio) else ratio)
        for position in engine.layout.positions_of[account]:
            instrument = engine.layout.instrument_of(position)
            label = engine.layout.market_label(engine.layout.keys[position])
            mark = columns.mark[instrument.index]
            lines.marks[label].append(
                None if mark is None else mark / units_per_one(instrument.price_digits)
            )
            lines.quantities[label].append(
                engine.book.quantity[position] / units_per_one(instrument.quantity_digits)
            )
        self._sample_levels(DISTANCE, lines.thresholds, account, len(lines.ts))
        self._sample_levels(RATIO, lines.ratio_thresholds, account, len(lines.ts))

    def _sample_levels(
        self, gauge: Gauge, levels: dict[str, list[float | None]], account: int, points: int
    ) -> None:
        """Take the level of every rule that looks at a gauge; a reload may bring rules, and take some away."""
        for rule in self.engine.watch.account_rules:
            if gauge.bound(rule) is not None:
                line = levels.setdefault(rule.name, [None] * (points - 1))
                line.append(gauge.level(self.engine, rule, account))
        for line in levels.values():
            if len(line) < points:
                line.append(None)


def remembered_series(memory: bytes) -> list[AccountSeries]:
    """Return the series of every account, by its index, from the memory of a run that has not ended."""
    return [lines.series() for lines in msgspec.msgpack.decode(memory, type=_Memory).lines]


def _rules(effect: OpenParent | ReviseParent) -> tuple[str, ...]:
    return tuple(dict.fromkeys(duty.rule for duty in effect.obligations))
