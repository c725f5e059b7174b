"""What all handlers of requests share, and the one way to the core venue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from bot.domain.account import PositionKey, PositionSide
from paper.exchange import Exchange
from paper.messages import Message
from paper.state import Account
from paper.wire.contracts import Contract, Contracts
from paper.wire.core import CoreVenue
from paper.wire.hub import Hub
from paper.wire.limits import Limits
from paper.wire.listen_keys import ListenKeys
from paper.wire.listing import Board
from paper.wire.params import Params
from paper.wire.register import Register
from paper.wire.reports import Facts, Reports
from paper.wire.spec import WireSpec
from paper.wire.trail import Trail
from paper.wire.values import Json


@dataclass(slots=True)
class Deadlines:
    """When the countdowns of the dead man's switch end: a heap, and which of its entries still hold."""

    heap: list[tuple[int, int, str]] = field(default_factory=list)       # ns, account, symbol
    current: dict[tuple[int, str], int] = field(default_factory=dict)

    def set(self, account: int, symbol: str, at: int) -> None:
        """Have a countdown end at ``at``, whatever it was before."""
        self.current[account, symbol] = at
        heappush(self.heap, (at, account, symbol))

    def drop(self, account: int, symbol: str) -> None:
        """Stop a countdown."""
        self.current.pop((account, symbol), None)

    def due(self, now: int) -> list[tuple[int, str]]:
        """Take out and return what has ended by ``now``: account and symbol."""
        ended = []
        while self.heap and self.heap[0][0] <= now:
            at, account, symbol = heappop(self.heap)
            if self.current.get((account, symbol)) == at:
                del self.current[account, symbol]
                ended.append((account, symbol))
        return ended

    def next_at(self) -> int | None:
        """Return when something may end next."""
        return self.heap[0][0] if self.heap else None


class Floor:
    """The exchange's inside. ``now`` is the time of what is being handled, ns; it never goes back."""

    def __init__(self, venue: CoreVenue, spec: WireSpec, *, now: int) -> None:
        self.venue = venue
        self.spec = spec
        self.now = now
        self.exchange: Exchange = venue.exchange
        self.contracts = Contracts(self.exchange.instruments, self.exchange.brackets)
        self.hub = Hub(self.contracts)
        self.board = Board(self.exchange, self.contracts, self.hub)
        self.register = Register()
        self.reports = Reports(self.exchange, self.contracts, self.register, self.hub, self.board, now=now)
        self.listen_keys = ListenKeys(self.hub, spec.listen_key_life)
        self.limits = Limits(spec.limits)
        self.deadlines = Deadlines()
        self.trails: list[Trail] = []
        self._named = 0

    def tell(self, message: Message) -> Facts:
        """Hand the core venue a message; return what it told, after everybody else has learnt of it."""
        facts = self.venue.handle(self.now, message)
        self.reports.take(facts, now=self.now)
        return facts

    def next_name(self) -> str:
        """Return a name for an order that the core venue has not had."""
        self._named += 1
        return f"w{self._named}"

    def account(self, index: int) -> Account:
        """Return an account as the core venue has it."""
        return self.exchange.accounts[index]

    def key(self, account: int, contract: Contract, side: PositionSide) -> PositionKey:
        """Return the key of a leg, in the margin mode that the account holds the contract in."""
        return PositionKey(account, contract.index, side, self.account(account).mode_of(contract.index))


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in: who asks (-1 for nobody), and with what."""

    account: int
    params: Params
    address: str = ""


Handler = Callable[[Floor, Call], Json]
