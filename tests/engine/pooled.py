"""Layouts of accounts with several pools, and random books in them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from bot.app.markets import make_instrument
from bot.domain.account import Balance, PositionKey, PositionReport, PositionSide
from bot.domain.events import AccountSnapshot
from bot.domain.scale import CASH_UNIT
from bot.engine.measures.columns import Columns
from bot.engine.measures.layout import HEDGE, AccountSlot, CollateralSlot, Layout
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.risk.binance_tiers import tier_table_of
from tests.builders import BTC, ETH, T0

INVERSE = "BTC/USD:BTC"
PRICE = {BTC: 1_000_000, ETH: 25_000, INVERSE: 1_000_000}       # cents
COIN = CollateralSlot("BTC", 950_000, 0)
DOLLAR = CollateralSlot("USDC", 990_000, None)

KINDS: dict[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "inverse": ((INVERSE,), {}),
    "inverse legs": ((INVERSE,), {"sides": HEDGE}),
    "inverse isolated": ((INVERSE,), {"isolated": (0,)}),
    "isolated beside cross": ((BTC, ETH), {"isolated": (1,), "leverages": {1: 8.0}}),
    "isolated legs": ((BTC, ETH), {"isolated": (0, 1), "sides": HEDGE}),
    "legs": ((BTC, ETH), {"sides": HEDGE}),
    "backed": ((BTC, ETH), {"collateral": (COIN, DOLLAR)}),
}


def shape(symbols: tuple[str, ...], **terms: Any) -> Layout:
    """One account on the markets, with the terms of its slot."""
    made = tuple(
        make_instrument(index, symbol, price_digits=2, quantity_digits=3) for index, symbol in enumerate(symbols)
    )
    slot = AccountSlot("main", made[0].settle, tuple(range(len(made))), taker_fee=0.0005, leverage=20.0, **terms)
    return Layout(made, tuple(tier_table_of(each) for each in made), (slot,))


def report(layout: Layout, key: PositionKey, quantity: int, price: int, margin: float | None = None) -> PositionReport:
    """A holding as the venue tells it; ``price`` in cents, ``margin`` in whole units."""
    value = layout.instruments[key.instrument].value(price=price, quantity=quantity)
    return PositionReport(key, quantity, value, None if margin is None else round(margin * CASH_UNIT))


def told(cash: Mapping[str, float], *reports: PositionReport, second: int = 0) -> AccountSnapshot:
    """The venue's word on cash, in whole units, and positions."""
    now = T0 + second * 10**9
    balances = tuple(Balance(asset, round(amount * CASH_UNIT)) for asset, amount in cash.items())
    return AccountSnapshot(now, now, 0, balances, reports)


def standing(layout: Layout, snapshot: AccountSnapshot, *marks: int) -> tuple[Book, Columns]:
    """Book and columns after a snapshot and a mark of every instrument, in cents."""
    book = Book.empty(layout)
    columns = Columns(layout, book)
    fold(book, snapshot)
    for instrument, mark in enumerate(marks):
        columns.move_price(instrument, mark)
    columns.rebuild(0)
    return book, columns


def random_word(layout: Layout, rng: Random, second: int) -> AccountSnapshot:
    """A random snapshot: any legs held, margins thin and ample, cash owed at times."""
    settle = layout.accounts[0].settle
    unit = 1.0 if settle == "BTC" else 10_000.0
    reports = []
    for key in layout.keys:
        if rng.random() < 0.25:
            continue
        size = rng.uniform(0.2, 40.0)
        sign = {PositionSide.LONG: 1, PositionSide.SHORT: -1}.get(key.side, rng.choice((-1, 1)))
        symbol = layout.instruments[key.instrument].symbol
        quantity = max(1, int(size * (100_000 if symbol == INVERSE else 10**9 // PRICE[symbol]))) * sign
        entry = int(PRICE[symbol] * rng.uniform(0.7, 1.4))
        is_isolated = key.instrument in layout.accounts[0].isolated
        margin = size * unit * rng.uniform(0.02, 0.6) if is_isolated else None
        reports.append(report(layout, key, quantity, entry, margin))
    cash = {settle: unit * rng.uniform(0.0, 60.0)}
    for each in layout.accounts[0].collateral:
        cash[each.asset] = rng.uniform(-0.2, 1.0) * (20.0 if each.instrument is not None else 100_000.0)
    return told(cash, *reports, second=second)
