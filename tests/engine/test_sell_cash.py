"""Raising cash: so much can leave, the rest stands where it should, nothing more is sold than that takes."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.effects import OpenEpisode, RaiseAlarm
from bot.domain.events import Command, CommandKind
from bot.domain.order import OrderClass
from bot.domain.sale import QuoteSale, RefuseSale, Sale, SaleTerms, TakeSale
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from tests.builders import KEY, T0, snapshot, trade
from tests.engine.driver import Driver, Trader, engine, long_of

S = NS_PER_SECOND
NO_RULES = "rules: {}"
LEVERAGE = 20                        # of the builders' account
RATE = 0.004                         # of BTC's first bracket: Binance, maintenance margin of notionals up to 50,000


def say(driver: Driver, seconds: float, usdt: float, *, name: str = "cash", over: float = 0,
        kind: CommandKind = CommandKind.SELL, distance: float | None = None) -> None:
    terms = SaleTerms(round(over * S), "taker")
    what = Sale(name, None, terms, cash=round(usdt * CASH_UNIT), distance=distance)
    driver.step(Command(T0 + round(seconds * S), 0, kind, "a redemption", by="ann", sale=what))


def refusals(driver: Driver) -> list[str]:
    return [refusal.why for refusal in driver.found(RefuseSale)]


def can_leave(driver: Trader, *, entry: float, price: float) -> float:
    """By hand: the wallet, less an unrealised loss, less the margin of what is held."""
    btc = driver.held / 1_000
    wallet = driver.engine.book.accounts[0].wallet / CASH_UNIT
    return wallet + min(0.0, btc * (price - entry)) - abs(btc) * price / LEVERAGE


def distance_without(driver: Trader, usdt: float, *, entry: float, price: float) -> float:
    """By hand: the fall at which equity without the cash is the maintenance margin of a long."""
    btc = driver.held / 1_000
    equity = driver.engine.book.accounts[0].wallet / CASH_UNIT + btc * (price - entry) - usdt
    return (equity / (btc * price) - RATE) / (1 - RATE)


def test_cash_that_would_leave_too_little_behind_is_raised_to_the_distance_and_no_further() -> None:
    """9,500 of 10,000 behind a coin of 8,000: the margin would allow it, and a fall of 6 % would end it."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, 9_500)
    driver.live_through(1, 30, price=8_000)
    assert can_leave(driver, entry=8_000, price=8_000) >= 9_500
    stands = distance_without(driver, 9_500, entry=8_000, price=8_000)
    assert 0.10 <= stands < 0.105
    assert {order.approved.request.order_class for order in driver.orders} == {OrderClass.COST}


@pytest.mark.parametrize("distance", [0.05, 0.2])
def test_cash_is_raised_to_the_distance_that_is_asked_for(distance: float) -> None:
    """Whoever wants to stand further off sells more for the same cash."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, 9_700, distance=distance)
    driver.live_through(1, 30, price=8_000)
    stands = distance_without(driver, 9_700, entry=8_000, price=8_000)
    assert distance <= stands < distance * 1.05


def test_cash_that_lies_in_a_profit_is_realised_first() -> None:
    """1,000 in the wallet and a profit of 2,000: 60 % is sold for 2,000, and what its sale costs."""
    driver = Trader(engine(NO_RULES))
    driver.step(trade(0, 10_000))
    driver.step(snapshot(0, usdt=1_000, btc=1_000, entry=8_000))
    say(driver, 1, 2_000)
    driver.live_through(1, 30, price=10_000)
    assert 380 <= driver.held <= 400
    assert can_leave(driver, entry=8_000, price=10_000) >= 2_000


def test_cash_of_an_account_that_has_lost_counts_the_loss() -> None:
    """2,000 in the wallet, 1,000 lost: 600 leave 10 % behind only after some is sold."""
    driver = Trader(engine(NO_RULES))
    driver.step(trade(0, 7_000))
    driver.step(snapshot(0, usdt=2_000, btc=1_000, entry=8_000))
    say(driver, 1, 600)
    driver.live_through(1, 30, price=7_000)
    assert can_leave(driver, entry=8_000, price=7_000) >= 600
    assert 0.10 <= distance_without(driver, 600, entry=8_000, price=7_000) < 0.105


@pytest.mark.parametrize(
    ("usdt", "why"),
    [
        (9_000, "9000 USDT can leave already, with nothing more sold"),
        (10_000, "selling everything raises"),
    ],
)
def test_cash_that_needs_no_sale_or_that_no_sale_raises_is_refused(usdt: float, why: str) -> None:
    """Both sides of what selling is for; nothing is sold."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, usdt)
    driver.live_through(1, 30, price=8_000)
    assert refusals(driver)[0].startswith(why)
    assert driver.held == 1_000 and not driver.orders


def test_cash_said_twice_is_raised_once_and_its_parts_are_one_sale() -> None:
    """Two positions are cut, evenly by cost; the name is known, and takes both back."""
    driver = Trader(engine(NO_RULES))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 200, instrument=1))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000, eth=40_000, eth_entry=200))
    for _ in range(2):
        say(driver, 1, 9_600, over=600)
    assert [taken.sale.name for taken in driver.found(TakeSale)] == ["cash", "cash #2"]
    assert len(driver.found(OpenEpisode)) == 2
    driver.step(Command(T0 + 2 * S, 0, CommandKind.END_SALE, "enough", rule="cash", by="ann"))
    assert not driver.engine.book.episodes
    codes = [alarm.code for alarm in driver.found(RaiseAlarm)]
    assert (codes.count("sale_taken"), codes.count("sale_known"), codes.count("sale_ended")) == (2, 1, 2)


def test_cash_beside_a_sale_under_way_counts_what_that_will_raise() -> None:
    """Half is being sold already: that is enough, and no second half goes."""
    driver = long_of(1_000, NO_RULES)
    what = Sale("half", KEY, SaleTerms(600 * S, "taker"), 500)
    driver.step(Command(T0, 0, CommandKind.SELL, "r", by="ann", sale=what))
    say(driver, 1, 9_500)
    assert refusals(driver) == ["9500 USDT can leave already, with nothing more sold"]


def test_quote_of_cash_names_every_cut_and_does_nothing() -> None:
    """What is asked only: value and cost of each position, no order."""
    driver = long_of(1_000, NO_RULES)
    say(driver, 1, 9_500, kind=CommandKind.QUOTE_SALE, over=600)
    (quote,) = driver.found(QuoteSale)
    assert quote.offer is not None and 350 < quote.offer.quantity < 450
    driver.live_through(1, 30, price=8_000)
    assert not driver.orders


def test_cash_of_an_account_without_a_price_is_refused() -> None:
    """Nothing is decided by half a sum."""
    driver = Trader(engine(NO_RULES))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000, eth=1_000, eth_entry=200))
    say(driver, 1, 9_500)
    assert refusals(driver)[0].startswith("what is held, or its price, is not known")


def test_cash_of_a_flat_account_can_leave_or_is_not_there() -> None:
    """There is nothing to sell either way."""
    driver: Any = Trader(engine(NO_RULES))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=1_000))
    say(driver, 1, 1_000, name="all")
    say(driver, 1, 1_000.01, name="more")
    assert [why.split(" USDT")[0] for why in refusals(driver)] == ["1000", "selling everything raises 1000"]
