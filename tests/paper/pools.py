"""Pools at scales finer than the venue's, so that published prices can be held to nine digits.

A contract is a million base units: margins are the same multiple of everything, and prices stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.account import MarginMode, PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.instrument import InstrumentKind
from bot.domain.scale import CASH_UNIT
from paper.exchange import Exchange
from paper.margin import Pool, must_liquidate, pools
from paper.spec import VenueSpec
from paper.state import Account, Holding, Market, VenueState
from paper.tiers import Brackets
from tests.paper.builders import perpetual

SIZE = 10**6
PRICE_DIGITS = 11
PRICE_UNITS: int = 10**PRICE_DIGITS
QUANTITY_UNITS = 10**3


@dataclass(frozen=True)
class Held:
    """One position: signed amount, prices, and its bracket as rate and cum."""

    amount: float
    entry: float
    mark: float
    rate: float = 0.01
    cum: float = 0.0


def exchange_with(wallet: float, held: Sequence[Held]) -> tuple[Exchange, Account]:
    """Return an account that holds ``held``, one instrument each, cross."""
    instruments = [
        replace(perpetual(index), price_digits=PRICE_DIGITS, contract_size=Decimal(SIZE)) for index in range(len(held))
    ]
    account = Account(0, "USDT", {"USDT": scaled(wallet)}, leverage=20)
    markets = [Market(last=round(each.mark * PRICE_UNITS)) for each in held]
    exchange = Exchange(VenueSpec(), instruments, VenueState(markets, [account]))
    exchange.brackets = tuple(
        Brackets((10**30,), (round(each.rate * 100_000),), (scaled(each.cum),), (125,)) for each in held
    )
    for instrument, each in zip(instruments, held, strict=True):
        quantity = round(each.amount * QUANTITY_UNITS)
        value = instrument.value(price=round(each.entry * PRICE_UNITS), quantity=quantity)
        account.holdings.append(Holding(PositionKey(0, instrument.index), quantity, value))
    return exchange, account


def isolated_with(
    margin: float | None, each: Held, *, leverage: int = 20, kind: InstrumentKind = InstrumentKind.LINEAR
) -> tuple[Exchange, Pool]:
    """Return one isolated position and its pool; ``margin`` None is its entry value over the leverage."""
    instrument = replace(perpetual(), price_digits=PRICE_DIGITS, contract_size=Decimal(SIZE), kind=kind)
    if kind is InstrumentKind.INVERSE:
        instrument = replace(instrument, settle=instrument.base, contract_size=Decimal(SIZE**2))
    quantity = round(each.amount * QUANTITY_UNITS)
    entry_value = instrument.value(price=round(each.entry * PRICE_UNITS), quantity=quantity)
    own = abs(entry_value) // leverage if margin is None else scaled(margin)
    key = PositionKey(0, 0, PositionSide.NET, MarginMode.ISOLATED)
    account = Account(0, instrument.settle, {instrument.settle: 0}, leverage=leverage, isolated=[0])
    account.holdings.append(Holding(key, quantity, entry_value, own))
    state = VenueState([Market(last=round(each.mark * PRICE_UNITS))], [account])
    exchange = Exchange(VenueSpec(), [instrument], state)
    exchange.brackets = (Brackets((10**30,), (round(each.rate * 100_000),), (scaled(each.cum),), (125,)),)
    (pool,) = pools(exchange, account)
    return exchange, pool


def scaled(amount: float) -> int:
    """Return an amount of cash, a million times over."""
    return round(amount * SIZE * CASH_UNIT)


def liquidation_price(exchange: Exchange, pool: Pool) -> float:
    """Return the price of the first instrument at which the venue begins to liquidate, by bisection."""
    market = exchange.markets[0]
    began = market.last or 0
    alive = began
    assert not must_liquidate(exchange, pool)
    dead: int = 1 if pool.holdings[0].quantity > 0 else 10 * alive
    while abs(alive - dead) > 1:
        market.last = (alive + dead) // 2
        if must_liquidate(exchange, pool):
            dead = market.last
        else:
            alive = market.last
    market.last = began
    return dead / PRICE_UNITS
