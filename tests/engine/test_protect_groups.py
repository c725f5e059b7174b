"""Stops per group: the net of legs that hedge each other has one, and no leg has one that would unhedge the book."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.markets import make_instrument
from bot.domain.account import PositionKey, PositionReport, PositionSide
from bot.domain.copying import replace
from bot.domain.effects import EndEpisode, OpenEpisode
from bot.domain.events import FillOrigin, Liquidity, OrderFilled
from bot.domain.order import Side
from bot.domain.scale import NS_PER_SECOND
from bot.engine.measures.layout import HEDGE, AccountSlot, Layout
from bot.engine.protection.groups import Group, groups_of
from bot.engine.protection.protect import PROTECT
from bot.engine.spec import BlindSpec, LimitsSpec, Per, ProtectSpec
from bot.risk.binance_tiers import tier_table
from tests.builders import BTC, ETH, layout, snapshot, trade
from tests.engine.driver import WIDE
from tests.engine.guarded import Guarded, ns
from tests.engine.pooled import COIN, INVERSE, shape

PER_GROUP = ProtectSpec(per=Per.GROUP)
LONG, SHORT = 0, 1                   # columns of hedge mode

# Long 3 and short 1 at 8,000 with 4,000 in cash: 4,000 + 2 (P - 8,000) = 0.4 % x 4 P, so P = 12,000 / 1.984; the stop
# lies 1.5 % and 0.05 % of fee above: 6,142.1371. Long 1, short 3: P = 20,000 / 2.016, less 1.55 %: 9,766.8651.
LONG_AT, SHORT_AT = 614_214, 976_686


def legs_of(plain: Layout) -> Layout:
    """The layout in hedge mode."""
    return replace(plain, accounts=(replace(plain.accounts[0], sides=HEDGE),))


def futures(*quantity_digits: int) -> Layout:
    """An account on several contracts on BTC, all of one unit: a perpetual and what could be dated futures."""
    made = tuple(
        replace(make_instrument(index, BTC, price_digits=2, quantity_digits=digits), symbol=f"BTC{index}/USDT:USDT")
        for index, digits in enumerate(quantity_digits)
    )
    slot = AccountSlot("main", "USDT", tuple(range(len(made))), taker_fee=0.0005, leverage=20.0)
    return Layout(made, tuple(tier_table("BTC") for _ in made), (slot,))


class Hedged(Guarded):
    """A guarded driver whose account is told leg by leg."""

    def __init__(self, shape: Layout, *, protect: ProtectSpec = PER_GROUP, blind: BlindSpec | None = None,
                 limits: LimitsSpec = WIDE) -> None:
        super().__init__(protect=protect, blind=blind, limits=limits, shape=shape)

    def hold(self, seconds: float, quantities: Sequence[int], prices: Sequence[float], *, usdt: float) -> None:
        """The venue tells every leg, entered at these prices."""
        shape = self.engine.layout
        reports = tuple(
            PositionReport(key, quantity, shape.instruments[key.instrument].value(
                price=round(price * 100), quantity=quantity
            ))
            for key, quantity, price in zip(shape.keys, quantities, prices, strict=True) if quantity
        )
        self.step(replace(snapshot(seconds, usdt=usdt), positions=reports))

    def by_hand(self, seconds: float, position: int, quantity: int, side: Side, *, price: float = 8_000) -> None:
        """A person trades one leg."""
        self.trades += 1
        self.step(OrderFilled(
            ns(seconds), ns(seconds), 0, "web", f"h{self.trades}", self.engine.layout.keys[position], side,
            round(price * 100), quantity, 0, Liquidity.TAKER, FillOrigin.EXTERNAL, modelled=False,
        ))

    def told(self) -> list[tuple[int, Side, int]]:
        """Column, side and quantity of every stop that was ever sent."""
        return [(self.engine.layout.position(stop.key), stop.side, stop.quantity) for stop in self.placed]


def pair(long: int, short: int, *, usdt: float = 4_000, protect: ProtectSpec = PER_GROUP) -> Hedged:
    """Both legs of BTC at 8,000, in thousandths; their first stop was sent at second 0 and has no answer yet."""
    driver = Hedged(legs_of(layout()), protect=protect)
    driver.step(trade(0, 8_000))
    driver.hold(0, (long, short, 0, 0), (8_000, 8_000, 200, 200), usdt=usdt)
    return driver


# What it is for ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("long", "short", "stop", "trigger"),
    [(3_000, -1_000, (LONG, Side.SELL, 2_000), LONG_AT), (1_000, -3_000, (SHORT, Side.BUY, 2_000), SHORT_AT)],
    ids=["net long", "net short"],
)
def test_protect_of_a_group_rests_one_stop_for_the_net_on_the_heavier_leg(
    long: int, short: int, stop: tuple[int, Side, int], trigger: int
) -> None:
    """What the other leg offsets keeps its hedge; the level is where both legs together liquidate the account."""
    driver = pair(long, short)
    assert driver.told() == [stop]
    assert driver.placed[0].trigger_price == trigger
    assert driver.placed[0].reduce_only
    driver.accept(0.1)
    driver.run_timers(until=30)
    assert driver.alarms() == []
    assert len(driver.placed) == 1


def test_protect_of_a_group_without_a_net_rests_no_stop_and_alarms_nobody() -> None:
    """Two equal legs lose nothing together; a stop for one of them would open the other."""
    driver = pair(1_000, -1_000, usdt=100)
    driver.run_timers(until=30)
    assert driver.placed == []
    assert driver.alarms() == []


def test_protect_of_a_group_leaves_a_net_below_the_smallest_order_alone() -> None:
    """The venue takes no order for it."""
    plain = legs_of(layout())
    first = replace(plain.instruments[0], filters=replace(plain.instruments[0].filters, lot=10, quantity_min=10))
    for net, stops in ((9, 0), (10, 1)):
        driver = Hedged(replace(plain, instruments=(first, *plain.instruments[1:])))
        driver.step(trade(0, 8_000))
        driver.hold(0, (1_000, -1_000 + net, 0, 0), (8_000, 8_000, 0, 0), usdt=65)
        assert len(driver.placed) == stops


def test_protect_per_position_of_the_same_pair_would_close_the_whole_leg() -> None:
    """The default: the leg that liquidates has a stop for all of it. That is why there are groups."""
    driver = pair(3_000, -1_000, protect=ProtectSpec())
    assert driver.told() == [(LONG, Side.SELL, 3_000)]


def test_protect_of_isolated_legs_rests_a_stop_for_each() -> None:
    """Each is a margin pool of its own: the venue liquidates one whatever the other gains."""
    made = shape((BTC,), sides=HEDGE, isolated=(0,))
    driver = Hedged(made)
    driver.step(trade(0, 8_000))
    value = 3_000 * 800_000 * 1_000
    driver.step(replace(snapshot(0, usdt=4_000), positions=(
        PositionReport(made.keys[LONG], 3_000, value, 1_200 * 10**8),
        PositionReport(made.keys[SHORT], -1_000, -value // 3, 400 * 10**8),
    )))
    assert driver.told() == [(LONG, Side.SELL, 3_000), (SHORT, Side.BUY, 1_000)]


def test_protect_of_inverse_legs_rests_a_stop_for_the_net_contracts() -> None:
    """Their exposure is counted in the contracts' own dollars, which no price changes."""
    made = shape((INVERSE,), sides=HEDGE)
    driver = Hedged(made)
    driver.step(trade(0, 8_000))
    driver.step(replace(
        snapshot(0, usdt=0),
        balances=tuple(replace(each, asset="BTC", amount=10**8) for each in snapshot(0, usdt=1).balances),
        positions=tuple(
            PositionReport(key, quantity, made.instruments[0].value(price=800_000, quantity=quantity))
            for key, quantity in zip(made.keys, (500_000, -100_000), strict=True)
        ),
    ))
    assert driver.told() == [(LONG, Side.SELL, 400_000)]


