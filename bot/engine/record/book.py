"""What must survive a restart: cash, positions, orders, parents, episodes, triggers, names.

Only ``bot.engine.record.fold`` changes a book, and only by folding a fact or an effect. Prices and whatever
follows from them live in ``bot.engine.measures.columns`` and are rebuilt.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bot.domain.account import PositionKey
from bot.domain.effects import PORTFOLIO, Goal, ScopeElement
from bot.domain.instrument import TradingState
from bot.domain.latch import Latch
from bot.domain.obligation import Obligation
from bot.domain.open_order import OpenOrder
from bot.domain.order import OrderClass, OrderStatus, Side
from bot.domain.sale import Sale
from bot.engine.measures.layout import Layout
from bot.engine.record.stops import Stop, StopLine
from bot.execution.slicer import Progress
from bot.rules.triggers import NEVER_FIRED, Fires, Trigger

TRADE_IDS_KEPT = 10_000              # a doubled fill comes within seconds; a day of fills is far fewer
FILLS_KEPT = 256                     # (time, quantity), for participation over the last slice
SALES_KEPT = 1_000                   # the oldest that are over are forgotten; wishes as old as those are not heard
SENDS_KEPT = 1_000                   # for the order rate; the gate looks back one second

Gist = tuple[int, int, int]          # of a fill: instrument, signed quantity, price


@dataclass(slots=True)
class Order:
    """A child order that can still fill. ``final`` is its total by the venue's word, once it has ended."""

    name: str
    parent: str
    position: int
    side: Side
    quantity: int
    limit_price: int
    sent: int
    asked: int                       # when the venue was last asked about it, by sending it or after
    order_class: OrderClass = OrderClass.MARGIN
    is_reduce_only: bool = True
    status: OrderStatus = OrderStatus.SENDING
    filled: int = 0
    final: int | None = None
    absent_since: int | None = None  # when one witness first said that it is not there
    good_until: int | None = None    # of an order that rests; None: immediate or cancel
    cancel_asked: int | None = None  # when; it may fill until the venue has answered

    @property
    def leaves(self) -> int:
        """What may still fill."""
        return (self.quantity if self.final is None else self.final) - self.filled


@dataclass(slots=True)
class Parent:
    """All that is to be sold of one position, whoever asked for it; or, ``hedged_to`` a holding, added to it."""

    name: str
    position: int
    side: Side
    quantity: int
    keep: int
    obligations: tuple[Obligation, ...]
    opened: int
    traded: int
    turnover: int
    filled: int = 0
    next_child: int = 0
    arrival_price: int = 0
    spent: int = 0                   # what its fills lost against the arrival price, price x quantity units
    collar_level: int = 0
    participation_level: int = 0
    relaxed: int = 0                 # when its participation or passivity last was
    passivity_level: int = 0
    depth_level: int = 0
    deadline_level: int = 0
    budget_level: int = 0
    paused: int | None = None        # since when its budget holds it back
    fell_short: int | None = None    # when a child last ended unfilled, or its price was refused
    denied: str | None = None        # the code of the last denial, until an order of it passes
    refused: int | None = None       # when a child was last denied, or refused for anything but its price
    steps_back: int = 0              # ticks behind the touch, one for each post-only order in a row that was refused
    joined: int = 0                  # when it last placed or moved a resting order
    hedged_to: int | None = None     # signed; None of a parent that only reduces
    fills: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=FILLS_KEPT))

    @property
    def is_hedge(self) -> bool:
        """True of a parent that adds to its position, so that its orders are not reduce-only."""
        return self.hedged_to is not None


@dataclass(slots=True)
class Episode:
    """A rule that fired and has not reached its goal. ``keeps`` is the plan: what is left of each position.

    The plan of a hedge is ``holdings``: what is held of each position in the end, signed. It adds no more to a
    position than any reducer has let be kept of it on that side since the hedge began.
    """

    number: int
    rule: str
    element: ScopeElement
    goal: Goal
    opened: int
    marks: dict[int, int]            # of the account's positions when it fired
    keeps: dict[int, int] = field(default_factory=dict)
    planned: int | None = None
    holdings: dict[int, int] = field(default_factory=dict)
    longs_max: dict[int, int] = field(default_factory=dict)      # by position, unsigned
    shorts_max: dict[int, int] = field(default_factory=dict)

    def most(self, position: int, side: Side) -> int | None:
        """Return how large a hedge may make a position on a side, unsigned; None where nothing limits it."""
        return (self.longs_max if side is Side.BUY else self.shorts_max).get(position)


@dataclass(slots=True)
class Reservation:
    """Names that may be used: children ``first`` .. ``end`` - 1 of a parent, reduce-only, up to a quantity."""

    parent: str
    key: PositionKey
    side: Side
    end: int
    quantity_max: int


@dataclass(slots=True)
class LostParent:
    """A parent that began, or may have, and that no record knows: the process died before its fire was durable.

    Its names were reserved, so the venue can tell what it sold. The fire comes again when its rule still holds, and a
    share is one of what was held before the first.
    """

    parent: str
    position: int
    side: Side
    heard: int                       # when we were told
    filled: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """The last order that left for a position, to tell a doubled one by."""

    parent: str
    side: Side
    quantity: int
    price: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Hour:
    """How many orders were sent in one hour of the clock, counted from 1970."""

    number: int
    survival: int = 0                # of the margin class, and stops
    others: int = 0


@dataclass(slots=True)
class SaleRecord:
    """A sale that a person asked for, by its name; ``ended`` is why it is over, or why it was refused."""

    account: int
    sale: Sale
    by: str
    at: int
    episode: int | None = None       # None: it was refused
    ended: str | None = None


