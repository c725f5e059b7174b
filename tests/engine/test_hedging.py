"""A net delta is traded back into its band: how much, by what, in which order, and never past its goal."""

from __future__ import annotations

import pytest

from bot.domain.account import PositionKey, PositionSide
from bot.domain.effects import EndEpisode, OpenEpisode, RecordDenial
from bot.domain.events import Command, CommandKind, FillOrigin, InstrumentStatus, OrderOutcomeUnknown
from bot.domain.instrument import TradingState
from bot.domain.order import OrderClass, Side
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from bot.engine.measures.layout import HEDGE as LEGS
from tests.builders import GUARD, T0
from tests.engine.hedged import FUTURE, FUTURE_KEY, HEDGE, PERP_KEY, TO_ZERO, Hedger, hedger

SLOW = HEDGE.replace("{algo: now}", "{algo: twap, over: 100s, slice: 10s, collar: 2%}")
CLOSE_FUTURE = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 5%
    do: close
    execute: {algo: twap, over: 100s, slice: 10s, collar: 2%}
"""


def sides(driver: Hedger) -> list[tuple[int, Side, int, bool]]:
    """Every order: instrument, side, quantity, reduce-only."""
    asked = [order.approved.request for order in driver.orders]
    return [(each.key.instrument, each.side, each.quantity, each.reduce_only) for each in asked]


# How much -------------------------------------------------------------------------------------------------


def test_net_delta_adds_coins_and_positions_of_one_underlying() -> None:
    """A coin, less three tenths short, and two tenths of another contract on it; ETH is another matter."""
    driver = hedger(coins=1.0, perp=-300, future=200, eth=5_000)
    assert driver.delta == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("coins", "sold"), [(0.5, 0), (0.501, 1), (2.0, 1_500), (-0.5, 0), (-0.501, -1), (-2.0, -1_500)]
)
def test_hedge_trades_to_the_nearest_edge_of_the_band_and_no_further(coins: float, sold: int) -> None:
    """At the edge nothing; a thousandth past it, a thousandth: with costs in proportion, more would be dearer."""
    driver = hedger(coins=coins)
    driver.fill_all(1, price=8_000)
    assert driver.holds == [-sold, 0, 0]
    assert all(order.approved.request.order_class is OrderClass.HEDGE for order in driver.orders)
    assert len(driver.hedges) == len(driver.orders) == (1 if sold else 0)


def test_hedge_with_a_goal_inside_the_band_goes_on_when_its_rule_is_cleared_at_the_edge() -> None:
    """`to: 0 BTC`: the first fill brings the delta into the band, the rest is traded all the same."""
    driver = hedger(TO_ZERO, coins=2.0)
    driver.fill(driver.orders[0], 1, 1_600, price=8_000)
    assert driver.delta == pytest.approx(0.4) and len(driver.engine.book.episodes) == 1
    driver.live_through(2, 6, price=8_000)
    assert driver.holds == [-2_000, 0, 0]
    assert not driver.engine.book.episodes and not driver.engine.book.parents


def test_hedge_never_trades_past_zero_where_no_lot_fits() -> None:
    """0.7005 coins are 0.700 sold and half a thousandth kept, not half a thousandth short."""
    driver = hedger(TO_ZERO, coins=0.7005)
    driver.fill_all(1, price=8_000)
    assert driver.holds[0] == -700


@pytest.mark.parametrize(
    ("coins", "holds"), [(0.5, [0, 0, 0]), (0.5001, [-13, 0, 0]), (0.512, [-13, 0, 0]), (0.5135, [-14, 0, 0])]
)
def test_hedge_of_less_than_the_venue_takes_is_one_order_further_inside_the_band(
    coins: float, holds: list[int]
) -> None:
    """Of orders that add the venue takes 100 USDT at least, which are 13 thousandths at 7,840: no crumb is cut."""
    driver = hedger(coins=coins - 0.05, future=50, notional_min=100 * CASH_UNIT)
    driver.live_through(0.5, 10, price=8_000)
    assert driver.holds[0] == holds[0] and driver.holds[2] == 50


def test_band_in_the_quote_currency_is_counted_at_the_mark() -> None:
    """4,000 USDT are half a coin at 8,000."""
    driver = hedger(HEDGE.replace("band: 0.5 BTC", "band: 4_000 USDT"), coins=2.0)
    assert driver.planned() == [{0: -1_500}]


def test_delta_that_comes_back_is_hedged_again_under_the_same_fire() -> None:
    """`until: clear` is what a hedge does unless told: one fire, however often coins arrive while it lasts."""
    sticky = HEDGE.replace("do:", 'clear: abs(underlying("BTC").net_delta) < 0.1 BTC\n    do:')
    driver = hedger(sticky.replace("band: 0.5 BTC", "band: 0.5 BTC, to: 0.2 BTC"), coins=2.0)
    driver.fill_all(1, price=8_000)
    assert driver.holds[0] == -1_800
    driver.tell(20, coins=3.0, perp=-1_800)
    driver.fill_all(21, price=8_000)
    assert driver.holds[0] == -2_800
    assert len(driver.found(OpenEpisode)) == 1


# By what --------------------------------------------------------------------------------------------------


def test_hedge_lets_its_own_long_out_as_a_reducer_before_it_opens_a_short() -> None:
    """2.4 coins, 0.4 of them in the hedge's own contract: those go first, reduce-only, then 1.5 are sold short."""
    driver = hedger(coins=2.0, perp=400)
    assert sides(driver) == [(0, Side.SELL, 400, True)]
    driver.fill_all(1, price=8_000)
    assert sides(driver)[1:] == [(0, Side.SELL, 1_500, False)]
    assert driver.holds == [-1_500, 0, 0]
    assert [hedged_to for *_, hedged_to in driver.opened()] == [None, -1_500]


