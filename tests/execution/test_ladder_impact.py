"""The ladder's tables on both sides of each step, and what a sale is expected to cost."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.execution.impact import HALF_SPREAD_FLOOR, IMPACT_Y, Liquidity
from bot.execution.ladder import FIRST_COLLAR, PARTICIPATION_STEPS, collar_at, is_widest, may_relax, participation_at
from bot.execution.spec import Algo, ExecutionSpec
from tests.oracles import assert_as_published, cases

PROPERTY = settings(derandomize=True, deadline=None, max_examples=100)


# Ladder ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "first", "widest", "expected"),
    [
        (0, None, 0.08, 0.01), (1, None, 0.08, 0.02), (2, None, 0.08, 0.04), (3, None, 0.08, 0.08),
        (4, None, 0.08, 0.08), (9, None, 0.08, 0.08),
        (0, 0.03, 0.08, 0.03), (1, 0.03, 0.08, 0.06), (2, 0.03, 0.08, 0.08),
        (0, 0.10, 0.08, 0.08),               # a rule cannot ask for more than the limits allow
        (0, None, 0.005, 0.005),
    ],
)
def test_collar_at_each_level_doubles_up_to_the_widest(
    level: int, first: float | None, widest: float, expected: float
) -> None:
    """1, 2, 4, 8 % and no further, or from what the rule states, or less where the limits are narrower."""
    assert collar_at(level, first=first, widest=widest) == expected


@pytest.mark.parametrize(
    ("level", "first", "widest", "expected"),
    [
        (2, None, 0.08, False), (3, None, 0.08, True), (4, None, 0.08, True), (1, 0.03, 0.08, False),
        (2, 0.03, 0.08, True), (0, 0.08, 0.08, True), (0, 0.0799, 0.08, False), (0, 0.2, 0.08, True),
    ],
)
def test_is_widest_is_true_from_the_step_that_reaches_the_limit(
    level: int, first: float | None, widest: float, expected: bool
) -> None:
    """At 4 % of 8 % there is a step left, at 8 % none."""
    assert is_widest(level, first=first, widest=widest) is expected


@pytest.mark.parametrize(
    ("first", "steps"),
    [
        (0.10, [0.10, 0.25, 0.50, 1.0, 1.0]),
        (0.05, [0.05, 0.10, 0.25, 0.50, 1.0]),
        (0.30, [0.30, 0.50, 1.0, 1.0, 1.0]),
        (0.50, [0.50, 1.0, 1.0, 1.0, 1.0]),
        (0.99, [0.99, 1.0, 1.0, 1.0, 1.0]),
        (1.0, [1.0, 1.0, 1.0, 1.0, 1.0]),
        (None, [None, None, None, None, None]),
    ],
)
def test_participation_at_each_level_takes_the_next_step_above(
    first: float | None, steps: list[float | None]
) -> None:
    """10, 25, 50, 100 %, entered above what the rule states; without a cap there is nothing to relax."""
    assert [participation_at(level, first=first) for level in range(5)] == steps


@PROPERTY
@given(first=st.none() | st.floats(0.0001, 0.99), widest=st.floats(0.0001, 0.5), level=st.integers(0, 12))
def test_collar_and_participation_never_tighten_on_the_way_up(
    first: float | None, widest: float, level: int
) -> None:
    """A later step asks for no less than an earlier one, and never passes the limit."""
    here, above = (collar_at(step, first=first, widest=widest) for step in (level, level + 1))
    assert 0 < here <= above <= widest
    if is_widest(level, first=first, widest=widest):
        assert here == above == widest
    shares = [participation_at(step, first=first) for step in (level, level + 1)]
    assert shares == [None, None] or 0 < (shares[0] or 0) <= (shares[1] or 0) <= 1


def test_ladder_begins_where_policies_say() -> None:
    """The first collar is 1 %, the steps of participation 10, 25, 50 and 100 %."""
    assert (FIRST_COLLAR, PARTICIPATION_STEPS) == (0.01, (0.10, 0.25, 0.50, 1.0))


@pytest.mark.parametrize("order_class", list(OrderClass), ids=lambda item: item.value)
def test_may_relax_is_for_survival_only(order_class: OrderClass) -> None:
    """Cost, hedges, stops and operators' orders keep the limits that were set for them."""
    assert may_relax(order_class) == (order_class is OrderClass.MARGIN)


# Cost -----------------------------------------------------------------------------------------------------


def liquidity(
    *, fee: float = 0.0005, sigma_day: float = 0.04, sigma_minute: float = 0.0, volume_day: float = 1e9
) -> Liquidity:
    """A calm market with a day's volume of a thousand million units."""
    return Liquidity(fee=fee, sigma_day=sigma_day, sigma_minute=sigma_minute, volume_day=volume_day)


def test_impact_of_published_square_root_cases_is_as_printed() -> None:
    """The law itself at the published sigma, quantity and volume; its factor is ours to state, so it is divided out."""
    for case in cases("06_market_impact.json", "sqrt_law"):
        given_ = case["inputs"]
        if "daily_vol" in given_:
            market = liquidity(sigma_day=given_["daily_vol"], volume_day=given_["daily_volume"])
            peak = market.impact(int(given_["Q"])) / IMPACT_Y * given_["Y"] * 1e4
            assert_as_published(case, {"peak_impact_bp": peak})
        else:
            market = liquidity()
            ratio = market.impact(400_000) / market.impact(100_000)
            halves = 2 * market.impact(200_000) / market.impact(400_000)
            assert_as_published(case, {"impact_ratio": ratio, "two_halves_sum_over_whole": halves})


