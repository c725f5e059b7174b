"""Storms over every schedule and tactic: resting orders that race their cancels, ADL, funding, facts that are lost.

The toy venue of ``tests.engine.storm`` gets orders that rest, post-only refusals, cancels that come too late, facts
under running numbers of which some never arrive, and a memory of them that can be asked. The rules are drawn from a
list by the seed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from heapq import heapify
from random import Random

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.effects import (
    CancelOrder,
    CatchUp,
    Effect,
    EndParent,
    LookUpOrder,
    OpenParent,
    ParentEnd,
    PlaceOrder,
    PlaceStop,
    ReadAccount,
    ReserveNames,
)
from bot.domain.events import (
    AccountFact,
    AccountSnapshot,
    Event,
    FillOrigin,
    FundingPaid,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    Restarted,
)
from bot.domain.market import Quote
from bot.domain.names import child_name
from bot.domain.order import OrderRequest, OrderStatus, Side, TimeInForce
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.spec import SurvivalSpec
from bot.execution.curves import parent_due
from bot.execution.refusals import WOULD_TAKE
from bot.rules.ruleset import RuleSet
from tests.builders import layout, rules
from tests.engine.storm import LIMITS, Kept, Storm, ToyVenue, Watcher

STOPS = (
    "{algo: now}",
    "{algo: now, tactic: ladder}",
    "{algo: twap, over: 3m, collar: 2%}",
    "{algo: twap, over: 2m, slice: 5s, tactic: passive}",
    "{algo: vwap, over: 40m, tactic: passive, collar: 1%}",
    "{algo: twap, over: 5m, participation_max: 10%, order_class: cost, collar: 1%, budget: 50bps}",
    "{algo: twap, over: 1m, tactic: passive, order_class: cost, budget: 1%}",
)
GUARDS = (
    "{algo: twap, over: 10m, participation_max: 10%, collar: 1%}",
    "{algo: vwap, over: 30m, tactic: ladder}",
    "{algo: twap, over: 4m, tactic: passive, collar: 2%}",
)
RULES = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: {close}
    execute: {stop}
  guard:
    for_each: account
    when: account.liquidation_distance < 7%
    do: {{deleverage: {{to: {{liquidation_distance: 25%}}}}}}
    execute: {guard}
  emergency:
    for_each: account
    when: account.liquidation_distance < 3%
    do: {{deleverage: {{to: {{liquidation_distance: 10%}}}}}}
    execute: {{algo: now, tactic: ladder}}
"""
SPREAD = 10                          # price units between bid and ask
SETTLED_WITHIN = 45 * NS_PER_SECOND  # a good-till date, and two questions


