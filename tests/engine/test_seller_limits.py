"""Depth, budgets, prices and refusals: what holds a sale back, what survival lets go of, and what is said of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.copying import replace
from bot.domain.denials import DenialCode, Denied
from bot.domain.effects import PauseParent, RaiseAlarm, Relaxation, RelaxParent
from bot.domain.events import OrderNotSent, OrderRejected
from bot.domain.market import BookUpdate, IndexPrice
from bot.domain.order import Side
from bot.domain.scale import NS_PER_SECOND as S
from bot.engine.measures.layout import Layout
from bot.engine.selling.seller import RETRY_AFTER
from tests.builders import STOP, T0, ended, layout, trade
from tests.engine.driver import WIDE, Trader, long_of

COST = STOP.replace("{algo: now}", "{algo: now, order_class: cost, collar: 1%}")
SLOW = STOP.replace("{algo: now}", "{algo: twap, over: 100s, slice: 10s, collar: 1%, order_class: CLASS, budget: 3%}")


def at(seconds: float) -> int:
    return T0 + round(seconds * S)


def book(seconds: float, *bids: tuple[float, int]) -> BookUpdate:
    """A snapshot of bids at the given prices, and one ask."""
    levels = tuple((round(price * 100), quantity) for price, quantity in bids)
    return BookUpdate(at(seconds), at(seconds), 0, levels, ((757_000, 1),), True)


def sizes(driver: Trader) -> list[int]:
    return [order.approved.request.quantity for order in driver.orders]


def steps(driver: Trader) -> list[Relaxation]:
    return [step.what for step in driver.found(RelaxParent)]


def limits_of(driver: Trader) -> list[int | None]:
    return [order.approved.request.limit_price for order in driver.orders]


# Depth ----------------------------------------------------------------------------------------------------


def test_depth_of_the_cost_class_allows_a_quarter_of_what_shows_inside_the_collar() -> None:
    """Of 400 bid within 1 % a quarter is asked for, and as much again a second later; what lies below counts not."""
    driver = long_of(1_000, COST)
    driver.step(book(0.5, (7_499.0, 300), (7_425.0, 100), (7_424.9, 5_000)))
    driver.step(trade(1, 7_500))
    assert sizes(driver) == [100]
    driver.fill(driver.orders[0], 1.1, price=7_499)
    assert sizes(driver) == [100]
    driver.run_timers(until=3.1)
    assert sizes(driver) == [100, 100]
    assert steps(driver) == []


def test_depth_of_a_book_thinner_than_the_smallest_order_lets_one_such_order_go() -> None:
    """A quarter of two lots is less than the venue takes: the smallest order goes, or the sale would never end."""
    driver = long_of(1_000, COST)
    driver.step(book(0.5, (7_499.0, 2)))
    driver.step(trade(1, 7_500))
    assert sizes(driver) == [1]


def test_depth_of_the_margin_class_is_let_go_of_when_it_binds_and_said() -> None:
    """A stop that is due takes the whole position at once, and the record says that the book was too thin."""
    driver = long_of(1_000, STOP)
    driver.step(book(0.5, (7_499.0, 300)))
    driver.step(trade(1, 7_500))
    assert sizes(driver) == [1_000]
    assert steps(driver) == [Relaxation.DEPTH]


def test_depth_enough_for_the_order_relaxes_nothing() -> None:
    """Four times the order shows: exactly enough, and nothing to say."""
    driver = long_of(1_000, STOP)
    driver.step(book(0.5, (7_499.0, 4_000)))
    driver.step(trade(1, 7_500))
    assert sizes(driver) == [1_000]
    assert steps(driver) == []


def test_depth_of_a_book_as_old_as_a_minute_is_not_known() -> None:
    """Nothing was told of the book for long: it caps nothing."""
    driver = long_of(1_000, COST)
    driver.step(book(0.5, (7_499.0, 4)))
    driver.step(trade(700, 7_500))
    assert sizes(driver) == [1_000]


@pytest.mark.parametrize(
    ("side", "limit", "visible"),
    [(Side.SELL, 7_499.0, 300), (Side.SELL, 7_498.99, 300), (Side.SELL, 7_498.0, 400), (Side.SELL, 7_499.01, 0),
     (Side.BUY, 7_501.0, 50), (Side.BUY, 7_500.99, 0), (Side.BUY, 7_502.0, 57)],
)
def test_visible_depth_is_what_rests_at_the_limit_or_better(side: Side, limit: float, visible: int) -> None:
    """A sale sees bids down to its limit, a purchase asks up to its own, the level just there included."""
    market = long_of(1_000, COST).engine.market
    bids, asks = ((749_900, 300), (749_800, 100)), ((750_100, 50), (750_200, 7))
    market.take(BookUpdate(at(1), at(1), 0, bids, asks, True))
    assert market.visible(0, side=side, limit=round(limit * 100), now=at(2)) == visible


# The slippage budget --------------------------------------------------------------------------------------


def sold_at(driver: Trader, price: float, second: float) -> None:
    """Fill what is out at a price."""
    driver.run_timers(until=second)
    driver.fill_all(second, price=price)


def test_budget_of_the_cost_class_once_spent_pauses_and_reports_the_residual() -> None:
    """Sold half of it 7 % below arrival is 3.5 % of the whole: past 3 % nothing more is sent, and a person is told."""
    driver = long_of(1_000, SLOW.replace("CLASS", "cost"))
    driver.step(trade(1, 7_500))
    for second in range(2, 200):
        driver.step(trade(second, 6_975))
        sold_at(driver, 6_975, second)
        assert bool(driver.found(PauseParent)) == (driver.held < 572)
    (pause,) = driver.found(PauseParent)
    assert driver.held == 500
    assert pause.residual == driver.held
    assert "budget is 3.00%" in pause.why
    assert [alarm.code for alarm in driver.found(RaiseAlarm)].count("slippage_budget_spent") == 1


def test_budget_counts_anew_when_there_is_more_to_sell() -> None:
    """The trader buys as much again: the same loss is half the share, the sale goes on, and its next pause is told."""
    driver = long_of(1_000, SLOW.replace("CLASS", "cost"))
    driver.step(trade(1, 7_500))
    for second in range(2, 60):
        driver.step(trade(second, 6_975))
        sold_at(driver, 6_975, second)
    assert [pause.residual for pause in driver.found(PauseParent)] == [500]
    driver.external(60, 1_000, price=6_975, side=Side.BUY)
    for second in range(61, 300):
        driver.step(trade(second, 6_975))
        sold_at(driver, 6_975, second)
    pauses = driver.found(PauseParent)
    assert len(pauses) == 2
    assert 1_000 < pauses[1].residual == driver.held < 1_250


def test_budget_of_the_cost_class_not_spent_pauses_nothing() -> None:
    """At 2.9 % of the whole in the end, all is sold."""
    driver = long_of(1_000, SLOW.replace("CLASS", "cost"))
    driver.step(trade(1, 7_500))
    for second in range(2, 110):
        driver.step(trade(second, 7_283))
        sold_at(driver, 7_283, second)
    assert driver.held == 0
    assert driver.found(PauseParent) == []


def test_budget_of_the_margin_class_goes_on_while_liquidation_costs_more_and_says_so() -> None:
    """What is lost is lost: the rest costs basis points to sell, and percents to be liquidated with."""
    driver = long_of(1_000, SLOW.replace("CLASS", "margin"))
    driver.step(trade(1, 7_500))
    for second in range(2, 110):
        driver.step(trade(second, 6_975))
        sold_at(driver, 6_975, second)
    assert driver.held == 0
    budgets = [step for step in driver.found(RelaxParent) if step.what is Relaxation.BUDGET]
    assert [step.level for step in budgets] == [1, 2]        # past 3 %, and past 6 % of the value at arrival
    assert all("liquidation" in step.why for step in budgets)
    assert driver.found(PauseParent) == []


def test_budget_of_the_margin_class_pauses_while_going_on_costs_more_than_liquidation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half of what is left, for instance: nothing is sent until it costs less than the fee and the distance left."""
    driver = long_of(1_000, SLOW.replace("CLASS", "margin"), usdt=2_000)
    driver.step(trade(1, 7_500))
    monkeypatch.setattr(driver.engine.seller.budgets, "_cost", lambda *_: 9.0)
    for second in range(2, 110):
        driver.step(trade(second, 6_975))
        sold_at(driver, 6_975, second)
    (pause,) = driver.found(PauseParent)
    assert pause.residual == driver.held == 500
    monkeypatch.undo()
    driver.step(trade(111, 6_970))
    driver.step(trade(112, 6_960))
    driver.live_through(113, 120, price=6_960)
    assert driver.held == 0
    assert Relaxation.BUDGET in steps(driver)


