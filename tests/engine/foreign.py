"""A long account with other people's open orders around it."""

from __future__ import annotations

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.effects import RaiseAlarm
from bot.domain.events import OpenOrderGone, OpenOrderSeen
from bot.domain.open_order import CancelForeignOrder, OpenOrder
from bot.domain.order import Side
from bot.engine.engine import Engine
from bot.engine.record.book import Book
from bot.engine.record.foreign_orders import foreign_orders
from bot.engine.spec import BlindSpec, LimitsSpec, Per, ProtectSpec, SafetySpec, SurvivalSpec
from tests.builders import GUARD, KEY, layout, rules, snapshot, trade
from tests.engine.driver import WIDE, Driver
from tests.engine.guarded import ns

BARE = ProtectSpec(per=Per.NONE)


def resting(
    venue_id: str, side: Side = Side.BUY, leaves: int = 100, *, key: PositionKey = KEY, reduce_only: bool = False,
    name: str = "web_1",
) -> OpenOrder:
    return OpenOrder(venue_id, name, key, side, leaves, 700_000, None, reduce_only)


class Watched(Driver):
    """A long of 1 BTC at 8,000 with 5,000 USDT, and other people's orders around it; no stops of ours."""

    def __init__(
        self, *texts: str, cancel_opening: bool = True, limits: LimitsSpec = WIDE, book: Book | None = None,
        blind: BlindSpec | None = None,
    ) -> None:
        safety = SafetySpec(BARE, blind or BlindSpec(), cancel_opening)
        super().__init__(Engine(
            layout() if book is None else book.layout, rules(*(texts or (GUARD,))), limits=limits,
            survival=(SurvivalSpec(),), marker="pen", safety=(safety,), book=book,
        ))

    def begin(self, *orders: OpenOrder, usdt: float = 2_000) -> Watched:
        """Prices and the venue's word: at 8,000 the guard of 6 % is far, at 6,300 it fires."""
        self.step(trade(0, 8_000))
        self.step(trade(0, 200, instrument=1))
        self.step(replace(snapshot(0, usdt=usdt, btc=1_000, entry=8_000), number=1, orders=orders))
        return self

    def see(self, seconds: float, order: OpenOrder, number: int) -> None:
        self.step(OpenOrderSeen(ns(seconds), 0, order, number))

    def lose(self, seconds: float, venue_id: str, number: int) -> None:
        self.step(OpenOrderGone(ns(seconds), 0, venue_id, number))

    @property
    def cancels(self) -> list[CancelForeignOrder]:
        return self.found(CancelForeignOrder)

    @property
    def known(self) -> list[str]:
        return [order.venue_id for order in foreign_orders(self.engine.book, "pen", 0)]

    def alarms(self) -> list[str]:
        return [alarm.code for alarm in self.found(RaiseAlarm)]
