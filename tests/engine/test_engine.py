"""The step itself: time, wakes, accounts apart from each other, and what is decided before anything is known."""

from __future__ import annotations

import pytest

from bot.domain.account import PositionKey
from bot.domain.copying import replace
from bot.domain.effects import EndEpisode, LookUpOrder, OpenEpisode, PlaceOrder, RaiseAlarm, ReserveNames, SetLatch
from bot.domain.errors import ContractError
from bot.domain.events import (
    AccountSnapshot,
    CashMoved,
    Command,
    CommandKind,
    FillOrigin,
    FundingPaid,
    LiquidationStage,
    Restarted,
    Timer,
)
from bot.domain.latch import Latch
from bot.domain.market import CandlePoint, MarkPrice, Quote
from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.engine import NOTHING
from bot.engine.measures.layout import Layout
from tests.builders import GUARD, KEY, STOP, T0, fill, layout, snapshot, trade
from tests.engine.driver import WIDE, Driver, engine

S = NS_PER_SECOND


def two_accounts() -> Layout:
    """Two accounts on the same two perpetuals."""
    plain = layout()
    return Layout(plain.instruments, plain.tiers, (*plain.accounts, replace(plain.accounts[0], name="other")))


def for_account(account: int, said: AccountSnapshot) -> AccountSnapshot:
    """The same word of the venue, about another account."""
    positions = tuple(
        replace(report, key=PositionKey(account, report.key.instrument)) for report in said.positions
    )
    return replace(said, account=account, positions=positions)


def alarms(driver: Driver) -> list[str]:
    return [alarm.code for alarm in driver.found(RaiseAlarm)]


def test_step_with_nothing_to_decide_returns_nothing() -> None:
    """A price without consequence costs no list, and no wake but the one that would notice its silence."""
    driver = Driver(engine(STOP))
    driver.step(trade(0, 8_000))
    assert driver.step(trade(1, 8_001)) is NOTHING
    assert driver.wake == T0 + WIDE.stale_after


def test_step_back_in_time_is_our_own_fault() -> None:
    """Time does not go back; the same instant again is no step back."""
    driver = Driver(engine(STOP))
    driver.step(trade(5, 8_000))
    driver.step(trade(5, 8_001))
    with pytest.raises(ContractError, match="time goes back"):
        driver.step(trade(4.999, 8_002))


def test_step_counts_every_event() -> None:
    """Effects carry the number of the event that caused them, so every event has one."""
    driver = Driver(engine(STOP))
    for second in range(5):
        driver.step(trade(second, 8_000))
    assert driver.engine.book.seq == 5


def test_warm_takes_prices_and_decides_nothing() -> None:
    """History before a start fills windows; acting on it would be acting on the past."""
    driver = Driver(engine(STOP))
    driver.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    for minute in range(1, 30):
        driver.engine.warm(trade(60 * minute, 8_000 - 100 * minute))
    assert driver.engine.columns.mark[0] == 510_000
    assert driver.engine.book.seq == 1
    assert driver.found(OpenEpisode) == []
    driver.step(snapshot(1_800, usdt=1_000, btc=100, entry=8_000))
    assert len(driver.found(OpenEpisode)) == 1


# Before the venue has spoken ------------------------------------------------------------------------------


def test_engine_before_the_first_snapshot_decides_nothing() -> None:
    """Without the venue's word there is no position to protect and none to sell."""
    driver = Driver(engine(STOP, GUARD))
    for second in range(10):
        driver.step(trade(second, 8_000 - 500 * second))
    assert driver.effects == []


def test_engine_after_a_restart_asks_for_its_orders_and_waits_for_the_venue() -> None:
    """Every order that was out is looked up; nothing is decided until the venue has said what is held."""
    before = Driver(engine(STOP))
    before.step(trade(0, 8_000))
    before.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    before.step(trade(1, 7_500))
    after = Driver(engine(STOP, book=before.engine.book))
    after.step(Restarted(T0 + 10 * S, "test"))
    assert [ask.name for ask in after.found(LookUpOrder)] == [before.orders[0].approved.request.name]
    after.step(trade(11, 7_000))
    assert after.last == NOTHING
    after.step(snapshot(12, usdt=1_000, btc=100, entry=8_000))
    assert after.orders == [], "all of it is still under way"
    assert after.engine.book.working[0] == 100


