"""What a daemon needs of the world it is connected to: a live venue through ccxt, or a simulated one.

    connect(...)  ->  Connection: keys probed, modes and instruments read; nothing is sent and nothing flows yet
    attach(...)   ->  from here on prices go to ``put`` and facts to ``tell``
    jobs()        ->  the tasks that keep it alive, for the supervisor
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.app.daemon.clock import WallClock
from bot.app.daemon.supervisor import Job
from bot.app.loading import Loaded
from bot.domain.events import AccountFact
from bot.domain.market import MarketFact
from bot.engine.measures.layout import Layout
from bot.ports import Venue


@dataclass(frozen=True, slots=True)
class NamedJob:
    """A task of a connection, and how many seconds it may be silent."""

    name: str
    job: Job
    silence_max: float


class Connection(Protocol):
    """One way to the world, for all accounts of a daemon."""

    @property
    def layout(self) -> Layout:
        """Accounts, instruments and brackets as the venue has them."""

    @property
    def venue(self) -> Venue:
        """Where orders go."""

    def attach(
        self, *, put: Callable[[MarketFact], None], tell: Callable[[AccountFact], None],
        ring: Callable[[str, str], None],
    ) -> None:
        """Let prices and facts flow; ``ring(code, detail)`` tells a person of trouble that is no fact."""

    def took_over(self, at: int) -> None:
        """Wait for what another process of this run may have sent until ``at``, ns, before any account is told."""

    def jobs(self) -> Sequence[NamedJob]: ...

    async def history(self) -> Sequence[MarketFact]:
        """Return what the markets did in the last day, for windows and volatility; empty where that is not known."""

    async def close(self) -> None:
        """Let go of every socket; stops stay where they are."""


class Connect(Protocol):
    """Opens a connection; raises CredentialError for keys that may do too little or too much."""

    async def __call__(self, loaded: Loaded, clock: WallClock) -> Connection: ...
