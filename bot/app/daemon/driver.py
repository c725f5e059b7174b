"""One engine by the wall clock: empties the inbox, steps, journals, performs.

    Inbox -> turn -> engine.step -> journal.append -> Departures -> venue.place
                                          |               ^
                                          +-- Committer --+

A turn takes everything that has come in, in one go and without waiting, so an order leaves in the callback that
brought its price. Facts are journaled before their effects; prices are not, since recovery needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from bot.app.daemon.clock import WallClock
from bot.app.daemon.departures import Departures
from bot.app.daemon.inbox import Inbox
from bot.domain.effects import CancelOrder, CatchUp, Effect, LookUpOrder, PlaceOrder, PlaceStop, ReadAccount
from bot.domain.events import AccountFact, Command, Event, OrderNotSent, Reloaded, Timer
from bot.domain.market import MarketEvent
from bot.domain.open_order import CancelForeignOrder
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.record.heard import was_heard
from bot.ports import Journal, Venue

NEVER = 1 << 63


class Commits(Protocol):
    """Who makes steps durable, and says so by ``Driver.durable``."""

    def request(self, step: int, *, is_waited_for: bool) -> None: ...


class Watcher(Protocol):
    """Who looks on: logs, alerts, metrics."""

    def on_fact(self, fact: AccountFact) -> None: ...

    def on_effects(self, effects: Sequence[Effect]) -> None: ...


class Driver:
    """Owns the engine: nobody else calls ``step``."""

    def __init__(
        self, engine: Engine, venue: Venue, journal: Journal, clock: WallClock, watchers: Sequence[Watcher]
    ) -> None:
        self.engine = engine
        self.venue = venue
        self.journal = journal
        self.clock = clock
        self.watchers = watchers
        self.inbox = Inbox(self._soon, clock.now)
        self.departures = Departures()
        self.commits: Commits | None = None
        self.steps = 0
        self._wake_at = NEVER
        self._alarm: asyncio.TimerHandle | None = None
        self._is_due = False
        self.failure: BaseException | None = None
        self.stopped = asyncio.Event()

    # What others call --------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Take everything that has come in; an error in a step ends the driver, and with it the daemon."""
        self._is_due = False
        if self.failure is not None:
            return
        try:
            for event in self.inbox.take():
                self._step(event)
            now = self.clock.now()
            if self._wake_at <= now:
                self._step(Timer(now))
        except Exception as error:                # noqa: BLE001 - whatever it is, no order may follow it
            self.failure = error
            self.stopped.set()
            return
        self._arm()

    def durable(self, step: int) -> None:
        """The record up to ``step`` survives a power cut: what waited for it leaves."""
        now = self.clock.now()
        for effect in self.departures.durable(step):
            self._send(effect, now)

    def unrecorded(self) -> None:
        """Nothing can be recorded any more: what waits for its record never leaves."""
        for effect in self.departures.drop_all():
            self._not_sent(effect, "its record can be made durable nowhere")

    def command(self, command: Command) -> None:
        """Let the engine obey a person, now."""
        self.inbox.tell(command)
        self.turn()

    def reload(self, now: int, config_hash: str) -> None:
        """Tell the engine that its rules were replaced; ``now`` is the reloader's, the step takes the clock's."""
        del now
        self.inbox.tell(Reloaded(self.clock.now(), config_hash))
        self.turn()

    # One event ---------------------------------------------------------------------------------------------

    def _step(self, event: Event) -> None:
        engine = self.engine
        if isinstance(event, MarketEvent):
            effects, wake = engine.step(event)
        else:
            if was_heard(engine.book, event):
                return
            effects, wake = engine.step(event)
            if effects or not isinstance(event, Timer):
                self.journal.append_fact(engine.book.seq, event)
                if not effects:
                    self._request()
            for watcher in self.watchers:
                watcher.on_fact(event)
        self.steps += 1
        self._wake_at = NEVER if wake is None else wake
        if effects:
            self._perform(event.now, effects)

    def _perform(self, now: int, effects: Sequence[Effect]) -> None:
        step = self.engine.book.seq
        self.journal.append_effects(step, now, effects)
        leaving, recalled = self.departures.take(step, effects)
        for placing in leaving:
            self._send(placing, now)
        self._request()
        for placing in recalled:
            self._not_sent(placing, "it was cancelled before it left")
        gone = {placing.approved.request.name for placing in recalled}
        for effect in effects:
            match effect:
                case CancelOrder():
                    if effect.name not in gone:
                        self.venue.cancel(now, effect.account, effect.name)
                case CancelForeignOrder():
                    self.venue.cancel_foreign(now, effect.account, effect.order)
                case LookUpOrder():
                    self.venue.look_up(now, effect.account, effect.name)
                case ReadAccount():
                    self.venue.report_account(now, effect.account)
                case CatchUp():
                    self.venue.catch_up(now, effect.account, effect.facts_after, effect.orders_after)
                case _:
                    pass
        # Behind the tasks that send: a log line takes as long as signing an order does.
        asyncio.get_running_loop().call_soon(self._show, effects)

    def _show(self, effects: Sequence[Effect]) -> None:
        for watcher in self.watchers:
            watcher.on_effects(effects)

    def _send(self, effect: PlaceOrder | PlaceStop, now: int) -> None:
        if now > effect.approved.valid_until:
            self._not_sent(effect, "it was decided too long ago")
            return
        self.venue.place(now, effect.approved)

    def _not_sent(self, effect: PlaceOrder | PlaceStop, reason: str) -> None:
        request = effect.approved.request
        self.inbox.tell(OrderNotSent(self.clock.now(), request.key.account, request.name, reason))

    # Being called ------------------------------------------------------------------------------------------

    def _request(self) -> None:
        if self.commits is not None:
            self.commits.request(self.engine.book.seq, is_waited_for=self.departures.is_holding)

    def _soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self.turn)

    def _arm(self) -> None:
        """Be called when the engine wants to be woken; the loop may be late, the engine asks what is due now."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._wake_at < NEVER:
            delay = max(0.0, (self._wake_at - self.clock.now()) / NS_PER_SECOND)
            self._alarm = asyncio.get_running_loop().call_later(delay, self._soon)
