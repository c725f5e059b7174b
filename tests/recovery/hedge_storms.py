"""Storms over a book with coins in its wallet, whose delta is hedged beside rules that reduce.

The rough venue keeps a balance of BTC, into and out of which people pay on some days. A hedge is not reduce-only, so
nothing at the venue keeps it from going too far: an order that would is our own fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify
from random import Random
from typing import cast

from bot.domain.account import Balance
from bot.domain.copying import replace
from bot.domain.effects import Effect, PlaceOrder
from bot.domain.events import (
    AccountSnapshot,
    CashMoved,
    Event,
    FundingPaid,
    OrderAccepted,
    OrderFilled,
    OrderRejected,
    Timer,
)
from bot.domain.market import Quote, Trade
from bot.domain.order import OrderRequest, OrderStatus, Side, TimeInForce
from bot.domain.scale import CASH_UNIT
from bot.engine.engine import Engine
from bot.engine.measures.deltas import net_delta
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.recovery import refold
from bot.engine.spec import SurvivalSpec
from bot.execution.refusals import WOULD_TAKE
from bot.rules.ruleset import RuleSet
from tests.builders import rules
from tests.engine.storm import LIMITS, Kept
from tests.recovery.storms import KINDS, Promises, RoughStorm, RoughVenue, assert_settled, rules_of

PER_LOT = CASH_UNIT // 1_000         # of delta, in a thousandth of a coin
HEDGES = (
    "{algo: now}",
    "{algo: twap, over: 2m, slice: 5s, collar: 2%}",
    "{algo: twap, over: 1m, slice: 5s, tactic: passive}",
    "{algo: twap, over: 1m, participation_max: 10%, budget: 50bps}",
)
RULES = """
rules:
  hedge:
    for_each: account
    when: abs(underlying("BTC").net_delta) > 0.5 BTC
    do: {{hedge_delta: {{with: "BTC/USDT:USDT", band: 0.5 BTC{to}}}}}
    execute: {execute}
  hedge_more:
    for_each: account
    when: abs(underlying("BTC").net_delta) > 2 BTC
    do: {{hedge_delta: {{with: "BTC/USDT:USDT", band: 2 BTC, to: 0.25 BTC}}}}
    execute: {{algo: now}}
