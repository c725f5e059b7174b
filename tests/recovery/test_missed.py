"""What was told and not heard: numbered facts count once, gaps are asked for, what a snapshot holds counts no more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.effects import CatchUp, LookUpOrder, RaiseAlarm, ReadAccount
from bot.domain.events import (
    AccountFact,
    CashMoved,
    FundingPaid,
    LiquidationStage,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    Restarted,
)
from bot.domain.market import FundingRate
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT
from bot.engine.record.book import AccountBook, Book
from bot.engine.record.fold import fold
from bot.engine.record.heard import BEYOND_MAX, hear
from paper.messages import QueryHistory, Wake
from tests.builders import KEY, STOP, T0, layout, snapshot, trade
from tests.engine.driver import Trader, long_of
from tests.paper.builders import Bench, order, start

S = 10**9
TAKEN = 10                           # seconds, when the snapshot was taken


def paid(seconds: float, number: int = 0, *, amount: int = 5 * CASH_UNIT, key: PositionKey = KEY) -> FundingPaid:
    """Funding that was paid ``seconds`` after the start and is heard much later."""
    return FundingPaid(T0 + 60 * S, T0 + round(seconds * S), 0, key, amount, number)


def moved(seconds: float, *, asset: str = "USDT", number: int = 0) -> CashMoved:
    return CashMoved(T0 + 60 * S, T0 + round(seconds * S), 0, asset, 7 * CASH_UNIT, "deposit", number)


def adopted(*facts: AccountFact) -> AccountBook:
    """An account of 1,000 USDT by a snapshot taken at 10 s, and what facts made of it."""
    book = Book.empty(layout())
    fold(book, snapshot(TAKEN, usdt=1_000))
    for fact in facts:
        fold(book, fact)
    return book.accounts[0]


@pytest.mark.parametrize(("seconds", "wallet"), [(9.0, 1_000), (10.0, 1_000), (10.000000001, 995), (11.0, 995)])
def test_funding_no_later_than_the_snapshot_is_in_it(seconds: float, wallet: int) -> None:
    """What was paid by then is in the wallet that the venue told; it is counted as funding all the same."""
    account = adopted(paid(seconds))
    assert (account.wallet, account.funding) == (wallet * CASH_UNIT, 5 * CASH_UNIT)


@pytest.mark.parametrize(("seconds", "wallet"), [(10.0, 1_000), (10.000000001, 1_007)])
def test_deposit_no_later_than_the_snapshot_is_in_it(seconds: float, wallet: int) -> None:
    """The same for cash that came or went; the units of the net asset value follow either way."""
    account = adopted(moved(seconds))
    assert (account.wallet, account.flow) == (wallet * CASH_UNIT, 7 * CASH_UNIT)


@pytest.mark.parametrize(("seconds", "held"), [(10.0, None), (10.000000001, 7 * CASH_UNIT)])
def test_deposit_of_another_asset_no_later_than_the_snapshot_is_in_it(seconds: float, held: int | None) -> None:
    """Collateral is cash like any other."""
    assert adopted(moved(seconds, asset="BTC")).assets.get("BTC") == held


def test_snapshot_older_than_funding_that_was_heard_is_not_taken() -> None:
    """A word that was long on its way must not give the money back."""
    account = adopted(paid(12.0), snapshot(11.999999999, usdt=1_000))
    assert account.wallet == 995 * CASH_UNIT
    account = adopted(paid(12.0), snapshot(12, usdt=995))
    assert account.wallet == 995 * CASH_UNIT


def test_funding_told_twice_under_one_number_counts_once() -> None:
    """After a restart the venue tells again; without a number each is another payment."""
    assert adopted(paid(11, 1), paid(11, 1)).funding == 5 * CASH_UNIT
    assert adopted(paid(11), paid(11)).funding == 10 * CASH_UNIT


@settings(derandomize=True, deadline=None, max_examples=200)
@given(numbers=st.permutations(range(1, 12)), repeats=st.lists(st.integers(1, 11), max_size=8))
def test_hear_in_any_order_with_repeats_takes_each_once_and_ends_without_a_gap(
    numbers: list[int], repeats: list[int]
) -> None:
    """However the facts come, every one is new exactly once, and the last of them closes the gap."""
    account = AccountBook()
    taken = [number for number in [*numbers[:6], *repeats, *numbers] if hear(account, number)]
    assert sorted(taken) == list(range(1, 12))
    assert (account.facts_through, account.facts_beyond) == (11, [])


def test_hear_of_more_than_the_venue_keeps_gives_the_oldest_gap_up() -> None:
    """What cannot be had any more must not be waited for, and memory has a bound."""
    account = AccountBook()
    for number in range(3, BEYOND_MAX + 3):
        assert hear(account, number)
    assert (account.facts_through, len(account.facts_beyond)) == (0, BEYOND_MAX)
    assert hear(account, BEYOND_MAX + 3)
    assert (account.facts_through, account.facts_beyond) == (BEYOND_MAX + 3, [])
    assert not hear(account, 1)


# The engine asks ------------------------------------------------------------------------------------------


def test_engine_asks_once_for_what_a_number_says_it_missed() -> None:
    """Number 3 after nothing: 1 and 2 are asked for, and 4 does not ask again; what comes fills the gap."""
    driver = long_of(100)
    for number in (3, 4):
        driver.step(paid(61, number))
    assert [(ask.account, ask.facts_after) for ask in driver.found(CatchUp)] == [(0, 0)]
    for number in (1, 2, 3, 4):
        driver.step(paid(61, number))
    account = driver.engine.book.accounts[0]
    assert (account.funding, account.facts_through) == (20 * CASH_UNIT, 4)
    driver.step(paid(61, 6))
    assert [ask.facts_after for ask in driver.found(CatchUp)] == [0, 4]


def test_engine_asks_for_what_a_snapshot_says_it_missed() -> None:
    """The venue has told two facts by then, and we have heard one: the other was lost on the way."""
    driver = long_of(100)
    driver.step(paid(0.5, 1))
    driver.step(replace(snapshot(61, usdt=10_000, btc=100, entry=8_000), number=1))
    assert driver.found(CatchUp) == []
    driver.step(replace(snapshot(62, usdt=10_000, btc=100, entry=8_000), number=2))
    assert [ask.facts_after for ask in driver.found(CatchUp)] == [1]


def test_engine_after_a_restart_asks_for_everything_since_what_it_knows() -> None:
    """Facts by their number, own orders by the venue's time of the last thing that is known for sure."""
    driver = long_of(100)
    driver.step(paid(0.5, 1))
    driver.step(Restarted(T0 + 61 * S, "test"))
    assert driver.found(CatchUp) == [CatchUp(0, 1, T0, T0 + 61 * S)]