# Where it lies ----------------------------------------------------------------------------------------------------


def test_level_of_a_group_over_several_markets_is_where_all_of_them_together_liquidate() -> None:
    """A perpetual at 8,000 and a future at 8,100 fall by the same fraction; the perpetual's own level is far nearer."""
    driver = Hedged(futures(3, 3))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 8_100, instrument=1))
    driver.hold(0, (3_000, -1_000), (8_000, 8_100), usdt=4_000)
    assert driver.told() == [(0, Side.SELL, 2_000)]
    # 4,000 - (24,000 - 8,100) m = 0.4 % x (24,000 + 8,100) (1 - m)
    rate = Fraction(4, 1_000)
    move = (4_000 - rate * 32_100) / (15_900 - rate * 32_100)
    trigger = 800_000 * (1 - move) * (1 + Fraction(155, 10_000))
    assert abs((driver.placed[0].trigger_price or 0) - trigger) <= 1          # tick, to which it is rounded up


@pytest.mark.parametrize("backed", [False, True], ids=["one currency", "coins beside"])
def test_level_of_a_group_over_several_markets_counts_what_else_the_pool_holds(backed: bool) -> None:
    """Collateral stays as it is, as in every liquidation price; a coin that counts is a longer way to go."""
    plain = futures(3, 3)
    slot = replace(plain.accounts[0], collateral=(COIN,) if backed else ())
    driver = Hedged(replace(plain, accounts=(slot,)))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 8_100, instrument=1))
    told = snapshot(0, usdt=4_000)
    coin = replace(told.balances[0], asset="BTC", amount=10**7)               # a tenth, of which 95 % count
    instruments = plain.instruments
    driver.step(replace(told, balances=(*told.balances, coin), positions=tuple(
        PositionReport(key, quantity, instruments[key.instrument].value(price=price, quantity=quantity))
        for key, quantity, price in zip(plain.keys, (3_000, -1_000), (800_000, 810_000), strict=True)
    )))
    rate = Fraction(4, 1_000)
    spare = 4_000 + (760 if backed else 0)
    move = (spare - rate * 32_100) / (15_900 - rate * 32_100)
    trigger = 800_000 * (1 - move) * (1 + Fraction(155, 10_000))
    assert abs((driver.placed[0].trigger_price or 0) - trigger) <= 1


