"""Drives an engine by hand: keeps what it decided and when it wants to be woken."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from bot.domain.effects import Effect, PlaceOrder
from bot.domain.events import Event, FillOrigin, Liquidity, OrderFilled, Timer
from bot.domain.order import Side
from bot.domain.scale import NS_PER_DAY, NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.record.book import Book
from bot.engine.spec import LimitsSpec, SurvivalSpec
from tests.builders import KEY, T0, ended, fill, layout, orders, rules, snapshot, trade

Kind = TypeVar("Kind")
SLOW_STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: twap, over: 100s, slice: 10s, collar: 2%}
"""
# Prices of most tests stand for minutes; silence has tests of its own.
WIDE = LimitsSpec(
    order_notional_max=Money(Decimal(10_000_000), "USDT"), order_rate_max=100.0, stale_after=30 * NS_PER_DAY
)


def engine(
    *texts: str,
    limits: LimitsSpec = WIDE,
    survival: SurvivalSpec | None = None,
    book: Book | None = None,
    shape: Layout | None = None,
) -> Engine:
    """An engine on two perpetuals with the given rules; wide limits unless told."""
    shape = shape or (layout() if book is None else book.layout)
    floors = tuple(survival or SurvivalSpec() for _ in shape.accounts)
    return Engine(shape, rules(*texts), limits=limits, survival=floors, marker="pen", book=book)


class Driver:
    """``effects`` is everything that was decided so far, ``last`` what the latest step decided."""

    def __init__(self, made: Engine) -> None:
        self.engine = made
        self.effects: list[Effect] = []
        self.last: Sequence[Effect] = ()
        self.wake: int | None = None

    def step(self, event: Event) -> Sequence[Effect]:
        """Give the engine one event."""
        self.last, self.wake = self.engine.step(event)
        self.effects.extend(self.last)
        return self.last

    def run_timers(self, *, until: float) -> None:
        """Deliver every wake that is due up to ``until`` seconds after T0."""
        end = T0 + round(until * NS_PER_SECOND)
        for _ in range(10_000):
            if self.wake is None or self.wake > end:
                return
            self.step(Timer(max(self.wake, self.engine.book.now)))
        raise AssertionError("the engine asks to be woken over and over at one instant")

    def found(self, kind: type[Kind]) -> list[Kind]:
        """Every effect of one kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def orders(self) -> list[PlaceOrder]:
        """Every order so far."""
        return orders(self.effects)


class Trader(Driver):
    """A driver that can answer orders; prices in quote units, quantities in thousandths."""

    trades = 0

    def fill(self, order: PlaceOrder, seconds: float, quantity: int | None = None, *, price: float) -> None:
        """The venue fills an order, wholly unless told, and ends it."""
        size = order.approved.request.quantity if quantity is None else quantity
        self.trades += 1
        if size:
            self.step(fill(order, seconds, size, price, trade_id=f"o{self.trades}"))
        self.step(ended(order, seconds, size))

    def fill_all(self, seconds: float, *, price: float) -> None:
        """Fill everything that is out until nothing is."""
        for _ in range(200):
            out = [order for order in self.orders if order.approved.request.name in self.engine.book.orders]
            if not out:
                return
            self.fill(out[0], seconds, price=price)
        raise AssertionError("orders without end")

    def live_through(self, start: float, end: float, *, price: float) -> None:
        """Second by second: wakes, and every order filled at once at the price."""
        second = start
        while second <= end:
            self.run_timers(until=second)
            self.fill_all(max(second, (self.engine.book.now - T0) / NS_PER_SECOND), price=price)
            second += 1

    def external(self, seconds: float, quantity: int, *, price: float, side: Side = Side.SELL) -> None:
        """Somebody else trades our position."""
        now = T0 + round(seconds * NS_PER_SECOND)
        self.trades += 1
        pattern = OrderFilled(
            now, now, 0, "web", f"e{self.trades}", KEY, side, round(price * 100), quantity, 0,
            liquidity=Liquidity.TAKER, origin=FillOrigin.EXTERNAL, modelled=False,
        )
        self.step(pattern)

    @property
    def held(self) -> int:
        return self.engine.book.quantity[0]


def long_of(btc: int, *texts: str, usdt: float = 10_000, limits: LimitsSpec = WIDE, shape: Layout | None = None
            ) -> Trader:
    """A long bought at 8,000, at a price of 8,000."""
    driver = Trader(engine(*texts, limits=limits, shape=shape))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=usdt, btc=btc, entry=8_000))
    return driver