@dataclass(slots=True)
class AccountBook:
    """Cash and counters of one account; cash at 10^-8.

    ``wallet`` is all cash of the settlement currency, what isolated positions hold of it included; ``assets`` is
    the cash of all others.
    """

    wallet: int = 0
    assets: dict[str, int] = field(default_factory=dict)
    realised: int = 0
    fees: int = 0
    funding: int = 0
    latch: Latch = Latch.OPEN
    overrides: dict[str, int] = field(default_factory=dict)      # code of a denial: until when it is none
    next_counter: int = 0            # of parents
    next_stops: int = 0              # of what stops are children of
    adopted: bool = False            # the venue's word was taken at least once
    last_fill: int = 0               # the venue's time of the newest fill
    last_cash: int = 0               # the venue's time of the newest funding, deposit or withdrawal
    snapshot_taken: int = 0          # the venue's time of the newest snapshot that was adopted
    high_water: int | None = None    # equity at the highest net asset value per unit, in the units of today
    flow: int = 0                    # deposited less withdrawn since the mark was last put into units of today
    unexplained: int = 0             # of a jump in equity
    margin_called: int | None = None  # the venue's time of its newest margin call, never later than ours
    facts_through: int = 0           # of the venue's numbered facts, every one up to here was heard
    facts_beyond: list[int] = field(default_factory=list)     # and these, rising
    open_orders: dict[str, OpenOrder] = field(default_factory=dict)  # the venue's list by its ids, perhaps with ours
    orders_through: int = 0          # the number of the fact that last changed that list
    cancels_asked: dict[str, int] = field(default_factory=dict)      # when, of foreign orders that are open still
    trade_ids: dict[str, Gist | None] = field(default_factory=dict)  # None of one that an older version recorded
    sends: deque[int] = field(default_factory=lambda: deque(maxlen=SENDS_KEPT))
    hours: list[Hour] = field(default_factory=list)              # of the last day in which orders were sent


@dataclass
class Book:
    """The durable state. Lists run over position columns of the layout."""

    layout: Layout
    now: int = 0
    seq: int = 0
    accounts: list[AccountBook] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    entry_value: list[int] = field(default_factory=list)
    margin: list[int] = field(default_factory=list)              # of isolated positions, a part of the wallet
    opened: list[int] = field(default_factory=list)
    best_mark: list[int | None] = field(default_factory=list)    # since it was opened
    working: list[int] = field(default_factory=list)
    parent_of: list[str | None] = field(default_factory=list)
    reserved_for: list[str | None] = field(default_factory=list)
    last_sent: list[Sent | None] = field(default_factory=list)
    trading: list[TradingState] = field(default_factory=list)    # by instrument
    stop_lines: list[StopLine] = field(default_factory=list)
    stops: dict[str, Stop] = field(default_factory=dict)         # that wait at the venue; triggered ones are orders
    orders: dict[str, Order] = field(default_factory=dict)
    parents: dict[str, Parent] = field(default_factory=dict)
    episodes: dict[int, Episode] = field(default_factory=dict)
    triggers: dict[tuple[str, ScopeElement], Trigger] = field(default_factory=dict)
    fires: dict[tuple[str, ScopeElement], Fires] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    lost: dict[int, LostParent] = field(default_factory=dict)    # by position, until something is planned for it
    sales: dict[str, SaleRecord] = field(default_factory=dict)   # by name, in the order in which they were said
    next_episode: int = 1

    @classmethod
    def empty(cls, layout: Layout) -> Book:
        """Return the book of a program that has seen nothing."""
        count = len(layout.keys)
        return cls(
            layout=layout,
            accounts=[AccountBook() for _ in layout.accounts],
            quantity=[0] * count,
            entry_value=[0] * count,
            margin=[0] * count,
            opened=[0] * count,
            best_mark=[None] * count,
            working=[0] * count,
            parent_of=[None] * count,
            reserved_for=[None] * count,
            stop_lines=[StopLine() for _ in range(count)],
            last_sent=[None] * count,
            trading=[TradingState.TRADING] * len(layout.instruments),
        )

    def progress(self, parent: Parent) -> Progress:
        """Return where a parent stands, for the slicer; of a hedge, what it lacks counts as held to be sold."""
        held, keep = abs(self.quantity[parent.position]), parent.keep
        if parent.hedged_to is not None:
            held, keep = (parent.hedged_to - self.quantity[parent.position]) * parent.side.sign, 0
        return Progress(
            quantity=parent.quantity,
            filled=parent.filled,
            working=self.working[parent.position],
            held=max(0, held),
            keep=keep,
        )

    def fires_of(self, rule: str, element: ScopeElement) -> Fires:
        """Return how often one instance of a rule has fired; fires for an earlier position count no more.

        A rule of the portfolio has fired as often as for the account that it acted on most.
        """
        if element == PORTFOLIO:
            each = [self.fires_of(rule, ScopeElement(account)) for account in range(len(self.accounts))]
            return Fires(max(fires.count for fires in each), max(fires.last for fires in each))
        found = self.fires.get((rule, element), NEVER_FIRED)
        if element.key is not None and found.last < self.opened[self.layout.position(element.key)]:
            return NEVER_FIRED
        return found

    def is_open(self, element: ScopeElement) -> bool:
        """True while the element is a held position, or an account or portfolio that holds one."""
        if element.key is not None:
            return self.quantity[self.layout.position(element.key)] != 0
        if element == PORTFOLIO:
            return any(self.quantity)
        return any(self.quantity[position] for position in self.layout.positions_of[element.account])

    def live_episode(self, rule: str, element: ScopeElement) -> Episode | None:
        """Return the open episode of one instance of a rule."""
        for episode in self.episodes.values():
            if episode.rule == rule and episode.element == element:
                return episode
        return None
