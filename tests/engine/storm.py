"""Seeded storms: an engine with the bundled rules against a toy venue on a bad day.

The toy venue fills, fills partly, rejects, delays and forgets; its answers come late, doubled, out of order
or not at all. It keeps its own books, written without a look at the engine's, so that both can be compared.
Where nobody else trades, it does not enforce reduce-only: an order that would flip is then our own fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache
from heapq import heappop, heappush
from math import exp
from random import Random

from bot.domain.account import Balance, PositionReport
from bot.domain.copying import replace
from bot.domain.effects import Effect, LookUpOrder, PlaceOrder
from bot.domain.events import (
    AccountFact,
    AccountSnapshot,
    Event,
    FillOrigin,
    Liquidity,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
    Restarted,
    Timer,
)
from bot.domain.market import Trade
from bot.domain.order import OrderRequest, OrderStatus, Side
from bot.domain.scale import NS_PER_MS, NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint
from bot.engine.spec import LimitsSpec, SurvivalSpec
from bot.rules.ruleset import RuleSet
from tests.builders import STRATEGIES, T0, layout, rules

LIMITS = LimitsSpec(order_notional_max=Money(Decimal(150_000), "USDT"), order_rate_max=5.0)
START = (800_000, 20_000)            # BTC and ETH, price units
UNIT = 1_000                         # cash units per price unit x quantity unit

Record = list[tuple[int, AccountFact | Effect]]


@cache
def bundled_rules() -> RuleSet:
    """The margin guard and the stop-loss as they are shipped."""
    return rules(*((STRATEGIES / name).read_text() for name in ("margin_guard.yaml", "stop_loss.yaml")))


def make_engine(shape: Layout, body: bytes | None = None) -> Engine:
    """A fresh engine with the bundled rules, or one that takes up a dumped book."""
    return Engine(
        shape, bundled_rules(), limits=LIMITS, survival=(SurvivalSpec(),), marker="pen",
        book=None if body is None else checkpoint.load(body, shape),
    )


@dataclass
class Kept:
    """An order as the venue keeps it: its fills so far, and whether it is over."""

    request: OrderRequest
    fills: list[OrderFilled] = field(default_factory=list)
    ended: bool = False

    @property
    def filled(self) -> int:
        return sum(made.quantity for made in self.fills)


class ToyVenue:
    """One account; every order is immediate-or-cancel. ``health`` 1 is a perfect venue, 0 a dreadful one."""

    def __init__(self, rng: Random, quantities: tuple[int, int], wallet: int, *, others_trade: bool) -> None:
        self.rng = rng
        self.quantity = list(quantities)
        self.entry = [quantity * price * UNIT for quantity, price in zip(quantities, START, strict=True)]
        self.wallet = wallet
        self.price = list(START)
        self.others_trade = others_trade
        self.health = 0.0
        self.orders: dict[str, Kept] = {}
        self.heap: list[tuple[int, int, AccountFact | OrderRequest]] = []
        self.count = 0
        self.stamp = T0

    # Messages ---------------------------------------------------------------------------------------------

    def later(self, now: int, item: AccountFact | OrderRequest, slowest: float) -> None:
        """Let something happen between 1 ms and ``slowest`` seconds from now."""
        delay = NS_PER_MS + int(self.rng.random() ** 3 * (1 - self.health) * slowest * NS_PER_SECOND)
        self.count += 1
        heappush(self.heap, (now + delay, self.count, item))

    def tell(self, now: int, facts: Iterable[AccountFact]) -> None:
        """Send reports; on a bad day doubled or lost, each on its own way."""
        for fact in facts:
            roll = self.rng.random() * (1 + 30 * self.health)
            if roll < 0.05 and isinstance(fact, OrderAccepted | OrderFilled | OrderEnded):
                continue
            self.later(now, fact, 1.5)
            if roll < 0.15:
                self.later(now, fact, 8.0)

    def next_at(self) -> int | None:
        return self.heap[0][0] if self.heap else None

    def take(self) -> tuple[int, AccountFact | None]:
        """Let the next thing happen; return its time and what the engine learns, if anything."""
        at, _, item = heappop(self.heap)
        if isinstance(item, OrderRequest):
            self.execute(at, item)
            return at, None
        return at, item

    # What clients ask -------------------------------------------------------------------------------------

    def submit(self, now: int, request: OrderRequest) -> None:
        assert request.name not in self.orders, f"{request.name} was sent twice"
        roll = self.rng.random() + self.health
        if roll < 0.06:
            self.later(now, OrderRejected(now, 0, request.name, "-1001", "toy"), 1.0)
        elif roll < 0.10:
            self.later(now, OrderNotSent(now, 0, request.name, "toy"), 1.0)
        elif roll < 0.16:                            # never arrives
            if roll < 0.13:
                self.later(now, OrderOutcomeUnknown(now, 0, request.name, "toy"), 1.0)
        else:
            if roll < 0.22:                          # arrives, but the reply is lost
                self.later(now, OrderOutcomeUnknown(now, 0, request.name, "toy"), 3.0)
            self.later(now, request, 2.0)

    def look_up(self, now: int, name: str) -> None:
        if self.rng.random() + self.health < 0.3:
            return
        kept = self.orders.get(name)
        if kept is None:
            self.later(now, OrderNotFound(now, 0, name), 1.0)
            return
        for made in kept.fills:
            self.later(now, made, 1.0)
        self.later(now, self.end_of(now, kept), 1.0)

    def snapshot(self, now: int) -> None:
        self.stamp = max(self.stamp + 1, now)
        held = tuple(
            PositionReport(key, self.quantity[place], self.entry[place])
            for place, key in enumerate(layout().keys) if self.quantity[place]
        )
        self.later(now, AccountSnapshot(now, self.stamp, 0, (Balance("USDT", self.wallet),), held), 1.0)

    # What happens at the venue ----------------------------------------------------------------------------

    def execute(self, now: int, request: OrderRequest) -> None:
        kept = self.orders[request.name] = Kept(request)
        held = self.quantity[request.key.instrument]
        room = abs(held) if held * request.side.sign < 0 else 0
        if not self.others_trade:
            assert request.quantity <= room, f"{request} would flip {held}"
        most = min(request.quantity, room)
        roll = self.rng.random() + self.health
        wanted = 0 if roll < 0.15 else (self.rng.randint(0, most) if roll < 0.45 else most)
        while wanted > 0:
            part = wanted if self.rng.random() < 0.6 else self.rng.randint(1, wanted)
            wanted -= part
            kept.fills.append(self.trade(now, request.key.instrument, request.side, part, request.name))
        kept.ended = True
        self.tell(now, (OrderAccepted(now, 0, request.name), *kept.fills, self.end_of(now, kept)))

    def end_of(self, now: int, kept: Kept) -> OrderEnded:
        status = OrderStatus.FILLED if kept.filled == kept.request.quantity else OrderStatus.EXPIRED
        return OrderEnded(now, 0, kept.request.name, status, kept.filled)

    def somebody_trades(self, now: int) -> None:
        """A person closes, adds or turns round."""
        place = self.rng.randrange(2)
        held = self.quantity[place]
        size = self.rng.choice((abs(held), 2 * abs(held), abs(held) // 3, 50))
        if size:
            self.later(now, self.trade(now, place, self.rng.choice((Side.BUY, Side.SELL)), size, "web"), 1.0)

    def trade(self, now: int, place: int, side: Side, quantity: int, name: str) -> OrderFilled:
        """Book a trade at average cost."""
        price = self.price[place]
        self.stamp = max(self.stamp + 1, now)
        fee = price * quantity * UNIT // 2_000
        held = self.quantity[place]
        signed = quantity * side.sign
        closed = min(abs(held), quantity) if held * signed < 0 else 0
        if closed:
            # shares of an entry are rounded towards zero
            part = int(Fraction(self.entry[place] * closed, abs(held)))
            self.wallet += price * closed * UNIT * (1 if held > 0 else -1) - part
            self.entry[place] -= part
        self.entry[place] += (quantity - closed) * price * UNIT * side.sign
        self.quantity[place] = held + signed
        self.wallet -= fee
        self.count += 1
        origin = FillOrigin.EXTERNAL if name == "web" else FillOrigin.OURS
        return OrderFilled(
            now, self.stamp, 0, name, f"v{self.count}", layout().keys[place], side, price, quantity, fee,
            Liquidity.TAKER, origin, modelled=False,
        )


class Watcher:
    """Looks at every step; the invariants are its overrides."""

    def on_step(self, engine: Engine, effects: Iterable[Effect]) -> None:
        """Look at an engine right after a step."""


class Storm:
    """One scenario: what happened, what was decided, and how a session would have recorded it."""

    def __init__(
        self, seed: int, watcher: Watcher | None = None, *, others_trade: bool = False, restarts: bool = False
    ) -> None:
        self.rng = Random(seed)
        self.shape = layout()
        self.engine = make_engine(self.shape)
        self.watcher = watcher or Watcher()
        self.restarts = restarts
        sign = self.rng.choice((1, 1, -1))
        quantities = (sign * self.rng.randint(200, 20_000), self.rng.choice((1, 1, -1)) * self.rng.randint(0, 400_000))
        gross = sum(abs(quantity) * price * UNIT for quantity, price in zip(quantities, START, strict=True))
        self.venue = ToyVenue(
            self.rng, quantities, int(gross / self.rng.uniform(5, 14)), others_trade=others_trade
        )
        self.against = -1 if sum(q * p for q, p in zip(quantities, START, strict=True)) > 0 else 1
        self.now = T0
        self.wake: int | None = None
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self.record: Record = []
        self.steps = 0

    # Driving ----------------------------------------------------------------------------------------------

    def run(self, steps: int) -> None:
        """Live through ``steps`` prices, most of them against the account, with the venue at its worst."""
        self.price(0)
        self.price(1)
        self.venue.snapshot(self.now)
        drift = self.rng.uniform(0, 1.2e-3) * self.against
        for _ in range(steps):
            self.advance(int(self.rng.expovariate(2.0) * NS_PER_SECOND))
            place = self.rng.randrange(2)
            jump = self.rng.gauss(0, 0.03) if self.rng.random() < 0.003 else 0.0
            moved = self.venue.price[place] * exp(self.rng.gauss(drift, 0.0008) + jump)
            self.venue.price[place] = max(1, round(moved))
            self.price(place)
            roll = self.rng.random()
            if roll < 0.01:
                self.venue.snapshot(self.now)
            elif roll < 0.02 and self.venue.others_trade:
                self.venue.somebody_trades(self.now)
            elif roll < 0.025 and self.restarts:
                self.restart()

    def calm_down(self, seconds: int) -> None:
        """Live on with a perfect venue, prices as they are and much volume."""
        self.venue.health = 1.0
        for _ in range(seconds):
            self.advance(NS_PER_SECOND)
            self.price(0)
            self.price(1)
        self.venue.snapshot(self.now)
        self.advance(NS_PER_SECOND)

    def advance(self, by: int) -> None:
        """Let the venue's messages and the engine's timers come, in order of time."""
        until = self.now + by
        for _ in range(10_000):
            moments = [at for at in (self.venue.next_at(), self.wake) if at is not None and at <= until]
            if not moments:
                self.now = until
                return
            self.now = max(self.now, min(moments))
            if self.wake is not None and self.wake <= self.now:
                self.give(Timer(self.now))
            else:
                at, fact = self.venue.take()
                self.now = max(self.now, at)
                if fact is not None:
                    self.give(replace_now(fact, self.now))
        raise AssertionError("engine and venue answer each other in a ring")

    def price(self, place: int) -> None:
        quantity = self.rng.randint(1, 10**6)
        self.give(Trade(self.now, self.now, place, self.venue.price[place], quantity, 0))

    def restart(self) -> None:
        """Die with messages on the way, and come back from what was recorded."""
        self.engine = make_engine(self.shape, checkpoint.dump(self.engine.book))
        self.venue.heap = [item for item in self.venue.heap if isinstance(item[2], OrderRequest)]
        self.wake = None
        self.now += NS_PER_SECOND
        self.give(Restarted(self.now, "test"))
        self.price(0)
        self.price(1)
        self.venue.snapshot(self.now)

    def give(self, event: Event) -> None:
        """One step, recorded as the session does: a fact before what it causes, a timer only with effects."""
        self.steps += 1
        self.events.append(event)
        if not isinstance(event, Trade | Timer):
            self.record.append((self.engine.book.seq + 1, event))  # type: ignore[arg-type]
        effects, self.wake = self.engine.step(event)
        if isinstance(event, Timer) and effects:
            self.record.append((self.engine.book.seq, event))
        self.record.extend((self.engine.book.seq, effect) for effect in effects)
        self.effects.extend(effects)
        self.watcher.on_step(self.engine, effects)
        for effect in effects:
            if isinstance(effect, PlaceOrder):
                self.venue.submit(self.now, effect.approved.request)
            elif isinstance(effect, LookUpOrder):
                self.venue.look_up(self.now, effect.name)


def replace_now(fact: AccountFact, now: int) -> AccountFact:
    """The fact as it is learned at ``now``."""
    return replace(fact, now=now)