def test_protect_of_a_group_of_which_a_leg_is_flat_looks_at_the_others() -> None:
    """A future that is not held has no part in anything."""
    driver = Hedged(futures(3, 3))
    driver.step(trade(0, 8_000))
    driver.step(trade(0, 8_100, instrument=1))
    driver.hold(0, (1_000, 0), (8_000, 8_100), usdt=2_000)
    assert driver.told() == [(0, Side.SELL, 1_000)]
    assert driver.placed[0].trigger_price == 611_747         # as that of a position alone: see test_protect


# When the net changes ---------------------------------------------------------------------------------------------


def test_protect_of_a_group_whose_net_grew_places_the_new_stop_before_the_old_one_is_cancelled() -> None:
    """The hedge was sold: more is bare at once, and the old stop goes when the venue has the new one."""
    driver = pair(3_000, -1_000)
    driver.accept(0.1)
    driver.by_hand(1, SHORT, 500, Side.BUY)
    assert driver.told()[1:] == [(LONG, Side.SELL, 2_500)]
    assert driver.cancelled() == []
    driver.accept(1.1)
    assert driver.cancelled() == [driver.placed[0].name]


def test_protect_of_a_group_whose_net_shrank_is_replaced_at_once() -> None:
    """A stop for more than the net would turn the book; that of a position alone may wait, as the venue caps it."""
    driver = pair(3_000, -1_000)
    driver.accept(0.1)
    driver.by_hand(1, LONG, 500, Side.SELL)
    assert driver.told()[1:] == [(LONG, Side.SELL, 1_500)]
    driver.run_timers(until=4)
    assert driver.alarms() == ["external_external", "unprotected"]            # nobody has answered for three seconds
    driver.accept(4)
    assert driver.cancelled() == [driver.placed[0].name]
    assert driver.alarms()[-1] == "protected"


