"""Cross margin against Binance's own worked examples, and the ranges in which it need not be counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT
from paper.exchange import Exchange, charge
from paper.holdings import trade
from paper.margin import bankruptcy_price, cross_pool, initial_margin, must_liquidate, quiet_range, totals
from paper.spec import VenueSpec
from paper.state import NEVER, Account, Holding, Market, VenueState
from paper.tiers import Brackets
from tests.paper.builders import order, perpetual
from tests.shared_data import shared

PRICE_UNITS = 10**4                  # finer than the venue's, so that a printed liquidation price can be bracketed
QUANTITY_UNITS = 10**3


def _cases(family: str) -> list[dict[str, Any]]:
    text = shared("oracles/05_exchange_margin.json").read_text()
    return [case for case in json.loads(text)["cases"] if case["family"] == family]


def _exchange(wallet: float, positions: list[tuple[float, float, float, float, float]]) -> tuple[Exchange, Account]:
    """Return an account with positions of (signed amount, entry, mark, rate, cum)."""
    instruments = []
    for index in range(len(positions)):
        instrument = perpetual(index)
        object.__setattr__(instrument, "price_digits", 4)
        instruments.append(instrument)
    account = Account(0, "USDT", {"USDT": round(wallet * CASH_UNIT)}, leverage=20)
    markets = [Market(last=round(mark * PRICE_UNITS)) for _, _, mark, _, _ in positions]
    exchange = Exchange(VenueSpec(), instruments, VenueState(markets, [account]))
    exchange.brackets = tuple(
        Brackets((10**20,), (round(rate * 100_000),), (round(cum * CASH_UNIT),), (125,))
        for *_, rate, cum in positions
    )
    for instrument, (amount, entry, _, _, _) in zip(instruments, positions, strict=True):
        quantity = round(amount * QUANTITY_UNITS)
        value = instrument.value(price=round(entry * PRICE_UNITS), quantity=quantity)
        account.holdings.append(Holding(PositionKey(0, instrument.index), quantity, value))
    return exchange, account


def _liquidation_price(exchange: Exchange, account: Account) -> float:
    """Return the price of the first instrument at which the venue begins to liquidate, by bisection."""
    market = exchange.markets[0]
    alive = market.last or 0
    assert not must_liquidate(exchange, cross_pool(exchange, account, "USDT"))
    dead = 1 if account.holdings[0].quantity > 0 else 10 * alive
    while abs(alive - dead) > 1:
        market.last = (alive + dead) // 2
        if must_liquidate(exchange, cross_pool(exchange, account, "USDT")):
            dead = market.last
        else:
            alive = market.last
    return dead / PRICE_UNITS


def test_liquidation_price_of_binances_worked_examples_is_theirs() -> None:
    """The examples of Binance's own page, isolated and cross, are liquidated at the price it prints."""
    seen = 0
    for case in _cases("binance_official"):
        given = case["inputs"]
        if "liquidation_price" not in case["expected"]:
            continue
        sign = 1 if given["side"] == "long" else -1
        positions = [(sign * given["position"], given["entry"], given["mark"], given["mmr"], given["cum"])]
        if given["other_position"]:
            other = given["other_position"]
            positions.append((other["pos"], other["ep"], other["mark"], other["mmr"], other["cum"]))
        exchange, account = _exchange(given["wallet_balance"], positions)
        assert _liquidation_price(exchange, account) == pytest.approx(case["expected"]["liquidation_price"], abs=0.0051)
        seen += 1
    assert seen == 2


def test_totals_of_binances_worked_account_are_theirs() -> None:
    """Maintenance margin and margin balance of the two-position example come out to the eighth decimal."""
    (case,) = [case for case in _cases("binance_official") if "margin_ratio" in case["expected"]]
    given = case["inputs"]
    exchange, account = _exchange(
        given["wallet_balance"],
        [(each["pos"], each["ep"], each["mark"], each["mmr"], each["cum"]) for each in given["positions"]],
    )
    found = totals(exchange, account)
    assert found.maintenance / CASH_UNIT == pytest.approx(case["expected"]["maintenance_margin"], rel=1e-9)
    assert found.equity / CASH_UNIT == pytest.approx(case["expected"]["margin_balance"], rel=1e-9)


def test_liquidation_price_of_a_single_position_is_the_isolated_one() -> None:
    """An account with one position is an isolated position: the published isolated cases apply to it."""
    seen = 0
    for case in _cases("binance_isolated"):
        given = case["inputs"]
        sign = 1 if given["side"] == "long" else -1
        exchange, account = _exchange(
            given["wallet_balance"],
            [(sign * given["size"], given["entry"], given["entry"], given["mmr"], given["cum"])],
        )
        found = _liquidation_price(exchange, account)
        assert found == pytest.approx(case["expected"]["liquidation_price"], abs=2 / PRICE_UNITS), case["id"]
        seen += 1
    assert seen == 4


