"""Totals kept price by price, against the plain sums of ``bot.risk.margin`` over the same book.

The columns change by differences and take shortcuts; the plain sums take none. Integers must be equal,
distances to 1e-12.
"""

from __future__ import annotations

from math import inf, isclose
from random import Random

import pytest

from bot.app.markets import make_instrument
from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.events import CashMoved, FillOrigin, Liquidity, OrderFilled
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT
from bot.engine.measures.columns import Columns
from bot.engine.measures.layout import AccountSlot, Layout
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.risk.binance_tiers import tier_table
from bot.risk.margin import Holding, account_margin, liquidation_distances
from tests.builders import T0

BASES = ("BTC", "ETH", "SOL", "SUI", "DOGE", "XRP")
START = {"BTC": 800_000, "ETH": 20_000, "SOL": 1_500, "SUI": 400, "DOGE": 100, "XRP": 5_000}
STEPS = 1_000
SEEDS = 24                           # x STEPS = 24,000 compared states


def make_layout(count: int) -> Layout:
    """One account on ``count`` instruments, a second one on the first of them only."""
    made = tuple(
        make_instrument(index, f"{base}/USDT:USDT", price_digits=2, quantity_digits=3)
        for index, base in enumerate(BASES[:count])
    )
    return Layout(
        instruments=made,
        tiers=tuple(tier_table(instrument.base) for instrument in made),
        accounts=(
            AccountSlot("main", "USDT", tuple(range(count)), taker_fee=0.0005, leverage=20.0),
            AccountSlot("other", "USDT", (0,), taker_fee=0.0005, leverage=20.0),
        ),
    )