def test_budget_overrun_by_far_is_decided_on_once() -> None:
    """A tenth of the value lost in one fill, budget 2 %: one decision, good until 16 %, not one for each doubling."""
    driver = long_of(1_000, STOP.replace("{algo: now}", "{algo: now, budget: 2%}"))
    driver.step(trade(1, 7_500))
    driver.fill(driver.orders[0], 1.1, 600, price=6_250)
    driver.run_timers(until=3)
    budgets = [step for step in driver.found(RelaxParent) if step.what is Relaxation.BUDGET]
    assert [step.level for step in budgets] == [3]


# Relaxation, step by step ---------------------------------------------------------------------------------

CAPPED = STOP.replace(
    "{algo: now}",
    "{algo: twap, over: 100s, slice: 10s, collar: 1%, tactic: passive, participation_max: 10%, order_class: CLASS}",
)


def test_margin_class_relaxes_in_the_order_of_the_policies() -> None:
    """Passivity, participation, deadline, depth as it binds, and the collar last, when an order did not fill."""
    driver = long_of(1_000, CAPPED.replace("CLASS", "margin"), usdt=700)
    driver.step(book(0.5, (7_499.0, 40)))
    driver.step(trade(1, 7_560, quantity=0))
    assert steps(driver) == []
    driver.step(trade(2, 7_480, quantity=0))
    assert steps(driver) == [
        Relaxation.PASSIVITY, Relaxation.PARTICIPATION, Relaxation.DEADLINE, Relaxation.DEPTH,
    ]
    driver.step(ended(driver.orders[-1], 2.1, 0))
    assert steps(driver)[4:] == [Relaxation.COLLAR]
    participation = next(step for step in driver.found(RelaxParent) if step.what is Relaxation.PARTICIPATION)
    assert "100%" in participation.why


