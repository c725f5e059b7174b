"""One order before the gate: the bench that holds what it is judged by, and short words for requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.domain.account import PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.denials import DenialCode, Denied
from bot.domain.effects import OpenParent, ReserveNames, SetLatch, SetOverride
from bot.domain.instrument import Filters, TradingState
from bot.domain.latch import Latch
from bot.domain.market import IndexPrice, Quote, Trade
from bot.domain.names import child_name, parent_name
from bot.domain.order import Approved, OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_HOUR, NS_PER_SECOND
from bot.domain.units import Money
from bot.engine.gate import Gate
from bot.engine.measures.columns import Columns
from bot.engine.measures.layout import HEDGE, ONE_WAY, Layout
from bot.engine.measures.market import Market
from bot.engine.record.book import Book, Hour, Order, Sent
from bot.engine.record.fold import fold
from bot.engine.record.stops import Stop
from bot.engine.spec import LimitsSpec
from tests.builders import KEY, T0, layout

MARK = 500_000                       # 5,000.00
HELD = 1_000                         # 1.000 BTC long
FILTERS = Filters(tick=50, lot=5, quantity_min=10, quantity_max=800, notional_min=50 * CASH_UNIT)
PARENT = parent_name("pen", KEY, Side.SELL, 0)
RESERVED = 32


@dataclass
class Bench:
    """A book with one marked long position, and the gate over it; everything may be bent before judging."""

    filters: Filters = FILTERS
    limits: LimitsSpec = field(
        default_factory=lambda: LimitsSpec(order_notional_max=Money(Decimal(3_000), "USDT"), order_rate_max=3.0)
    )
    mark: int | None = MARK
    held: int = HELD
    working: int = 0
    side: Side = Side.SELL
    sent_ago: tuple[int, ...] = ()
    latch: Latch = Latch.OPEN
    used: int = 0
    key: PositionKey = KEY
    out: tuple[Order, ...] = ()      # other orders that are live
    resting: tuple[Stop, ...] = ()   # and stops that wait at the venue
    cash: int = 100_000              # USDT
    trading: TradingState = TradingState.TRADING
    told: tuple[Quote | Trade | IndexPrice, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()      # (hours ago, orders outside the margin class)
    last: Sent | None = None
    overridden: tuple[tuple[DenialCode, int], ...] = ()      # (control, until)

    def judge(self, request: OrderRequest) -> Approved | Denied:
        book = Book.empty(self._layout())
        book.accounts[0].adopted = True
        book.accounts[0].wallet = self.cash * CASH_UNIT
        position = book.layout.position(self.key)
        book.quantity[position] = self.held
        book.entry_value[position] = self.held * MARK * 1_000
        book.working[position] = self.working
        book.orders.update({each.name: each for each in self.out})
        book.stops.update({each.name: each for each in self.resting})
        book.last_sent[position] = self.last
        book.trading[0] = self.trading
        fold(book, ReserveNames(PARENT, self.key, self.side, 0, RESERVED, HELD))
        book.accounts[0].sends.extend(T0 - ago for ago in self.sent_ago)
        book.accounts[0].hours = [Hour(T0 // NS_PER_HOUR - ago, survival=99, others=count) for ago, count in self.hours]
        fold(book, SetLatch(0, self.latch, "test", "ann", T0))
        for code, until in self.overridden:
            fold(book, SetOverride(0, code, until, "test", "ann", T0 - NS_PER_HOUR))
        if self.used:
            fold(book, OpenParent(PARENT, self.key, self.side, HELD, 0, (), MARK, MARK, 0, 0, T0))
            book.parents[PARENT].next_child = self.used
        return self._gate(book).judge(request, T0)

    def _gate(self, book: Book) -> Gate:
        columns, market = Columns(book.layout, book), Market(book.layout)
        if self.mark is not None and self.mark > 0:
            columns.move_price(0, self.mark)
            columns.move_price(1, self.mark)
            columns.rebuild(0)
        columns.mark[0] = self.mark
        for event in self.told:
            if isinstance(event, Trade):
                market.last[0], market.trade_stamp[0], market.lull[0] = event.price, event.stamp, 0
            else:
                market.take(event)
        return Gate(book, columns, market, self.limits)

    def _layout(self) -> Layout:
        plain = layout()
        first = replace(plain.instruments[0], filters=self.filters)
        sides = ONE_WAY if self.key.side is PositionSide.NET else HEDGE
        slot = replace(plain.accounts[0], sides=sides)
        return Layout((first, *plain.instruments[1:]), plain.tiers, (slot, *plain.accounts[1:]))


def order(child: int = 0, **changes: Any) -> OrderRequest:
    """A sell of 0.400 BTC at 1 % under the mark that nothing is wrong with."""
    good = OrderRequest(
        name=child_name(PARENT, child), key=KEY, side=Side.SELL, quantity=400, limit_price=495_000,
        time_in_force=TimeInForce.IOC, reduce_only=True, order_class=OrderClass.MARGIN,
    )
    return replace(good, **changes)


def hedge(quantity: int = 400, **changes: Any) -> OrderRequest:
    return order(reduce_only=False, order_class=OrderClass.HEDGE, quantity=quantity, **changes)


def cost(**changes: Any) -> OrderRequest:
    return order(order_class=OrderClass.COST, **changes)


def stop(trigger: int | None = 450_000, **changes: Any) -> OrderRequest:
    """A protective sell of all 1.000 BTC, at the market when the mark is 10 % lower."""
    plain: dict[str, Any] = {"quantity": HELD, "limit_price": None, "order_class": OrderClass.STOP}
    return order(trigger_price=trigger, **{**plain, **changes})


def live(name: str, side: Side, quantity: int, order_class: OrderClass = OrderClass.MARGIN) -> Order:
    """An order of the position that may still fill."""
    return Order(name, "p", 0, side, quantity, MARK, T0, T0, order_class=order_class)


def quote(bid: int, ask: int, ago: int = 0) -> Quote:
    return Quote(T0, T0 - ago, 0, bid, 1, ask, 1)


def traded(price: int, ago: int = 0) -> Trade:
    return Trade(T0, T0 - ago, 0, price, 1, 0)


def index(price: int) -> IndexPrice:
    return IndexPrice(T0, T0, 0, price)


def sell(limit: int, order_class: OrderClass) -> OrderRequest:
    return order(limit_price=limit, order_class=order_class)


def buy(limit: int, order_class: OrderClass) -> OrderRequest:
    return order(side=Side.BUY, limit_price=limit, order_class=order_class)


SHORT = Bench(held=-HELD, side=Side.BUY)
SMALL = Bench(filters=replace(FILTERS, reduce_only_below_notional_min=False))
OPENING = Bench(filters=replace(FILTERS, reduce_only_below_notional_min=True))
ROOMY = LimitsSpec(order_notional_max=Money(Decimal(10_000), "USDT"))
WIDE = replace(FILTERS, quantity_max=5_000)
BAND = replace(FILTERS, price_up=Decimal("1.05"), price_down=Decimal("0.95"), price_max=600_000)
MARKETS = replace(WIDE, market_lot=20, market_quantity_max=1_000, price_max=600_000)
CROWDED = replace(FILTERS, orders_max=2, conditional_orders_max=1)
TWO_OUT = (live("a", Side.SELL, 10), live("b", Side.SELL, 10))
STOP_OUT = (Stop("s", 0, Side.SELL, HELD, MARK // 2, T0, T0),)
COUNTED = LimitsSpec(orders_per_hour_max=5, orders_per_day_max=9, order_notional_max=Money(Decimal(3_000), "USDT"))
TEN = LimitsSpec(order_notional_max=Money(Decimal(3_000), "USDT"), order_rate_max=10.0)     # three of them kept
SAME = Sent("pena00sn000001", Side.SELL, 400, 495_000, T0 - NS_PER_SECOND + 1)