@cache
def rules_of(seed: int) -> RuleSet:
    """One stop, one guard and an emergency; the seed says how they sell."""
    text = RULES.replace("{close}", ("close", "{{reduce: 50%}}")[seed // len(STOPS) % 2]).format(
        stop=STOPS[seed % len(STOPS)], guard=GUARDS[seed % len(GUARDS)]
    )
    return rules(text)


def engine_of(seed: int, shape: Layout, book: Book | None = None) -> Engine:
    """An engine with the rules of a seed."""
    return Engine(shape, rules_of(seed), limits=LIMITS, survival=(SurvivalSpec(),), marker="pen", book=book)


class RoughVenue(ToyVenue):
    """A toy venue at which orders may rest, and whose facts have numbers."""

    def __init__(self, rng: Random, quantities: tuple[int, int], wallet: int, *, others_trade: bool) -> None:
        super().__init__(rng, quantities, wallet, others_trade=others_trade)
        self.numbered: list[AccountFact] = []
        self.races = 0

    def execute(self, now: int, request: OrderRequest) -> None:
        if request.time_in_force is not TimeInForce.POST_ONLY:
            super().execute(now, request)
            return
        if self.rng.random() + self.health < 0.2:
            self.orders[request.name] = Kept(request, ended=True)
            self.tell(now, (OrderRejected(now, 0, request.name, WOULD_TAKE, "toy"),))
            return
        self.orders[request.name] = Kept(request)
        self.tell(now, (OrderAccepted(now, 0, request.name),))

    def pass_time(self, now: int) -> None:
        """Let what rests fill a little, or die of age."""
        for kept in [kept for kept in self.orders.values() if not kept.ended]:
            if kept.request.good_until is not None and now >= kept.request.good_until:
                self._end(now, kept, OrderStatus.EXPIRED)
            elif self.rng.random() < 0.15:
                self._fill(now, kept, self.rng.randint(1, kept.request.quantity))

    def cancel(self, now: int, name: str) -> None:
        """End an order that rests, now and then after one more fill; others are told as they ended, or not at all."""
        kept = self.orders.get(name)
        if self.rng.random() + self.health < 0.1:
            return                                    # the cancel is lost
        if kept is None:
            self.later(now, OrderNotFound(now, 0, name), 1.0)
        elif kept.ended:
            self.later(now, self.end_of(now, kept), 1.0)
        else:
            if self.rng.random() < 0.3:
                self.races += 1
                self._fill(now, kept, kept.request.quantity)
            if not kept.ended:
                self._end(now, kept, OrderStatus.CANCELED)

    def look_up(self, now: int, name: str) -> None:
        kept = self.orders.get(name)
        if kept is None or kept.ended:
            super().look_up(now, name)
            return
        self.later(now, OrderAccepted(now, 0, name), 1.0)
        for made in kept.fills:
            self.later(now, made, 1.0)

    def end_of(self, now: int, kept: Kept) -> OrderEnded:
        ended = super().end_of(now, kept)
        is_rest = kept.request.time_in_force is TimeInForce.POST_ONLY and ended.status is OrderStatus.EXPIRED
        return replace(ended, status=OrderStatus.CANCELED) if is_rest else ended

    def _fill(self, now: int, kept: Kept, most: int) -> None:
        request = kept.request
        held = self.quantity[request.key.instrument]
        room = abs(held) if held * request.side.sign < 0 else 0       # a resting order of a reducer never opens
        size = min(most, request.quantity - kept.filled, room)
        if size:
            kept.fills.append(self.trade(now, request.key.instrument, request.side, size, request.name))
            self.tell(now, kept.fills[-1:])
        if kept.filled == request.quantity or not room:
            self._end(now, kept, OrderStatus.EXPIRED)

    def _end(self, now: int, kept: Kept, status: OrderStatus) -> None:
        del status                                    # ``end_of`` says it, the same at every question
        kept.ended = True
        self.tell(now, (self.end_of(now, kept),))

    # What nobody asked for --------------------------------------------------------------------------------

    def volunteer(self, now: int, fact: FundingPaid | OrderFilled) -> None:
        """Tell under the next number; on a bad day it never arrives."""
        numbered = replace(fact, number=len(self.numbered) + 1)
        self.numbered.append(numbered)
        if self.rng.random() + self.health > 0.2:
            self.later(now, numbered, 3.0)

    def pay_funding(self, now: int) -> None:
        place = self.rng.randrange(2)
        amount = self.quantity[place] * self.price[place] * self.rng.randint(-2, 2) // 10
        self.wallet -= amount
        self.stamp = max(self.stamp + 1, now)
        self.volunteer(now, FundingPaid(now, self.stamp, 0, layout().keys[place], amount))

    def deleverage_automatically(self, now: int) -> None:
        """The venue takes a part of a position away."""
        place = self.rng.randrange(2)
        held = self.quantity[place]
        if held:
            side = Side.SELL if held > 0 else Side.BUY
            taken = self.trade(now, place, side, self.rng.randint(1, abs(held)), "adl_autoclose")
            self.volunteer(now, replace(taken, origin=FillOrigin.ADL))

    def tell_again(self, now: int, after: int) -> None:
        for fact in self.numbered[after:]:
            self.later(now, fact, 1.0)

    def snapshot(self, now: int) -> None:
        before = len(self.heap)
        super().snapshot(now)
        assert len(self.heap) == before + 1
        for place, (at, count, item) in enumerate(self.heap):
            if isinstance(item, AccountSnapshot) and item.number == 0:
                self.heap[place] = (at, count, replace(item, number=len(self.numbered)))


class RoughStorm(Storm):
    """A storm of the rough venue; quotes come with the prices."""

    venue: RoughVenue

    def __init__(self, seed: int, watcher: Watcher, *, others_trade: bool = False, restarts: bool = False) -> None:
        super().__init__(seed, watcher, others_trade=others_trade, restarts=restarts)
        self.seed = seed
        toy = self.venue
        self.venue = self.venue_of((toy.quantity[0], toy.quantity[1]), toy.wallet, others_trade=others_trade)
        self.engine = self.make_engine()

    def venue_of(self, quantities: tuple[int, int], wallet: int, *, others_trade: bool) -> RoughVenue:
        """Return the venue of the storm."""
        return RoughVenue(self.rng, quantities, wallet, others_trade=others_trade)

    def make_engine(self, book: Book | None = None) -> Engine:
        """Return an engine with the rules of the seed."""
        return engine_of(self.seed, self.shape, book)

    def price(self, place: int) -> None:
        self.venue.pass_time(self.now)
        super().price(place)
        middle = self.venue.price[place]
        self.give(Quote(self.now, self.now, place, middle - SPREAD // 2, 500, middle + SPREAD // 2, 500))
        roll = self.rng.random() + self.venue.health
        if roll < 0.01:
            self.venue.pay_funding(self.now)
        elif roll < 0.012 and self.venue.others_trade:
            self.venue.deleverage_automatically(self.now)

    def restart(self) -> None:
        book = checkpoint.load(checkpoint.dump(self.engine.book), self.shape)
        self.engine = self.make_engine(book)
        self.venue.heap = [item for item in self.venue.heap if isinstance(item[2], OrderRequest)]
        heapify(self.venue.heap)
        self.wake = None
        self.now += NS_PER_SECOND
        self.give(Restarted(self.now, "test"))
        self.price(0)
        self.price(1)
        self.venue.snapshot(self.now)

    def give(self, event: Event) -> None:
        self.steps += 1
        effects, self.wake = self.engine.step(event)
        self.watcher.on_step(self.engine, effects)
        for effect in effects:
            match effect:
                case PlaceOrder() | PlaceStop():
                    self.venue.submit(self.now, effect.approved.request)
                case LookUpOrder():
                    self.venue.look_up(self.now, effect.name)
                case CancelOrder():
                    self.venue.cancel(self.now, effect.name)
                case CatchUp():
                    self.venue.tell_again(self.now, effect.facts_after)
                case ReadAccount():
                    self.venue.snapshot(self.now)
                case _:
                    pass


class Promises(Watcher):
    """What holds after every step, whatever came; and what each parent ended with."""

    def __init__(self) -> None:
        self.open: dict[PositionKey, str] = {}
        self.ended: dict[str, ParentEnd] = {}
        self.reserved: dict[str, int] = {}
        self.used: set[str] = set()
        self.due: dict[str, tuple[tuple[object, ...], int]] = {}

    def on_step(self, engine: Engine, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case ReserveNames():
                    self.reserved[effect.parent] = effect.first_child + effect.count
                case OpenParent():
                    assert effect.key not in self.open, "one parent per key"
                    self.open[effect.key] = effect.parent
                case EndParent():
                    key = next(key for key, name in self.open.items() if name == effect.parent)
                    del self.open[key]
                    assert isinstance(effect.reason, ParentEnd)
                    self.ended[effect.parent] = effect.reason
                case PlaceOrder():
                    self.check_order(engine.book, effect)
                case _:
                    pass
        self.check_book(engine)

    def check_order(self, book: Book, effect: PlaceOrder) -> None:
        """A child reduces, cannot flip with all that is out, is new, was reserved, and is within its parent."""
        request = effect.approved.request
        position = book.layout.position(request.key)
        assert request.reduce_only and request.limit_price is not None
        assert book.quantity[position] * request.side.sign < 0
        assert book.working[position] <= abs(book.quantity[position]), "with what is out it could flip"
        assert request.name == child_name(effect.parent, effect.child) and request.name not in self.used
        assert effect.child < self.reserved[effect.parent]
        self.used.add(request.name)
        parent = book.parents[effect.parent]
        out = sum(order.leaves for order in book.orders.values() if order.parent == effect.parent)
        assert out + parent.filled <= parent.quantity, "working and unknown and filled are no more than the total"

    def check_book(self, engine: Engine) -> None:
        """What works is what is out; every open parent is known; no curve ever falls."""
        book = engine.book
        out = [0] * len(book.working)
        for order in book.orders.values():
            assert order.leaves > 0
            out[order.position] += order.leaves
        assert out == book.working
        for name, parent in book.parents.items():
            due = parent_due(parent.obligations, name, book.now)
            terms, before = self.due.get(name, (parent.obligations, 0))
            assert terms != parent.obligations or due >= before, "a curve fell"
            self.due[name] = (parent.obligations, due)


KINDS = ("alone", "with others", "with restarts")


def survive(kind: str, seed: int, *, steps: int, calm: int) -> tuple[RoughStorm, Promises]:
    """Live through one storm and the calm after it; raises AssertionError at the first promise that is broken."""
    watcher = Promises()
    storm = RoughStorm(
        KINDS.index(kind) * 10_000 + seed, watcher, others_trade=kind == "with others", restarts=kind == "with restarts"
    )
    storm.run(steps)
    storm.calm_down(calm)
    assert_settled(storm, watcher)
    book, venue = storm.engine.book, storm.venue
    assert book.accounts[0].facts_through == len(venue.numbered), "something was told and never heard"
    return storm, watcher


def assert_settled(storm: RoughStorm, watcher: Promises) -> None:
    """Hold the book after the calm against the venue's: positions, wallet, what rests, and all parents."""
    book, venue = storm.engine.book, storm.venue
    assert book.quantity == venue.quantity, "positions are not the venue's"
    assert book.accounts[0].wallet == venue.wallet, "the wallet is not the venue's"
    resting = {name for name, kept in venue.orders.items() if not kept.ended}
    young = {name for name, order in book.orders.items() if storm.now - order.sent < SETTLED_WITHIN}
    assert resting <= set(book.orders), "something of ours rests at the venue, and we do not know"
    assert set(book.orders) - young <= resting, "something is held to be out that is not"
    assert set(watcher.open.values()) == set(book.parents), "a parent is gone without a reason"
