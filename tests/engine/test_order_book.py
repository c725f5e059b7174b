"""The order book of a market: folded from changes, void where it cannot be trusted, read by rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.effects import OpenEpisode, OpenParent
from bot.domain.market import BookUpdate, Quote
from bot.engine.measures import order_book
from bot.engine.measures.order_book import OrderBook
from bot.rules.language.typed import ReadingRef
from tests.builders import T0, snapshot, trade
from tests.engine.driver import Driver, engine
from tests.engine.test_measures import at, quote, read, ref_of

Pairs = tuple[tuple[int, int], ...]
BIDS: Pairs = ((9_990, 3_000), (9_980, 4_000), (9_900, 9_000))
ASKS: Pairs = ((10_010, 2_000), (10_020, 1_000), (10_100, 8_000))


def changes(
    bids: Pairs = (), asks: Pairs = (), *, seconds: float = 0.0, first: int = 0, last: int = 0, previous: int = 0
) -> BookUpdate:
    return BookUpdate(at(seconds), at(seconds), 0, bids, asks, False, first, last, previous)


def whole(bids: Pairs = BIDS, asks: Pairs = ASKS, *, seconds: float = 0.0, last: int = 0) -> BookUpdate:
    return BookUpdate(at(seconds), at(seconds), 0, bids, asks, True, 0, last, 0)


def made(*updates: BookUpdate) -> OrderBook:
    found = OrderBook()
    for update in updates:
        found.take(update)
    return found


# Folding -----------------------------------------------------------------------------------------------------


def test_changes_replace_remove_and_add_levels() -> None:
    """A quantity is what rests now and not what came; 0 takes the level away."""
    found = made(whole(), changes(((9_990, 0), (9_985, 7)), ((10_010, 5), (10_005, 1))))
    assert found.bids.best == (9_985, 7)
    assert found.asks.best == (10_005, 1)
    assert found.near(0.1) == (
        [(9_900, 9_000), (9_980, 4_000), (9_985, 7)], [(10_100, 8_000), (10_020, 1_000), (10_010, 5), (10_005, 1)]
    )


def test_price_that_turns_from_ask_to_bid_in_one_update_is_a_bid() -> None:
    """The market moved through a level: the same price leaves one side and joins the other."""
    found = made(whole(), changes(((10_010, 6),), ((10_010, 0),)))
    assert (found.bids.best, found.asks.best) == ((10_010, 6), (10_020, 1_000))


_SIDE = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), max_size=6).map(tuple)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.tuples(_SIDE, _SIDE), max_size=12))
def test_book_after_any_changes_is_what_two_plain_dictionaries_say(steps: list[tuple[Pairs, Pairs]]) -> None:
    """Bisecting finds the same levels as looking at all of them, and everything crossed is void."""
    found = made(whole((), ()))
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    for new_bids, new_asks in steps:
        found.take(changes(new_bids, tuple((price + 20, quantity) for price, quantity in new_asks)))
        bids.update(new_bids)
        asks.update((price + 20, quantity) for price, quantity in new_asks)
        bids = {price: quantity for price, quantity in bids.items() if quantity}
        asks = {price: quantity for price, quantity in asks.items() if quantity}
        if bids and asks and max(bids) >= min(asks):
            assert (found.is_known, found.bids.best, found.asks.best) == (False, None, None)
            return
        assert found.bids.best == (max(bids.items()) if bids else None)
        assert found.asks.best == (min(asks.items()) if asks else None)
        if bids and asks:
            assert found.near(1e9) == (sorted(bids.items()), sorted(asks.items(), reverse=True))


def test_book_wider_than_its_limit_keeps_the_best_and_takes_nothing_past_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is let go does not come back by a change: the best of what is left is never a level behind a hole."""
    monkeypatch.setattr(order_book, "LEVELS_MAX", 2)
    found = made(whole(), changes(((9_890, 5), (9_900, 5), (9_990, 0))))
    assert [price for price, _ in found.bids.near(20_000, 1.0)] == [9_980]
    assert [price for price, _ in found.asks.near(20_000, 1.0)] == [10_020, 10_010]
    found.take(changes(((9_980, 0),)))
    assert found.bids.best is None
    found.take(whole())
    assert found.bids.best == (9_990, 3_000)


