"""The parts that generated markets are made of: the filter, regimes laid out in time, jumps that beget jumps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copying import replace
from bot.domain.scale import NS_PER_SECOND
from paper.generate import path
from paper.generate.cascade import CHILDREN_MEAN, SIZE_MAX, draw_jumps, expected_move_per_hour
from paper.generate.character import CHARACTERS
from paper.generate.decay import decayed, keep_of_half_life, keep_of_mean_life
from paper.generate.hours import market_hours
from paper.generate.leaps import Leap, PlacedLeap, halted, leap_moves, place_leaps
from paper.generate.path import FactorBlock, walk_factor
from paper.generate.prints import draw_prints
from paper.generate.regimes import Regime, Spell, place_spells
from paper.generate.scenario import SCENARIOS
from paper.generate.streams import stream
from tests.paper.builders import perpetual

HOUR = 3_600
FALL = Regime(
    "fall", hours=1.0, hours_spread=0.3, move=-0.1, sigma_minute=0.003, jumps_per_hour=10, jump_mean=0.002,
    sell_share=0.8,
)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    inputs=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=200),
    half_life=st.floats(20.0, 10_000.0),
    carry=st.floats(-10.0, 10.0),
)
def test_decayed_any_inputs_equal_the_loop(inputs: list[float], half_life: float, carry: float) -> None:
    """The closed form is the recursion that it stands for."""
    keep = keep_of_half_life(half_life)
    level, expected = carry, []
    for value in inputs:
        level = keep * level + value
        expected.append(level)
    assert decayed(np.array(inputs), keep, carry) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_decayed_shortest_memory_over_an_hour_stays_exact() -> None:
    """At the shortest memory allowed an hour of seconds neither overflows nor loses its digits."""
    keep = keep_of_mean_life(20.0)
    inputs = np.sin(np.arange(HOUR, dtype=np.float64))
    level, expected = 3.0, []
    for value in inputs.tolist():
        level = keep * level + value
        expected.append(level)
    assert decayed(inputs, keep, 3.0) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_decayed_too_short_a_memory_is_refused() -> None:
    """Below the limit the closed form could overflow, so it does not answer."""
    with pytest.raises(AssertionError, match="too short"):
        decayed(np.ones(3), keep_of_mean_life(19.9), 0.0)


@pytest.mark.parametrize("seed", range(20))
def test_place_spells_any_seed_covers_the_span_once(seed: int) -> None:
    """Spells follow each other without gap or overlap from the first second to the last."""
    regimes = (FALL, FALL, Regime("last", 1.0, 0.3, 0.0, 0.001, 0, 0.001, 0.5))
    spells = place_spells(regimes, 5 * HOUR, stream(seed, "spells"))
    assert spells[0].begins == 0
    assert spells[-1].ends == 5 * HOUR
    assert all(before.ends == after.begins for before, after in pairwise(spells))
    assert all(spell.begins < spell.ends for spell in spells)
    assert spells[-1].regime.name == "last"


def test_place_spells_short_span_cuts_what_lies_beyond() -> None:
    """In a span shorter than the first regime there is nothing but the first regime."""
    spells = place_spells((FALL, FALL), 60, stream(1, "spells"))
    assert spells == (Spell(FALL, 0, 60),)


def test_draw_jumps_in_a_long_run_move_as_expected() -> None:
    """Over five thousand hours the jumps add up to what the drift assumes of them, cascades and all."""
    hours = 5_000
    jumps = draw_jumps((Spell(FALL, 0, hours * HOUR),), hours * HOUR, stream(5, "jumps"))
    assert jumps.moves.sum() / hours == pytest.approx(expected_move_per_hour(FALL), rel=0.05)
    assert len(jumps.moves) / hours == pytest.approx(FALL.jumps_per_hour / (1.0 - CHILDREN_MEAN), rel=0.05)
    assert np.abs(jumps.moves).mean() == pytest.approx(FALL.jump_mean, rel=0.05)


def test_draw_jumps_come_in_clusters() -> None:
    """Minutes with jumps huddle: counts vary far more than those of a Poisson process, whose ratio is 1."""
    hours = 500
    jumps = draw_jumps((Spell(FALL, 0, hours * HOUR),), hours * HOUR, stream(6, "jumps"))
    counts = np.bincount(jumps.begins // 600, minlength=hours * 6)
    # in the long run the ratio tends to 1 / (1 - CHILDREN_MEAN)^2 = 6.25
    assert counts.var() / counts.mean() > 2.0


def test_draw_jumps_are_in_order_inside_the_span_and_bounded() -> None:
    """Jumps come in time order, none starts after the end, none is larger than the largest allowed."""
    jumps = draw_jumps((Spell(FALL, 0, 300 * HOUR),), 300 * HOUR, stream(7, "jumps"))
    assert (np.diff(jumps.begins) >= 0).all()
    assert jumps.begins[0] >= 0
    assert jumps.begins[-1] < 300 * HOUR
    assert (jumps.lasts >= 1).all()
    assert np.abs(jumps.moves).max() <= SIZE_MAX


def test_draw_jumps_calm_regime_has_none() -> None:
    """Where no jump comes unprovoked, none comes at all."""
    calm = Regime("calm", 1.0, 0.1, 0.0, 0.001, 0, 0.001, 0.5)
    assert len(draw_jumps((Spell(calm, 0, 10 * HOUR),), 10 * HOUR, stream(8, "jumps")).moves) == 0


def test_stream_of_another_purpose_or_seed_is_another() -> None:
    """Streams repeat by seed and purpose, and only then."""
    first = stream(1, "noise").random(4).tolist()
    assert stream(1, "noise").random(4).tolist() == first
    assert stream(2, "noise").random(4).tolist() != first
    assert stream(1, "mood").random(4).tolist() != first


WICK = Leap(0.25, 0.5, move=-0.1, spread=0.0, seconds=10, back=1.0, back_seconds=30, shared=0.2, halt_seconds=5)


@pytest.mark.parametrize("seed", range(10))
def test_place_leaps_begin_between_their_shares_of_the_span(seed: int) -> None:
    """A seed draws when a leap comes, inside the stretch that was given for it, and its size around the median."""
    (exact,) = place_leaps((WICK,), HOUR, stream(seed, "leaps"))
    (rough,) = place_leaps((replace(WICK, spread=0.3),), HOUR, stream(seed, "leaps"))
    assert 0.25 * HOUR <= exact.begins <= 0.5 * HOUR
    assert exact.move == -0.1
    assert rough.begins == exact.begins
    assert -0.4 < rough.move < -0.025
    assert rough.move != -0.1


def test_leap_moves_go_there_and_back_by_hand() -> None:
    """Half way after half of the seconds, there at their end, 1/e of it left after the mean life of the way back."""
    placed = (PlacedLeap(WICK, begins=100, move=-0.1),)
    moves, unshared = leap_moves(placed, np.array([0, 100, 105, 110, 140, 10_000]))
    assert moves == pytest.approx([0.0, 0.0, -0.05, -0.1, -0.1 / np.e, 0.0], abs=1e-12)
    assert unshared == pytest.approx(0.8 * moves)


def test_halted_lasts_as_long_as_it_says() -> None:
    """From the first second of the leap, the last one not included."""
    placed = (PlacedLeap(WICK, begins=100, move=-0.1),)
    assert halted(placed, np.array([99, 100, 104, 105])).tolist() == [False, True, True, False]


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_market_hours_join(name: str) -> None:
    """Depth, premium, peg, leaps and the factor go on in the next hour where the last one left them."""
    hours = list(market_hours(replace(SCENARIOS[name], hours=6), 2))
    for before, after in pairwise(hours):
        assert len(after.depth) == len(after.halted) + 1 == HOUR + 1
        for column in ("leaps", "unshared", "depth", "premium", "peg"):
            assert getattr(after, column)[0] == pytest.approx(getattr(before, column)[-1], abs=1e-12), column
        assert after.factor.log_moves[0] == pytest.approx(before.factor.log_moves[-1], abs=1e-12)


def test_scenario_upside_down_is_the_mirror_of_itself() -> None:
    """Of a seed that turns the market over, every move is the negative of what it would have been."""
    scenario = replace(SCENARIOS["gap"], hours=2)
    plain, turned = (
        next(market_hours(replace(scenario, mirrored_share=share), 1)) for share in (0.0, 1.0)
    )
    assert turned.factor.log_moves == pytest.approx(-plain.factor.log_moves)
    assert turned.leaps == pytest.approx(-plain.leaps)
    assert turned.depth == pytest.approx(plain.depth)


def test_scenario_upside_down_has_its_premium_below_the_index() -> None:
    """Who runs after a falling market sells the perpetual cheap, as he buys it dear in a rising one."""
    scenario = SCENARIOS["trend"]
    plain, turned = (
        [hour.premium.mean() for hour in market_hours(replace(scenario, mirrored_share=share), 1)]
        for share in (0.0, 1.0)
    )
    assert turned == pytest.approx([-premium for premium in plain])
    assert max(plain) > 0.0005


def factor_path(seed: int) -> np.ndarray:
    """Four hours of a falling factor, second by second."""
    spells = (Spell(FALL, 0, 4 * HOUR),)
    jumps = draw_jumps(spells, 4 * HOUR, stream(seed, "jumps"))
    blocks = walk_factor(
        spells, jumps, 4 * HOUR,
        noise=stream(seed, "noise"), mood=stream(seed, "mood"), tide=stream(seed, "tide"),
    )
    return np.concatenate([block.log_moves[1:] for block in blocks])


@pytest.mark.parametrize("block_seconds", [600, 1_000, 4 * HOUR - 1])
def test_walk_factor_other_block_size_walks_the_same_path(
    block_seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one block ends and the next begins leaves no seam: memories and jumps go across."""
    by_the_hour = factor_path(3)
    monkeypatch.setattr(path, "BLOCK_SECONDS", block_seconds)
    assert factor_path(3) == pytest.approx(by_the_hour, abs=1e-10)


