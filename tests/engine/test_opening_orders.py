"""Other people's open orders: known from the venue's list and its news, cancelled where they would make it worse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import PositionKey, PositionSide
from bot.domain.effects import CancelOrder, EndEpisode, PlaceOrder, RaiseAlarm, ReadAccount
from bot.domain.errors import InputError
from bot.domain.events import AccountSnapshot, Command, CommandKind, OpenOrderGone, OpenOrderSeen, Restarted
from bot.domain.market import MarkPrice
from bot.domain.open_order import CancelForeignOrder, OpenOrder, opening
from bot.domain.order import Side
from bot.domain.scale import NS_PER_SECOND
from bot.engine.engine import Engine
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.engine.record.foreign_orders import foreign_orders
from bot.engine.spec import BlindSpec, LimitsSpec, Per, ProtectSpec, SafetySpec, SurvivalSpec
from tests.builders import ETH_KEY, GUARD, KEY, STOP, T0, layout, rules, snapshot, trade
from tests.engine.driver import WIDE, Driver
from tests.engine.guarded import IDLE_RULE, ns

THRIFTY_STOP = STOP.replace("{algo: now}", "{algo: now, order_class: cost}")
BARE = ProtectSpec(per=Per.NONE)


def resting(
    venue_id: str, side: Side = Side.BUY, leaves: int = 100, *, key: PositionKey = KEY, reduce_only: bool = False,
    name: str = "web_1",
) -> OpenOrder:
    return OpenOrder(venue_id, name, key, side, leaves, 700_000, None, reduce_only)


class Watched(Driver):
    """A long of 1 BTC at 8,000 with 5,000 USDT, and other people's orders around it; no stops of ours."""

    def __init__(
        self, *texts: str, cancel_opening: bool = True, limits: LimitsSpec = WIDE, book: Book | None = None,
        blind: BlindSpec | None = None,
    ) -> None:
        safety = SafetySpec(BARE, blind or BlindSpec(), cancel_opening)
        super().__init__(Engine(
            layout() if book is None else book.layout, rules(*(texts or (GUARD,))), limits=limits,
            survival=(SurvivalSpec(),), marker="pen", safety=(safety,), book=book,
        ))

    def begin(self, *orders: OpenOrder, usdt: float = 2_000) -> Watched:
        """Prices and the venue's word: at 8,000 the guard of 6 % is far, at 6,300 it fires."""
        self.step(trade(0, 8_000))
        self.step(trade(0, 200, instrument=1))
        self.step(replace(snapshot(0, usdt=usdt, btc=1_000, entry=8_000), number=1, orders=orders))
        return self

    def see(self, seconds: float, order: OpenOrder, number: int) -> None:
        self.step(OpenOrderSeen(ns(seconds), 0, order, number))

    def lose(self, seconds: float, venue_id: str, number: int) -> None:
        self.step(OpenOrderGone(ns(seconds), 0, venue_id, number))

    @property
    def cancels(self) -> list[CancelForeignOrder]:
        return self.found(CancelForeignOrder)

    @property
    def known(self) -> list[str]:
        return [order.venue_id for order in foreign_orders(self.engine.book, "pen", 0)]

    def alarms(self) -> list[str]:
        return [alarm.code for alarm in self.found(RaiseAlarm)]


# Which orders open ----------------------------------------------------------------------------------------

LONG, SHORT = PositionKey(0, 0, PositionSide.LONG), PositionKey(0, 0, PositionSide.SHORT)
OPENING = [
    ("a buy beside a long", 1_000, [resting("1", Side.BUY, 1)], ["1"]),
    ("a buy while flat", 0, [resting("1", Side.BUY, 1)], ["1"]),
    ("a sell while flat", 0, [resting("1", Side.SELL, 1)], ["1"]),
    ("a sell that closes a part", 1_000, [resting("1", Side.SELL, 999)], []),
    ("a sell that closes all", 1_000, [resting("1", Side.SELL, 1_000)], []),
    ("a sell that turns round to as much", 1_000, [resting("1", Side.SELL, 2_000)], []),
    ("a sell that turns round to more", 1_000, [resting("1", Side.SELL, 2_001)], ["1"]),
    ("two sells that together turn round to more", 1_000, [resting("1", Side.SELL, 1_001),
                                                           resting("2", Side.SELL, 1_000)], ["1", "2"]),
    ("two sells that together turn round to as much", 1_000, [resting("1", Side.SELL, 1_000),
                                                              resting("2", Side.SELL, 1_000)], []),
    ("a reduce-only sell of any size", 1_000, [resting("1", Side.SELL, 9_000, reduce_only=True)], []),
    ("a reduce-only sell that lets another turn round to more", 1_000,
     [resting("1", Side.SELL, 600, reduce_only=True), resting("2", Side.SELL, 1_401)], ["2"]),
    ("a reduce-only sell that lets another turn round to as much", 1_000,
     [resting("1", Side.SELL, 600, reduce_only=True), resting("2", Side.SELL, 1_400)], []),
    ("a reduce-only buy", 1_000, [resting("1", Side.BUY, 9_000, reduce_only=True)], []),
    ("a sell beside a short", -1_000, [resting("1", Side.SELL, 1)], ["1"]),
    ("a buy that closes a short", -1_000, [resting("1", Side.BUY, 2_000)], []),
    ("a buy that turns a short to more", -1_000, [resting("1", Side.BUY, 2_001)], ["1"]),
    ("a sell on a long leg, however large", 1_000, [resting("1", Side.SELL, 9_000, key=LONG)], []),
    ("a buy on a long leg", 1_000, [resting("1", Side.BUY, 1, key=LONG)], ["1"]),
    ("a buy on a short leg, however large", -1_000, [resting("1", Side.BUY, 9_000, key=SHORT)], []),
    ("a sell on a short leg", -1_000, [resting("1", Side.SELL, 1, key=SHORT)], ["1"]),
]


