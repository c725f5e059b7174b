"""One account lived through: the program's own engine and the simulated venue, from a bar on until it is settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.rescue.account import ACCOUNT, Entry, Holding, account_start, key_of
from bench.rescue.outcome import Outcome
from bench.rescue.outlook import Outlook
from bench.rescue.tape import TapeBars
from bot.adapters.journal.null import NullJournal
from bot.app.baselines import ANY_PRICE
from bot.app.markets import TapeEvent, sign_of
from bot.app.session import Session
from bot.domain.effects import Effect, OpenEpisode
from bot.domain.events import AccountFact, LiquidationStage, OrderTriggered
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.run import RunHead
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from paper.messages import SubmitOrder, Wake
from paper.venue import PaperVenue

LOOK_BARS = 15                       # how often it is asked whether anything can still happen
HEAD = RunHead(version="bench", config_hash="", config="", marker="pen", created=0)


class Course:
    """The tape from one bar on, with what is worth telling of the account; ends when the account is settled."""

    def __init__(self, tape: TapeBars, entry: Entry, venue: PaperVenue, outlook: Outlook) -> None:
        self.tape = tape
        self.entry = entry
        self.venue = venue
        self.outlook = outlook
        self.bar = entry.first
        self.next_look = 0
        self.fires: list[tuple[str, int]] = []
        self.liquidated: int | None = None
        self.stopped: int | None = None
        self.distance = 0.0              # what was left to liquidation before the bar under way
        self.distance_at_end: float | None = None
        self.move_at_end: float | None = None

    def events(self, start: int, engine: Engine | None) -> Iterator[TapeEvent]:
        """Yield the tape's events until the account is flat, or nothing can happen to it any more."""
        for bar in range(start, self.entry.end):
            if bar > start and self._is_settled(bar, engine):
                return
            self.bar = bar
            self.distance = self._distance(bar, engine)
            yield from self.tape.events(bar, bar + 1, lambda index: sign_of(self.venue.net_quantity(index)))

    def _is_settled(self, bar: int, engine: Engine | None) -> bool:
        if not self.venue.net_quantity(self.tape.instrument.index):
            return True
        is_busy = engine is not None and (
            engine.book.episodes or engine.book.orders or any(name is not None for name in engine.book.parent_of)
        )
        if is_busy or bar < self.next_look:
            return False
        self.next_look = bar + LOOK_BARS
        held = self.holding()
        since = self.entry.first if held == self.entry.holding else None
        return self.outlook.is_safe(held, bar, self.entry.end, since=since)

    def holding(self) -> Holding:
        """Return what the venue says the account has."""
        wallet = self.venue.account_totals(ACCOUNT)[0]
        for report in self.venue.positions(ACCOUNT):
            return Holding(wallet, report.quantity, report.entry_value)
        return Holding(wallet, 0, 0)

    def note(self, fact: AccountFact) -> None:
        """Keep when the venue took over, when the resting stop was sent, and how the bar of the first of them was."""
        if isinstance(fact, LiquidationStage) and self.liquidated is None:
            self.liquidated = fact.now
        elif isinstance(fact, OrderTriggered) and self.stopped is None:
            self.stopped = fact.now
        else:
            return
        if self.distance_at_end is None:
            self.distance_at_end, self.move_at_end = self.distance, self._move(self.bar)

    def outcome(self, strategy: str) -> Outcome:
        """Return how it ended; what is still held counts at the last close of the horizon."""
        entry, instrument = self.entry, self.tape.instrument
        last = int(self.tape.closes[entry.end - 1])
        return Outcome(
            opened=int(self.tape.stamps[entry.first]),
            leverage=entry.leverage,
            strategy=strategy,
            is_run=True,
            notional=abs(entry.holding.entry_value),
            equity_start=entry.holding.wallet,
            equity_end=self.holding().equity(instrument, last),
            fires=tuple(self.fires),
            liquidated=self.liquidated,
            stopped=self.stopped,
            distance_open=self.distance_at_end,
            bar_move=self.move_at_end,
        )

    def _distance(self, bar: int, engine: Engine | None) -> float:
        """Return the distance to liquidation at the close before ``bar``; an engine has just worked it out."""
        if engine is not None and engine.columns.known[ACCOUNT]:
            return engine.columns.distance[ACCOUNT]
        before = int(self.tape.closes[max(bar - 1, 0)])
        return self.outlook.distance(self.entry.holding, before)

    def _move(self, bar: int) -> float:
        """Return how far a bar went against the position from its open, a fraction."""
        opened = int(self.tape.opens[bar])
        worst = int(self.tape.lows[bar]) if self.entry.holding.quantity > 0 else int(self.tape.highs[bar])
        return abs(worst / opened - 1.0)


