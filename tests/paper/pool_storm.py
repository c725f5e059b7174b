"""A seeded storm over every kind of pool: inverse, isolated, two legs, several wallets, a fund that runs dry."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

from bot.domain.account import Balance, MarginMode, PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.market import FundingRate, MarkPrice, Trade
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from paper.messages import (
    AddMargin,
    CancelRequest,
    Message,
    QueryAccount,
    SetLeverage,
    SetMarginMode,
    SetPositionMode,
    SubmitOrder,
    Wake,
)
from paper.spec import AccountStart, AssetMode, Collateral, PositionMode, PositionStart, VenueSpec
from tests.paper.builders import START, lots, perpetual, usd


def inverse(index: int = 0, base: str = "BTC") -> Instrument:
    """Return a coin-settled perpetual of 100 dollars a contract, with prices in cents and whole contracts."""
    linear = perpetual(index, base)
    return replace(
        linear, symbol=f"{base}/USD:{base}", kind=InstrumentKind.INVERSE, quote="USD", settle=base, quantity_digits=0,
        contract_size=Decimal(100), filters=replace(linear.filters, notional_min=0),
    )


INSTRUMENTS = (perpetual(), perpetual(1, "ETH"), inverse(2))
SPEC = VenueSpec(
    latency=20_000_000,
    insurance={"USDT": usd(50)},
    collateral={"BTC": Collateral(rate=0.95, instrument=0), "USDC": Collateral(rate=1.0)},
    margin_call_pause=300 * NS_PER_SECOND,
    auto_exchange_debt=usd(200),
)
LEGS = (PositionSide.LONG, PositionSide.SHORT)


def pool_accounts() -> list[AccountStart]:
    """Return one account of each kind, and two strong ones that take the other side."""
    many = usd(10**6)
    return [
        AccountStart(0, "USDT", usd(9_000), (PositionStart(0, lots(600)), PositionStart(1, lots(-200)))),
        AccountStart(1, "USDT", usd(6_000), (PositionStart(0, lots(-400)),), mode=MarginMode.ISOLATED),
        AccountStart(
            2, "USDT", usd(5_000),
            (PositionStart(0, lots(300), None, LEGS[0]), PositionStart(0, lots(-500), None, LEGS[1])),
            position_mode=PositionMode.HEDGE,
        ),
        AccountStart(3, "BTC", usd(12), (PositionStart(2, 100),)),
        AccountStart(4, "BTC", usd(20), (PositionStart(2, -100),), mode=MarginMode.ISOLATED),
        AccountStart(
            5, "USDT", usd(500), (PositionStart(1, lots(400)),), asset_mode=AssetMode.MULTI,
            balances=(Balance("BTC", usd(20)), Balance("USDC", usd(700))),
        ),
        AccountStart(6, "USDT", many, (PositionStart(0, lots(-50)),), balances=(Balance("BTC", usd(10_000)),)),
        AccountStart(
            7, "USDT", usd(4_000), (PositionStart(1, lots(-300), None, LEGS[1]),), leverage=10,
            mode=MarginMode.ISOLATED, position_mode=PositionMode.HEDGE, balances=(Balance("BTC", usd(20)),),
        ),
    ]


ACCOUNTS = len(pool_accounts())


def pool_storm(seed: int, count: int, *, marks: bool) -> Iterator[tuple[int, Message]]:
    """Yield ``count`` messages with their times, never backwards; each market moves by itself."""
    draw = random.Random(seed)
    now = START
    prices = [10_000.0, 10_000.0, 10_000.0]
    for number in range(count):
        now += draw.choice((0, 1, 1_000_000, 20_000_000, NS_PER_SECOND, 20 * NS_PER_SECOND))
        index = draw.randrange(3)
        kind = draw.random()
        prices[index] = min(40_000.0, max(2_500.0, prices[index] * (1 + draw.gauss(0, 0.006))))
        if draw.random() < 0.002:        # a gap, which takes accounts beyond bankruptcy
            prices[index] *= draw.choice((0.88, 1.13))
        price = round(prices[index])
        if kind < 0.50:
            yield now, Trade(now, now, index, price, draw.randrange(1, 3_000), 0)
        elif kind < 0.54 and marks:
            yield now, MarkPrice(now, now, index, price + draw.randrange(-20, 20))
        elif kind < 0.57:
            yield now, FundingRate(now, now, index, draw.randrange(-90_000, 90_000), now // 10**12 * 10**12 + 10**12)
        elif kind < 0.60:
            yield now, CancelRequest(draw.randrange(ACCOUNTS), f"n{draw.randrange(max(0, number - 60), number + 1)}")
        elif kind < 0.62:
            yield now, QueryAccount(draw.randrange(ACCOUNTS))
        elif kind < 0.65:
            yield now, Wake()
        elif kind < 0.72:
            yield now, _setting(draw, index)
        else:
            yield now, SubmitOrder(_order(draw, number, index, price))


def _key(draw: random.Random, index: int) -> PositionKey:
    """Return a key that the account has, most of the time."""
    start = pool_accounts()[draw.randrange(ACCOUNTS)]
    legs = LEGS if start.position_mode is PositionMode.HEDGE else (PositionSide.NET,)
    mode = start.mode if draw.random() < 0.9 else draw.choice(tuple(MarginMode))
    return PositionKey(start.account, index, draw.choice(legs), mode)


def _setting(draw: random.Random, index: int) -> Message:
    key = _key(draw, index)
    match draw.randrange(4):
        case 0:
            return SetMarginMode(key.account, index, draw.choice(tuple(MarginMode)))
        case 1:
            return SetPositionMode(key.account, draw.choice(tuple(PositionMode)))
        case 2:
            return SetLeverage(key.account, index, draw.choice((0, 1, 3, 10, 20, 50, 100)))
        case _:
            amount = draw.randrange(-900, 900) * CASH_UNIT // 3
            return AddMargin(key.account, replace(key, mode=MarginMode.ISOLATED), amount)


def _order(draw: random.Random, number: int, index: int, price: int) -> OrderRequest:
    amount = draw.choice((1, 5, 20, 100)) if index == 2 else draw.choice((500, 3_000, 20_000, 60_000, 200_000))
    return OrderRequest(
        name=f"n{number}",
        key=_key(draw, index),
        side=draw.choice(tuple(Side)),
        quantity=amount,
        limit_price=price + draw.randrange(-150, 150),
        time_in_force=draw.choice((TimeInForce.IOC, TimeInForce.GTC)),
        reduce_only=draw.random() < 0.3,
        order_class=OrderClass.OPERATOR,
    )