def test_protect_of_a_group_whose_net_turned_ends_the_old_stop_and_covers_the_other_leg() -> None:
    """What would now add to the net is cancelled at once, before anything rests on the other side."""
    driver = pair(3_000, -1_000)
    driver.accept(0.1)
    driver.by_hand(1, LONG, 2_500, Side.SELL)
    assert driver.cancelled() == [driver.placed[0].name]
    assert driver.told()[1:] == [(SHORT, Side.BUY, 500)]


def test_protect_of_a_group_that_became_hedged_ends_its_stop() -> None:
    """The lighter leg has caught up: nothing is left for a stop."""
    driver = pair(3_000, -1_000)
    driver.accept(0.1)
    driver.by_hand(1, SHORT, 2_000, Side.SELL)
    assert driver.cancelled() == [driver.placed[0].name]
    driver.end_stop(1.1)
    driver.run_timers(until=10)
    assert driver.resting == []
    assert driver.alarms() == ["external_external"]


def test_protect_of_a_group_moves_to_another_leg_before_it_leaves_the_first() -> None:
    """Two longs against one short: when the larger is the other one, its stop is made before the old one is broken."""
    driver = Hedged(futures(3, 3, 3))
    for instrument in range(3):
        driver.step(trade(0, 8_000, instrument=instrument))
    driver.hold(0, (1_000, 800, -1_200), (8_000, 8_000, 8_000), usdt=2_000)
    assert driver.told() == [(0, Side.SELL, 600)]
    driver.accept(0.1)
    driver.by_hand(1, 0, 300, Side.SELL)
    assert driver.told()[1:] == [(1, Side.SELL, 300)]
    assert driver.cancelled() == []
    driver.accept(1.1)
    assert driver.cancelled() == [driver.placed[0].name]
    driver.end_stop(1.2, 0)
    driver.run_timers(until=30)
    assert driver.alarms() == ["external_external"]


def test_protect_of_a_group_that_is_being_closed_by_its_stop_places_no_other() -> None:
    """While it fills in parts, what is left of the net is its own."""
    driver = pair(3_000, -1_000)
    driver.accept(0.1)
    driver.step(trade(1, LONG_AT / 100))
    driver.trigger(1.1)
    driver.fill_stop(1.2, 1_500, price=LONG_AT / 100)
    assert len(driver.placed) == 1
    driver.fill_stop(1.3, 500, price=LONG_AT / 100)
    driver.end_stop(1.3, filled=2_000)
    driver.run_timers(until=10)
    assert driver.engine.book.quantity[:2] == [1_000, -1_000]
    assert len(driver.placed) == 1


def test_protect_of_a_group_after_a_restart_has_the_same_stop() -> None:
    """Nothing about groups is kept: they follow from what is held."""
    before = pair(3_000, -1_000)
    before.accept(0.1)
    driver = before.restart(5)
    driver.step(trade(5, 8_000))
    driver.step(replace(snapshot(5, usdt=4_000), positions=tuple(
        PositionReport(PositionKey(0, 0, side), quantity, quantity * 800_000 * 1_000)
        for side, quantity in ((PositionSide.LONG, 3_000), (PositionSide.SHORT, -1_000))
    )))
    driver.accept(5.1, 0)
    driver.run_timers(until=30)
    assert len(driver.placed) == 1
    assert [stop.quantity for stop in driver.resting] == [2_000]