def test_must_liquidate_at_equity_equal_to_maintenance_does_and_one_unit_above_does_not() -> None:
    """A margin ratio of exactly 100 % is liquidation; the smallest unit of cash above it is not."""
    exchange, account = _exchange(0, [(1, 100, 90, 0.01, 0)])
    account.wallets["USDT"] = 10 * CASH_UNIT + 90 * CASH_UNIT // 100
    assert must_liquidate(exchange, cross_pool(exchange, account, "USDT"))
    account.pay("USDT", 1)
    assert not must_liquidate(exchange, cross_pool(exchange, account, "USDT"))


@pytest.mark.parametrize("amount", [1, -1, 2.5, 0.333, -0.333])
def test_bankruptcy_price_of_a_position_leaves_nothing_but_the_rounding(amount: float) -> None:
    """Closing at the bankruptcy price leaves no equity and never a debt; one price unit worse would."""
    exchange, account = _exchange(13.37, [(amount, 100, 97, 0.01, 0), (1, 50, 48.5, 0.01, 0)])
    holding = account.holdings[0]
    price = bankruptcy_price(exchange, cross_pool(exchange, account, "USDT"), holding)
    exchange.markets[0].last = price
    assert totals(exchange, account).equity >= 0
    exchange.markets[0].last = price - (1 if amount > 0 else -1)
    assert totals(exchange, account).equity < 0


def test_charge_is_rounded_up_whichever_way_the_cash_flows() -> None:
    """Half a unit of fee is one unit paid; half a unit of rebate is none received."""
    assert [charge(value, 50_000) for value in (1_000, 1_001, 2_000, 2_001)] == [1, 1, 1, 2]
    assert [charge(value, -50_000) for value in (1_000, 2_000, 3_000)] == [0, -1, -1]


@pytest.mark.parametrize("held", [3, -3])
def test_trade_takes_its_share_of_the_entry_value_rounded_towards_zero(held: int) -> None:
    """A third of 10 is 3 for a long and a short alike; what is left stays with the rest."""
    entry = 10 if held > 0 else -10
    account = Account(0, "USDT", {}, leverage=20, holdings=[Holding(PositionKey(0, 0), held, entry)])
    traded = trade(account, PositionKey(0, 0), perpetual(), signed=-1 if held > 0 else 1, price=1)
    assert account.holdings == [Holding(PositionKey(0, 0), 2 if held > 0 else -2, entry * 7 // 10)]
    assert traded.profit == (1_000 - 3 if held > 0 else 3 - 1_000)


def test_initial_margin_counts_the_worse_side_of_position_and_orders() -> None:
    """One long of 100 at 20x needs 5; a sale up to twice it needs no more, a purchase adds to it."""
    exchange, account = _exchange(10, [(1, 100, 100, 0.01, 0)])
    for side, quantity, margin in ((Side.SELL, 2_000, 5), (Side.SELL, 3_000, 10), (Side.BUY, 1_000, 10)):
        extra = replace(order(side, 1, 1), quantity=quantity, limit_price=100 * PRICE_UNITS)
        assert initial_margin(exchange, account, "USDT", extra) == margin * CASH_UNIT
    reducing = replace(order(Side.SELL, 1, 1, reduce_only=True), quantity=9_000, limit_price=100 * PRICE_UNITS)
    for asked in (None, reducing):
        assert initial_margin(exchange, account, "USDT", asked) == 5 * CASH_UNIT


@pytest.mark.parametrize("amounts", [(1,), (-1,), (1, 2), (1, -2), (-3, -1, 2)])
def test_quiet_range_at_its_edges_still_has_equity_above_maintenance(amounts: tuple[int, ...]) -> None:
    """With every mark as bad as its range allows, nobody would have been liquidated unseen."""
    exchange, account = _exchange(9, [(amount, 100, 100, 0.5, 0) for amount in amounts])
    account.wallets["USDT"] = 200 * len(amounts) * CASH_UNIT + 7
    now = totals(exchange, account)
    pool = cross_pool(exchange, account, "USDT")
    share = (now.equity - now.maintenance) // len(amounts)
    ranges = [quiet_range(exchange, pool, holding, share) for holding in account.holdings]
    for holding, market, (low, high) in zip(account.holdings, exchange.markets, ranges, strict=True):
        assert low < (market.last or 0) < high
        assert (high == NEVER) == (holding.quantity > 0)
        market.last = low + 1 if holding.quantity > 0 else high - 1
    assert not must_liquidate(exchange, cross_pool(exchange, account, "USDT"))
