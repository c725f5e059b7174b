"""The limiter for those who wait: an async passage around each request, and one timer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from bot.adapters.ccxt.limiter import Lane, Limiter, Ticket
from bot.domain.scale import NS_PER_SECOND

WAIT_MAX = 30 * NS_PER_SECOND        # ns: a quota comes free within its minute; what asks on a timer asks again anyway
TIMER_MIN = 0.001                    # s: a loop's timers are no finer


class TooLate(Exception):
    """A request was not let through in time; nothing was sent."""


class Turnstile:
    """Lets requests through as the limiter says. ``monotonic`` and ``wall`` return ns."""

    def __init__(self, limiter: Limiter, *, monotonic: Callable[[], int], wall: Callable[[], int]) -> None:
        self.limiter = limiter
        self._monotonic = monotonic
        self.wall = wall
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def passage(
        self, lane: Lane, *, weight: int, orders: int = 0, valid_until: int | None = None
    ) -> AsyncIterator[None]:
        """Wait for a place and hold it while the request is under way.

        Raises TooLate past ``valid_until`` (wall), or, where that is None, after ``WAIT_MAX``.
        """
        entered = self.enter(lane, weight=weight, orders=orders, valid_until=valid_until)
        if entered is not None:
            try:
                yield
            finally:
                self.leave(entered)
            return
        now = self._monotonic()
        deadline = now + (WAIT_MAX if valid_until is None else valid_until - self.wall())
        ticket = self.limiter.ask(lane, weight=weight, orders=orders, valid_until=deadline)
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[ticket.number] = place
        self._admit()
        try:
            if not (place.result() if place.done() else await place):
                raise TooLate(f"limiter: {lane.name.lower()} request waited too long for the venue's quota")
            yield
        finally:
            self._waiting.pop(ticket.number, None)
            self.leave(ticket)

    def enter(
        self, lane: Lane, *, weight: int, orders: int = 0, valid_until: int | None = None
    ) -> Ticket | None:
        """Take a place without waiting, to be given back by ``leave``; None where it is late, or must be waited for."""
        if valid_until is not None and valid_until < self.wall():
            return None
        return self.limiter.enter(self._monotonic(), lane, weight=weight, orders=orders)

    def leave(self, ticket: Ticket) -> None:
        """Give a place back, and let in who waited for it."""
        self.limiter.withdraw(ticket)
        self._admit()

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """Take what an answer's status and headers say of the quotas."""
        lower = {name.lower(): value for name, value in headers.items()}
        now = self._monotonic()
        self.limiter.hear(now, lower, self.wall())
        if status in (418, 429):
            after = lower.get("retry-after", "")
            wait = int(after) * NS_PER_SECOND if after.isdigit() else None
            self.limiter.refuse(now, is_ban=status == 418, wait=wait)

    def _admit(self) -> None:
        """Wake those who may go, and set the timer for the rest."""
        now = self._monotonic()
        admission = self.limiter.admit(now)
        for ticket in admission.go:
            self._tell(ticket, True)
        for ticket in admission.late:
            self._tell(ticket, False)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.limiter.next_at(now)
        if at is not None:
            wait = max(TIMER_MIN, (at - now) / NS_PER_SECOND)
            self._timer = asyncio.get_running_loop().call_later(wait, self._admit)

    def _tell(self, ticket: Ticket, may_go: bool) -> None:
        place = self._waiting.get(ticket.number)
        if place is not None and not place.done():
            place.set_result(may_go)