class Watcher:
    """Looks on for a course; draws no series."""

    def __init__(self, course: Course) -> None:
        self.course = course

    def on_fact(self, fact: AccountFact) -> None:
        self.course.note(fact)

    def on_effects(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, OpenEpisode):
                self.course.fires.append((effect.rule, effect.now))

    def on_moment(self, now: int, consumed: int) -> int:
        del consumed
        return now + (1 << 62)

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """Nothing is kept open here."""


def guarded(
    tape: TapeBars, entry: Entry, start: int, venue: PaperVenue, engine: Engine, outlook: Outlook, strategy: str
) -> Outcome:
    """Let the engine guard the account from bar ``start`` on."""
    venue.admit(account_start(entry, tape.instrument))
    course = Course(tape, entry, venue, outlook)
    Session(engine, venue, NullJournal(HEAD), Watcher(course)).run(course.events(start, engine))
    return course.outcome(strategy)


def alone(
    tape: TapeBars, entry: Entry, start: int, venue: PaperVenue, outlook: Outlook, strategy: str,
    sale: int | None = None,
) -> Outcome:
    """Leave the account to the venue from bar ``start`` on; at ``sale`` (ns) all of it is sold in one order."""
    venue.admit(account_start(entry, tape.instrument))
    course = Course(tape, entry, venue, outlook)
    if sale is not None:
        course.next_look = entry.end                     # it is not settled before it is sold
    now = 0
    for event in course.events(start, None):
        now = event.now
        if sale is not None and sale <= now:
            order = _whole_sale(tape, entry, int(tape.opens[course.bar]))
            _note_all(course, venue.handle(sale, SubmitOrder(order)))
            sale = None
        while (wake := venue.next_wake()) is not None and wake < now:
            _note_all(course, venue.handle(wake, Wake()))
        _note_all(course, venue.handle(now, event))
    while (wake := venue.next_wake()) is not None and wake <= now + NS_PER_SECOND:
        _note_all(course, venue.handle(wake, Wake()))
    return course.outcome(strategy)


def settled(tape: TapeBars, entry: Entry, strategy: str) -> Outcome:
    """Return what an entry ends with to which nothing happens."""
    last = int(tape.closes[entry.end - 1])
    return Outcome(
        opened=int(tape.stamps[entry.first]),
        leverage=entry.leverage,
        strategy=strategy,
        is_run=False,
        notional=abs(entry.holding.entry_value),
        equity_start=entry.holding.wallet,
        equity_end=entry.holding.equity(tape.instrument, last),
    )


def _note_all(course: Course, answers: Sequence[tuple[int, AccountFact]]) -> None:
    for _, fact in answers:
        course.note(fact)


def _whole_sale(tape: TapeBars, entry: Entry, price: int) -> OrderRequest:
    """Return the order that closes the whole position at any price the impact model asks."""
    held = entry.holding.quantity
    return OrderRequest(
        name="atonce000",
        key=key_of(tape.instrument),
        side=Side.SELL if held > 0 else Side.BUY,
        quantity=abs(held),
        limit_price=1 if held > 0 else price * ANY_PRICE,
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
        order_class=OrderClass.OPERATOR,
    )
