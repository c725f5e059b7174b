"""What becomes of parent orders while a run goes on, for drawing: what was due of each, and where its cost came from.

The cost of a fill has three sources, cash, positive is cost:

    delay       decision price -> arrival price      the market moved before the order was made
    market      arrival price -> mid at the fill     it moved while the order was at work
    crossing    mid at the fill -> price of the fill half the spread, and what our own size pushed

Mid is the mark where nobody quotes. Of the crossing, half the quoted spread is the spread's (or what it usually is at
such a volatility) and the rest is impact. The mid is the one at which the fill was heard of: what a restart is told
again has none, and then a parent's sources are not known.

Source: Perold (1988), "The implementation shortfall: paper versus reality"; the parts as in Kissell and Glantz
(2003), "Optimal Trading Strategies".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from bot.app.record import CostSources, ParentPath
from bot.domain.effects import Effect, EndParent, OpenParent, PauseParent, RelaxParent, ReviseParent
from bot.domain.events import OrderFilled
from bot.domain.instrument import Instrument
from bot.domain.obligation import Obligation
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT, units_per_one
from bot.engine.engine import Engine
from bot.execution.curves import parent_due

STEPS_MAX = 40                       # of one parent; the ladder has a dozen rungs, pauses come and go
POINTS_MAX = 120                     # of one curve: a panel is a few hundred pixels wide
PATHS_MAX = 60                       # the first of a run: more panels are not read, and a daemon runs for months


class Crossed(msgspec.Struct):
    """What is known of a parent's fills: how many of them, and what the market and the crossing cost, cash."""

    quantity: int = 0
    market: int = 0
    spread: int = 0
    impact: int = 0
    fees: int = 0


@dataclass(frozen=True, slots=True)
class _Duty:
    """What a parent was to do from ``since`` on."""

    since: int
    quantity: int
    obligations: tuple[Obligation, ...]


@dataclass
class _Course:
    opened: OpenParent
    duties: list[_Duty]
    fills: list[tuple[int, int]] = field(default_factory=list)       # (ns, filled so far)
    steps: list[tuple[int, str]] = field(default_factory=list)
    ended: int | None = None