"""


def hedge_rules_of(seed: int) -> RuleSet:
    """The reducers of a seed beside two hedges; the seed says how they trade, and how far.

    A stop closes the hedge's own leg sooner or later, and leaves little to hedge with: half of the storms have none.
    """
    to = ("", ", to: 0 BTC", ", to: 0.2 BTC")[seed % 3]
    hedges = rules(RULES.format(to=to, execute=HEDGES[seed % len(HEDGES)]))
    reducers = [rule for rule in rules_of(seed).rules if seed % 2 or rule.name != "stop"]
    return RuleSet((*reducers, *hedges.rules))


class CoinVenue(RoughVenue):
    """A rough venue with coins in the wallet, which takes orders that add to a position."""

    def __init__(self, rng: Random, quantities: tuple[int, int], wallet: int, *, others_trade: bool) -> None:
        super().__init__(rng, quantities, wallet, others_trade=others_trade)
        self.coins = rng.choice((1, 1, -1)) * rng.randint(0, 12_000) * PER_LOT
        self.hedged = 0

    @property
    def delta(self) -> int:
        """What nobody can argue with."""
        return self.coins + self.quantity[0] * PER_LOT

    def execute(self, now: int, request: OrderRequest) -> None:
        if request.reduce_only:
            # a hedge may have changed what it was to reduce: the venue cuts it to what is held
            are_others, self.others_trade = self.others_trade, True
            super().execute(now, request)
            self.others_trade = are_others
            return
        if request.time_in_force is TimeInForce.POST_ONLY:
            if self.rng.random() + self.health < 0.2:
                self.orders[request.name] = Kept(request, ended=True)
                self.tell(now, (OrderRejected(now, 0, request.name, WOULD_TAKE, "toy"),))
                return
            self.orders[request.name] = Kept(request)
            self.tell(now, (OrderAccepted(now, 0, request.name),))
            return
        kept = self.orders[request.name] = Kept(request)
        roll = self.rng.random() + self.health
        wanted = 0 if roll < 0.15 else self.rng.randint(0, request.quantity) if roll < 0.45 else request.quantity
        while wanted > 0:
            part = wanted if self.rng.random() < 0.6 else self.rng.randint(1, wanted)
            wanted -= part
            kept.fills.append(self._hedge(now, request, part))
        kept.ended = True
        self.tell(now, (OrderAccepted(now, 0, request.name), *kept.fills, self.end_of(now, kept)))

    def _hedge(self, now: int, request: OrderRequest, part: int) -> OrderFilled:
        """Fill a part of a hedge; where nobody else moves the book, it must bring the delta nearer to nothing."""
        before = self.delta
        made = self.trade(now, request.key.instrument, request.side, part, request.name)
        self.hedged += part
        if not self.others_trade:
            assert before * request.side.sign < 0, "a hedge on the delta's own side"
            assert before * self.delta >= 0, "a hedge turned the delta round"
        return made

    def _fill(self, now: int, kept: Kept, most: int) -> None:
        request = kept.request
        if request.reduce_only:
            super()._fill(now, kept, most)
            return
        size = min(most, request.quantity - kept.filled)
        if size:
            kept.fills.append(self._hedge(now, request, size))
            self.tell(now, kept.fills[-1:])
        if kept.filled == request.quantity:
            self._end(now, kept, OrderStatus.EXPIRED)

    def pay(self, now: int) -> None:
        """Coins come or go."""
        amount = self.rng.randint(-4_000, 4_000) * PER_LOT
        self.coins += amount
        self.stamp = max(self.stamp + 1, now)
        fact = CashMoved(now, self.stamp, 0, "BTC", amount, "toy")
        self.volunteer(now, cast(FundingPaid, fact))     # it is told like funding

    def snapshot(self, now: int) -> None:
        super().snapshot(now)
        for place, (at, count, item) in enumerate(self.heap):
            if isinstance(item, AccountSnapshot) and len(item.balances) == 1:
                self.heap[place] = (at, count, replace(item, balances=(*item.balances, Balance("BTC", self.coins))))
        heapify(self.heap)


class HedgeStorm(RoughStorm):
    """A storm over coins; half of its accounts have margin enough to hedge all of them."""

    venue: CoinVenue

    def venue_of(self, quantities: tuple[int, int], wallet: int, *, others_trade: bool) -> RoughVenue:
        held = self.rng.choice((1.0, 0.3, 0.0))
        sizes = (int(quantities[0] * held), quantities[1] // 10)
        return CoinVenue(self.rng, sizes, wallet * self.rng.choice((1, 20)), others_trade=others_trade)

    def make_engine(self, book: Book | None = None) -> Engine:
        return Engine(
            self.shape, hedge_rules_of(self.seed), limits=LIMITS, survival=(SurvivalSpec(),), marker="pen", book=book
        )

    def give(self, event: Event) -> None:
        """Record a step as the session does, beside all else."""
        if not isinstance(event, Trade | Quote | Timer):
            self.record.append((self.engine.book.seq + 1, event))  # type: ignore[arg-type]
        watcher = cast(HedgePromises, self.watcher)
        super().give(event)
        if isinstance(event, Timer) and watcher.decided:
            self.record.append((self.engine.book.seq, event))
        self.record.extend((self.engine.book.seq, effect) for effect in watcher.decided)

    def price(self, place: int) -> None:
        super().price(place)
        if self.venue.others_trade and self.rng.random() + self.venue.health < 0.01:
            self.venue.pay(self.now)


class HedgePromises(Promises):
    """What holds of hedges after every step, beside all that holds of reducers."""

    def __init__(self) -> None:
        super().__init__()
        self.hedges = 0
        self.decided: tuple[Effect, ...] = ()

    def check_order(self, book: Book, effect: PlaceOrder) -> None:
        request = effect.approved.request
        if request.reduce_only:
            assert not book.parents[effect.parent].is_hedge
            super().check_order(book, effect)
            return
        self.hedges += 1
        position = book.layout.position(request.key)
        parent = book.parents[effect.parent]
        assert parent.hedged_to is not None and request.limit_price is not None
        assert book.quantity[position] * request.side.sign >= 0, "a hedge adds, or opens; it does not reduce"
        assert request.name not in self.used and effect.child < self.reserved[effect.parent]
        self.used.add(request.name)
        left = (parent.hedged_to - book.quantity[position]) * request.side.sign
        assert book.working[position] <= left, "with what is out it would trade past its goal"
        out = sum(order.leaves for order in book.orders.values() if order.parent == effect.parent)
        assert out + parent.filled <= parent.quantity, "working and unknown and filled are no more than the total"

    def on_step(self, engine: Engine, effects: Iterable[Effect]) -> None:
        self.decided = tuple(effects)
        super().on_step(engine, effects)
        for effect in effects:
            if isinstance(effect, PlaceOrder) and not effect.approved.request.reduce_only:
                self.check_delta(engine, effect.approved.request.side)

    def check_delta(self, engine: Engine, side: Side) -> None:
        """However much of all that is out on its side fills, |delta| has fallen and kept its sign."""
        delta = net_delta(engine.columns, 0, "BTC")
        assert delta is not None
        out = sum(
            order.leaves for order in engine.book.orders.values() if order.position == 0 and order.side is side
        )
        assert delta * side.sign < 0 and out * PER_LOT <= abs(delta)


def survive(kind: str, seed: int, *, steps: int, calm: int) -> tuple[HedgeStorm, HedgePromises]:
    """Live through one storm and the calm after it; raises AssertionError at the first promise that is broken."""
    watcher = HedgePromises()
    storm = HedgeStorm(
        KINDS.index(kind) * 10_000 + seed, watcher, others_trade=kind == "with others", restarts=kind == "with restarts"
    )
    storm.run(steps)
    storm.calm_down(calm)
    assert_settled(storm, watcher)
    book, venue = storm.engine.book, storm.venue
    assert book.accounts[0].assets.get("BTC", 0) == venue.coins, "the coins are not the venue's"
    folded = refold(storm.shape, None, storm.record)
    folded.seq, folded.now = book.seq, book.now
    assert checkpoint.dump(folded) == checkpoint.dump(book), "the record folded is another book"
    return storm, watcher