@pytest.mark.parametrize(("held", "orders", "found"), [row[1:] for row in OPENING], ids=[row[0] for row in OPENING])
def test_opening_orders_are_those_that_could_make_the_position_larger(
    held: int, orders: list[OpenOrder], found: list[str]
) -> None:
    """What closes stays, also when it is more than enough; what could end larger than what is held opens."""
    assert [order.venue_id for order in opening(orders, held=held)] == found


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    held=st.integers(-50, 50),
    sizes=st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 60), st.booleans()), max_size=5),
    fills=st.lists(st.integers(0, 60), min_size=5, max_size=5),
)
def test_orders_left_after_the_opening_ones_went_never_enlarge_the_position(
    held: int, sizes: list[tuple[Side, int, bool]], fills: list[int]
) -> None:
    """Whatever of one side of them fills, |position| ends no larger: reduce-only ones stop at flat, as at the venue."""
    orders = [resting(str(n), side, size, reduce_only=only) for n, (side, size, only) in enumerate(sizes)]
    gone = opening(orders, held=held)
    for side in Side:
        position = held
        left = [order for order in orders if order not in gone and order.side is side]
        for order, fill in zip(left, fills, strict=False):
            room = max(0, -position * side.sign) if order.reduce_only else order.leaves
            position += side.sign * min(fill, order.leaves, room)
        assert abs(position) <= abs(held)


# What is known --------------------------------------------------------------------------------------------


def test_snapshot_lists_all_and_news_changes_the_list() -> None:
    """Seen, changed, gone: what the book has is what the venue said last."""
    driver = Watched().begin(resting("1"), resting("2", Side.SELL, 5))
    driver.see(1, resting("3", leaves=70), 2)
    driver.see(2, resting("1", leaves=40), 3)
    driver.lose(3, "2", 4)
    assert driver.known == ["1", "3"]
    assert [order.leaves for order in foreign_orders(driver.engine.book, "pen", 0)] == [40, 70]


def test_orders_of_ours_in_the_venues_list_are_nobody_elses() -> None:
    """The venue lists ours as well, by the names we gave them."""
    driver = Watched().begin(resting("1", name="pen000sn000000000"), resting("2", name="pen_web"))
    assert driver.known == ["2"]


def test_snapshot_without_a_list_leaves_what_is_known() -> None:
    """A venue that did not say is no venue where nothing rests."""
    driver = Watched().begin(resting("1"))
    driver.step(replace(snapshot(1, usdt=2_000, btc=1_000, entry=8_000), number=1))
    assert driver.known == ["1"]
    driver.step(replace(snapshot(2, usdt=2_000, btc=1_000, entry=8_000), number=1, orders=()))
    assert driver.known == []


def test_news_heard_twice_or_out_of_turn_brings_no_order_back() -> None:
    """An order that was seen late is not alive again: the whole account is read instead."""
    driver = Watched().begin()
    driver.lose(1, "1", 3)
    assert driver.known == []
    driver.see(2, resting("1"), 2)
    assert driver.known == []
    assert len(driver.found(ReadAccount)) == 1
    driver.see(3, resting("1"), 2)
    assert len(driver.found(ReadAccount)) == 1


def test_snapshot_older_than_the_news_does_not_undo_it() -> None:
    """It was read before the order came, and arrives after it."""
    driver = Watched().begin()
    driver.see(1, resting("1"), 2)
    driver.step(replace(snapshot(1.5, usdt=2_000, btc=1_000, entry=8_000), number=1, orders=()))
    assert driver.known == ["1"]
    driver.step(replace(snapshot(2, usdt=2_000, btc=1_000, entry=8_000), number=2, orders=()))
    assert driver.known == []