def test_hedge_that_has_become_too_large_is_bought_back_reduce_only() -> None:
    """A coin was withdrawn: of two short, one and a half stay."""
    driver = hedger(coins=1.0, perp=-2_000)
    assert sides(driver) == [(0, Side.BUY, 500, True)]
    driver.fill_all(1, price=8_000)
    assert driver.holds == [-1_500, 0, 0] and not driver.hedges


def test_hedge_in_hedge_mode_closes_one_leg_and_opens_the_other() -> None:
    """A long leg of 0.4 is let out reduce-only while 1.5 are sold short beside it: two legs, two parents."""
    long, short = (PositionKey(0, 0, side) for side in (PositionSide.LONG, PositionSide.SHORT))
    driver = Hedger(HEDGE, sides=LEGS)
    driver.mark(0)
    driver.tell(0.1, coins=2.0)
    driver.fill_all(1, price=8_000)
    assert driver.quantity(short) == -1_500 and driver.quantity(long) == 0
    driver.others_trade(2, long, Side.BUY, 400)
    driver.fill_all(3, price=8_000)
    assert driver.quantity(short) == -1_500 and driver.quantity(long) == 0
    assert [order.approved.request.reduce_only for order in driver.orders] == [False, True]


def test_two_hedges_of_one_underlying_make_the_larger_of_their_trades() -> None:
    """One goes to 0.5, the other to 0.2: 1.8 are sold, not 3.3, whichever stands first."""
    tighter = HEDGE.replace("hedge:", "tighter:").replace("0.5 BTC", "0.2 BTC")
    for texts in ((HEDGE, tighter), (tighter, HEDGE)):
        driver = hedger(*texts, coins=2.0)
        driver.fill_all(1, price=8_000)
        assert driver.holds == [-1_800, 0, 0]


def test_hedge_with_a_wider_band_and_a_closer_goal_trades_to_its_goal_beside_a_narrow_one() -> None:
    """At 3.0 both are true: one goes to 0.5, the other to 0.2, which is the larger of the two trades."""
    wide = HEDGE.replace("hedge:", "wide:").replace("> 0.5 BTC", "> 2 BTC").replace(
        "band: 0.5 BTC", "band: 2 BTC, to: 0.2 BTC"
    )
    for coins, sold in ((3.0, 2_800), (1.9, 1_400)):
        driver = hedger(HEDGE, wide, coins=coins)
        driver.fill_all(1, price=8_000)
        assert driver.holds == [-sold, 0, 0]


def test_hedge_trades_what_a_halted_sale_will_not_sell() -> None:
    """The stop wants to let a long of 0.9 out, and the venue takes no order in it: the perpetual is sold instead."""
    driver = Hedger(HEDGE, CLOSE_FUTURE)
    driver.mark(0, 8_500)
    driver.step(InstrumentStatus(T0 + 1, T0 + 1, 2, TradingState.HALTED))
    driver.tell(0.1, future=900, price=8_500)
    driver.mark(0.2, 8_000)
    driver.live_through(1, 60, price=8_000)
    assert driver.holds == [-400, 0, 900]


def test_second_hedge_by_another_contract_takes_only_what_the_first_leaves() -> None:
    """The perpetual brings 2.0 to 0.5, the other contract 0.5 to 0.2."""
    tighter = HEDGE.replace("hedge:", "atighter:").replace("0.5 BTC", "0.2 BTC").replace(
        "BTC/USDT:USDT", FUTURE
    )
    driver = hedger(tighter, HEDGE, coins=2.0)
    driver.fill_all(1, price=8_000)
    assert driver.holds == [-1_500, 0, -300]