def test_ladder_lets_go_of_participation_before_it_widens_the_collar() -> None:
    """A price that gets worse is the last resort, also where the tactic asks for it."""
    text = CAPPED.replace("CLASS", "margin").replace("passive", "ladder")
    driver = long_of(1_000, text)
    driver.step(trade(1, 7_500, quantity=100_000))
    while not driver.orders:
        driver.run_timers(until=((driver.wake or 0) - T0) / S)
    assert steps(driver) == []
    driver.step(ended(driver.orders[0], (driver.engine.book.now - T0) / S + 0.1, 0))
    assert steps(driver) == [Relaxation.PARTICIPATION, Relaxation.COLLAR]


def test_cost_class_relaxes_nothing_below_the_floor_or_after_its_deadline() -> None:
    """Participation and collar hold, whatever the danger: the deadline gives."""
    driver = long_of(1_000, CAPPED.replace("CLASS", "cost"), usdt=700)
    driver.step(book(0.5, (7_499.0, 40)))
    driver.step(trade(1, 7_560, quantity=0))
    driver.step(trade(2, 7_480, quantity=0))
    for second in range(3, 300, 7):
        driver.run_timers(until=second)
        for order in driver.orders:
            if order.approved.request.name in driver.engine.book.orders:
                driver.step(ended(order, second, 0))
    assert [step for step in steps(driver) if step is not Relaxation.PASSIVITY] == []
    assert min(price for price in limits_of(driver) if price is not None) >= 7_480 * 99


