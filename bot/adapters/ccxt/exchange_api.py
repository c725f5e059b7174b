"""What the daemon needs of an exchange's adapter, whichever it is: Binance's own, or the one for any of ccxt's.

    read_markets, ask_time, refuse_withdrawals, probe    at the start, before anything is trusted
    feed, market_watch, Probed.link                      what runs then
    cancel_ours                                          what ``kill`` does when the daemon hangs

``binance_api`` decodes the hot messages itself; ``unified.api`` asks ccxt's unified methods alone.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.connection import Connection
from bot.adapters.ccxt.probe import AccountTerms, Markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.domain.events import AccountFact
from bot.domain.market import MarketFact
from bot.ports import Venue

Put = Callable[[MarketFact], None]
Tell = Callable[[AccountFact], None]
Report = Callable[[Trouble], None]


@dataclass(frozen=True, slots=True)
class Chore:
    """A task that never ends: it calls what it is given at least every ``silence_max`` seconds."""

    name: str
    run: Callable[[Callable[[], None]], Coroutine[Any, Any, None]]
    silence_max: float


@dataclass(frozen=True, slots=True)
class AccountLink:
    """One account at its exchange: its port, what keeps it in the picture, and how it is let go.

    ``took_over`` is told until when (ns, our clock) another process may have sent orders of the account.
    """

    venue: Venue
    chores: Sequence[Chore]
    took_over: Callable[[int], None]
    close: Callable[[], Coroutine[Any, Any, None]]


class Link(Protocol):
    """Makes the port of an account that was probed."""

    def __call__(self, view: AccountView, time: VenueTime, *, tell: Tell, report: Report) -> AccountLink: ...


@dataclass(frozen=True, slots=True)
class Probed:
    """How an account is set, what its exchange cannot do or did not say, and how its port is made."""

    terms: AccountTerms
    lacks: tuple[str, ...]
    link: Link


class ExchangeApi(Protocol):
    """One way to speak to an exchange."""

    async def read_markets(self, connection: Connection, wanted: Sequence[str]) -> Markets:
        """Return the markets of ccxt's symbols; raises InputError for one that cannot be guarded."""

    async def ask_time(self, connection: Connection, time: VenueTime) -> None:
        """Ask the exchange's time once; it also keeps the connection warm."""

    async def refuse_withdrawals(self, connection: Connection) -> str | None:
        """Raise CredentialError when the key may withdraw; return why that could not be asked, None where it was."""

    async def probe(self, connection: Connection, markets: Markets, *, now: int) -> Probed:
        """Return how an account is set, ``now`` in ns; raises InputError for what cannot be guarded."""

    async def read_day(self, connection: Connection, markets: Markets, *, now: int) -> list[MarketFact]:
        """Return what the markets did in the last day."""

    def feed(
        self, connection: Connection, markets: Markets, time: VenueTime, *, put: Put, report: Report
    ) -> Chore:
        """Return the task that brings prices; after ``read_markets``."""

    def market_watch(
        self, connection: Connection, markets: Markets, time: VenueTime, *, tell: Tell, report: Report
    ) -> Chore:
        """Return the task that notices when a market is traded otherwise than before."""

    async def cancel_ours(
        self, connection: Connection, *, marker: str, account: int, symbols: Sequence[str]
    ) -> list[str]:
        """Cancel an account's open orders that are ours and no stops, by the exchange's list; return their names."""
