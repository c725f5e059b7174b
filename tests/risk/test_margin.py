"""Margin of a cross account against exact arithmetic, and its edges: flat, gone, exactly at the line."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf, isinf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.risk.binance_tiers import tier_table
from bot.risk.margin import (
    Holding,
    account_margin,
    liquidation_distances,
    liquidation_price,
    worst_distance_of,
)
from bot.risk.tiers import PPM, table
from tests.risk.books import flat_table, holding, usdt
from tests.risk.judge import GRID, distance, free, maintenance_ppm

PROPERTY = settings(derandomize=True, deadline=None, max_examples=120)
BASES = ("BTC", "ETH", "SOL", "SUI")


@st.composite
def holdings_of_any_book(draw: st.DrawFn) -> list[Holding]:
    """One to five positions, long and short, from 10 USDT to beyond the last bracket."""
    held = []
    for index in range(draw(st.integers(1, 5))):
        base = draw(st.sampled_from(BASES))
        mark = draw(st.sampled_from([0.37, 12.0, 155.55, 3_000.0, 63_210.5]))
        size = 10 ** draw(st.floats(1.0, 9.5))
        quantity = max(1, round(size / mark * 1_000)) * draw(st.sampled_from([1, 1, -1]))
        entry = mark * draw(st.floats(0.5, 1.5))
        held.append(holding(quantity, mark=mark, entry=entry, base=base, index=index))
    return held


@st.composite
def books(draw: st.DrawFn) -> tuple[int, list[Holding]]:
    """A wallet and positions; equity from well below maintenance to many times what is held."""
    held = draw(holdings_of_any_book())
    totals = account_margin(0, held)
    cushion = 10 ** draw(st.floats(-4.0, 0.5)) * draw(st.sampled_from([1, 1, 1, -1]))
    return totals.maintenance - totals.equity + round(totals.gross * cushion), held


@PROPERTY
@given(book=books())
def test_liquidation_distances_of_any_book_are_those_of_exact_bisection(book: tuple[int, list[Holding]]) -> None:
    """Long, short, mixed, over many brackets: both distances are where exact arithmetic finds margin gone."""
    wallet, held = book
    found = liquidation_distances(wallet, held)
    for ours, direction in ((found.down, -1), (found.up, 1)):
        exact = distance(wallet, held, direction)
        if isinf(exact):
            assert ours > 2**38
        else:
            assert ours == pytest.approx(exact, rel=1e-7, abs=1e-9)
    assert found.nearest == min(found.down, found.up)


@PROPERTY
@given(book=books())
def test_account_margin_of_any_book_is_the_exact_sum(book: tuple[int, list[Holding]]) -> None:
    """Totals add up; maintenance is the progressive sum over brackets, a unit per position below it at most."""
    wallet, held = book
    totals = account_margin(wallet, held)
    assert totals.equity == wallet + sum(h.value - h.entry_value for h in held)
    assert (totals.net, totals.gross) == (sum(h.value for h in held), sum(abs(h.value) for h in held))
    exact = Fraction(sum(maintenance_ppm(h, 0) for h in held), PPM * GRID)
    assert exact - len(held) < totals.maintenance <= exact


@PROPERTY
@given(book=books(), data=st.data())
def test_liquidation_price_of_any_holding_is_where_equity_is_maintenance(
    book: tuple[int, list[Holding]], data: st.DataObject
) -> None:
    """With all other marks unchanged, free margin is zero at the price; None only where no price makes it so."""
    wallet, held = book
    place = data.draw(st.integers(0, len(held) - 1))
    target = held[place]
    rest = [h for index, h in enumerate(held) if index != place]
    cushion = free(wallet, rest, 0) - target.entry_value * PPM * GRID
    price = liquidation_price(wallet, held, place)
    if price is None:
        # Worth nothing, a long still leaves margin; a short, closed for nothing, already leaves none.
        assert cushion >= 0 if target.quantity > 0 else cushion <= 0
        return
    value = target.instrument.value(price=1, quantity=target.quantity) * Fraction(price)
    move = value / target.value - 1
    left = Fraction(cushion, PPM * GRID) + value - Fraction(
        maintenance_ppm(target, round(move * GRID)), PPM * GRID
    )
    assert price > 0
    assert abs(left) <= len(held) + abs(value) * Fraction(1, 10**9)


@PROPERTY
@given(book=books())
def test_liquidation_distances_of_the_mirrored_book_are_at_rest_alike(book: tuple[int, list[Holding]]) -> None:
    """Longs made shorts at the same equity are as near to liquidation at rest: past it both ways, or neither."""
    wallet, held = book
    equity = account_margin(wallet, held).equity
    flipped = [replace(h, quantity=-h.quantity, entry_value=-h.value) for h in held]
    ours, theirs = liquidation_distances(wallet, held), liquidation_distances(equity, flipped)
    assert (ours.nearest == 0) == (theirs.nearest == 0)


@PROPERTY
@given(held=holdings_of_any_book(), more=st.integers(0, 10**14))
def test_liquidation_distances_with_more_cash_are_no_shorter(held: list[Holding], more: int) -> None:
    """A deposit never brings liquidation nearer."""
    totals = account_margin(0, held)
    wallet = totals.maintenance - totals.equity + totals.gross // 50
    before, after = liquidation_distances(wallet, held), liquidation_distances(wallet + more, held)
    assert after.down >= before.down and after.up >= before.up


def test_liquidation_distances_by_hand() -> None:
    """10,000 long with 1,000 of equity at 1 %: 1,000 - 10,000 m = 100 (1 - m), so m = 900 / 9,900."""
    held = [holding(1_000, mark=10_000, tiers=flat_table("0.01"))]
    found = liquidation_distances(usdt(1_000), held)
    assert found.down == pytest.approx(900 / 9_900, rel=1e-12)
    assert found.up == inf


def test_liquidation_distances_of_a_short_by_hand() -> None:
    """The mirror image is not symmetric: 1,000 - 10,000 m = 100 (1 + m), so m = 900 / 10,100."""
    held = [holding(-1_000, mark=10_000, tiers=flat_table("0.01"))]
    found = liquidation_distances(usdt(1_000), held)
    assert found.up == pytest.approx(900 / 10_100, rel=1e-12)
    assert found.down == inf


def test_liquidation_distances_across_a_bracket_by_hand() -> None:
    """60,000 long falls through the bound at 50,000: the lower rate counts below it.

    Rates 1 % and 5 %, so the deduction is 2,000: 60,000 m of loss eats 15,000 of equity until
    1 % of 60,000 (1 - m): 15,000 - 60,000 m = 600 - 600 m, m = 14,400 / 59,400.
    """
    tiers = table([(0, "0.01", 20), (50_000, "0.05", 10)], source="made for a test")
    held = [holding(6_000, mark=10_000, tiers=tiers)]
    assert liquidation_distances(usdt(15_000), held).down == pytest.approx(14_400 / 59_400, rel=1e-12)


def test_liquidation_distances_of_a_long_without_debt_are_infinite() -> None:
    """What is paid for in full cannot be liquidated by a fall, even to zero."""
    held = [holding(1_000, mark=10_000, tiers=flat_table("0.01"))]
    assert liquidation_distances(usdt(10_001), held).down == inf
    assert liquidation_distances(usdt(9_999), held).down < 1


@pytest.mark.parametrize("wallet", [-1, 0, 1])
def test_flat_account_has_no_ratio_and_no_distance(wallet: int) -> None:
    """No position means ratio 0, leverage 0 and a distance without end, whatever the cash."""
    for held in ([], [holding(0, mark=10_000)]):
        totals = account_margin(wallet, held)
        assert (totals.margin_ratio, totals.leverage) == (0.0, 0.0)
        assert liquidation_distances(wallet, held).nearest == inf


@pytest.mark.parametrize(("excess", "is_alive"), [(-1, False), (0, False), (1, True)])
def test_liquidation_distances_at_maintenance_are_zero_and_just_above_are_not(excess: int, is_alive: bool) -> None:
    """Equity equal to maintenance is liquidation at Binance; one unit of cash more is alive."""
    held = [holding(1_000, mark=10_000, tiers=flat_table("0.01")), holding(-500, mark=3_000, base="ETH", index=1)]
    wallet = account_margin(0, held).maintenance - account_margin(0, held).equity + excess
    found = liquidation_distances(wallet, held)
    assert (found.down > 0) is is_alive
    assert (found.up > 0) is is_alive
    assert account_margin(wallet, held).margin_ratio < 1 if is_alive else account_margin(wallet, held).margin_ratio >= 1


@pytest.mark.parametrize("equity", [0, -1, -usdt(5)])
def test_account_without_equity_has_infinite_ratios(equity: int) -> None:
    """A position with nothing behind it is past every limit, so every guard fires."""
    held = [holding(1_000, mark=10_000)]
    totals = account_margin(equity, held)
    assert (totals.margin_ratio, totals.leverage) == (inf, inf)
    assert liquidation_distances(equity, held).nearest == 0.0


def test_account_with_one_unit_of_equity_has_finite_ratios() -> None:
    """The other side of that edge."""
    totals = account_margin(1, [holding(1_000, mark=10_000)])
    assert 0 < totals.leverage < inf and 0 < totals.margin_ratio < inf


def test_liquidation_price_of_what_is_not_held_is_none() -> None:
    """A flat holding has no liquidation price and must not stop the sum."""
    assert liquidation_price(usdt(100), [holding(0, mark=10_000)], 0) is None


def test_liquidation_price_of_a_long_paid_in_full_is_none() -> None:
    """No price above zero liquidates it; one unit of cash less, and a price near zero does."""
    held = holding(1_000, mark=10_000, tiers=flat_table("0.01"))
    assert liquidation_price(held.entry_value, [held], 0) is None
    near_zero = liquidation_price(held.entry_value - usdt(1), [held], 0)
    assert near_zero is not None and 0 < near_zero / 100 < 1.02


@pytest.mark.parametrize("base", BASES)
def test_maintenance_at_every_bracket_bound_is_continuous(base: str) -> None:
    """At a bound both brackets ask the same; one unit of cash more never asks less or much more."""
    brackets = tier_table(base)
    for lower, upper in zip(brackets.tiers, brackets.tiers[1:], strict=False):
        assert lower.cap == upper.floor is not None
        at = brackets.maintenance(upper.floor)
        assert brackets.index_of(upper.floor) + 1 == brackets.index_of(upper.floor + 1)
        assert at == upper.floor * upper.rate_ppm // PPM - upper.cum
        assert 0 <= brackets.maintenance(upper.floor + 1) - at <= 1


@pytest.mark.parametrize("base", BASES)
def test_maintenance_beyond_the_last_bracket_is_at_its_rate(base: str) -> None:
    """A position larger than the venue admits still has a maintenance margin."""
    last = tier_table(base).tiers[-1]
    assert last.cap is None
    beyond = last.floor * 10
    assert tier_table(base).maintenance(beyond) == beyond * last.rate_ppm // PPM - last.cum


def against(wallet: int, held: list[Holding], move: Fraction) -> Fraction:
    """Exact equity less maintenance after every position moved against itself, in cash x PPM."""
    total = Fraction(wallet * PPM)
    for each in held:
        factor = 1 + move if each.quantity < 0 else Fraction(0) if move > 1 else 1 - move
        notional = abs(each.value) * factor
        total += (each.value * factor - each.entry_value) * PPM
        for tier in each.tiers.tiers:
            top = notional if tier.cap is None or notional < tier.cap else Fraction(tier.cap)
            if top > tier.floor:
                total -= (top - tier.floor) * tier.rate_ppm
    return total


@PROPERTY
@given(book=books())
def test_worst_distance_of_any_book_is_where_exact_margin_is_gone(book: tuple[int, list[Holding]]) -> None:
    """Just before the move there is margin left and just after it there is none; infinite only where none does it."""
    wallet, held = book
    equity = account_margin(wallet, held).equity
    found = worst_distance_of(equity, [h.value for h in held], [h.tiers for h in held])
    slack = len(held) * PPM              # maintenance is rounded down by a cash unit per position
    if found == 0.0:
        assert against(wallet, held, Fraction(0)) <= slack
    elif isinf(found):
        assert all(h.quantity > 0 for h in held)
        assert against(wallet, held, Fraction(1)) >= -slack
    else:
        width = Fraction(max(found, 1e-3)) / 10**6
        assert against(wallet, held, Fraction(found) - width) > -slack
        assert against(wallet, held, Fraction(found) + width) <= slack


def test_worst_distance_follows_shorts_beyond_a_long_that_is_gone() -> None:
    """A long can lose no more than all of it; the short of the same size goes on alone."""
    rate = flat_table("0.01")
    held = [holding(1_000, mark=8_000.0, tiers=rate), holding(-1_000, mark=8_000.0, index=1, tiers=rate)]
    # 12,000 - 16,000 m = 0.01 x (8,000 (1 - m) + 8,000 (1 + m)); with 20,000 the long is gone before that:
    # 20,000 - 8,000 - 8,000 m = 0.01 x 8,000 (1 + m)
    assert worst_distance_of(usdt(12_000.0), [h.value for h in held], [rate, rate]) == pytest.approx(
        (12_000 - 160) / 16_000, rel=1e-9
    )
    assert worst_distance_of(usdt(20_000.0), [h.value for h in held], [rate, rate]) == pytest.approx(
        (20_000 - 8_000 - 80) / 8_080, rel=1e-9
    )
