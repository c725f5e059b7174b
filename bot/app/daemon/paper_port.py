"""The simulated venue behind the daemon's port: what it answers arrives one latency later, by the loop's timers.

Prices go to the venue first and to the engine after it, as in a replay: the venue liquidates before we react.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from bot.app.daemon.clock import WallClock
from bot.domain.events import AccountFact
from bot.domain.market import MarketFact
from bot.domain.open_order import OpenOrder
from bot.domain.order import Approved
from bot.domain.scale import NS_PER_SECOND
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


class PaperPort:
    """A ``Venue`` port over ``PaperVenue``; ``keep`` is called before anybody hears what the venue has done."""

    def __init__(self, venue: PaperVenue, clock: WallClock, *, accounts: int, keep: Callable[[], None]) -> None:
        self.venue = venue
        self._clock = clock
        self._keep = keep
        self._unreported = set(range(accounts))
        self._alarm: asyncio.TimerHandle | None = None
        # Answers on their way, the next one first. A timer for each would let a quick one overtake one whose state was
        # slow to keep: an account without the fills that explain it.
        self._answers: list[tuple[int, int, AccountFact]] = []
        self._answered = 0
        self._delivery: asyncio.TimerHandle | None = None
        self._is_closed = False

    def attach(self, *, tell: Callable[[AccountFact], None], put: Callable[[MarketFact], None]) -> None:
        """Say where facts and prices go: the inbox's two doors."""
        self._tell = tell
        self._put = put

    def close(self) -> None:
        """Let nothing happen at the venue any more: its state lies where the next process finds it."""
        self._is_closed = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def hear(self, event: MarketFact) -> None:
        """Take a price from the feed: the venue first, then the engine; none after the end."""
        if self._is_closed:
            return
        self._expect(self.venue.handle(event.now, event))
        self._put(event)
        if self._unreported:
            self._report_started(event.now)

    def place(self, now: int, approved: Approved) -> None:
        """Submit an order that the gate passed."""
        self._ask(now, SubmitOrder(approved.request))

    def cancel(self, now: int, account: int, name: str) -> None:
        """Ask for an order's end."""
        self._ask(now, CancelRequest(account, name))

    def cancel_foreign(self, now: int, account: int, order: OpenOrder) -> None:
        """Ask for the end of somebody else's order."""
        self._ask(now, CancelById(account, order.venue_id))

    def look_up(self, now: int, account: int, name: str) -> None:
        """Ask what became of an order."""
        self._ask(now, QueryOrder(account, name))

    def report_account(self, now: int, account: int) -> None:
        """Ask for the venue's whole word on an account; it comes by itself with the first prices where it has none yet.

        Without them the positions that it starts with are not there, and the account would be told as flat.
        """
        if self.venue.is_started(account):
            self._ask(now, QueryAccount(account))

    def catch_up(self, now: int, account: int, facts_after: int, orders_after: int) -> None:
        """Ask again for what may have been missed."""
        self._ask(now, QueryHistory(account, facts_after, orders_after))

    def _report_started(self, now: int) -> None:
        """Ask for the accounts whose starting positions have a price by now: before that, nothing can be said."""
        for account in sorted(self._unreported):
            if self.venue.is_started(account):
                self._unreported.discard(account)
                self.report_account(now, account)

    def _ask(self, now: int, message: ClientMessage) -> None:
        self._expect(self.venue.handle(now, message))

    def _expect(self, answers: Sequence[tuple[int, AccountFact]]) -> None:
        if answers:
            self._keep()
        for at, fact in answers:
            self._answered += 1
            heappush(self._answers, (at, self._answered, fact))
        self._await_answers()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        wake = self.venue.next_wake()
        if wake is not None:
            self._alarm = asyncio.get_running_loop().call_later(self._seconds_to(wake), self._wake)

    def _await_answers(self) -> None:
        """Be called when the next answer arrives."""
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None
        if self._answers:
            delay = self._seconds_to(self._answers[0][0])
            self._delivery = asyncio.get_running_loop().call_later(delay, self._deliver)

    def _seconds_to(self, moment: int) -> float:
        return max(0, moment - self._clock.now()) / NS_PER_SECOND

    def _deliver(self) -> None:
        now = self._clock.now()
        while self._answers and self._answers[0][0] <= now:
            self._tell(heappop(self._answers)[2])
        self._await_answers()

    def _wake(self) -> None:
        now = self._clock.now()
        self._expect(self.venue.handle(now, Wake()))