def test_engine_after_a_restart_over_a_position_that_is_gone_sells_nothing() -> None:
    """Whoever sold it while we were away: the episode ends."""
    before = Driver(engine(STOP))
    before.step(trade(0, 8_000))
    before.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    before.step(trade(1, 7_500))
    after = Driver(engine(STOP, book=before.engine.book))
    after.step(Restarted(T0 + 10 * S, "test"))
    after.step(trade(11, 7_000))
    after.step(snapshot(12, usdt=950))
    assert after.orders == []
    assert [end.reason for end in after.found(EndEpisode)] == ["goal met"]


def test_engine_without_marks_sends_no_order_after_a_restart() -> None:
    """A stop that was firing before has no price to sell at until one comes."""
    before = Driver(engine(STOP))
    before.step(trade(0, 8_000))
    before.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    before.step(trade(1, 7_500))
    book = before.engine.book
    book.orders.clear()
    book.working[0] = 0
    after = Driver(engine(STOP, book=book))
    after.step(Restarted(T0 + 10 * S, "test"))
    after.step(snapshot(12, usdt=1_000, btc=100, entry=8_000))
    assert after.orders == []
    after.step(trade(13, 7_990))
    assert [order.approved.request.quantity for order in after.orders] == [100]


# Accounts apart -------------------------------------------------------------------------------------------


def test_engine_decides_for_the_account_in_breach_only() -> None:
    """One price, two accounts: the one that bought dearer sells, the other is left alone."""
    driver = Driver(engine(STOP, GUARD, shape=two_accounts()))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=100, entry=8_000))
    driver.step(for_account(1, snapshot(0, usdt=10_000, btc=300, entry=7_600)))
    driver.step(trade(1, 7_500))
    assert [order.approved.request.key for order in driver.orders] == [KEY]
    assert {reserved.key.account for reserved in driver.found(ReserveNames)} == {0, 1}


def test_engine_of_two_accounts_waits_for_each_ones_snapshot() -> None:
    """An account that the venue has not reported yet holds up no other."""
    driver = Driver(engine(STOP, shape=two_accounts()))
    driver.step(trade(0, 8_000))
    driver.step(for_account(1, snapshot(0, usdt=10_000, btc=300, entry=8_000)))
    driver.step(trade(1, 7_500))
    assert [order.approved.request.key.account for order in driver.orders] == [1]


def test_engine_freezes_one_account_and_not_the_other() -> None:
    """A freeze is an account's; resuming takes it back."""
    driver = Driver(engine(STOP, shape=two_accounts()))
    driver.step(Command(T0, 1, CommandKind.FREEZE, "test"))
    assert [account.latch for account in driver.engine.book.accounts] == [Latch.OPEN, Latch.FROZEN]
    driver.step(Command(T0 + S, 1, CommandKind.RESUME, "test", by="ann"))
    assert [account.latch for account in driver.engine.book.accounts] == [Latch.OPEN, Latch.OPEN]
    assert [change.latch for change in driver.found(SetLatch)] == [Latch.FROZEN, Latch.OPEN]


# What a person is told ------------------------------------------------------------------------------------


def test_engine_says_when_somebody_else_trades_and_when_the_venue_differs() -> None:
    """A fill that was not ours, and a snapshot that does not agree, are alarms; the venue's word is taken."""
    driver = Driver(engine(STOP))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    assert alarms(driver) == []
    driver.step(snapshot(1, usdt=1_000, btc=100, entry=8_000))
    assert alarms(driver) == []
    driver.step(snapshot(2, usdt=1_000, btc=90, entry=8_000))
    assert alarms(driver) == ["position_differs"]
    assert driver.engine.book.quantity[0] == 90


