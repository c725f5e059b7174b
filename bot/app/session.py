"""One discrete-event loop over tape, simulated venue and engine: the driver of replay and paper.

At one instant the price comes first, to the venue (it liquidates before we react) and then to the engine;
after that the messages that arrive at it, then the engine's own timers. What the engine decides is journaled
before any of it leaves.

    tape event -> venue.handle -> engine.step -> effects -> journal.commit -> venue.handle(order)
                      |                              ^
                      +-- answers, one latency later +
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Protocol

from bot.app.markets import TapeEvent
from bot.domain.effects import (
    CancelOrder,
    CatchUp,
    Effect,
    LookUpOrder,
    PlaceOrder,
    PlaceStop,
    ReadAccount,
)
from bot.domain.errors import ContractError
from bot.domain.events import AccountFact, Command, OrderNotSent, Reloaded, Restarted, Timer
from bot.domain.market import Candle, CandlePoint, Trade
from bot.domain.open_order import CancelForeignOrder
from bot.engine.engine import Engine
from bot.engine.record.heard import was_heard
from bot.ports import Journal
from paper.messages import (
    CancelById,
    CancelRequest,
    ClientMessage,
    QueryAccount,
    QueryHistory,
    QueryOrder,
    SubmitOrder,
    Wake,
)
from paper.venue import PaperVenue

NEVER = 1 << 63
Answer = tuple[int, int, AccountFact]
"""When it is delivered, the number that orders those of one instant, and what is said."""


class Observer(Protocol):
    """Who looks on: the recorder of the run, the live view, the pacing of a watched run."""

    def on_fact(self, fact: AccountFact) -> None: ...

    def on_effects(self, effects: Sequence[Effect]) -> None: ...

    def on_moment(self, now: int, consumed: int) -> int:
        """Look at the state at ``now``; return the next moment to be asked."""

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """Look once more, after the tape's last event at ``tape_ended`` and all that it led to."""


class Keeper(Protocol):
    """Keeps the simulated venue's state where a killed process leaves it."""

    def save(self, consumed: int) -> None: ...


class NoKeeper:
    """A replay starts anew when it is killed; there is nothing to keep."""

    def save(self, consumed: int) -> None:
        """Keep nothing."""