def test_open_orders_survive_a_restart_and_fold_to_the_same_book() -> None:
    """The checkpoint holds them, what was asked included; folding the record from nothing gives the same bytes."""
    driver = Watched().begin(resting("1"), resting("2", key=ETH_KEY))
    driver.see(1, resting("3"), 2)
    driver.step(trade(2, 6_300))
    assert driver.cancels
    body = checkpoint.dump(driver.engine.book)
    loaded = checkpoint.load(body, driver.engine.layout)
    assert checkpoint.dump(loaded) == body
    assert loaded.accounts[0].open_orders == driver.engine.book.accounts[0].open_orders
    again = Book.empty(driver.engine.layout)
    facts: list[AccountSnapshot | OpenOrderSeen] = [
        replace(snapshot(0, usdt=2_000, btc=1_000, entry=8_000), number=1,
                orders=(resting("1"), resting("2", key=ETH_KEY))),
        OpenOrderSeen(ns(1), 0, resting("3"), 2),
    ]
    for item in (*facts, *driver.effects):
        fold(again, item)
    assert again.accounts[0].open_orders == loaded.accounts[0].open_orders
    assert again.accounts[0].cancels_asked == loaded.accounts[0].cancels_asked
    assert again.accounts[0].orders_through == loaded.accounts[0].orders_through == 2


def test_checkpoint_from_before_there_were_open_orders_loads_with_none() -> None:
    """An older version's run goes on; the next snapshot tells."""
    body = checkpoint.dump(Watched().begin().engine.book)
    for field in (b'"open_orders":{},', b'"orders_through":1,', b'"cancels_asked":{},'):
        assert field in body
        body = body.replace(field, b"")
    assert checkpoint.load(body, layout()).accounts[0].open_orders == {}


# What is cancelled ----------------------------------------------------------------------------------------


def test_emergency_cancels_opening_orders_before_it_sells() -> None:
    """The buys of the whole account go, first and by the venue's ids; exits and our own stay."""
    driver = Watched().begin(
        resting("1"), resting("2", Side.SELL, 500), resting("3", Side.SELL, 900, reduce_only=True),
        resting("4", key=ETH_KEY), resting("5", name="pen000bn000000000"),
    )
    assert driver.cancels == []
    driver.step(trade(1, 6_300))
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1", "4"]
    assert all("guard" in cancel.why for cancel in driver.cancels)
    kinds = [type(effect) for effect in driver.last]
    assert PlaceOrder not in kinds or kinds.index(CancelForeignOrder) < kinds.index(PlaceOrder)
    alarms = [alarm for alarm in driver.found(RaiseAlarm) if alarm.code == "foreign_order_cancelled"]
    assert "main BTC/USDT:USDT: buy of 0.1 at 7000 (1, web_1) is cancelled: guard fired" in (
        alarms[0].detail.replace("7000.00", "7000").replace("0.100", "0.1")
    )


def test_calm_cancels_nothing() -> None:
    """Below no bound of any rule other people's orders are none of our business."""
    driver = Watched().begin(resting("1"))
    driver.step(trade(1, 7_500))
    driver.run_timers(until=60)
    assert driver.cancels == []


def test_opted_out_account_keeps_everybodys_orders() -> None:
    """``cancel_opening: false``: the sale goes on, and the person's orders stay."""
    driver = Watched(cancel_opening=False).begin(resting("1"))
    driver.step(trade(1, 6_300))
    driver.run_timers(until=30)
    assert driver.orders
    assert driver.cancels == []


def test_rule_of_one_position_cancels_in_its_market_alone() -> None:
    """A stop-loss of BTC is no reason to touch orders in ETH."""
    driver = Watched(STOP).begin(resting("1"), resting("2", key=ETH_KEY), usdt=10_000)
    driver.step(trade(1, 7_500))
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1"]


def test_rule_of_the_cost_class_cancels_nothing() -> None:
    """A sale for thrift is no emergency."""
    driver = Watched(THRIFTY_STOP).begin(resting("1"), usdt=10_000)
    driver.step(trade(1, 7_500))
    assert driver.orders
    assert driver.cancels == []


def test_order_that_comes_during_the_emergency_is_cancelled_too() -> None:
    """As long as the cause lasts, and not a moment longer."""
    driver = Watched(STOP).begin(usdt=10_000)
    driver.step(trade(1, 7_500))
    driver.see(1.1, resting("9"), 2)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["9"]
    driver.step(replace(snapshot(2, usdt=9_500), number=2, orders=(resting("9"),)))
    assert not driver.engine.book.episodes
    driver.see(2.1, resting("10"), 3)
    driver.run_timers(until=30)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["9"]


