"""`reduce` and goals of exposure through the engine: what is fixed at the fire stays so, whoever trades meanwhile."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import EndEpisode, EndParent, OpenEpisode, ParentEnd, PlanEpisode, PlannedCut
from bot.domain.order import Side
from bot.engine.record import checkpoint
from bot.engine.record.recovery import refold
from tests.builders import ETH_KEY, KEY, instruments, layout, snapshot, trade
from tests.engine.driver import Trader, engine, long_of

HALVE = """
rules:
  halve:
    for_each: position
    when: position.loss_ratio > 5%
    do: {reduce: 50%}
    execute: {algo: now}
"""
SLOWLY = HALVE.replace("{algo: now}", "{algo: twap, over: 100s, slice: 10s, collar: 2%}")
UNTIL_CLEAR = HALVE.replace("    execute", "    until: clear\n    execute")
GROSS = """
rules:
  cap:
    for_each: account
    when: account.gross_notional > 9_000 USDT
    clear: account.gross_notional < 8_500 USDT
    do: {deleverage: {to: {gross_notional: 8_000 USDT}}}
    execute: {algo: now}
"""
NET = """
rules:
  cap:
    for_each: account
    when: abs(account.net_notional) > 9_000 USDT
    clear: abs(account.net_notional) < 8_500 USDT
    do: {deleverage: {to: {net_notional: 8_000 USDT}}}
    execute: {algo: now}
"""


def test_reduce_sells_its_share_of_the_position_and_ends() -> None:
    """Half of 1,001 lots is 501, rounded so that no more than half is left; then the episode is over."""
    driver = long_of(1_001, HALVE)
    driver.step(trade(10, 7_590))
    assert [plan.cuts for plan in driver.found(PlanEpisode)] == [(PlannedCut(KEY, 500),)]
    driver.fill_all(11, price=7_590)
    assert driver.held == 500
    assert [end.reason for end in driver.found(EndEpisode)] == ["goal met"]
    assert not driver.engine.book.parents


def test_reduce_of_a_short_buys_back_its_share() -> None:
    """A share is one of what is held, whichever way round."""
    driver = Trader(engine(HALVE))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=-1_000, entry=8_000))
    driver.step(trade(10, 8_410))
    driver.fill_all(11, price=8_410)
    assert driver.held == -500


def test_reduce_at_its_level_does_nothing() -> None:
    """5 % of 8,000 is 400: at 7,600 the loss is at the level and not past it."""
    driver = long_of(1_000, HALVE)
    driver.step(trade(10, 7_600))
    assert not driver.found(OpenEpisode)


def test_reduce_keeps_what_it_said_at_the_fire_when_somebody_sells_meanwhile() -> None:
    """The target is in lots: 300 sold by hand are 300 less to sell, and not half of what is left then."""
    driver = long_of(1_000, SLOWLY)
    driver.step(trade(10, 7_590))
    driver.external(11, 300, price=7_590)
    driver.live_through(12, 130, price=7_590)
    assert driver.held == 500
    assert len(driver.found(PlanEpisode)) == 1


def test_reduce_met_by_somebody_else_sells_nothing_more() -> None:
    """The trader halved the position himself: the goal is met, and nobody sells below it."""
    driver = long_of(1_000, SLOWLY)
    driver.step(trade(10, 7_590))
    sold = sum(order.approved.request.quantity for order in driver.orders)
    driver.external(11, 600, price=7_590)
    driver.live_through(12, 130, price=7_590)
    assert driver.held == 400 - sold
    assert [end.reason for end in driver.found(EndEpisode)] == ["goal met"]


def test_reduce_of_a_position_that_was_replaced_leaves_the_new_one_alone() -> None:
    """Closed and opened anew by hand: the old fire says nothing of the new position."""
    driver = long_of(1_000, SLOWLY)
    driver.step(trade(10, 7_590))
    driver.external(11, driver.held, price=7_590)
    driver.external(12, 2_000, price=7_590, side=Side.BUY)
    driver.live_through(13, 130, price=7_590)
    assert [end.reason for end in driver.found(EndEpisode)] == ["position gone"]
    assert driver.held == 2_000


def test_reduce_that_fires_again_takes_its_share_of_what_is_left() -> None:
    """Armed again by a recovery, the second fire halves the half."""
    driver = long_of(1_000, HALVE)
    for seconds, price in ((10, 7_590.0), (20, 7_700.0), (30, 7_590.0)):
        driver.step(trade(seconds, price))
        driver.fill_all(seconds + 1, price=price)
    assert driver.held == 250
    assert len(driver.found(OpenEpisode)) == 2


def test_reduce_until_clear_sells_again_what_was_bought_back() -> None:
    """Until the rule is cleared no more than the half is held; afterwards buying is nobody's business."""
    driver = long_of(1_000, UNTIL_CLEAR)
    driver.step(trade(10, 7_000))
    driver.fill_all(11, price=7_000)
    driver.external(12, 300, price=7_000, side=Side.BUY)
    driver.fill_all(13, price=7_000)
    assert driver.held == 500
    driver.step(trade(20, 8_200))
    assert [end.reason for end in driver.found(EndEpisode)] == ["cleared"]
    driver.external(21, 300, price=8_200, side=Side.BUY)
    driver.fill_all(22, price=8_200)
    assert driver.held == 800


