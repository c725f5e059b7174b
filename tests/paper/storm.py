"""A seeded storm of messages for the property tests: prices, orders, cancels, look-ups, funding, marks, bars."""

from __future__ import annotations

import random
from collections.abc import Iterator

from bot.domain.market import Candle, CandlePoint, FundingRate, MarkPrice, Quote, Trade
from bot.domain.order import OrderRequest, Side, TimeInForce
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from paper.messages import CancelRequest, Message, QueryAccount, QueryOrder, SubmitOrder, Wake
from paper.spec import AccountStart, VenueSpec
from tests.paper.builders import START, order, perpetual, start

INSTRUMENTS = (perpetual(), perpetual(1, "ETH", lot=10, tick=5, quantity_min=10))
SPEC = VenueSpec(latency=20_000_000)
ACCOUNTS = 8
LIVES = (TimeInForce.IOC, TimeInForce.GTC, TimeInForce.GTD, TimeInForce.POST_ONLY)
REDUCER, OPENER = "r", "n"               # what an order's name begins with, so that a fill says what it may do


def storm_accounts() -> list[AccountStart]:
    """Return a strong account, a hedged one, and weak ones of several sizes, so that some are always alive."""
    return [
        start("100000", account=0),
        start("500", (0, "-30", "100"), (1, "31", None), account=1),
        *(
            start(str(1_000 * account), (account % 2, str(amount), None), account=account)
            for account, amount in enumerate((160, -30, -320, 40, 30, -490), start=2)
        ),
    ]


def storm(seed: int, count: int, *, marks: bool) -> Iterator[tuple[int, Message]]:
    """Yield ``count`` messages with their times, never backwards and often at the same instant."""
    draw = random.Random(seed)
    now = START
    prices = [10_000.0, 10_000.0]
    for number in range(count):
        now += draw.choice((0, 0, 1, 1_000_000, 7_000_000, 20_000_000, NS_PER_SECOND, 20 * NS_PER_SECOND))
        index = draw.randrange(2)
        kind = draw.random()
        prices[index] = min(40_000.0, max(2_000.0, prices[index] * (1 + draw.gauss(0, 0.006))))
        price = round(prices[index])
        if kind < 0.45:
            yield now, Trade(now, now, index, price, draw.randrange(1, 3_000), 0)
        elif kind < 0.50:
            yield now, CandlePoint(now, now, index, price, draw.randrange(0, 9_000))
        elif kind < 0.52:
            width = draw.randrange(1, 900)
            yield now, Candle(now, NS_PER_MINUTE, index, price, price + width, max(1, price - width), price, 0)
        elif kind < 0.56 and marks:
            yield now, MarkPrice(now, now, index, price + draw.randrange(-20, 20))
        elif kind < 0.57 and marks:
            yield now, Quote(now, now, index, price - 3, 1, price + 3, 1)
        elif kind < 0.59:
            yield now, FundingRate(now, now, index, draw.randrange(-50_000, 50_000), now // 10**12 * 10**12 + 10**12)
        elif kind < 0.64:
            yield now, CancelRequest(draw.randrange(ACCOUNTS), _some_name(draw, number))
        elif kind < 0.67:
            yield now, QueryOrder(draw.randrange(ACCOUNTS), _some_name(draw, number))
        elif kind < 0.69:
            yield now, QueryAccount(draw.randrange(ACCOUNTS))
        elif kind < 0.74:
            yield now, Wake()
        else:
            yield now, SubmitOrder(_order(draw, number, index, price, now))


def _some_name(draw: random.Random, number: int) -> str:
    return f"{draw.choice((REDUCER, OPENER))}{draw.randrange(max(0, number - 60), number + 1)}"


def _order(draw: random.Random, number: int, index: int, price: int, now: int) -> OrderRequest:
    limit = price + draw.randrange(-150, 150)
    amount = draw.choice((10, 500, 500, 3_000, 3_000, 20_000, 60_000))
    reduce_only = draw.random() < 0.4
    which = number if draw.random() < 0.95 else draw.randrange(max(1, number))
    return order(
        draw.choice(tuple(Side)),
        f"0.{amount:03d}" if amount < 1_000 else str(amount // 1_000),
        f"{limit // 100}.{limit % 100 // 5 * 5:02d}",
        name=f"{REDUCER if reduce_only else OPENER}{which}",
        instrument=index,
        account=draw.randrange(ACCOUNTS),
        time_in_force=draw.choice(LIVES),
        reduce_only=reduce_only,
        good_until=now + draw.randrange(1, 30) * NS_PER_SECOND,
    )