# Refusals and the ladder ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["-2022", "-1001", "-4164"])
def test_refusal_that_is_not_of_the_price_climbs_nothing_and_waits_a_second(code: str) -> None:
    """A wider collar cures no such refusal: the same order again, a second later."""
    driver = long_of(1_000, STOP.replace("{algo: now}", "{algo: now, tactic: ladder}"))
    driver.step(trade(1, 7_500))
    name = driver.orders[0].approved.request.name
    driver.step(OrderRejected(at(1.1), 0, name, code, "no"))
    assert len(driver.orders) == 1
    driver.run_timers(until=2.2)
    assert driver.orders[1].now - at(1.1) >= RETRY_AFTER
    assert limits_of(driver)[0] == limits_of(driver)[1]
    assert steps(driver) == []


def test_refusal_of_the_price_climbs_at_once() -> None:
    """The venue's band moved away from our price: the next step of the ladder, without waiting."""
    driver = long_of(1_000, STOP.replace("{algo: now}", "{algo: now, tactic: ladder}"))
    driver.step(trade(1, 7_500))
    driver.step(OrderRejected(at(1.1), 0, driver.orders[0].approved.request.name, "-4024", "floor"))
    assert steps(driver) == [Relaxation.COLLAR]
    assert len(driver.orders) == 2


def test_order_that_was_not_sent_climbs_nothing() -> None:
    """It never met the market, so the market did not refuse it."""
    driver = long_of(1_000, STOP.replace("{algo: now}", "{algo: now, tactic: ladder}"))
    driver.step(trade(1, 7_500))
    driver.step(OrderNotSent(at(1.1), 0, driver.orders[0].approved.request.name, "late"))
    driver.run_timers(until=3)
    assert steps(driver) == []
    assert len(driver.orders) == 2


def test_denial_of_our_own_gate_climbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own limits are no thin market: the order comes again a second later at its own collar."""
    driver = long_of(1_000, STOP.replace("{algo: now}", "{algo: now, tactic: ladder}"))
    gate = driver.engine.seller.children.gate
    with monkeypatch.context() as patched:
        patched.setattr(gate, "judge", lambda *_: Denied(DenialCode.RATE_EXCEEDED, "too fast"))
        driver.step(trade(1, 7_500))
    assert driver.orders == []
    driver.run_timers(until=2.1)
    assert steps(driver) == []
    assert limits_of(driver) == [742_500]


# Prices ---------------------------------------------------------------------------------------------------


def banded(down: str) -> Layout:
    """BTC with a venue's band below the mark."""
    shape = layout()
    btc = shape.instruments[0]
    tight = replace(btc, filters=replace(btc.filters, price_down=Decimal(down)))
    return replace(shape, instruments=(tight, *shape.instruments[1:]))


@pytest.mark.parametrize(
    ("down", "limit"), [("0.98", 742_500), ("0.99", 742_500), ("0.9901", 742_575)], ids=["wide", "at", "tight"]
)
def test_limit_stays_inside_the_venues_band(down: str, limit: int) -> None:
    """Where the venue takes nothing below its band, the order stands at the band's edge instead of being refused."""
    driver = long_of(1_000, STOP, limits=WIDE, shape=banded(down))
    driver.step(trade(1, 7_500))
    assert limits_of(driver) == [limit]


@pytest.mark.parametrize(
    ("index", "limit"), [(7_500, 742_500), (7_600, 742_500), (7_470, 739_530), (6_000, 690_000)],
    ids=["same", "above", "below", "far below"],
)
def test_collar_is_counted_from_mark_or_index_whichever_lets_the_exit_through(index: float, limit: int) -> None:
    """An index below the mark lets a sale go lower, never further from the mark than its class may."""
    driver = long_of(1_000, STOP, limits=replace(WIDE, divergence=0.3))
    driver.step(IndexPrice(at(0.5), at(0.5), 0, round(index * 100)))
    driver.step(trade(1, 7_500))
    assert limits_of(driver) == [limit]