# Never past its goal --------------------------------------------------------------------------------------


def test_hedge_whose_order_is_unknown_sends_no_lot_of_it_again() -> None:
    """Until two witnesses settle it, it counts as working; when its fill is found, the hedge is complete."""
    driver = hedger(coins=2.0)
    order = driver.orders[0]
    driver.step(OrderOutcomeUnknown(T0 + NS_PER_SECOND, 0, order.approved.request.name, "test"))
    driver.run_timers(until=4)
    assert len(driver.orders) == 1
    assert not driver.found(RecordDenial), "it did not even ask"
    driver.fill(order, 4.5, price=8_000)
    driver.run_timers(until=30)
    assert driver.holds == [-1_500, 0, 0] and len(driver.orders) == 1


def test_hedge_under_way_shrinks_at_once_when_the_coins_leave() -> None:
    """Of a slow hedge of 1.5 a part is sold when a coin and a quarter are withdrawn: nothing more is."""
    driver = hedger(SLOW, coins=2.0)
    driver.live_through(0.2, 40, price=8_000)
    sold = -driver.holds[0]
    assert 0 < sold < 1_000
    driver.tell(41, coins=0.75, perp=-sold)
    driver.live_through(41, 120, price=8_000)
    assert driver.holds == [-sold, 0, 0]
    assert abs(driver.delta) <= 0.5


def test_hedge_turns_round_when_the_delta_does() -> None:
    """The coins are gone and the short stays: what was sold is bought back to the band, by a parent of its own."""
    driver = hedger(coins=2.0)
    driver.fill_all(1, price=8_000)
    driver.tell(2, coins=0.0, perp=-1_500)
    driver.fill_all(3, price=8_000)
    assert driver.holds == [-500, 0, 0]


# Beside reducers ------------------------------------------------------------------------------------------


def test_hedge_leaves_alone_what_a_reducer_is_about_to_sell() -> None:
    """A long of 0.9 that a stop lets out over 100 s needs no hedge: it would have to be bought back."""
    driver = Hedger(HEDGE, CLOSE_FUTURE)
    driver.mark(0, 8_500)
    driver.tell(0.1, future=450, price=8_500)
    driver.mark(0.2, 8_000)
    driver.others_trade(1, FUTURE_KEY, Side.BUY, 450, price=8_000)
    assert driver.delta > 0.5
    driver.live_through(1, 120, price=8_000)
    assert not driver.hedges


CAPPED = """
rules:
  trim:
    for_each: position
    when: position.notional > 6_000 USDT and position.side < 0
    do: {reduce: 50%}
    execute: {algo: now}
"""


def test_hedge_never_opens_again_what_a_reducer_cuts_and_the_other_leg_goes_instead() -> None:
    """The short of 1.0 is being halved; long 2.0 of the other contract is then let out to the band."""
    driver = hedger(HEDGE, CAPPED, future=2_000, perp=-1_000)
    driver.live_through(0.5, 30, price=8_000)
    assert not driver.hedges
    assert driver.holds[0] == -500
    assert driver.holds[2] == 1_000


def test_hedge_beside_a_rule_that_brings_size_down_adds_nothing() -> None:
    """While leverage is brought down, a hedge would bring it up: the heavier side is cut until the band is met."""
    caps = """
rules:
  cap:
    for_each: account
    when: account.gross_notional > 20_000 USDT
    do: {deleverage: {to: {gross_notional: 18_000 USDT}}}
    execute: {algo: twap, over: 60s, slice: 5s, collar: 2%}
"""
    driver = hedger(HEDGE, caps, future=3_000)
    driver.live_through(0.5, 120, price=8_000)
    assert not driver.hedges
    assert driver.holds == [0, 0, 500]


# A leg is gone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [FillOrigin.ADL, FillOrigin.EXTERNAL])
def test_leg_that_the_venue_or_a_person_takes_is_hedged_again_where_margin_allows(origin: FillOrigin) -> None:
    """1.5 of a short of 2.0 are bought back by somebody else: 1.0 are sold again, to the band's edge."""
    driver = hedger(future=2_000, perp=-2_000)
    driver.others_trade(5, PERP_KEY, Side.BUY, 1_500, origin=origin)
    driver.fill_all(6, price=8_000)
    assert driver.holds == [-1_500, 0, 2_000]


