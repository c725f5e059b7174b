"""Storms with a stop at the venue: refused, lost, triggered unseen, cancelled too late, and replaced all the while.

The rough venue lets stops wait for its price. Some it refuses, some it forgets without a word, and what it says of a
trigger may come late or never. Positions are single, or two contracts on one coin that hedge each other. The rules
of half the storms never fire, so that stops are all there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from bot.domain.copying import replace
from bot.domain.effects import Effect, PlaceStop, RaiseAlarm, ReserveStopNames
from bot.domain.events import OrderAccepted, OrderRejected, OrderTriggered
from bot.domain.names import child_name
from bot.domain.order import OrderClass, OrderRequest, OrderStatus, Side
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.protection.protect import STANDING_MAX, T_STOP
from bot.engine.record.book import Book
from bot.engine.spec import BlindSpec, Per, ProtectSpec, SafetySpec, SurvivalSpec
from bot.risk.binance_tiers import tier_table
from tests.builders import layout, rules
from tests.engine.guarded import IDLE_RULE
from tests.engine.storm import LIMITS, START, UNIT, Kept, Watcher
from tests.recovery.storms import Promises, RoughStorm, RoughVenue, rules_of

KINDS = tuple(f"{per}, {how}" for per in ("position", "group") for how in ("alone", "with others", "with restarts"))
NOTICED_WITHIN = NS_PER_SECOND       # prices alone are looked at once a second


def hedging() -> Layout:
    """Two contracts on one coin."""
    plain = layout()
    second = replace(plain.instruments[1], underlying=plain.instruments[0].underlying)
    tiers = tier_table("BTC")
    return Layout((plain.instruments[0], second), (tiers, tiers), plain.accounts)


class GuardedVenue(RoughVenue):
    """A rough venue at which stops wait for its price."""

    def __init__(self, rng: Random, quantities: tuple[int, int], wallet: int, *, others_trade: bool) -> None:
        super().__init__(rng, quantities, wallet, others_trade=others_trade)
        self.triggered: set[str] = set()
        self.forgotten = 0

    def execute(self, now: int, request: OrderRequest) -> None:
        if request.trigger_price is None:
            # a stop may just have been triggered, so what would flip is cut to what is held: it is reduce-only
            are_others, self.others_trade = self.others_trade, True
            super().execute(now, request)
            self.others_trade = are_others
            return
        if self.rng.random() + self.health < 0.1:
            self.orders[request.name] = Kept(request, ended=True)
            self.tell(now, (OrderRejected(now, 0, request.name, "-4120", "toy"),))
            return
        self.orders[request.name] = Kept(request)
        self.tell(now, (OrderAccepted(now, 0, request.name),))

    def waiting(self) -> list[OrderRequest]:
        """Every stop that waits for its price."""
        return [
            kept.request for name, kept in self.orders.items()
            if kept.request.trigger_price is not None and not kept.ended and name not in self.triggered
        ]

    def pass_time(self, now: int) -> None:
        """Trigger what the price has reached, forget one at times; what was triggered fills in a part or two."""
        stops = {name: kept for name, kept in self.orders.items() if kept.request.trigger_price and not kept.ended}
        for name, kept in stops.items():
            request = kept.request
            reached = (self.price[request.key.instrument] - (request.trigger_price or 0)) * request.side.sign >= 0
            if name not in self.triggered and reached:
                self.triggered.add(name)
                if self.rng.random() + self.health > 0.2:
                    self.later(now, OrderTriggered(now, 0, name), 2.0)
            if name in self.triggered:
                self._fill(now, kept, self.rng.choice((request.quantity, max(1, request.quantity // 2))))
            elif self.rng.random() + self.health < 0.001:
                self.forgotten += 1
                del self.orders[name]
        kept_back = {name: self.orders.pop(name) for name in list(stops) if name in self.orders}
        super().pass_time(now)                       # stops do not fill of themselves
        self.orders.update(kept_back)

    def cancel(self, now: int, name: str) -> None:
        kept = self.orders.get(name)
        if kept is None or kept.ended or kept.request.trigger_price is None or name in self.triggered:
            super().cancel(now, name)
        elif self.rng.random() + self.health > 0.1:  # else the cancel is lost
            self._end(now, kept, OrderStatus.CANCELED)


class GuardedStorm(RoughStorm):
    """A storm whose account has stops, per position or per group."""

    venue: GuardedVenue

    def __init__(self, seed: int, watcher: Watcher, *, per: Per, others_trade: bool, restarts: bool) -> None:
        self.per = per
        super().__init__(seed, watcher, others_trade=others_trade, restarts=restarts)

    def venue_of(self, quantities: tuple[int, int], wallet: int, *, others_trade: bool) -> GuardedVenue:
        if self.per is not Per.GROUP:
            return GuardedVenue(self.rng, quantities, wallet, others_trade=others_trade)
        self.shape = hedging()
        first = quantities[0]
        second = -round(first * self.rng.uniform(0.2, 1.5))
        gross, net = ((abs(first) + abs(second)) * START[0] * UNIT, abs(first + second) * START[0] * UNIT)
        made = GuardedVenue(
            self.rng, (first, second), int(net / self.rng.uniform(5, 14)) + gross // 100, others_trade=others_trade
        )
        made.price = [START[0], START[0]]
        made.entry = [quantity * START[0] * UNIT for quantity in (first, second)]
        self.against = -1 if first + second > 0 else 1
        return made

    def make_engine(self, book: Book | None = None) -> Engine:
        found = rules_of(self.seed) if self.seed % 2 else rules(IDLE_RULE)
        safety = (SafetySpec(ProtectSpec(per=self.per), BlindSpec()),)
        return Engine(
            self.shape, found, limits=LIMITS, survival=(SurvivalSpec(),), marker="pen", safety=safety, book=book
        )

    def price(self, place: int) -> None:
        if self.per is Per.GROUP:                    # one coin
            self.venue.price[1 - place] = self.venue.price[place]
            super().price(1 - place)
        super().price(place)


class Covered(Promises):
    """I24 after every step: what has been bare for three seconds was alarmed for, and stops do not pile up."""

    def __init__(self, per: Per) -> None:
        super().__init__()
        self.per = per
        self.bare_since: dict[int, int] = {}
        self.alarmed: set[str] = set()
        self.stops = 0
        self.bare = 0                                # steps at which a position had no valid stop
        self.told = 0
        self.names: dict[str, int] = {}

    def on_step(self, engine: Engine, effects: Iterable[Effect]) -> None:
        effects = list(effects)
        super().on_step(engine, effects)
        for effect in effects:
            match effect:
                case ReserveStopNames():
                    self.names[effect.parent] = effect.first_child + effect.count
                case PlaceStop():
                    self.check_stop(engine, effect)
                case RaiseAlarm(code="unprotected"):
                    self.alarmed.add(effect.detail.partition(": ")[0])
                    self.told += 1
                case RaiseAlarm(code="protected"):
                    self.alarmed.discard(effect.detail.partition(": ")[0])
                case _:
                    pass
        for position in range(len(engine.layout.keys)):
            self.check_cover(engine, position)

    def check_stop(self, engine: Engine, effect: PlaceStop) -> None:
        """It can only reduce, is for no more than is needed, and has a new name that was reserved."""
        request = effect.approved.request
        position = engine.layout.position(request.key)
        held = engine.book.quantity[position]
        assert request.reduce_only and request.limit_price is None and request.trigger_price is not None
        assert held * request.side.sign < 0
        assert request.quantity <= self.needed(engine, position)
        parent = request.name[: -len(child_name("", 0))]
        assert request.name == child_name(parent, effect.child) and request.name not in self.used
        assert effect.child < self.names[parent]
        self.used.add(request.name)
        self.stops += 1

    def needed(self, engine: Engine, position: int) -> int:
        """What a stop must close, lots: what is held, or what of two contracts on one coin is not hedged."""
        book = engine.book
        held = book.quantity[position]
        if self.per is Per.POSITION:
            return abs(held)
        net = sum(book.quantity)
        if held * net <= 0 or any(abs(other) > abs(held) and other * net > 0 for other in book.quantity):
            return 0 if held * net <= 0 else max(0, abs(net) - max(abs(other) for other in book.quantity))
        return min(abs(net), abs(held))

    def is_covered(self, engine: Engine, position: int, needed: int) -> bool:
        """True when the venue's word is that a stop for just that waits before the price of liquidation."""
        book, mark = engine.book, engine.columns.mark[engine.layout.keys[position].instrument]
        held = book.quantity[position]
        side = Side.SELL if held > 0 else Side.BUY
        if any(order.order_class is OrderClass.STOP for order in book.orders.values()):
            return True                              # one was triggered, and is at work
        return mark is not None and any(
            stop.position == position and stop.side is side and stop.is_seen
            and min(stop.quantity, abs(held)) == needed and (mark - stop.trigger_price) * held > 0
            for stop in book.stops.values()
        )

    def check_cover(self, engine: Engine, position: int) -> None:
        book = engine.book
        key = engine.layout.keys[position]
        standing = [stop for stop in book.stops.values() if stop.position == position]
        assert len(standing) <= STANDING_MAX, "stops pile up"
        needed = self.needed(engine, position) if book.quantity[position] else 0
        level = engine.safety.protect.levels[position]
        is_idle = needed == 0 or level is None or not engine.is_ready[0]
        if is_idle or self.is_covered(engine, position, needed):
            self.bare_since.pop(position, None)
            return
        self.bare += 1
        since = self.bare_since.setdefault(position, book.now)
        if book.now - since > T_STOP + NOTICED_WITHIN:
            label = engine.layout.position_label(key)
            assert label in self.alarmed, f"{label} is bare since {(book.now - since) / NS_PER_SECOND} s, and no alarm"


