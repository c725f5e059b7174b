"""A driver whose account has a resting stop, and a venue's answers about it, one by one."""

from __future__ import annotations

from bot.domain.copying import replace
from bot.domain.effects import CancelOrder, LookUpOrder, PlaceStop, RaiseAlarm
from bot.domain.events import (
    FillOrigin,
    Liquidity,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderTriggered,
    Restarted,
)
from bot.domain.order import OrderRequest, OrderStatus, Side
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.measures.layout import Layout
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.stops import Stop
from bot.engine.spec import BlindSpec, LimitsSpec, ProtectSpec, SafetySpec, SurvivalSpec
from tests.builders import KEY, T0, layout, rules, snapshot, trade
from tests.engine.driver import WIDE, Trader

IDLE_RULE = """
rules:
  idle:
    for_each: position
    when: position.loss_ratio > 99%
    do: close
"""


def guarded_engine(
    *texts: str, protect: ProtectSpec, blind: BlindSpec, limits: LimitsSpec, book: Book | None, shape: Layout | None
) -> Engine:
    return Engine(
        shape or (layout() if book is None else book.layout), rules(*(texts or (IDLE_RULE,))), limits=limits,
        survival=(SurvivalSpec(),), marker="pen", safety=(SafetySpec(protect, blind),), book=book,
    )


class Guarded(Trader):
    """Seconds count from T0, prices are quote units, quantities thousandths."""

    def __init__(
        self,
        *texts: str,
        protect: ProtectSpec | None = None,
        blind: BlindSpec | None = None,
        limits: LimitsSpec = WIDE,
        book: Book | None = None,
        shape: Layout | None = None,
    ) -> None:
        self.texts, self.limits = texts, limits
        self.specs = (protect or ProtectSpec(), blind or BlindSpec())
        super().__init__(guarded_engine(
            *texts, protect=self.specs[0], blind=self.specs[1], limits=limits, book=book, shape=shape
        ))

    # What the engine did ----------------------------------------------------------------------------------

    @property
    def placed(self) -> list[OrderRequest]:
        """Every stop that was ever sent."""
        return [effect.approved.request for effect in self.found(PlaceStop)]

    @property
    def resting(self) -> list[Stop]:
        """The stops that may rest at the venue, as the engine knows."""
        return list(self.engine.book.stops.values())

    def cancelled(self) -> list[str]:
        return [effect.name for effect in self.found(CancelOrder)]

    def asked(self) -> list[tuple[str, float]]:
        """Names that were looked up, and when."""
        return [(effect.name, seconds_of(effect.now)) for effect in self.found(LookUpOrder)]

    def alarms(self) -> list[str]:
        return [alarm.code for alarm in self.found(RaiseAlarm)]

    # What the venue says -----------------------------------------------------------------------------------

    def accept(self, seconds: float, place: int = -1) -> None:
        """The venue has a stop; the newest unless told."""
        self.step(OrderAccepted(ns(seconds), 0, self.placed[place].name))

    def refuse(self, seconds: float, place: int = -1) -> None:
        self.step(OrderRejected(ns(seconds), 0, self.placed[place].name, "-4120", "toy"))

    def miss(self, seconds: float, place: int = -1) -> None:
        """One witness says that the venue does not have it."""
        self.step(OrderNotFound(ns(seconds), 0, self.placed[place].name))

    def trigger(self, seconds: float, place: int = -1) -> None:
        self.step(OrderTriggered(ns(seconds), 0, self.placed[place].name))

    def end_stop(self, seconds: float, place: int = -1, *, filled: int = 0) -> None:
        """It was cancelled, or has filled as far as it could."""
        status = OrderStatus.FILLED if filled == self.placed[place].quantity else OrderStatus.CANCELED
        self.step(OrderEnded(ns(seconds), 0, self.placed[place].name, status, filled))

    def fill_stop(self, seconds: float, quantity: int, *, price: float, place: int = -1) -> None:
        stop = self.placed[place]
        self.trades += 1
        self.step(OrderFilled(
            ns(seconds), ns(seconds), 0, stop.name, f"s{self.trades}", stop.key, stop.side, round(price * 100),
            quantity, 0, Liquidity.TAKER, FillOrigin.OURS, modelled=False,
        ))

    def restart(self, seconds: float) -> Guarded:
        """Die, and come back from the checkpoint; the prices so far are told again, and nothing was answered."""
        body = checkpoint.dump(self.engine.book)
        book = checkpoint.load(body, self.engine.layout)
        assert checkpoint.dump(book) == body
        other = Guarded(*self.texts, protect=self.specs[0], blind=self.specs[1], limits=self.limits, book=book)
        other.effects = list(self.effects)
        other.step(Restarted(ns(seconds), "test"))
        return other


def ns(seconds: float) -> int:
    return T0 + round(seconds * NS_PER_SECOND)


def seconds_of(now: int) -> float:
    return (now - T0) / NS_PER_SECOND


def guarded(
    btc: int = 1_000,
    *texts: str,
    usdt: float = 2_000,
    protect: ProtectSpec | None = None,
    blind: BlindSpec | None = None,
    limits: LimitsSpec = WIDE,
    shape: Layout | None = None,
) -> Guarded:
    """A position of 8,000 at a price of 8,000; its first stop was sent at second 0 and has no answer yet."""
    driver = Guarded(*texts, protect=protect, blind=blind, limits=limits, shape=shape)
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=usdt, btc=btc, entry=8_000))
    return driver


def bought(driver: Guarded, seconds: float, quantity: int, *, price: float = 8_000) -> None:
    """Somebody else adds to the long."""
    driver.external(seconds, quantity, price=price, side=Side.BUY)


def filtered(**filters: object) -> Layout:
    """The usual layout with other filters of BTC."""
    plain = layout()
    first = plain.instruments[KEY.instrument]
    first = replace(first, filters=replace(first.filters, **filters))    # type: ignore[arg-type]
    return Layout((first, *plain.instruments[1:]), plain.tiers, plain.accounts)
