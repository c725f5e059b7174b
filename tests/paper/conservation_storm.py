"""Seeded chapters of everything that a venue can be told, all at once; a chapter is made from its number alone.

Three markets, two linear and an inverse one, two of them with books, and eight accounts of every kind. Orders of every
type and life, sent twice now and then as a network would; cancels, look-ups, modes, leverages, isolated margin; prints,
candle points, marks, quotes, books, funding, and gaps beyond bankruptcy.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.market import BookUpdate, Candle, CandlePoint, FundingRate, IndexPrice, MarkPrice, Quote, Trade
from bot.domain.order import OrderClass, OrderRequest, SelfTrade, Side, TimeInForce, TriggerBy, TriggerKind
from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND
from paper.messages import (
    AddMargin,
    CancelRequest,
    Message,
    QueryAccount,
    QueryOrder,
    SetLeverage,
    SetMarginMode,
    SetPositionMode,
    SubmitOrder,
    Wake,
)
from paper.spec import AccountStart, Collateral, PositionMode, VenueSpec
from tests.paper.builders import START, perpetual, usd
from tests.paper.pool_storm import LEGS, inverse, pool_accounts

CHAPTER = 5_000                      # messages: by then most of the weak accounts are gone, and a new venue begins
PRICE_MIN, PRICE_MAX = 2_500.0, 40_000.0
LIVES = tuple(TimeInForce)
RECENT = 40                          # orders that cancels and look-ups name


_BANDED = perpetual(0, orders_max=12, conditional_orders_max=8, market_lot=5)
INSTRUMENTS = (
    replace(_BANDED, filters=replace(_BANDED.filters, price_up=Decimal("1.05"), price_down=Decimal("0.95"))),
    perpetual(1, "ETH", lot=10, tick=5, quantity_min=10, orders_max=12, conditional_orders_max=8),
    inverse(2),
)
PRINTS_ONLY, INVERSE = 1, 2          # indexes: a market without a book, and the one that counts in coins


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one venue is made of, and what its tapes carry."""

    number: int
    spec: VenueSpec
    accounts: tuple[AccountStart, ...]
    has_marks: bool
    has_books: bool
    jumpiness: float                 # standard deviation of a price between two messages

    def opening(self) -> Iterator[tuple[int, Message]]:
        """Yield the first price of every market, at which the accounts' positions are entered."""
        for instrument in INSTRUMENTS:
            yield START, Trade(START, START, instrument.index, 10_000, 1, 0)

    def messages(self) -> Iterator[tuple[int, Message]]:
        """Yield the messages with their times, never backwards and often at one instant."""
        return _Storm(self).messages()


def chapter(number: int) -> Chapter:
    """Return the chapter of that number."""
    draw = random.Random(number)
    strength = draw.choice((1, 1, 2, 5))
    spec = VenueSpec(
        latency=draw.choice((0, 20, 20, 300)) * NS_PER_MS,
        maker_fee=draw.choice((0.0002, -0.0001, 0.0)),
        insurance=draw.choice((None, {"USDT": usd(50)}, {"USDT": usd(50_000), "BTC": usd(1)})),
        collateral={"BTC": Collateral(rate=0.95, instrument=0), "USDC": Collateral(rate=1.0)},
        margin_call_pause=300 * NS_PER_SECOND,
        auto_exchange_debt=usd(200),
    )
    accounts = tuple(replace(start, balance=start.balance * strength) for start in pool_accounts())
    return Chapter(
        number, spec, accounts, draw.random() < 0.5, draw.random() < 0.6, draw.choice((0.001, 0.004, 0.008))
    )