def test_reduce_by_less_than_the_venue_takes_ends_with_that_reason() -> None:
    """A tenth of 30 lots is 3, and the venue takes no order below 10: the episode ends, and does not hang."""
    shape = layout()
    btc, eth = instruments()
    coarse = replace(shape, instruments=(replace(btc, filters=replace(btc.filters, quantity_min=10)), eth))
    driver = long_of(30, HALVE.replace("50%", "10%"), shape=coarse)
    driver.step(trade(10, 7_590))
    assert [end.reason for end in driver.found(EndEpisode)] == ["residual below the venue's minimum"]
    assert not driver.orders


def test_reduce_in_a_checkpoint_and_in_a_refold_keeps_its_target() -> None:
    """A restart finds the lots that were fixed at the fire, by the checkpoint and by the record alike."""
    driver = long_of(1_000, SLOWLY)
    driver.step(trade(10, 7_590))
    book = driver.engine.book
    again = checkpoint.load(checkpoint.dump(book), book.layout)
    assert checkpoint.dump(again) == checkpoint.dump(book)
    assert [episode.keeps for episode in again.episodes.values()] == [{0: 500}]
    record = [(2, snapshot(0, usdt=10_000, btc=1_000, entry=8_000)), *((3, effect) for effect in driver.effects)]
    folded = refold(book.layout, None, record)
    assert [episode.goal for episode in folded.episodes.values()] == [
        episode.goal for episode in book.episodes.values()
    ]


@pytest.mark.parametrize("side", [1, -1])
def test_gross_goal_is_reached_by_lots_that_are_enough_and_ends_the_episode(side: int) -> None:
    """1.2 BTC at 8,000 are 9,600: 1 BTC may stay, 0.2 are sold, and a price above makes no second plan."""
    driver = Trader(engine(GROSS))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(0, usdt=10_000, btc=side * 1_200, entry=8_000))
    driver.step(trade(10, 8_000.5))
    driver.step(trade(11, 8_000))
    driver.fill_all(12, price=8_000)
    driver.live_through(13, 40, price=8_000)
    assert abs(driver.held) * 8 <= 8_000 < (abs(driver.held) + 2) * 8
    assert [end.reason for end in driver.found(EndEpisode)] == ["goal met"]
    assert {end.reason for end in driver.found(EndParent)} == {ParentEnd.FILLED}


def test_gross_goal_ratchets_when_prices_rise_on_the_way() -> None:
    """The limit is in money: at 9,000 fewer coins may stay than the first plan kept, and a plan only cuts deeper."""
    driver = long_of(1_200, GROSS.replace("{algo: now}", "{algo: twap, over: 100s, slice: 10s, collar: 2%}"))
    driver.step(trade(20, 9_000))
    driver.run_timers(until=30)
    keeps = [plan.cuts[0].keep for plan in driver.found(PlanEpisode)]
    assert (keeps[0], keeps[-1]) == (1_000, 888)
    assert keeps == sorted(keeps, reverse=True)


@pytest.mark.parametrize("side", [1, -1])
def test_net_goal_sells_the_heavy_leg_and_leaves_the_hedge(side: int) -> None:
    """2 BTC against 3 ETH at 2,000 are 10,000 net: 0.25 BTC are sold and the ETH stay, also when all is turned."""
    driver = Trader(engine(NET))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 2_000, instrument=1))
    driver.step(snapshot(0, usdt=20_000, btc=side * 2_000, entry=8_000, eth=-side * 3_000, eth_entry=2_000))
    driver.step(trade(10, 8_000.5))
    driver.step(trade(11, 8_000))
    driver.fill_all(12, price=8_000)
    driver.live_through(13, 40, price=8_000)
    assert {order.approved.request.key for order in driver.orders} == {KEY}
    assert ETH_KEY not in {key for plan in driver.found(PlanEpisode) for key in (cut.key for cut in plan.cuts)}
    assert driver.held * side in (1_749, 1_750)
    assert [end.reason for end in driver.found(EndEpisode)] == ["goal met"]