def test_cancel_without_an_answer_is_asked_again_and_told_once() -> None:
    """After five seconds it was lost; when the venue says that the order is gone there is nothing left to ask."""
    driver = Watched().begin(resting("1"))
    driver.step(trade(1, 6_300))
    driver.run_timers(until=5.9)
    assert len(driver.cancels) == 1
    driver.run_timers(until=6.1)
    assert len(driver.cancels) == 2
    assert driver.alarms().count("foreign_order_cancelled") == 1
    driver.lose(7, "1", 2)
    driver.run_timers(until=30)
    assert len(driver.cancels) == 2


def test_hundred_orders_are_cancelled_at_the_pace_of_the_account() -> None:
    """Ten a second leave, and none of them twice: a venue that is flooded answers nobody."""
    many = tuple(resting(str(n)) for n in range(40))
    driver = Watched(limits=replace(WIDE, order_rate_max=10.0)).begin(*many)
    driver.step(trade(1, 6_300))
    assert len(driver.cancels) == 10
    driver.run_timers(until=1.9)
    assert len(driver.cancels) == 10
    driver.run_timers(until=4.9)
    assert sorted(cancel.order.venue_id for cancel in driver.cancels) == sorted(order.venue_id for order in many)
    for cancel in driver.cancels:
        assert sum(cancel.now - NS_PER_SECOND < other.now <= cancel.now for other in driver.cancels) <= 10


def test_flatten_cancels_opening_orders_and_freeze_and_kill_do_not() -> None:
    """Flat is to stay flat; a freeze or a kill stops us, and a person's own orders are the person's."""
    for kind, cancelled in ((CommandKind.FREEZE, []), (CommandKind.KILL, []), (CommandKind.FLATTEN, ["1", "2"])):
        driver = Watched().begin(resting("1"), resting("2", key=ETH_KEY))
        driver.step(Command(ns(1), 0, kind, "test", by="ann"))
        assert [cancel.order.venue_id for cancel in driver.cancels] == cancelled, kind


# Blind ----------------------------------------------------------------------------------------------------


def dark(*orders: OpenOrder, cancel_opening: bool = True, blind: BlindSpec | None = None) -> Watched:
    """A long whose last mark came at second 0, with a limit of 5 s on its age."""
    driver = Watched(
        IDLE_RULE, cancel_opening=cancel_opening, blind=blind, limits=replace(WIDE, stale_after=5 * NS_PER_SECOND),
    )
    driver.step(MarkPrice(T0, T0, 0, 800_000))
    driver.step(replace(snapshot(0, usdt=2_000, btc=1_000, entry=8_000), number=1, orders=orders))
    return driver


def test_blind_for_twenty_seconds_cancels_what_could_open() -> None:
    """Not at 19.9 s, at 20 s: the exits stay, and at 60 s the stop follows as before."""
    driver = dark(resting("1"), resting("2", Side.SELL, 500))
    driver.run_timers(until=19.999)
    assert driver.cancels == []
    driver.run_timers(until=20)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1"]
    assert "BTC/USDT:USDT has no price for 20 s" in driver.cancels[0].why
    assert driver.orders == []


def test_blind_that_sees_again_cancels_nothing_more() -> None:
    """With a price there is no cause any more, and orders that come later stay."""
    driver = dark(resting("1"))
    driver.run_timers(until=20)
    driver.lose(20.5, "1", 2)
    driver.step(MarkPrice(ns(21), ns(21), 0, 800_000))
    driver.see(21.5, resting("3"), 3)
    driver.run_timers(until=24)
    assert [cancel.order.venue_id for cancel in driver.cancels] == ["1"]


@pytest.mark.parametrize(("after", "at"), [(30, 30), (3, 5)], ids=["later", "not before it is noticed"])
def test_blind_cancels_when_its_setting_says(after: int, at: float) -> None:
    """``blind: {cancel_after: ...}``, counted from the last price."""
    driver = dark(resting("1"), blind=BlindSpec(cancel_after=after * NS_PER_SECOND))
    driver.run_timers(until=at - 0.001)
    assert driver.cancels == []
    driver.run_timers(until=at)
    assert len(driver.cancels) == 1


def test_blind_account_that_opted_out_keeps_its_orders() -> None:
    """The setting is one for all emergencies."""
    driver = dark(resting("1"), cancel_opening=False)
    driver.run_timers(until=120)
    assert driver.cancels == []


def test_no_emergency_cancels_an_order_of_ours_as_a_foreign_one() -> None:
    """Ours leave by their names, through the same door."""
    driver = Watched().begin(resting("1", name="pen000bn000000000"))
    driver.step(trade(1, 6_300))
    assert driver.cancels == []
    assert driver.found(CancelOrder) == []


# Rules that cancel ----------------------------------------------------------------------------------------

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