class Walk:
    """A random book: jumps, drifts, fills of both sides and of all sizes, cash in and out."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.layout = make_layout(1 + seed % len(BASES))
        self.book = Book.empty(self.layout)
        for account in self.book.accounts:
            account.adopted = True
            account.wallet = 10 ** self.rng.randint(3, 8) * CASH_UNIT
        self.columns = Columns(self.layout, self.book)
        for index in range(len(self.layout.accounts)):
            self.columns.rebuild(index)
        self.trades = 0

    def step(self) -> None:
        roll = self.rng.random()
        if roll < 0.75:
            self.move()
        elif roll < 0.90:
            self.fill()
        else:
            self.cash()

    def move(self) -> None:
        rng, columns = self.rng, self.columns
        instrument = rng.randrange(len(self.layout.instruments))
        old = columns.mark[instrument]
        if old is None:
            price = START[self.layout.instruments[instrument].base]
        elif rng.random() < 0.1:
            price = max(1, int(old * rng.choice((0.3, 0.6, 0.9, 1.1, 1.6, 3.0))))
        else:
            price = max(1, int(old * rng.gauss(1.0, 0.01)))
        columns.move_price(instrument, price)

    def fill(self) -> None:
        rng = self.rng
        key = rng.choice(self.layout.keys)
        position = self.layout.position(key)
        mark = self.columns.mark[key.instrument] or START[self.layout.instruments[key.instrument].base]
        held = self.book.quantity[position]
        if held and rng.random() < 0.4:
            side, quantity = (Side.SELL if held > 0 else Side.BUY), rng.choice((abs(held), max(1, abs(held) // 3)))
        else:
            side, quantity = rng.choice((Side.BUY, Side.SELL)), self.size(mark, key)
        self.trades += 1
        fold(
            self.book,
            OrderFilled(
                now=T0, stamp=T0, account=key.account, name="x", trade_id=f"t{self.trades}", key=key, side=side,
                price=mark, quantity=quantity, fee=rng.randrange(10**6), liquidity=Liquidity.TAKER,
                origin=FillOrigin.EXTERNAL, modelled=True,
            ),
        )
        self.columns.rebuild(key.account)

    def size(self, mark: int, key: PositionKey) -> int:
        """A quantity worth between 100 and 1e9 quote units, at times right at a bracket's bound."""
        instrument = self.layout.instruments[key.instrument]
        one = instrument.value(price=mark, quantity=1)
        if self.rng.random() < 0.3:
            tier = self.rng.choice(self.layout.tiers[key.instrument].tiers[1:])
            return max(1, tier.floor // one)
        return max(1, int(10 ** self.rng.uniform(2, 9)) * CASH_UNIT // one)

    def cash(self) -> None:
        account = self.rng.randrange(len(self.layout.accounts))
        if self.columns.distance[account] == 0:
            shortage = self.columns.maintenance(account) - self.columns.equity[account]
            amount = shortage + int(self.columns.gross[account] * self.rng.uniform(0.0, 0.5))
        else:
            amount = self.rng.randrange(-(10**6), 10**6) * CASH_UNIT
        fold(self.book, CashMoved(T0, T0, account, "USDT", amount, "test"))
        self.columns.rebuild(account)


def plain_holdings(book: Book, columns: Columns, account: int) -> list[Holding] | None:
    """The open positions of an account as the risk sums take them; None while one of them has no mark."""
    found = []
    for position in book.layout.positions_of[account]:
        key = book.layout.keys[position]
        if book.quantity[position]:
            mark = columns.mark[key.instrument]
            if mark is None:
                return None
            found.append(
                Holding(
                    key, book.layout.instruments[key.instrument], book.layout.tiers[key.instrument],
                    book.quantity[position], book.entry_value[position], mark,
                )
            )
    return found


def same_distance(found: float, exact: float) -> bool:
    return found == exact or isclose(found, exact, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_columns_after_every_step_of_a_random_book_equal_the_plain_sums(seed: int) -> None:
    """However a book was arrived at, the totals are those that the risk sums find from nothing."""
    walk = Walk(seed)
    book, columns = walk.book, walk.columns
    for _ in range(STEPS):
        walk.step()
        for account in range(len(walk.layout.accounts)):
            holdings = plain_holdings(book, columns, account)
            assert columns.known[account] == (holdings is not None)
            if holdings is None:
                continue
            wallet = book.accounts[account].wallet
            totals = account_margin(wallet, holdings)
            assert columns.equity[account] == totals.equity
            assert columns.maintenance(account) == totals.maintenance
            assert columns.net[account] == totals.net
            assert columns.gross[account] == totals.gross
            assert columns.margin_ratio(account) == totals.margin_ratio
            exact = liquidation_distances(wallet, holdings).nearest
            assert same_distance(columns.distance[account], exact), (columns.distance[account], exact)


def common_move(holdings: list[Holding], wallet: int, move: float) -> float:
    """Free margin over gross after a common move, from the tier tables alone; the walk takes no part."""
    equity = float(wallet)
    maintenance = 0.0
    gross = 0.0
    for holding in holdings:
        value = holding.value * (1 + move)
        equity += value - holding.entry_value
        gross += abs(holding.value)
        tier = holding.tiers.tiers[holding.tiers.index_of(int(abs(value)))]
        maintenance += abs(value) * tier.rate_ppm / 1e6 - tier.cum
    return (equity - maintenance) / gross


@pytest.mark.parametrize("seed", range(SEEDS))
def test_distance_of_a_random_book_is_where_margin_runs_out(seed: int) -> None:
    """At the stated move free margin is zero, and a little before it, in either direction, it is not."""
    walk = Walk(1_000 + seed)
    looked_at = 0
    for step in range(400):
        walk.step()
        if step % 5:
            continue
        holdings = plain_holdings(walk.book, walk.columns, 0)
        distance = walk.columns.distance[0]
        if not holdings or distance <= 1e-6:
            continue
        wallet = walk.book.accounts[0].wallet
        reach = 0.999 * min(distance, 1e6)
        looked_at += 1
        assert common_move(holdings, wallet, -min(reach, 1.0)) > 0
        assert common_move(holdings, wallet, reach) > 0
        if distance < inf:
            ends = [common_move(holdings, wallet, move) for move in (-distance, distance) if move >= -1]
            assert min(abs(end) for end in ends) < 1e-6 * (1 + distance)
    assert looked_at > 5


def test_columns_when_the_last_position_closes_are_empty() -> None:
    """A book that is flat again leaves no residue: infinite distance, nothing to maintain."""
    walk = Walk(5)
    for _ in range(200):
        walk.step()
    book, columns = walk.book, walk.columns
    for position, key in enumerate(walk.layout.keys):
        book.quantity[position] = book.entry_value[position] = 0
        columns.rebuild(key.account)
    assert (columns.gross[0], columns.net[0], columns.maintenance(0)) == (0, 0, 0)
    assert columns.distance[0] == inf
    assert columns.equity[0] == book.accounts[0].wallet


def test_columns_before_every_held_position_has_a_mark_say_nothing() -> None:
    """An account with one unmarked position is not known: half a sum is worse than none."""
    layout = make_layout(2)
    book = Book.empty(layout)
    book.accounts[0] = replace(book.accounts[0], adopted=True, wallet=1_000 * CASH_UNIT)
    book.quantity[0], book.quantity[1] = 100, 100
    columns = Columns(layout, book)
    columns.move_price(0, 800_000)
    assert not columns.known[0]
    columns.move_price(1, 20_000)
    assert columns.known[0]