def test_engine_after_a_restart_asks_for_every_order_that_was_out() -> None:
    """Also for one that arrived before the last fill, and so is not among those that are told again by their time."""
    driver = long_of(100, STOP)
    driver.step(trade(1, 7_500))
    name = driver.orders[0].approved.request.name
    driver.step(Restarted(T0 + 2 * S, "test"))
    assert [ask.name for ask in driver.found(LookUpOrder)] == [name]


def test_engine_tells_of_a_liquidation_once_however_often_it_is_told() -> None:
    """A stage that is told again after a restart is not another liquidation."""
    driver = long_of(100)
    stage = LiquidationStage(T0 + S, 0, KEY, 10**10, 10**7, "liquidation", 1)
    driver.step(stage)
    driver.step(replace(stage, now=T0 + 2 * S))
    assert [alarm.code for alarm in driver.found(RaiseAlarm)].count("liquidated") == 1


# An order that the venue had and lost ---------------------------------------------------------------------


def _lost(driver: Trader, *, is_read: bool) -> str:
    """An accepted order of 100 that the venue misses at 7 and 12 s; between them a snapshot, if one is read."""
    driver.step(trade(1, 7_500))
    name = driver.orders[0].approved.request.name
    driver.step(OrderAccepted(T0 + S, 0, name))
    driver.step(OrderNotFound(T0 + 7 * S, 0, name))
    if is_read:
        driver.step(snapshot(8, usdt=10_000, btc=40, entry=8_000))       # 60 of it had filled before it was lost
    driver.step(OrderNotFound(T0 + 12 * S, 0, name))
    return name


def test_working_order_missed_twice_with_a_snapshot_between_is_over() -> None:
    """It does not hold its quantity for ever; a person is told; what it had filled is not sold again."""
    driver = long_of(100, STOP)
    name = _lost(driver, is_read=True)
    book = driver.engine.book
    assert name not in book.orders
    assert "order_lost" in [alarm.code for alarm in driver.found(RaiseAlarm)]
    driver.run_timers(until=20)
    assert [placed.approved.request.quantity for placed in driver.orders] == [100, 40]
    assert book.working[0] <= abs(book.quantity[0])


def test_working_order_missed_twice_without_a_snapshot_keeps_working() -> None:
    """It may have filled before it was lost: until the account was read, the same would be sold again."""
    driver = long_of(100, STOP)
    name = _lost(driver, is_read=False)
    assert name in driver.engine.book.orders
    assert len(driver.found(ReadAccount)) == 2
    assert "order_lost" not in [alarm.code for alarm in driver.found(RaiseAlarm)]
    driver.run_timers(until=30)
    assert len(driver.orders) == 1
    assert len(driver.found(LookUpOrder)) >= 2


# The venue tells again ------------------------------------------------------------------------------------


def _in_history(fact: AccountFact) -> bool:
    return isinstance(fact, FundingPaid) and fact.number > 1


def test_venue_tells_numbered_facts_again_after_a_number_and_orders_since_a_time() -> None:
    """The same numbers, stamps and amounts, told now; of its orders those that arrived at that time or later."""
    bench = Bench(start("100000", (0, "30", "100")))
    bench.price("100")
    first: list[AccountFact] = []
    for number in range(1, 4):
        at = bench.now + 10 * S
        bench.say(FundingRate(at - 5, at - 5, 0, 10_000, at))
        bench.now = at
        first += bench.say(Wake())
        assert [fact.number for fact in first if isinstance(fact, FundingPaid)] == list(range(1, number + 1))
    bench.send(order(Side.SELL, "1", "90", name="before"))
    bench.now += S
    since = bench.now + bench.spec.latency
    bench.send(order(Side.SELL, "1", "90", name="then"))
    bench.say(QueryHistory(0, 1, since))
    bench.now += S
    again = bench.say(Wake())
    assert [replace(fact, now=0) for fact in again if isinstance(fact, FundingPaid)] == [
        replace(fact, now=0) for fact in first if _in_history(fact)
    ]
    assert all(fact.now > since for fact in again)
    assert {fact.name for fact in again if isinstance(fact, OrderFilled | OrderEnded)} == {"then"}
