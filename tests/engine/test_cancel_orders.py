"""Rules whose remedy is to cancel orders."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import CancelOrder, EndEpisode
from bot.domain.errors import InputError
from bot.domain.events import Restarted
from bot.domain.order import Side
from bot.engine.record import checkpoint
from tests.builders import ETH_KEY, rules, snapshot, trade
from tests.engine.foreign import Watched, resting
from tests.engine.guarded import ns

SWEEP = """
rules:
  sweep:
    for_each: account
    when: account.leverage > 4.5
    do: cancel_orders
    execute: {order_class: cost}
"""
SWEEP_ALL = SWEEP.replace("do: cancel_orders", "do: {cancel_orders: {which: all}}")
SWEEP_MARKET = """
rules:
  sweep:
    for_each: position
    when: position.loss_ratio > 3%
    do: {cancel_orders: {which: all}}
    execute: {order_class: cost}
"""
ORDERS = (
    resting("1"), resting("2", Side.SELL, 500, reduce_only=True), resting("3", key=ETH_KEY),
    resting("4", name="pen000sn000000000"),
)


@pytest.mark.parametrize(
    ("rule", "gone"), [(SWEEP, ["1", "3"]), (SWEEP_ALL, ["1", "2", "3"]), (SWEEP_MARKET, ["1", "2"])],
    ids=["opening", "all", "all of one market"],
)
def test_cancel_orders_rule_cancels_what_it_says_and_sells_nothing(rule: str, gone: list[str]) -> None:
    """Opening orders of the scope, or all of them; what bears our names stays, whatever else the account is set to."""
    driver = Watched(rule, cancel_opening=False).begin(*ORDERS)
    assert driver.cancels == []
    driver.step(trade(1, 7_600))
    assert [cancel.order.venue_id for cancel in driver.cancels] == gone
    assert "sweep fired (episode 1)" in driver.cancels[0].why
    assert driver.orders == []
    assert driver.found(CancelOrder) == []


def test_cancel_orders_episode_ends_when_the_venue_has_none_left() -> None:
    """Not when it was asked: a cancel can be too late."""
    driver = Watched(SWEEP).begin(*ORDERS)
    driver.step(trade(1, 7_600))
    driver.lose(1.1, "1", 2)
    assert len(driver.engine.book.episodes) == 1
    driver.lose(1.2, "3", 3)
    assert not driver.engine.book.episodes
    assert [end.reason for end in driver.found(EndEpisode)] == ["goal met"]
    driver.see(2, resting("9"), 4)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1", "3"]


def test_cancel_orders_until_clear_goes_on_with_orders_that_come_later() -> None:
    """``until: clear`` keeps the account free of them for as long as the condition holds."""
    driver = Watched(SWEEP.replace("    execute:", "    until: clear\n    execute:")).begin()
    driver.step(trade(1, 7_600))
    driver.see(2, resting("9"), 2)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["9"]
    driver.lose(2.1, "9", 3)
    driver.step(trade(3, 8_400))
    assert not driver.engine.book.episodes
    driver.see(4, resting("10"), 4)
    assert len(driver.cancels) == 1


def test_cancel_orders_where_nothing_is_open_is_done_at_once() -> None:
    """A fire is recorded, and nothing waits."""
    driver = Watched(SWEEP).begin()
    driver.step(trade(1, 7_600))
    assert [end.reason for end in driver.found(EndEpisode)] == ["goal met"]


def test_cancel_orders_over_the_portfolio_is_refused() -> None:
    """Whose orders it would be about, no rule of the portfolio can say."""
    with pytest.raises(InputError, match="cancel_orders acts on an account or position"):
        rules(SWEEP.replace("for_each: account", "for_each: portfolio").replace("account.lev", "portfolio.lev"))


def test_cancel_orders_survives_a_restart() -> None:
    """The episode and what was asked are in the book; what is still open is asked for again."""
    driver = Watched(SWEEP).begin(*ORDERS)
    driver.step(trade(1, 7_600))
    book = checkpoint.load(checkpoint.dump(driver.engine.book), driver.engine.layout)
    again = Watched(SWEEP, book=book)
    again.step(Restarted(ns(10), "test"))
    again.step(trade(10, 7_600))
    again.step(trade(10, 200, instrument=1))
    again.step(replace(snapshot(10, usdt=2_000, btc=1_000, entry=8_000), number=1, orders=ORDERS))
    assert [cancel.order.venue_id for cancel in again.cancels] == ["1", "3"]