class ParentPaths:
    """Collects what happens to the parents of one run; ``crossed`` is what a restart cannot be told again."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.crossed: dict[str, Crossed] = {}
        self._courses: dict[str, _Course] = {}

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Keep what each parent is to do, what it lets go of, and when it ends."""
        for effect in effects:
            match effect:
                case OpenParent() if len(self._courses) < PATHS_MAX:
                    duty = _Duty(effect.now, effect.quantity, effect.obligations)
                    self._courses[effect.parent] = _Course(effect, [duty])
                case ReviseParent() if effect.parent in self._courses:
                    duty = _Duty(effect.now, effect.quantity, effect.obligations)
                    self._courses[effect.parent].duties.append(duty)
                case EndParent() if effect.parent in self._courses:
                    self._courses[effect.parent].ended = effect.now
                case RelaxParent() if effect.parent in self._courses:
                    self._step(effect.parent, effect.now, f"{effect.what.value}: {effect.why}")
                case PauseParent() if effect.parent in self._courses:
                    self._step(effect.parent, effect.now, f"paused: {effect.why}")
                case _:
                    pass

    def _step(self, parent: str, now: int, text: str) -> None:
        steps = self._courses[parent].steps
        if len(steps) < STEPS_MAX:
            steps.append((now, text))

    def on_fill(self, parent: str, fill: OrderFilled) -> None:
        """Keep a fill of a parent; its sources of cost only when it is news."""
        course = self._courses.get(parent)
        if course is None:
            return
        before = course.fills[-1][1] if course.fills else 0
        course.fills.append((fill.now, before + fill.quantity))
        mid = self._mid(fill)
        if mid is None:
            return
        instrument = self.engine.layout.instruments[fill.key.instrument]
        crossing = _cost(instrument, fill.side, fill.quantity, before=mid, after=fill.price)
        found = self.crossed.setdefault(parent, Crossed())
        found.quantity += fill.quantity
        found.market += _cost(
            instrument, fill.side, fill.quantity, before=course.opened.arrival_price, after=mid
        )
        spread = min(crossing, self._half_spread(fill, mid))
        found.spread += spread
        found.impact += crossing - spread
        found.fees += fill.fee

    def _mid(self, fill: OrderFilled) -> int | None:
        """Return mid, or mark, of the moment; None of a fill that is told again after a restart."""
        if fill.now < self.engine.book.now:
            return None
        quoted = self.engine.market.middle(fill.key.instrument, fill.now)
        return self.engine.columns.mark[fill.key.instrument] if quoted is None else quoted

    def _half_spread(self, fill: OrderFilled, mid: int) -> int:
        instrument = self.engine.layout.instruments[fill.key.instrument]
        seen = self.engine.market.liquidity(fill.key.instrument, price=mid, fee=0.0, now=fill.now)
        return round(instrument.value(price=mid, quantity=fill.quantity) * seen.half_spread)

    def paths(self, until: int) -> dict[str, ParentPath]:
        """Return the path of every parent by name; one that is still open is drawn up to ``until``, ns."""
        return {name: self._path(name, course, until) for name, course in self._courses.items()}

    def _path(self, name: str, course: _Course, until: int) -> ParentPath:
        opened = course.opened
        unit = units_per_one(self.engine.layout.instruments[opened.key.instrument].quantity_digits)
        end = max(opened.now, until if course.ended is None else course.ended)
        return ParentPath(
            due=[(at, due / unit) for at, due in _due_points(name, course.duties, end)],
            filled=[(at, filled / unit) for at, filled in _thinned(course.fills)],
            costs=self._costs(name, course),
            steps=tuple(course.steps),
        )

    def _costs(self, name: str, course: _Course) -> CostSources | None:
        """Return where the cost came from; None while nothing filled, or where fills were told again."""
        found = self.crossed.get(name)
        filled = course.fills[-1][1] if course.fills else 0
        if found is None or found.quantity != filled:
            return None
        opened = course.opened
        instrument = self.engine.layout.instruments[opened.key.instrument]
        delay = _cost(instrument, opened.side, filled, before=opened.decision_price, after=opened.arrival_price)
        return CostSources(
            delay=delay / CASH_UNIT,
            market=found.market / CASH_UNIT,
            spread=found.spread / CASH_UNIT,
            impact=found.impact / CASH_UNIT,
            fees=found.fees / CASH_UNIT,
        )


def _cost(instrument: Instrument, side: Side, quantity: int, *, before: int, after: int) -> int:
    """Return what it costs to trade at ``after`` instead of ``before``, cash; negative when it is a gain."""
    signed = side.sign * quantity
    return instrument.profit(
        entry_value=instrument.value(price=before, quantity=signed),
        value=instrument.value(price=after, quantity=signed),
    )


def _due_points(name: str, duties: Sequence[_Duty], end: int) -> list[tuple[int, int]]:
    """Return what was due by curve, at even distances and at every change of duty."""
    start = duties[0].since
    moments = {start + (end - start) * place // POINTS_MAX for place in range(POINTS_MAX + 1)}
    moments.update(duty.since for duty in duties if duty.since <= end)
    points = []
    place = 0
    for at in sorted(moments):
        while place + 1 < len(duties) and duties[place + 1].since <= at:
            place += 1
        duty = duties[place]
        points.append((at, min(parent_due(duty.obligations, name, at), duty.quantity)))
    return points


def _thinned(fills: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return at most as many points as a panel shows, the last among them."""
    every = -(-len(fills) // POINTS_MAX) if fills else 1
    return [*fills[every - 1:-1:every], *fills[-1:]]