def test_cost_of_a_sale_by_hand() -> None:
    """1 % of a day at 4 % daily sigma is 40 bp of impact; with 5 bp of fee and half a bp of spread, 45.5 bp."""
    assert liquidity().cost(quantity=10**7, value=10**12) == pytest.approx(10**12 * 45.5e-4, rel=1e-12)


@pytest.mark.parametrize(
    ("sigma_minute", "expected"),
    [(0.0, 0.5e-4), (4.9e-4, 0.5e-4), (5e-4, 0.5e-4), (5.1e-4, 0.51e-4), (0.01, 1e-3)],
)
def test_half_spread_widens_with_volatility_and_has_a_floor(sigma_minute: float, expected: float) -> None:
    """Half a basis point in calm hours; a tenth of a minute's sigma where that is more."""
    assert liquidity(sigma_minute=sigma_minute).half_spread == pytest.approx(expected, rel=1e-12)
    assert HALF_SPREAD_FLOOR == 0.5e-4


@PROPERTY
@given(
    first=st.integers(0, 10**9), second=st.integers(0, 10**9), volume=st.floats(1e6, 1e12), sigma=st.floats(1e-4, 0.5)
)
def test_cost_of_any_quantity_is_convex_and_rises(first: int, second: int, volume: float, sigma: float) -> None:
    """The middle of two sizes costs no more than their average, and more is never cheaper: the planner relies on it."""
    market = liquidity(sigma_day=sigma, volume_day=volume)
    low, high = sorted((2 * first, 2 * second))
    one, middle, other = (
        market.cost(quantity=quantity, value=quantity * 1_000) for quantity in (low, (low + high) // 2, high)
    )
    assert one <= middle <= other
    assert middle <= (one + other) / 2 * (1 + 1e-12)


@PROPERTY
@given(quantity=st.integers(1, 10**9), times=st.integers(2, 100))
def test_impact_of_a_multiple_is_its_square_root_times(quantity: int, times: int) -> None:
    """The law that makes splitting over time worth while."""
    market = liquidity()
    assert market.impact(quantity * times) == pytest.approx(sqrt(times) * market.impact(quantity), rel=1e-12)


# What a rule's execute block may say ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("over", "stated", "expected"),
    [
        (0, None, 5 * NS_PER_SECOND),
        (3 * NS_PER_MINUTE, None, 5 * NS_PER_SECOND),            # a sixtieth would be 3 s
        (5 * NS_PER_MINUTE, None, 5 * NS_PER_SECOND),
        (10 * NS_PER_MINUTE, None, 10 * NS_PER_SECOND),
        (10 * NS_PER_MINUTE, NS_PER_SECOND, NS_PER_SECOND),
        (10 * NS_PER_MINUTE, 10 * NS_PER_MINUTE, 10 * NS_PER_MINUTE),
    ],
)
def test_interval_is_as_stated_or_a_sixtieth_of_at_least_five_seconds(
    over: int, stated: int | None, expected: int
) -> None:
    """Never zero, since curves divide by it."""
    spec = ExecutionSpec(algo=Algo.TWAP if over else Algo.NOW, over=over, slice=stated)
    assert spec.interval == expected


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"algo": Algo.TWAP}, "over: twap needs a length of time"),
        ({"algo": Algo.NOW, "over": NS_PER_SECOND}, "over: has no meaning with `algo: now`"),
        ({"algo": Algo.TWAP, "over": 10, "slice": 11}, "slice: must be above 0 and not longer than `over`"),
        ({"algo": Algo.TWAP, "over": 10, "slice": 0}, "slice: must be above 0"),
        ({"participation_max": 0.0}, "participation_max: must be above 0% and below 100%, was 0.00%"),
        ({"participation_max": 1.0}, "participation_max: must be above 0% and below 100%, was 100.00%"),
        ({"collar": 0.0}, "collar: must be above 0%"),
        ({"collar": 1.0}, "collar: must be above 0% and below 100%"),
        ({"collar": float("nan")}, "collar: must be above 0%"),
    ],
)
def test_execution_spec_outside_its_limits_is_refused(fields: dict[str, object], message: str) -> None:
    """Each refusal names the key and what it may be."""
    with pytest.raises(ValueError) as refused:
        ExecutionSpec(**fields)  # type: ignore[arg-type]  # a table of fields
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "fields",
    [{"participation_max": 0.0001}, {"participation_max": 0.9999}, {"collar": 0.0001}, {"collar": 0.9999},
     {"algo": Algo.TWAP, "over": 10, "slice": 10}, {"algo": Algo.TWAP, "over": 1, "slice": 1}],
)
def test_execution_spec_just_inside_its_limits_is_accepted(fields: dict[str, object]) -> None:
    """The other side of each limit."""
    assert ExecutionSpec(**fields)  # type: ignore[arg-type]  # a table of fields