# When the venue has none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cents", [1, 0], ids=["just above", "at it"])
def test_group_whose_stop_is_refused_is_brought_to_its_hedge_from_here(cents: int) -> None:
    """Where the stop would have been triggered the net is sold by ordinary orders, and the hedged part is kept."""
    driver = pair(3_000, -1_000)
    driver.refuse(0.1)
    driver.step(trade(2, (LONG_AT + cents) / 100))
    driver.run_timers(until=4)
    is_reached = cents == 0
    assert [fire.rule for fire in driver.found(OpenEpisode)] == [PROTECT] * is_reached
    assert [order.approved.request.quantity for order in driver.orders] == [2_000] * is_reached
    if is_reached:
        driver.fill_all(4, price=LONG_AT / 100)
        driver.run_timers(until=10)
        assert driver.engine.book.quantity[:2] == [1_000, -1_000]
        assert [end.reason for end in driver.found(EndEpisode)] == ["goal met"]


def test_group_without_a_price_is_covered_by_half_its_net() -> None:
    """Nothing rests and no price comes: a stop for half of what one would be for, and none for the hedging leg."""
    limits = replace(WIDE, stale_after=5 * NS_PER_SECOND)
    driver = Hedged(legs_of(layout()), blind=BlindSpec(), limits=limits)
    driver.step(trade(0, 8_000))
    driver.hold(0, (3_000, -1_000, 0, 0), (8_000, 8_000, 0, 0), usdt=4_000)
    driver.refuse(0.1)
    for second in range(1, 500):
        if driver.resting and len(driver.placed) > 1 and driver.placed[-1].quantity == 2_000:
            driver.refuse(second)
        driver.run_timers(until=second)
    assert "blind" in driver.alarms()
    assert driver.told()[-1] == (LONG, Side.SELL, 1_000)
    assert all(position == LONG for position, _, _ in driver.told())


# The sums ---------------------------------------------------------------------------------------------------------


def test_groups_are_of_one_underlying_and_pool() -> None:
    """Legs of BTC are one, ETH's another; alone unless stops are per group."""
    plain = legs_of(layout())
    assert [group.positions for group in groups_of(plain, 0, Per.GROUP)] == [(0, 1), (2, 3)]
    assert [group.positions for group in groups_of(plain, 0, Per.POSITION)] == [(0,), (1,), (2,), (3,)]
    isolated = shape((BTC, ETH), isolated=(1,), sides=HEDGE)
    assert [group.positions for group in groups_of(isolated, 0, Per.GROUP)] == [(0, 1), (2,), (3,)]


def test_weights_make_units_of_different_size_comparable() -> None:
    """0.001 BTC of one contract against 0.01 of another: 15 units offset one and a half."""
    (group,) = groups_of(futures(3, 2), 0, Per.GROUP)
    assert group.shares((15, -1)) == {0: 5}
    assert group.shares((15, -2)) == {}                  # 0.005 short is less than one unit of that leg
    assert group.shares((15, -4)) == {1: 2}              # 0.025 short, rounded down


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-10**6, 10**6), st.sampled_from((1, 10, 1_000))), min_size=1, max_size=5))
def test_shares_are_the_net_and_lie_on_its_side_only(legs: list[tuple[int, int]]) -> None:
    """To less than one unit of each leg; no leg gives more than it has."""
    quantity = [held for held, _ in legs]
    weights = tuple(weight for _, weight in legs)
    shares = Group(tuple(range(len(legs))), weights).shares(quantity)
    net = sum(held * weight for held, weight in legs)
    assert all(0 < share <= abs(quantity[place]) for place, share in shares.items())
    assert all(quantity[place] * net > 0 for place in shares)
    missing = abs(net) - sum(share * weights[place] for place, share in shares.items())
    assert 0 <= missing < sum(weights)


def test_share_of_a_net_that_no_leg_holds_alone_is_given_by_several() -> None:
    """Two longs and nothing against them: each is covered whole. A stop can only be for the leg it rests on."""
    group = Group((0, 1, 2), (1, 1, 1))
    assert group.shares((1_000, 3_000, 0)) == {1: 3_000, 0: 1_000}
    assert group.shares((1_000, 3_000, -500)) == {1: 3_000, 0: 500}
    assert group.shares((1_000, 3_000, -1_000)) == {1: 3_000}