# The numbers of the venue ------------------------------------------------------------------------------------

SEQUENCES: dict[str, tuple[tuple[BookUpdate, ...], bool, tuple[int, int] | None]] = {
    "without_numbers": ((changes(((9_995, 1),)),), True, (9_995, 1)),
    "futures_in_turn": ((changes(((9_995, 1),), first=120, last=130, previous=100),), True, (9_995, 1)),
    "futures_over_the_snapshot": ((changes(((9_995, 1),), first=90, last=130, previous=80),), True, (9_995, 1)),
    "futures_gap": ((changes(((9_995, 1),), first=120, last=130, previous=101),), False, None),
    "spot_in_turn": ((changes(((9_995, 1),), first=101, last=103),), True, (9_995, 1)),
    "spot_over_the_snapshot": ((changes(((9_995, 1),), first=95, last=103),), True, (9_995, 1)),
    "spot_gap": ((changes(((9_995, 1),), first=102, last=103),), False, None),
    "older_than_the_snapshot": ((changes(((9_995, 1),), first=99, last=100),), True, (9_990, 3_000)),
    "told_twice": (
        (changes(((9_995, 1),), first=101, last=101), changes(((9_995, 9),), first=101, last=101)), True, (9_995, 1),
    ),
    "changes_after_a_gap": (
        (changes(((9_995, 1),), first=102, last=103), changes(((9_995, 1),), first=104, last=104)), False, None,
    ),
    "snapshot_after_a_gap": (
        (changes(((9_995, 1),), first=102, last=103), whole(last=110)), True, (9_990, 3_000),
    ),
    "newer_than_the_snapshot_that_comes_after_it": (
        (changes((), (), first=102, last=103), changes(((9_995, 1),), first=104, last=104),
         changes(((9_996, 2),), first=105, last=105), whole(last=104)), True, (9_996, 2),
    ),
    "gap_after_the_snapshot_among_what_came_before_it": (
        (changes((), (), first=102, last=103), changes(((9_996, 2),), first=106, last=106), whole(last=104)),
        False, None,
    ),
    "snapshot_older_than_the_book": (
        (changes(((9_995, 1),), first=101, last=103), whole(last=102)), True, (9_995, 1),
    ),
    "numbers_after_none": ((whole(), changes(((9_995, 1),), first=120, last=130, previous=119)), True, (9_995, 1)),
    "crossed": ((changes(((10_010, 1),), first=101, last=101),), False, None),
    "crossed_and_parted_again": (
        (changes(((10_010, 1),), first=101, last=101), changes(((10_010, 0),), first=102, last=102)), False, None,
    ),
    "crossed_snapshot": ((whole(((10_010, 1),), last=101),), False, None),
    "price_of_zero": ((changes(((0, 1),), first=101, last=101),), False, None),
    "quantity_below_zero": ((changes(((9_995, -1),), first=101, last=101),), False, None),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_book_after_a_sequence_is_known_only_while_nothing_is_missing(name: str) -> None:
    """A gap, a cross or a number that cannot be voids the book, and only a snapshot mends it."""
    updates, is_known, bid = SEQUENCES[name]
    found = made(whole(last=100), *updates)
    assert (found.is_known, found.bids.best) == (is_known, bid)


def test_changes_before_any_snapshot_are_no_book() -> None:
    """A stream joined halfway knows the levels that moved, and not the others."""
    assert made(changes(BIDS, ASKS)).bids.best is None


def test_changes_kept_for_a_snapshot_are_bounded() -> None:
    """A stream that never sends a snapshot costs no more memory with every change."""
    found = made(*(changes(((9_995, 1),), first=number, last=number) for number in range(1, order_book.EARLY_MAX + 9)))
    assert len(found.early) == order_book.EARLY_MAX


# What rules read ---------------------------------------------------------------------------------------------

READINGS: dict[str, tuple[str, tuple[BookUpdate | Quote, ...], float | None]] = {
    "mid": ("market.mid", (whole(),), 100.0),
    "spread": ("market.spread_bps", (whole(),), 0.002),
    # bids 99.90 x 3 + 99.80 x 4 = 698.9; asks 100.10 x 2 + 100.20 x 1 = 300.4; each 20 bps off at most
    "depth": ("market.depth(20bps)", (whole(),), 300.4),
    "depth_just_inside": ("market.depth(19bps)", (whole(),), 200.2),
    "depth_nearer_than_any": ("market.depth(9bps)", (whole(),), 0.0),
    "imbalance": ("market.imbalance(20bps)", (whole(),), (7 - 3) / (7 + 3)),
    "imbalance_of_nothing": ("market.imbalance(9bps)", (whole(),), None),
    "mid_of_one_side": ("market.mid", (whole(asks=()),), None),
    "mid_after_a_gap": ("market.mid", (whole(last=5), changes(((9_995, 1),), first=7, last=7)), None),
    "depth_after_a_gap": ("market.depth(20bps)", (whole(last=5), changes((), (), first=7, last=7)), None),
    "mid_of_quotes_beside_a_book": ("market.mid", (whole(), quote(0, 99.0, 5, 102.0, 5)), 100.5),
    "mid_of_quotes_under_changes": (
        "market.mid", (whole(), quote(0, 99.0, 5, 102.0, 5), changes(((9_995, 1),))), 100.5,
    ),
    "depth_of_a_book_beside_quotes": ("market.depth(20bps)", (whole(), quote(0, 99.0, 5, 102.0, 5)), 300.4),
    "depth_of_a_void_book_beside_quotes": (
        "market.depth(20bps)", (whole(last=5), quote(0, 99.95, 5, 100.05, 5), changes((), (), first=7, last=7)), None,
    ),
}


@pytest.mark.parametrize("name", READINGS)
def test_reading_of_a_book_is_the_value_worked_out_by_hand(name: str) -> None:
    """Best prices come from quotes where there are any, what rests behind them from the book alone."""
    text, events, expected = READINGS[name]
    found = read(text, *events)
    assert found == (expected if expected is None else pytest.approx(expected, rel=1e-12))


SPREAD_RULE = """
rules:
  wide:
    for_each: position
    when: market.spread_bps > 50bps
    do: close
    execute: {algo: now}
"""


def test_change_of_the_book_wakes_a_rule_and_sets_the_arrival_price() -> None:
    """A book that thins out fires without a trade, and what is sold for it is measured against the book's mid."""
    driver = Driver(engine(SPREAD_RULE))
    for event in (trade(0, 100.0), snapshot(1, usdt=2_000.0, btc=1_000, entry=100.0), whole(seconds=2)):
        driver.step(event)
    assert driver.found(OpenEpisode) == []
    driver.step(changes(asks=((10_010, 0), (10_020, 0)), seconds=3))
    assert [effect.now for effect in driver.found(OpenEpisode)] == [at(3)]
    (parent,) = driver.found(OpenParent)
    assert parent.arrival_price == (9_990 + 10_100) // 2


def test_quoted_spread_is_what_a_sale_is_expected_to_cost() -> None:
    """Where somebody quotes, costs are estimated from that and not from the volatility."""
    made_engine = engine()
    made_engine.step(trade(0, 100.0))
    modelled = made_engine.market.liquidity(0, price=10_000, fee=0.0, now=T0).half_spread
    made_engine.step(whole())
    assert made_engine.market.liquidity(0, price=10_000, fee=0.0, now=T0).half_spread == 0.001
    made_engine.step(changes(asks=((9_000, 1),)))
    assert made_engine.market.liquidity(0, price=10_000, fee=0.0, now=T0).half_spread == modelled


def test_book_in_warm_up_is_there_at_the_start_and_decides_nothing() -> None:
    """What a restart missed rebuilds the book; it is never taken from a journal."""
    made_engine = engine(SPREAD_RULE)
    made_engine.warm(whole(((9_000, 5),), ((11_000, 5),)))
    assert made_engine.readings.value(ref_of("market.spread_bps"), position=0, account=0) == 0.2
    assert made_engine.market.middle(0, T0) == 10_000
    assert made_engine.book.episodes == {}
    assert ReadingRef("market.spread_bps") in made_engine.readings.columns_by_ref
    assert made_engine.book.now == T0