class _Storm:
    """One chapter's draws."""

    def __init__(self, of: Chapter) -> None:
        self._of = of
        self._draw = random.Random(-1 - of.number)
        self._prices = [10_000.0 for _ in INSTRUMENTS]
        self._recent: deque[OrderRequest] = deque(maxlen=RECENT)

    def messages(self) -> Iterator[tuple[int, Message]]:
        draw = self._draw
        now = START
        for number in range(CHAPTER):
            now += draw.choice((0, 0, 1, NS_PER_MS, 20 * NS_PER_MS, NS_PER_SECOND, 20 * NS_PER_SECOND))
            index = draw.randrange(len(INSTRUMENTS))
            price = self._move(index)
            if draw.random() < 0.55:
                yield now, self._fact(now, index, price)
            else:
                yield now, self._client(number, now, index, price)

    def _move(self, index: int) -> int:
        draw = self._draw
        price = self._prices[index] * (1 + draw.gauss(0, self._of.jumpiness))
        if draw.random() < 0.001:        # a gap, which takes accounts beyond bankruptcy
            price *= draw.choice((0.85, 1.17))
        self._prices[index] = min(PRICE_MAX, max(PRICE_MIN, price))
        return round(self._prices[index])

    def _fact(self, now: int, index: int, price: int) -> Message:
        """Return something of the tape."""
        draw = self._draw
        kind = draw.random()
        if kind < 0.30 and self._of.has_books and index != PRINTS_ONLY:
            return self._book(now, index, price)
        if kind < 0.38 and self._of.has_marks:
            return MarkPrice(now, now, index, price + draw.randrange(-20, 20))
        if kind < 0.42:
            return FundingRate(now, now, index, draw.randrange(-90_000, 90_000), now // 10**12 * 10**12 + 10**12)
        if kind < 0.45:
            return CandlePoint(now, now, index, price, draw.randrange(9_000))
        if kind < 0.46:
            width = draw.randrange(1, 900)
            return Candle(now, NS_PER_MINUTE, index, price, price + width, price - width, price, 0)
        if kind < 0.48 and not self._of.has_books:
            return Quote(now, now, index, price - 3, 1, price + 3, 1)
        if kind < 0.49:
            return IndexPrice(now, now, index, price)
        return Trade(now, now, index, price, draw.randrange(1, 3_000), draw.choice((-1, 0, 1)))

    def _book(self, now: int, index: int, price: int) -> BookUpdate:
        draw = self._draw
        most = 30 if index == INVERSE else 20_000
        if draw.random() < 0.4:
            bids, asks = (
                tuple((price + sign * (2 + 9 * step), draw.randrange(1, most)) for step in range(8)) for sign in (-1, 1)
            )
            return BookUpdate(now, now, index, bids, asks, True)
        changed = [(price + draw.randrange(-60, 60), draw.choice((0, draw.randrange(1, most)))) for _ in range(3)]
        return BookUpdate(
            now, now, index, tuple(level for level in changed if level[0] < price),
            tuple(level for level in changed if level[0] > price), False,
        )

    def _client(self, number: int, now: int, index: int, price: int) -> Message:
        """Return something that a client says."""
        draw = self._draw
        kind = draw.random()
        if kind < 0.10 and self._recent:
            named = draw.choice(self._recent)
            return CancelRequest(named.key.account, named.name)
        if kind < 0.14 and self._recent:
            named = draw.choice(self._recent)
            return QueryOrder(named.key.account, named.name)
        if kind < 0.17:
            return QueryAccount(draw.randrange(len(self._of.accounts)))
        if kind < 0.20:
            return Wake()
        if kind < 0.25:
            return self._setting(index)
        if kind < 0.27 and self._recent:
            return SubmitOrder(draw.choice(self._recent))
        request = self._order(number, now, index, price)
        self._recent.append(request)
        return SubmitOrder(request)

    def _key(self, index: int) -> PositionKey:
        """Return a key that the account has, most of the time."""
        draw = self._draw
        start = draw.choice(self._of.accounts)
        mode = start.mode if draw.random() < 0.9 else draw.choice(tuple(MarginMode))
        legs = LEGS if start.position_mode is PositionMode.HEDGE else (PositionSide.NET,)
        return PositionKey(start.account, index, draw.choice(legs), mode)

    def _setting(self, index: int) -> Message:
        draw = self._draw
        key = self._key(index)
        match draw.randrange(20):
            case 0:
                return SetMarginMode(key.account, index, draw.choice(tuple(MarginMode)))
            case 1:
                return SetPositionMode(key.account, draw.choice(tuple(PositionMode)))
            case 2 | 3 | 4 | 5 | 6:
                return SetLeverage(key.account, index, draw.choice((0, 1, 3, 10, 20, 50, 100)))
            case _:
                amount = draw.randrange(-900, 900) * CASH_UNIT // 3
                return AddMargin(key.account, replace(key, mode=MarginMode.ISOLATED), amount)

    def _order(self, number: int, now: int, index: int, price: int) -> OrderRequest:
        draw = self._draw
        limit: int | None = price + draw.randrange(-150, 150)
        trigger = None
        kind = draw.random()
        if kind < 0.3:                   # a market order, now or when its price comes
            limit = None
        life = draw.choice((TimeInForce.IOC, TimeInForce.GTC) if limit is None else LIVES)
        side, way = draw.choice((Side.BUY, Side.SELL)), draw.choice(tuple(TriggerKind))
        if kind < 0.1 or kind > 0.85:
            ahead = side.sign if way is TriggerKind.STOP else -side.sign
            trigger = price + ahead * draw.randrange(-20, 200)
        sizes = (1, 5, 20, 100) if index == INVERSE else (500, 3_000, 20_000, 60_000, 200_000)
        return OrderRequest(
            name=f"n{number}",
            key=self._key(index),
            side=side,
            quantity=draw.choice(sizes) if draw.random() < 0.98 else 7,
            limit_price=self._on_tick(index, limit),
            time_in_force=life,
            reduce_only=draw.random() < 0.35,
            order_class=OrderClass.OPERATOR,
            good_until=now + draw.randrange(1, 30) * NS_PER_SECOND,
            trigger_price=self._on_tick(index, trigger),
            trigger_kind=way,
            trigger_by=draw.choice(tuple(TriggerBy)),
            self_trade=draw.choice(tuple(SelfTrade)),
        )

    def _on_tick(self, index: int, price: int | None) -> int | None:
        """Return a price that the venue takes, most of the time."""
        return price if price is None or self._draw.random() < 0.02 else price - price % INSTRUMENTS[index].filters.tick
