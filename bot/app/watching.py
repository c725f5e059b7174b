"""Shows a run while it goes on: turns the engine's state into the live view's snapshots."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.app.markets import MarketSource
from bot.app.progress import LiveView
from bot.app.recorder import RunRecorder
from bot.app.running import MakeObserver
from bot.app.snapshot import AccountView, Decision, DecisionKind, Level, MarketView, ParentView, ProgressSnapshot
from bot.app.summary import goal_text
from bot.app.thresholds import DISTANCE
from bot.app.ways_out import deposit_text
from bot.app.wording import cash, unit_of
from bot.domain.effects import Effect, EndParent, OpenEpisode, OpenParent, RelaxParent, ReviseParent
from bot.domain.events import AccountFact, LiquidationStage
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND, cash_text, to_text, units_per_one
from bot.engine.engine import Engine
from bot.engine.gate import collar_max
from bot.engine.record.book import Parent
from bot.execution.ladder import collar_at

DECISIONS_KEPT = 40
LOOK_EVERY = 5 * NS_PER_SECOND       # market time between two looks; nothing is drawn unless the eye is ready
RESIZE_TOLD = 0.1                    # of a parent's size
ACTION_PACE = 120                    # market seconds per second while an order is at work: a 10 min TWAP takes 5 s
SLEEP_MIN = 0.01                     # seconds; shorter naps are collected


class Watching:
    """An observer that draws.

    ``seconds`` is how long the calm part of a run takes on a terminal, None for as fast as it goes; while
    orders are at work market time slows down to what a person can follow.
    """

    def __init__(
        self, engine: Engine, recorder: RunRecorder, view: LiveView, span: tuple[int, int], seconds: float | None
    ) -> None:
        self.engine = engine
        self.recorder = recorder
        self.view = view
        self.first, self.last = span
        self.seconds = seconds
        self.looked = time.monotonic()
        self.looked_at = span[0]
        self.owed = 0.0
        self.decisions: list[Decision] = []
        self.count = 0
        self.liquidated: set[int] = set()
        self.first_marks: dict[int, int] = {}
        self.announced: dict[str, int] = {}          # quantity of each parent as it was last told

    # What happens ------------------------------------------------------------------------------------------

    def on_fact(self, fact: AccountFact) -> None:
        """Tell of liquidations at once."""
        if isinstance(fact, LiquidationStage):
            self.liquidated.add(fact.account)
            label = self.engine.layout.position_label(fact.key)
            worth = cash(cash_text(fact.notional), self.engine.layout.accounts[fact.account].settle)
            self._tell(fact.now, DecisionKind.LIQUIDATED, f"{label} liquidated by the venue, worth {worth}")
            self._show(fact.now)

    def on_effects(self, effects: Sequence[Effect]) -> None:
        """Tell of fires, parents and the steps of the ladder."""
        for effect in effects:
            match effect:
                case OpenEpisode():
                    text = f"{effect.rule} fired: {effect.why}; goal {goal_text(effect.goal)}"
                    self._tell(effect.now, DecisionKind.FIRED, text)
                    if effect.deposit is not None:
                        instead = f"a deposit of {deposit_text(effect.deposit)} would reach that goal without a sale"
                        self._tell(effect.now, DecisionKind.NOTE, instead)
                case OpenParent():
                    self._tell(effect.now, DecisionKind.PARENT_OPENED, self._opened(effect))
                case ReviseParent():
                    self._resized(effect)
                case EndParent():
                    self._tell(effect.now, DecisionKind.PARENT_ENDED, self._ended(effect))
                case RelaxParent():
                    self._tell(effect.now, DecisionKind.NOTE, f"{effect.parent}: {effect.why}")
                case _:
                    pass             # nothing else is news

    def on_moment(self, now: int, consumed: int) -> int:
        """Draw when the eye can take it, and slow a short run down to what it can follow."""
        del consumed
        for instrument, mark in enumerate(self.engine.columns.mark):
            if mark is not None:
                self.first_marks.setdefault(instrument, mark)
        if self.seconds is not None:
            self._slow_down(now, self.seconds)
        if self.view.is_due():
            self._show(now)
        return now + LOOK_EVERY

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """Leave the last state standing on the screen, and say what takes the time that follows."""
        del tape_ended, consumed
        self._tell(now, DecisionKind.NOTE, "the market is over; now over it again: left alone, and sold at once")
        self._show(now)

    def _slow_down(self, now: int, seconds: float) -> None:
        """Sleep for as long as the market time since the last look should take."""
        passed = (now - self.looked_at) / NS_PER_SECOND
        calm_pace = (self.last - self.first) / NS_PER_SECOND / seconds
        pace = ACTION_PACE if self.engine.book.parents else calm_pace
        self.owed += passed / pace - (time.monotonic() - self.looked)
        if self.owed > SLEEP_MIN:
            time.sleep(self.owed)
            self.owed = 0.0
        self.owed = max(self.owed, 0.0)
        self.looked, self.looked_at = time.monotonic(), now

    # What it looks like --------------------------------------------------------------------------------------

    def _tell(self, now: int, kind: DecisionKind, text: str) -> None:
        self.count += 1
        self.decisions.append(Decision(self.count, now, kind, text))
        del self.decisions[:-DECISIONS_KEPT]

    def _show(self, now: int) -> None:
        self.view.update(
            ProgressSnapshot(
                now=now,
                tape_fraction=self._fraction(now),
                accounts=tuple(self._account(account) for account in range(len(self.engine.layout.accounts))),
                parents=tuple(self._parent(parent) for parent in self.engine.book.parents.values()),
                decisions=tuple(self.decisions),
            )
        )

    def _fraction(self, now: int) -> float:
        return min(1.0, (now - self.first) / max(self.last - self.first, 1))

    def _account(self, account: int) -> AccountView:
        engine = self.engine
        columns = engine.columns
        slot = engine.layout.accounts[account]
        known = columns.known[account]
        start = self.recorder.equity_start.get(account)
        return AccountView(
            name=slot.name,
            currency=slot.settle,
            equity=columns.equity[account] / CASH_UNIT if known else None,
            equity_start=None if start is None else start / CASH_UNIT,
            margin_ratio=columns.margin_ratio(account) if known else None,
            distance=columns.distance[account] if known and columns.gross[account] else None,
            levels=self._levels(account),
            markets=tuple(self._market(position) for position in engine.layout.positions_of[account]),
            is_liquidated=account in self.liquidated,
        )

    def _levels(self, account: int) -> tuple[Level, ...]:
        engine = self.engine
        levels = [Level("floor", engine.desk.survival_level(account))]
        for rule in engine.watch.account_rules:
            distance = DISTANCE.level(engine, rule, account)
            if distance is not None:
                levels.append(Level(rule.name.removeprefix("margin_"), distance))
        return tuple(levels)

    def _market(self, position: int) -> MarketView:
        engine = self.engine
        instrument = engine.layout.instrument_of(position)
        mark = engine.columns.mark[instrument.index]
        first = self.first_marks.get(instrument.index)
        return MarketView(
            symbol=engine.layout.market_label(engine.layout.keys[position]),
            mark=None if mark is None else mark / units_per_one(instrument.price_digits),
            change=None if mark is None or first is None else mark / first - 1,
            quantity=engine.book.quantity[position] / units_per_one(instrument.quantity_digits),
        )

    def _parent(self, parent: Parent) -> ParentView:
        engine = self.engine
        instrument = engine.layout.instrument_of(parent.position)
        record = self.recorder.parents[parent.name]
        unit = units_per_one(instrument.quantity_digits)
        duty = parent.obligations[0]
        return ParentView(
            symbol=instrument.symbol,
            side=parent.side.value,
            algo=record.algo,
            filled=parent.filled / unit,
            quantity=parent.quantity / unit,
            average=record.value / record.filled / units_per_one(instrument.price_digits) if record.filled else None,
            collar=collar_at(
                parent.collar_level, first=duty.collar, widest=collar_max(duty.order_class, engine.desk.limits)
            ),
        )

    def _resized(self, effect: ReviseParent) -> None:
        """Tell of a parent's new size, unless it is about the one that was told last: plans change by crumbs."""
        told = self.announced.get(effect.parent, 0)
        if abs(effect.quantity - told) < told * RESIZE_TOLD:
            return
        self.announced[effect.parent] = effect.quantity
        opened = self.recorder.parents[effect.parent].opened
        instrument = self.engine.layout.instruments[opened.key.instrument]
        before, after = (to_text(quantity, instrument.quantity_digits) for quantity in (told, effect.quantity))
        self._tell(
            effect.now, DecisionKind.PARENT_RESIZED,
            f"{opened.side.value} {after} {unit_of(instrument.symbol)} in all, not {before}, "
            f"by {effect.obligations[-1].algo}",
        )

    def _opened(self, effect: OpenParent) -> str:
        self.announced[effect.parent] = effect.quantity
        instrument = self.engine.layout.instruments[effect.key.instrument]
        quantity = to_text(effect.quantity, instrument.quantity_digits)
        return (
            f"{effect.side.value} {quantity} {unit_of(instrument.symbol)} by {effect.obligations[-1].algo}, "
            f"arrival {to_text(effect.arrival_price, instrument.price_digits)}"
        )

    def _ended(self, effect: EndParent) -> str:
        record = self.recorder.parents[effect.parent]
        instrument = self.engine.layout.instruments[record.opened.key.instrument]
        filled = to_text(record.filled, instrument.quantity_digits)
        reason = effect.reason.value.replace("_", " ")
        return f"{record.opened.side.value} {filled} {unit_of(instrument.symbol)} done: {reason}"


@contextmanager
def live_view(
    market: MarketSource, *, is_quiet: bool, seconds: float | None = None
) -> Iterator[Sequence[MakeObserver]]:
    """Yield the observers that show a run on this terminal; none when quiet.

    ``seconds`` slows the calm part of a run that is watched on a terminal to that; elsewhere nobody waits.
    """
    if is_quiet:
        yield ()
        return
    from bot.app.console import PipeConsole

    console = PipeConsole()
    with LiveView(console) as view:
        pace = seconds if console.is_terminal else None
        yield (lambda engine, recorder: Watching(engine, recorder, view, market.span, pace),)