class Session:
    """Runs one engine against one venue over one market."""

    def __init__(
        self, engine: Engine, venue: PaperVenue, journal: Journal, observer: Observer, keeper: Keeper | None = None
    ) -> None:
        self.engine = engine
        self.venue = venue
        self.journal = journal
        self.observer = observer
        self.keeper = NoKeeper() if keeper is None else keeper
        self.answers: list[Answer] = []
        self.answered = 0
        self.engine_wake = NEVER
        self.next_at = NEVER                 # when anything but the tape has something to say
        self.consumed = 0                    # tape events taken
        self.now = 0

    def run(self, tape: Iterable[TapeEvent]) -> None:
        """Drive the tape to its end, then what is still under way."""
        look_at = 0
        step = self.engine.step
        handle = self.venue.handle
        unreported = set(range(len(self.engine.layout.accounts)))
        now = self.now
        self._plan_next()                    # what was under way when an earlier process ended still is
        for event in tape:
            now = event.now
            if self.next_at < now:
                self._catch_up(now - 1)      # a price of the same instant comes before what arrives at it
            self.consumed += 1
            answers = handle(now, event)
            if answers:
                self._expect(answers)
            kind = event.__class__
            if kind is Candle:
                continue
            self.now = now
            effects, wake = step(event)      # type: ignore[arg-type]  # a Candle went no further
            if effects:
                self._perform(now, effects)
            engine_wake = NEVER if wake is None else wake
            if engine_wake != self.engine_wake or (kind is not Trade and kind is not CandlePoint):
                self.engine_wake = engine_wake
                self._plan_next()
            if unreported:
                unreported -= self._report_accounts(now, unreported)
            if now >= look_at:
                look_at = self.observer.on_moment(now, self.consumed)
        self._drain()
        self.observer.on_end(self.now, tape_ended=now, consumed=self.consumed)
        self.journal.commit()

    def restart(self, now: int) -> None:
        """Tell the engine that it was away; it asks for its orders before anything else."""
        self.now = now
        self._step(Restarted(now, "restart"))

    def tell(self, facts: Iterable[AccountFact]) -> None:
        """Give the engine what the run knew before its first price; journaled like any other fact."""
        for fact in facts:
            self._step(fact)

    def reload(self, now: int, config_hash: str) -> None:
        """Tell the engine that its rules were replaced; durable at once, since a restart is held to it."""
        self._step(Reloaded(now, config_hash))
        self.keeper.save(self.consumed)      # the record must not run ahead of the venue
        self.journal.commit()
        self._plan_next()

    def command(self, command: Command) -> None:
        """Let the engine obey a person; durable at once, like a reload."""
        self.now = max(self.now, command.now)
        self._step(command)
        self.keeper.save(self.consumed)
        self.journal.commit()
        self._plan_next()

    # The venue's and the engine's own moments -------------------------------------------------------------

    def _catch_up(self, until: int) -> None:
        """Live through everything that is due up to ``until``, in order."""
        for _ in range(1_000_000):
            at = self.next_at
            if at > until:
                return
            self.now = max(self.now, at)
            venue_wake = self.venue.next_wake()
            if venue_wake is not None and venue_wake <= at:
                self._expect(self.venue.handle(at, Wake()))
                self.keeper.save(self.consumed)
            while self.answers and self.answers[0][0] <= at:
                self._step(heappop(self.answers)[2])
            if self.engine_wake <= at:
                self.engine_wake = NEVER
                self._step(Timer(self.now))
            self._plan_next()
        raise ContractError("session: a million moments passed without the tape; venue and engine answer in a ring")

    def _drain(self) -> None:
        """After the tape: let answers on the way arrive; no new prices, so no further schedules."""
        for _ in range(1_000_000):
            venue_wake = self.venue.next_wake()
            moments = [at for at in (self.answers[0][0] if self.answers else None, venue_wake) if at is not None]
            if not moments or not (self.answers or self.engine.book.orders):
                return
            self.next_at = min(moments)
            self.engine_wake = NEVER
            self._catch_up(self.next_at)
        raise ContractError("session: orders are still out long after the tape ended")

    def _plan_next(self) -> None:
        at = self.engine_wake
        if self.answers and self.answers[0][0] < at:
            at = self.answers[0][0]
        venue_wake = self.venue.next_wake()
        if venue_wake is not None and venue_wake < at:
            at = venue_wake
        self.next_at = at

    def _step(self, fact: AccountFact) -> None:
        """Give the engine one fact: journaled, observed, decided on; what was heard before is not heard again."""
        if was_heard(self.engine.book, fact):
            return
        if not isinstance(fact, Timer):
            self.journal.append_fact(self.engine.book.seq + 1, fact)
        effects, wake = self.engine.step(fact)
        self.observer.on_fact(fact)
        self.engine_wake = NEVER if wake is None else wake
        if isinstance(fact, Timer) and effects:
            self.journal.append_fact(self.engine.book.seq, fact)
        if effects:
            self._perform(fact.now, effects)

    def _perform(self, now: int, effects: Sequence[Effect]) -> None:
        """Make decisions durable, then do what they ask of the world.

        A question alone changes nothing there: it becomes durable with the next decision.
        """
        self.keeper.save(self.consumed)
        self.journal.append_effects(self.engine.book.seq, now, effects)
        if any(not isinstance(effect, LookUpOrder) for effect in effects):
            self.journal.commit()
        self.observer.on_effects(effects)
        for effect in effects:
            match effect:
                case PlaceOrder() | PlaceStop():
                    self._place(effect, now)
                case CancelOrder():
                    self._ask(now, CancelRequest(effect.account, effect.name))
                case CancelForeignOrder():
                    self._ask(now, CancelById(effect.account, effect.order.venue_id))
                case LookUpOrder():
                    self._ask(now, QueryOrder(effect.account, effect.name))
                case ReadAccount():
                    self._ask(now, QueryAccount(effect.account))
                case CatchUp():
                    self._ask(now, QueryHistory(effect.account, effect.facts_after, effect.orders_after))
                case _:
                    pass
        self._plan_next()

    def _place(self, effect: PlaceOrder | PlaceStop, now: int) -> None:
        request = effect.approved.request
        if now > effect.approved.valid_until:
            late = OrderNotSent(now, request.key.account, request.name, "it was decided too long ago")
            self._expect([(now, late)])
            return
        self._ask(now, SubmitOrder(request))

    def _ask(self, now: int, message: ClientMessage) -> None:
        self._expect(self.venue.handle(now, message))
        self.keeper.save(self.consumed)

    def _expect(self, answers: Sequence[tuple[int, AccountFact]]) -> None:
        for at, fact in answers:
            self.answered += 1
            heappush(self.answers, (at, self.answered, fact))
        self._plan_next()

    def _report_accounts(self, now: int, unreported: set[int]) -> set[int]:
        """Ask for the accounts whose starting positions have a price by now; return them."""
        asked = {account for account in sorted(unreported) if self.venue.is_started(account)}
        for account in sorted(asked):
            self._ask(now, QueryAccount(account))
        return asked
