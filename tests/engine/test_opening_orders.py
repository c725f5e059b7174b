"""Other people's open orders: which of them open, and what is known of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.effects import ReadAccount
from bot.domain.events import AccountSnapshot, OpenOrderSeen
from bot.domain.open_order import OpenOrder, opening
from bot.domain.order import Side
from bot.engine.record import checkpoint
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.engine.record.foreign_orders import foreign_orders
from tests.builders import ETH_KEY, layout, snapshot, trade
from tests.engine.foreign import Watched, resting
from tests.engine.guarded import ns

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
