"""Drives an engine by hand: keeps what it decided and when it wants to be woken."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from bot.domain.effects import Effect, PlaceOrder
from bot.domain.events import Event, Timer
from bot.domain.scale import NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.book import Book
from bot.engine.engine import Engine
from bot.engine.layout import Layout
from bot.engine.spec import LimitsSpec, SurvivalSpec
from tests.builders import T0, layout, orders, rules

Kind = TypeVar("Kind")
WIDE = LimitsSpec(order_notional_max=Money(Decimal(10_000_000), "USDT"), order_rate_max=100.0)


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