@pytest.mark.parametrize("origin", [FillOrigin.EXTERNAL, FillOrigin.LIQUIDATION, FillOrigin.ADL])
def test_engine_names_whose_fill_it_was(origin: FillOrigin) -> None:
    """A person, the venue's liquidation and its deleveraging have alarms of their own."""
    driver = Driver(engine(STOP))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    driver.step(trade(1, 7_500))
    made = replace(fill(driver.orders[0], 2, 40, 7_500), name="x", origin=origin)
    driver.step(made)
    assert alarms(driver) == [f"external_{origin.value}"]
    assert driver.engine.book.quantity[0] == 60


def test_engine_says_when_it_was_liquidated() -> None:
    """The venue's own stages are alarms; their fills are what moves the position."""
    driver = Driver(engine(STOP))
    driver.step(snapshot(0, usdt=1_000))
    driver.step(LiquidationStage(T0 + S, 0, KEY, 10**10, 10**7, "liquidation"))
    assert alarms(driver) == ["liquidated"]


# Cash and prices ------------------------------------------------------------------------------------------


def test_engine_acts_on_cash_that_leaves() -> None:
    """A withdrawal can bring liquidation near with no price moving at all; so can funding."""
    for fact in (
        CashMoved(T0 + S, T0 + S, 0, "USDT", -60 * CASH_UNIT, "withdrawal"),
        FundingPaid(T0 + S, T0 + S, 0, KEY, 60 * CASH_UNIT)
    ):
        driver = Driver(engine(GUARD))
        driver.step(trade(0, 8_000))
        driver.step(snapshot(0, usdt=100, btc=100, entry=8_000))
        assert driver.found(OpenEpisode) == []
        driver.step(fact)
        assert len(driver.found(OpenEpisode)) == 1


def test_engine_with_a_mark_stream_counts_margin_at_the_mark() -> None:
    """Once the venue sends marks, trades no longer move the margin."""
    driver = Driver(engine(STOP))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    driver.step(MarkPrice(T0 + S, T0 + S, 0, 765_000))
    driver.step(trade(2, 7_550))
    assert driver.orders == []
    driver.step(MarkPrice(T0 + 3 * S, T0 + 3 * S, 0, 759_000))
    assert len(driver.orders) == 1


def test_parent_arrival_price_is_the_mid_where_there_is_a_book() -> None:
    """Cost is measured from the mid; without a two-sided book from the mark."""
    driver = Driver(engine(STOP))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=100, entry=8_000, eth=1_000, eth_entry=200))
    driver.step(trade(0, 200, instrument=1))
    driver.step(Quote(T0 + S, T0 + S, 0, 749_900, 5, 750_300, 5))
    driver.step(Quote(T0 + S, T0 + S, 1, 18_500, 5, 0, 0))
    driver.step(trade(2, 7_500))
    driver.step(trade(2, 180, instrument=1))
    opened = [effect for effect in driver.effects if type(effect).__name__ == "OpenParent"]
    assert [effect.arrival_price for effect in opened] == [750_100, 18_000]  # type: ignore[union-attr]


def test_minutes_without_prices_are_counted_as_still() -> None:
    """Volatility rolls on at the next price, whatever the gap."""
    driver = Driver(engine(STOP))
    volatility = driver.engine.market.volatility[0]
    seen = []
    for minute in (0, 1, 101, 102):
        now = T0 + minute * NS_PER_MINUTE
        driver.step(CandlePoint(now, now, 0, 800_000, 10))
        seen.append(volatility.minutes_seen)
    assert seen == [0, 0, 100, 101]
    assert volatility.fast < volatility.prior


def test_timer_at_its_own_instant_is_served_once() -> None:
    """A wake that was served is not asked for again."""
    driver = Driver(engine(STOP.replace("do: close", "hold: 3s\n    do: close")))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=1_000, btc=100, entry=8_000))
    driver.step(trade(1, 7_500))
    wake = driver.wake
    assert wake == T0 + 4 * S
    driver.step(Timer(wake))
    assert driver.wake is None or driver.wake > wake
    assert len([effect for effect in driver.last if isinstance(effect, PlaceOrder)]) == 1