def survive(kind: str, seed: int, *, steps: int, calm: int) -> tuple[GuardedStorm, Covered]:
    """Live through one storm and the calm after it; raises AssertionError at the first promise that is broken."""
    per_text, _, how = kind.partition(", ")
    per = Per(per_text)
    watcher = Covered(per)
    storm = GuardedStorm(
        KINDS.index(kind) * 10_000 + seed, watcher, per=per,
        others_trade=how == "with others", restarts=how == "with restarts",
    )
    storm.run(steps)
    storm.calm_down(calm)
    engine, venue = storm.engine, storm.venue
    book = engine.book
    assert book.quantity == venue.quantity, "positions are not the venue's"
    assert book.accounts[0].wallet == venue.wallet, "the wallet is not the venue's"
    waiting = venue.waiting()
    assert {request.name for request in waiting} == set(book.stops), "the stops are not the venue's"
    for position, key in enumerate(engine.layout.keys):
        held = abs(book.quantity[position])
        own = [min(request.quantity, held) for request in waiting if request.key == key]     # the venue caps it
        needed = watcher.needed(engine, position) if book.quantity[position] else 0
        is_wanted = needed > 0 and engine.safety.protect.levels[position] is not None
        label = engine.layout.position_label(key)
        assert own == [needed] * is_wanted or label in watcher.alarmed, f"{label}: {own} rest, needed {needed}"
    return storm, watcher
