"""What a level means in other measures: held to the published figure, to the formula, and to plain steps."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.effects import GoalKind
from bot.domain.errors import ContractError
from bot.domain.scale import CASH_UNIT
from bot.risk.binance_tiers import tier_table
from bot.risk.levels import Book, Single, meaning_of, move_to

BTC = tier_table("BTC")
DISTANCE, RATIO, LEVERAGE = GoalKind.LIQUIDATION_DISTANCE, GoalKind.MARGIN_RATIO, GoalKind.LEVERAGE
# Binance's page, 2024-10-24, typed in once more: (from, rate).
RATES = [
    (0, 0.004), (50_000, 0.005), (600_000, 0.0065), (3_000_000, 0.01), (12_000_000, 0.02), (70_000_000, 0.025),
    (100_000_000, 0.05), (230_000_000, 0.1), (480_000_000, 0.125), (600_000_000, 0.15), (800_000_000, 0.25),
    (1_200_000_000, 0.5),
]


def maintenance(value: float) -> float:
    """Margin as income tax: each part of a value at the rate of its own bracket."""
    total = 0.0
    for (floor, rate), (cap, _) in zip(RATES, [*RATES[1:], (inf, 0.0)], strict=True):
        total += max(0.0, min(value, cap) - floor) * rate
    return total


def single(value: float) -> Single:
    return Single(BTC, round(value * CASH_UNIT))


@pytest.mark.parametrize(("ratio", "distance"), [(0.7, 17e-4), (0.5, 40e-4), (0.12, 0.03)], ids=["70%", "50%", "12%"])
def test_ratio_means_the_distance_that_the_policies_name(ratio: float, distance: float) -> None:
    """A ratio of 70 % is 17 bps from liquidation at BTC's 0.4 %; a distance of 3 % is a ratio of 12 %."""
    assert meaning_of(RATIO, ratio, single(40_000)).liquidation_distance == pytest.approx(distance, rel=0.02)


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize(("value", "rate", "ratio"), [(40_000, 0.004, 0.6), (1e6, 0.0065, 0.9), (5e8, 0.125, 0.97)])
def test_ratio_inside_a_bracket_means_what_the_formula_says(side: int, value: float, rate: float, ratio: float) -> None:
    """mu (1/r - 1) / (1 -+ m): the formula that `check` prints, where the move stays in the bracket."""
    mu = maintenance(value) / value
    found = meaning_of(RATIO, ratio, single(side * value))
    assert found.liquidation_distance == pytest.approx(mu * (1 / ratio - 1) / (1 - side * rate), rel=1e-6)
    assert found.leverage == pytest.approx(ratio / mu, rel=1e-6)
    assert found.margin_ratio == pytest.approx(ratio, rel=1e-6)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    value=st.floats(100.0, 2e9), side=st.sampled_from([1, -1]), kind=st.sampled_from([DISTANCE, RATIO, LEVERAGE]),
    share=st.floats(0.01, 0.99),
)
def test_level_of_any_kind_puts_liquidation_where_it_says(
    value: float, side: int, kind: GoalKind, share: float
) -> None:
    """At the distance that was found, equity is what margin as a tax demands; at less, it is more."""
    target = 1 + 20 * share if kind is LEVERAGE else share
    found = meaning_of(kind, target, single(side * value))
    if found.liquidation_distance in (0.0, inf):
        return
    equity = value / found.leverage
    for part in (1.0, 0.5):
        move = found.liquidation_distance * part
        left = equity - value * move - maintenance(value * (1 - side * move))
        assert left == pytest.approx(0.0, abs=1e-6 * value) if part == 1.0 else left > 0
    assert getattr(found, kind.value) == pytest.approx(target, rel=1e-6)


def test_level_beyond_liquidation_is_at_no_distance() -> None:
    """A ratio of 100 % is liquidation itself, and more is past it."""
    assert meaning_of(RATIO, 1.0, single(1_000)).liquidation_distance == 0.0
    assert meaning_of(RATIO, 1.5, single(1_000)).liquidation_distance == 0.0
    assert meaning_of(RATIO, 0.999, single(1_000)).liquidation_distance > 0.0


@pytest.mark.parametrize(("kind", "target"), [(RATIO, 0.0), (LEVERAGE, -1.0), (GoalKind.FLAT, 1.0)])
def test_level_that_is_none_is_refused(kind: GoalKind, target: float) -> None:
    """Nothing stands at a ratio of nothing, and flat is no level."""
    with pytest.raises(ContractError, match="level: "):
        meaning_of(kind, target, single(1_000))


BOOKS = {
    "long": Book(800 * CASH_UNIT, (single(8_000),)),
    "short": Book(800 * CASH_UNIT, (single(-8_000),)),
    "two longs": Book(2_000 * CASH_UNIT, (single(8_000), Single(tier_table("ETH"), 4_000 * CASH_UNIT))),
    "hedged": Book(300 * CASH_UNIT, (single(8_000), Single(tier_table("ETH"), -5_000 * CASH_UNIT))),
}


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
@pytest.mark.parametrize(("kind", "target"), [(DISTANCE, 0.03), (RATIO, 0.3), (RATIO, 0.9)])
def test_move_to_a_level_ends_exactly_there(book: Book, kind: GoalKind, target: float) -> None:
    """A hair before it the level is not reached, and at it the account stands there."""
    move = move_to(kind, target, book)
    assert move is not None
    assert move != 0
    assert getattr(book.moved(move).state(), kind.value) == pytest.approx(target, rel=1e-4)
    assert book.moved(move).has_reached(kind, target)
    assert not book.moved(move * 0.999).has_reached(kind, target)


def test_move_to_a_level_goes_against_the_book() -> None:
    """Falling prices bring a long there, rising ones a short."""
    long, short = move_to(DISTANCE, 0.05, BOOKS["long"]), move_to(DISTANCE, 0.05, BOOKS["short"])
    assert long is not None and long < 0
    assert short is not None and short > 0


def test_move_to_a_level_that_is_reached_is_none_at_all() -> None:
    """An account that starts inside its guard needs no market to fire it; one that cannot get there has no move."""
    assert move_to(DISTANCE, 0.5, BOOKS["long"]) == 0.0
    assert move_to(LEVERAGE, 10.0, BOOKS["long"]) == 0.0
    assert move_to(DISTANCE, 0.05, Book(9_000 * CASH_UNIT, (single(8_000),))) is None
    assert move_to(RATIO, 2.0, BOOKS["long"]) is None


@pytest.mark.parametrize(
    ("book", "state"), [(Book(100, ()), (inf, 0.0, 0.0)), (Book(0, (single(1_000),)), (0.0, inf, inf))],
    ids=["flat", "no equity"],
)
def test_state_at_its_edges_is_the_designs(book: Book, state: tuple[float, float, float]) -> None:
    """No position: 0, 0 and no distance to go; no equity with one: infinite, infinite and 0."""
    found = book.state()
    assert (found.liquidation_distance, found.margin_ratio, found.leverage) == state
