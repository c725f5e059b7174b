"""What the engine's surroundings must offer: the Protocols that adapters and the paper venue fulfil."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from bot.domain.effects import Effect
from bot.domain.events import AccountFact
from bot.domain.open_order import OpenOrder
from bot.domain.order import Approved


class Clock(Protocol):
    """One way in for time."""

    def now(self) -> int:
        """Return nanoseconds UTC; never less than it returned before."""

    def wait_until(self, moment: int) -> None:
        """Return when ``moment`` has come."""


class Venue(Protocol):
    """Where orders go. It takes nothing but what the gate approved; what happens comes back as facts.

    No call waits or raises for what the world does: an order that did not leave is told as ``OrderNotSent``, one
    whose fate is not known as ``OrderOutcomeUnknown``.
    """

    def place(self, now: int, approved: Approved) -> None: ...

    def cancel(self, now: int, account: int, name: str) -> None: ...

    def cancel_foreign(self, now: int, account: int, order: OpenOrder) -> None:
        """Ask for the end of an order that is not ours; its client's name may be empty, its ``venue_id`` never is."""

    def look_up(self, now: int, account: int, name: str) -> None: ...

    def report_account(self, now: int, account: int) -> None: ...

    def catch_up(self, now: int, account: int, facts_after: int, orders_after: int) -> None: ...


class Journal(Protocol):
    """The durable record. What was committed before a crash is there after it."""

    def append_fact(self, seq: int, fact: AccountFact) -> None: ...

    def append_effects(self, seq: int, now: int, effects: Sequence[Effect]) -> None: ...

    def checkpoint(self, seq: int, now: int, body: bytes) -> None: ...

    def commit(self) -> None:
        """Make everything appended durable; returns when it is."""

    def read(self, after: int = -1) -> Iterator[tuple[int, AccountFact | Effect]]: ...

    def latest_checkpoint(self) -> tuple[int, bytes] | None: ...

    def last_seq(self) -> int: ...
