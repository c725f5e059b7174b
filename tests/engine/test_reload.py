"""Other rules while the engine runs: what is open goes on, what has lost its rule ends, and all of it is recorded."""

from __future__ import annotations

from decimal import Decimal

from bot.domain.effects import (
    Effect,
    EndEpisode,
    EndParent,
    MoveTrigger,
    OpenEpisode,
    OpenParent,
    ParentEnd,
    TriggerState,
)
from bot.domain.events import AccountFact, Event, Reloaded
from bot.domain.market import Trade
from bot.domain.units import Money
from bot.engine.deciding.replacing import GONE
from bot.engine.record import checkpoint
from bot.engine.record.recovery import refold
from bot.engine.spec import LimitsSpec, SurvivalSpec
from tests.builders import T0, rules, snapshot, trade
from tests.engine.driver import SLOW_STOP, WIDE, Driver, engine, long_of

S = 1_000_000_000
LATE_STOP = SLOW_STOP.replace("> 5%", "> 20%")
GUARD = """
rules:
  guard:
    for_each: account
    when: account.leverage > 50
    do: {deleverage: {to: {leverage: 10}}}
"""
STOP_OF_ACCOUNTS = GUARD.replace("guard:", "stop:")


def lowest(window: str, bound: str) -> str:
    """The stop on the lowest loss within a window."""
    return SLOW_STOP.replace("position.loss_ratio > 5%", f"min(position.loss_ratio, {window}) > {bound}")


def give(driver: Driver, seconds: float, *texts: str, limits: LimitsSpec = WIDE) -> None:
    """Put other rules in force."""
    driver.engine.replace_rules(rules(*texts), limits=limits, survival=(SurvivalSpec(),))
    driver.step(Reloaded(T0 + round(seconds * S), "hash"))


def test_reload_that_adds_a_rule_whose_condition_holds_fires_it() -> None:
    """Whoever tightens a stop below the price is out at once, not at the next price."""
    driver = long_of(100, LATE_STOP)
    driver.step(trade(1, 7_500))
    assert driver.found(OpenEpisode) == []
    give(driver, 2, SLOW_STOP)
    assert [fired.rule for fired in driver.found(OpenEpisode)] == ["stop"]


def test_reload_that_removes_a_rule_leaves_nobody_to_fire() -> None:
    """A rule that is gone from the file is gone."""
    driver = long_of(100, SLOW_STOP)
    give(driver, 1, GUARD)
    driver.step(trade(2, 7_500))
    assert driver.found(OpenEpisode) == []


def test_reload_while_a_rule_sells_goes_on_with_the_same_plan() -> None:
    """A changed threshold is for the next time: what is being sold is sold, under the parent it began with."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    driver.live_through(1, 30, price=7_500)
    held = driver.held
    assert 0 < held < 100
    give(driver, 31, LATE_STOP, GUARD)
    assert driver.found(EndParent) == []
    driver.live_through(31, 120, price=7_500)
    assert driver.held == 0
    assert len(driver.found(OpenParent)) == 1
    assert [ended.reason for ended in driver.found(EndEpisode)] == ["goal met"]


def test_reload_that_takes_away_a_rule_while_it_sells_ends_the_sale_with_the_reason() -> None:
    """Episode and parent end, the trigger rests, and the rest of the position is kept, whatever the price does."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    driver.live_through(1, 30, price=7_500)
    held = driver.held
    give(driver, 31, GUARD)
    assert [ended.reason for ended in driver.found(EndEpisode)] == [GONE]
    assert [ended.reason for ended in driver.found(EndParent)] == [ParentEnd.CANCELED]
    moves = [move for move in driver.last if isinstance(move, MoveTrigger)]
    assert [(move.rule, move.state) for move in moves] == [("stop", TriggerState.INACTIVE)]
    driver.step(trade(32, 7_400))
    driver.live_through(32, 120, price=7_400)
    assert driver.held == held


def test_reload_of_a_rule_that_now_looks_at_accounts_is_another_rule() -> None:
    """One name, another scope: the sale of the position belongs to nobody any more."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    give(driver, 2, STOP_OF_ACCOUNTS)
    assert [ended.reason for ended in driver.found(EndEpisode)] == [GONE]


def test_reload_back_to_a_rule_that_was_taken_away_may_fire_again() -> None:
    """Removed by mistake and put back: the stop is a stop again."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    give(driver, 2, GUARD)
    give(driver, 3, SLOW_STOP)
    assert len(driver.found(OpenEpisode)) == 2


def test_reload_of_the_same_rules_decides_nothing() -> None:
    """A signal sent twice does nothing twice."""
    driver = long_of(100, SLOW_STOP)
    driver.step(trade(1, 7_500))
    before = checkpoint.dump(driver.engine.book)
    give(driver, 1, SLOW_STOP)
    assert driver.last == ()
    after = checkpoint.dump(driver.engine.book)
    assert after == before.replace(b'"seq":3', b'"seq":4')


def test_reload_with_a_lower_order_cap_binds_the_next_order() -> None:
    """Limits come with the rules."""
    driver = long_of(100, LATE_STOP)
    driver.step(trade(1, 7_500))
    low = LimitsSpec(order_notional_max=Money(Decimal(50), "USDT"))
    give(driver, 2, SLOW_STOP, limits=low)
    driver.run_timers(until=30)
    assert driver.orders
    assert max(order.approved.request.quantity for order in driver.orders) * 7.5 <= 50


def test_reload_before_the_venue_has_spoken_waits_for_it() -> None:
    """New rules change nothing about the first promise: no decision without the venue's word."""
    driver = Driver(engine(GUARD))
    give(driver, 0, SLOW_STOP)
    driver.step(trade(1, 7_500))
    assert driver.effects == []
    driver.step(snapshot(2, usdt=10_000, btc=100, entry=8_000))
    assert [fired.rule for fired in driver.found(OpenEpisode)] == ["stop"]


def test_reload_folds_again_to_the_same_book() -> None:
    """What a reload ended stays ended after a crash: the record says all of it."""
    record: list[tuple[int, AccountFact | Effect]] = []

    class Recorded(Driver):
        def step(self, event: Event) -> list[Effect]:
            effects = list(super().step(event))
            if not isinstance(event, Trade):
                record.append((self.engine.book.seq, event))  # type: ignore[arg-type]
            record.extend((self.engine.book.seq, effect) for effect in effects)
            return effects

    driver = Recorded(engine(SLOW_STOP))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=100, entry=8_000))
    driver.step(trade(1, 7_500))
    give(driver, 2, GUARD)
    folded = refold(driver.engine.layout, None, record)
    assert checkpoint.dump(folded) == checkpoint.dump(driver.engine.book)


def test_reload_keeps_what_a_window_has_seen() -> None:
    """A window that old and new rules read alike goes on, covered as it is; a longer one must first be covered."""
    fired = {}
    for name, window in {"same": "10s", "longer": "30s"}.items():
        driver = long_of(100, lowest("10s", "7%"))
        second = 1
        while not driver.found(OpenEpisode) and second < 60:
            if second == 9:
                give(driver, second, lowest(window, "6%"))
            driver.step(trade(second, 7_500 + second % 2))
            second += 1
        fired[name] = second - 1
    assert fired["same"] < 9 + 10
    assert fired["longer"] >= 9 + 30