def test_leg_that_is_gone_is_answered_by_cutting_the_other_where_margin_does_not_allow_a_hedge() -> None:
    """750 USDT behind a long of 2.0 open no new position at 20 times: the long is let out instead."""
    driver = hedger(future=2_000, perp=-2_000, usdt=800)
    driver.others_trade(5, PERP_KEY, Side.BUY, 2_000, origin=FillOrigin.ADL)
    driver.fill_all(6, price=8_000)
    assert driver.holds == [0, 0, 500]
    assert not driver.hedges


def test_lacking_hedge_that_shall_cut_nothing_tells_a_person_once() -> None:
    """`lacking: tell` leaves the long as it is, and says why; again only for another reason."""
    driver = hedger(HEDGE.replace("0.5 BTC}}", "0.5 BTC, lacking: tell}}"), future=2_000, perp=-2_000, usdt=800)
    driver.others_trade(5, PERP_KEY, Side.BUY, 2_000, origin=FillOrigin.ADL)
    driver.live_through(6, 60, price=8_000)
    assert driver.holds == [0, 0, 2_000] and not driver.orders
    assert driver.alarms().count("hedge_falls_short") == 1


def test_coins_that_cannot_be_hedged_are_told_of_as_nothing_can_be_cut() -> None:
    """There is no margin, and coins in a wallet are no position."""
    driver = hedger(coins=2.0, usdt=0.0)
    assert driver.alarms().count("hedge_falls_short") == 1 and not driver.orders


# Halts ----------------------------------------------------------------------------------------------------


def test_freeze_lets_a_hedge_go_on_and_a_kill_ends_it() -> None:
    """A bounded hedge makes the book safer; killed, an account only gets out."""
    driver = Hedger(HEDGE)
    driver.mark(0)
    driver.tell(0.1)
    driver.step(Command(T0 + NS_PER_SECOND, 0, CommandKind.FREEZE, "test", by="ann"))
    driver.tell(2, coins=2.0)
    assert sides(driver) == [(0, Side.SELL, 1_500, False)]
    driver.fill(driver.orders[0], 3, 700, price=8_000)
    driver.step(Command(T0 + 4 * NS_PER_SECOND, 0, CommandKind.KILL, "test", by="ann"))
    assert not driver.engine.book.episodes and not driver.engine.book.parents
    sent = len(driver.orders)
    driver.run_timers(until=60)
    assert len(driver.orders) == sent
    assert driver.found(EndEpisode)[-1].reason.startswith("kill by ann")


# Restarts and order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("answered", ["filled before it died", "filled while it was dead"])
def test_restart_in_the_middle_of_a_hedge_neither_doubles_nor_forgets_it(answered: str) -> None:
    """The parent, its total and what works are in the record: the rest is sold once, whenever the fill is told."""
    driver = hedger(SLOW, coins=2.0)
    driver.live_through(0.2, 40, price=8_000)
    driver.run_timers(until=60)
    out = [order for order in driver.orders if order.approved.request.name in driver.engine.book.orders]
    sold = -driver.holds[0]
    assert out and 0 < sold < 1_500
    if answered == "filled before it died":
        driver.fill(out[0], 61, price=8_000)
    reborn = driver.restart(62)
    assert list(reborn.engine.book.parents) == list(driver.engine.book.parents)
    reborn.tell(62.1, coins=2.0, perp=-sold - out[0].approved.request.quantity)
    if answered != "filled before it died":
        reborn.fill(out[0], 63, price=8_000)
    reborn.live_through(64, 180, price=8_000)
    assert reborn.holds == [-1_500, 0, 0]
    assert not reborn.engine.book.parents and not reborn.engine.book.orders


def test_hedges_beside_reducers_decide_the_same_in_any_order_of_their_files() -> None:
    """Two hedges, a stop, a trim and a guard, through a fall: every effect is the same to the byte."""
    guard = GUARD.replace("6%", "25%")
    tighter = TO_ZERO.replace("hedge:", "tighter:").replace("0.5 BTC,", "0.2 BTC,")
    texts = (HEDGE, tighter, CLOSE_FUTURE, CAPPED, guard)
    runs = []
    for order in (texts, texts[::-1], texts[2:] + texts[:2]):
        driver = hedger(*order, future=2_000, perp=-600, coins=0.3, eth=-10_000, usdt=5_000)
        for second, price in enumerate((8_000, 7_900, 7_700, 7_500, 7_400, 7_450, 7_300)):
            driver.mark(10 * second + 1, price)
            driver.live_through(10 * second + 1.5, 10 * second + 10, price=price)
        runs.append(driver.effects)
    assert any(rule == "hedge" for rule in (each.rule for each in driver.found(OpenEpisode)))
    assert {each.rule for each in driver.found(OpenEpisode)} >= {"hedge", "tighter", "stop"}
    assert runs[1] == runs[0]
    assert runs[2] == runs[0]