def test_walk_factor_blocks_join() -> None:
    """A block begins where the one before it ended."""
    spells = (Spell(FALL, 0, 3 * HOUR),)
    blocks = list(
        walk_factor(
            spells, draw_jumps(spells, 3 * HOUR, stream(4, "jumps")), 3 * HOUR,
            noise=stream(4, "noise"), mood=stream(4, "mood"), tide=stream(4, "tide"),
        )
    )
    assert [block.begins for block in blocks] == [0, HOUR, 2 * HOUR]
    for before, after in pairwise(blocks):
        assert after.log_moves[0] == pytest.approx(before.log_moves[-1], abs=1e-12)


def test_draw_prints_on_a_ramp_follow_it_within_the_second() -> None:
    """A price that falls 1 % a second prints half a percent lower half a second later, give or take the spread."""
    ramp = -0.01 * np.arange(61, dtype=np.float64)
    block = FactorBlock(begins=0, log_moves=ramp, sigma_minutes=np.full(60, 1e-6))
    prints, _ = draw_prints(
        perpetual(), CHARACTERS["BTC"], block, np.log(8_000.0) + ramp,
        trades_per_second=50.0, pressure=0.0, random=stream(1, "prints"),
    )
    assert len(prints.times) > 100
    expected = 800_000 * np.exp(-0.01 * prints.times / NS_PER_SECOND)
    half_spreads = np.abs(prints.prices / expected - 1.0)
    assert half_spreads.max() == pytest.approx(0.5e-4, rel=0.1)
    assert ((prints.prices > expected) == (prints.sides > 0)).all()
