"""Plans of cuts: they reach the goal and not more, leave hedges alone, and cost about as little as can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copying import replace
from bot.domain.effects import Goal, GoalKind
from bot.domain.errors import ContractError
from bot.execution.impact import Liquidity
from bot.risk.deleverage import CostOf, Plan, forecast_level, measure, plan_cuts, wanted
from bot.risk.margin import Holding, account_margin, liquidation_distances
from tests.risk.books import flat_table, holding, sizes, usdt

PROPERTY = settings(derandomize=True, deadline=None, max_examples=60)
DISTANCE, RATIO, LEVERAGE = GoalKind.LIQUIDATION_DISTANCE, GoalKind.MARGIN_RATIO, GoalKind.LEVERAGE
BASES = ("BTC", "ETH", "SOL", "SUI")


def costs(held: Sequence[Holding], *, fee: float = 0.0005, sigma_day: float = 0.04, volume: float = 1e9) -> CostOf:
    """The engine's own cost: fee, half spread and square-root impact, the same market for every holding."""
    market = Liquidity(fee=fee, sigma_day=sigma_day, sigma_minute=0.0005, volume_day=volume)

    def cost(place: int, quantity: int) -> float:
        return market.cost(quantity=quantity, value=held[place].instrument.value(
            price=held[place].mark, quantity=quantity))

    return cost


def rates(held: Sequence[Holding], *per_value: float) -> CostOf:
    """A cost in proportion to value, one rate per holding."""
    return lambda place, quantity: per_value[place] * held[place].instrument.value(
        price=held[place].mark, quantity=quantity
    )


def plan(
    goal: Goal, equity: int, held: Sequence[Holding], cost_of: CostOf, lowest: Sequence[int] | None = None
) -> Plan:
    """Plan from the whole book, entered at its marks so that the wallet is the equity."""
    return plan_cuts(
        goal, equity, held, cost_of, keeps=sizes(held), lowest=[0] * len(held) if lowest is None else lowest
    )


def level(goal: Goal, equity: int, held: Sequence[Holding], cost_of: CostOf, keeps: Sequence[int]) -> float:
    """The goal's measure after the cuts are paid for, by way of the margin sums alone."""
    paid = 0
    left = []
    for place, (h, keep) in enumerate(zip(held, keeps, strict=True)):
        if keep < abs(h.quantity):
            paid += int(cost_of(place, abs(h.quantity) - keep))
        quantity = keep if h.quantity > 0 else -keep
        left.append(replace(h, quantity=quantity, entry_value=h.instrument.value(price=h.mark, quantity=quantity)))
    totals = account_margin(equity - paid, left)
    if goal.kind is DISTANCE:
        return liquidation_distances(equity - paid, left).nearest
    return -(totals.leverage if goal.kind is LEVERAGE else totals.margin_ratio)


@st.composite
def single_books(draw: st.DrawFn) -> tuple[int, Holding, Goal]:
    """One position with some equity, and a goal somewhere above where it stands."""
    kind, target = draw(
        st.sampled_from([(DISTANCE, 0.1), (DISTANCE, 0.3), (RATIO, 0.2), (LEVERAGE, 3.0), (LEVERAGE, 1.0)])
    )
    mark = draw(st.sampled_from([0.37, 155.55, 63_210.5]))
    quantity = max(100, round(10 ** draw(st.floats(3, 8)) / mark * 1_000)) * draw(st.sampled_from([1, -1]))
    held = holding(quantity, mark=mark, base=draw(st.sampled_from(BASES)), lot=draw(st.sampled_from([1, 1, 7])))
    equity = account_margin(0, [held]).maintenance + round(abs(held.value) * draw(st.floats(0.001, 0.08)))
    return equity, held, Goal(kind, target)


@PROPERTY
@given(book=single_books())
def test_plan_cuts_of_one_holding_reaches_the_goal_and_one_lot_less_does_not(
    book: tuple[int, Holding, Goal]
) -> None:
    """The last lot is needed: what is sold reaches the goal after its own cost, what is sold less one lot does not."""
    equity, held, goal = book
    cost_of = costs([held], volume=abs(held.quantity) * 100.0)
    found = plan(goal, equity, [held], cost_of)
    lot = held.instrument.filters.lot
    slack = 1e-12 * max(1.0, abs(wanted(goal)))
    assert found.reached
    assert level(goal, equity, [held], cost_of, found.keeps) >= wanted(goal) - slack
    if found.keeps[0] < abs(held.quantity):
        fewer = min(found.keeps[0] + lot, abs(held.quantity))
        assert level(goal, equity, [held], cost_of, [fewer]) < wanted(goal) + slack
        assert (abs(held.quantity) - found.keeps[0]) % lot == 0 or found.keeps[0] == 0
    assert found.estimated_cost == int(cost_of(0, abs(held.quantity) - found.keeps[0]))


@st.composite
def mixed_books(draw: st.DrawFn) -> tuple[int, list[Holding]]:
    """Two to four positions of either sign, from past liquidation to comfortable."""
    held = []
    for index in range(draw(st.integers(2, 4))):
        mark = draw(st.sampled_from([0.37, 155.55, 3_000.0, 63_210.5]))
        quantity = round(10 ** draw(st.floats(3.5, 6.5)) / mark * 1_000) * draw(st.sampled_from([1, 1, -1]))
        held.append(holding(quantity, mark=mark, base=draw(st.sampled_from(BASES)), index=index))
    totals = account_margin(0, held)
    return totals.maintenance + round(totals.gross * draw(st.floats(-0.005, 0.06))), held


GOALS = st.sampled_from(
    [Goal(DISTANCE, 0.05), Goal(DISTANCE, 0.1), Goal(DISTANCE, 0.3), Goal(RATIO, 0.3), Goal(LEVERAGE, 4.0)]
)


@PROPERTY
@given(book=mixed_books(), goal=GOALS, share=st.floats(0.0, 1.0))
def test_plan_cuts_of_any_book_stays_between_lowest_and_keeps(
    book: tuple[int, list[Holding]], goal: Goal, share: float
) -> None:
    """Nothing is bought, nothing below the floor is sold, and the plan says truly whether the goal is reached."""
    equity, held = book
    cost_of = costs(held)
    lowest = [int(size * share) if place % 2 else 0 for place, size in enumerate(sizes(held))]
    found = plan(goal, equity, held, cost_of, lowest)
    assert all(low <= keep <= size for low, keep, size in zip(lowest, found.keeps, sizes(held), strict=True))
    after = level(goal, equity, held, cost_of, found.keeps)
    assert found.reached == (after >= wanted(goal) - 1e-12)


@PROPERTY
@given(book=mixed_books(), target=st.sampled_from([0.05, 0.1, 0.3]))
def test_plan_cuts_to_a_distance_never_sells_what_holds_the_account_up(
    book: tuple[int, list[Holding]], target: float
) -> None:
    """Give any one cut back and the goal is missed: each was needed, so no hedge was sold on the way."""
    equity, held = book
    cost_of = costs(held, volume=1e12)
    goal = Goal(DISTANCE, target)
    found = plan(goal, equity, held, cost_of)
    for place, size in enumerate(sizes(held)):
        if found.reached and found.keeps[place] < size:
            given_back = [*found.keeps[:place], size, *found.keeps[place + 1:]]
            assert level(goal, equity, held, cost_of, given_back) < target


@PROPERTY
@given(book=mixed_books(), goal=GOALS)
def test_plan_cuts_from_an_earlier_plan_only_cuts_more(book: tuple[int, list[Holding]], goal: Goal) -> None:
    """A second plan in a worse market starts from the first and never promises to keep more."""
    equity, held = book
    cost_of = costs(held)
    first = plan(goal, equity, held, cost_of)
    worse = equity - account_margin(0, held).gross // 200
    second = plan_cuts(goal, worse, held, cost_of, keeps=first.keeps, lowest=[0] * len(held))
    assert all(later <= earlier for later, earlier in zip(second.keeps, first.keeps, strict=True))


@PROPERTY
@given(book=mixed_books(), goal=GOALS)
def test_plan_cuts_with_everything_to_sell_always_reaches_the_goal(
    book: tuple[int, list[Holding]], goal: Goal
) -> None:
    """While selling costs less than the margin it frees, some cut helps until the goal is met, hedged or not."""
    equity, held = book
    free = rates(held, *([0.0] * len(held)))
    if equity > 0:
        assert plan(goal, equity, held, free).reached


def test_plan_cuts_near_liquidation_leaves_the_hedge_alone() -> None:
    """The hedge frees more margin per unit than the position does, and near liquidation only that seems to count.

    Long 50,000 of BTC at 0.4 to 0.5 %, short 10,000 of a coin at 1 %, one dollar above liquidation: selling the
    hedge frees 100 at once, but at the goal, a fall of 10 %, the hedge is worth 1,000.
    """
    held = [holding(1_000, mark=50_000), holding(-10_000_000, mark=1.0, base="SUI", index=1)]
    equity = account_margin(0, held).maintenance + usdt(1)
    found = plan(Goal(DISTANCE, 0.1), equity, held, costs(held, volume=1e12))
    assert found.reached
    assert found.keeps[1] == 10_000_000
    assert 0 < found.keeps[0] < 1_000


@pytest.mark.parametrize(("kind", "target", "equity"), [(LEVERAGE, 5.0, 9_000), (RATIO, 0.2, 900)])
def test_plan_cuts_to_a_ratio_cuts_the_heavier_side_only(kind: GoalKind, target: float, equity: int) -> None:
    """A cut hedge lowers leverage too, and cheaper; but it brings liquidation nearer, so the longs are cut."""
    held = [holding(1_000, mark=50_000), holding(-3_000, mark=5_000, base="ETH", index=1)]
    found = plan(Goal(kind, target), usdt(equity), held, rates(held, 0.002, 0.0001))
    assert found.reached
    assert found.keeps[1] == 3_000
    assert found.keeps[0] < 1_000


def test_plan_cuts_of_a_book_in_balance_to_a_leverage_shrinks_both_legs() -> None:
    """Once neither side is heavier both shrink in turns, and no more than a slice apart, though one is dearer."""
    held = [holding(1_000, mark=50_000), holding(-10_000, mark=5_000, base="ETH", index=1)]
    found = plan(Goal(LEVERAGE, 10.0), usdt(5_000), held, rates(held, 0.002, 0.0001))
    assert found.reached
    assert abs(found.keeps[0] * 50 - found.keeps[1] * 5) <= 2 * 50_000 / 48 and found.keeps[0] < 600


@pytest.mark.parametrize("equity", [150, 250, 350, 450])
@pytest.mark.parametrize("target", [0.1, 0.3])
def test_plan_cuts_of_a_book_in_balance_shrinks_both_legs(equity: int, target: float) -> None:
    """Long and short of like value: each cut alone tips the book, both together free margin, so both are cut."""
    held = [holding(1_000, mark=50_000), holding(-10_000, mark=5_000, base="ETH", index=1)]
    cost_of = rates(held, 0.0004, 0.0004)
    found = plan(Goal(DISTANCE, target), usdt(equity), held, cost_of)
    assert found.reached
    assert level(Goal(DISTANCE, target), usdt(equity), held, cost_of, found.keeps) >= target - 1e-12
    tipped = abs(found.keeps[0] * 50 - found.keeps[1] * 5)
    assert tipped <= 1_000                      # of 50,000 a side: the legs were cut in step


def test_plan_cuts_of_a_hedged_book_finds_the_small_cut_that_a_slice_would_overshoot() -> None:
    """Half a slice reaches the goal and a whole slice tips the book to the other side: half a slice is sold."""
    held = [
        holding(100_000, mark=1_000, tiers=flat_table("0.005")),
        holding(-98_500, mark=1_000, index=1, tiers=flat_table("0.005")),
    ]
    equity = usdt(1_100)
    goal = Goal(DISTANCE, 0.3)
    cost_of = rates(held, 0.0001, 0.0001)
    assert level(goal, equity, held, cost_of, sizes(held)) < 0.3
    found = plan(goal, equity, held, cost_of)
    assert found.reached
    assert found.keeps[1] == 98_500
    assert 98_500 < found.keeps[0] < 100_000


def test_plan_cuts_prefers_the_instrument_that_is_cheaper_to_sell() -> None:
    """Two alike positions, one twice as dear to sell: the cheaper one goes first, whole if need be."""
    held = [holding(1_000, mark=10_000), holding(1_000, mark=10_000, index=1)]
    found = plan(Goal(DISTANCE, 0.1), usdt(1_500), held, rates(held, 0.002, 0.001))
    assert found.reached
    assert found.keeps[0] == 1_000
    assert 0 < found.keeps[1] < 1_000


def test_plan_cuts_with_impact_spreads_over_alike_holdings() -> None:
    """Where cost grows with size, two alike positions are sold about evenly: within a slice of each other."""
    held = [holding(10_000, mark=10_000), holding(10_000, mark=10_000, index=1)]
    found = plan(Goal(DISTANCE, 0.2), usdt(10_000), held, costs(held, volume=1e6))
    assert found.reached
    assert abs(found.keeps[0] - found.keeps[1]) <= 10_000 // 48 + 1


@pytest.mark.parametrize("equity_usdt", [500, 49, 40, 1])
def test_plan_cuts_at_or_past_liquidation_still_sells_its_way_out(equity_usdt: int) -> None:
    """Maintenance is 50 of 10,000: with more, less and next to nothing left, the plan sells until it is safe."""
    held = [holding(1_000, mark=10_000, tiers=flat_table("0.005"))]
    cost_of = rates(held, 0.0005)
    found = plan(Goal(DISTANCE, 0.1), usdt(equity_usdt), held, cost_of)
    assert found.reached
    assert level(Goal(DISTANCE, 0.1), usdt(equity_usdt), held, cost_of, found.keeps) >= 0.1 - 1e-12
    assert found.keeps[0] < 1_000


@pytest.mark.parametrize("equity", [0, -usdt(10)])
@pytest.mark.parametrize("goal", [Goal(DISTANCE, 0.1), Goal(LEVERAGE, 3.0), Goal(RATIO, 0.5)], ids=str)
def test_plan_cuts_without_equity_sells_everything(equity: int, goal: Goal) -> None:
    """With nothing left there is no safe size: what holds the account down goes first, and then the rest."""
    held = [holding(1_000, mark=50_000), holding(-100, mark=5_000, base="ETH", index=1)]
    found = plan(goal, equity, held, rates(held, 0.0005, 0.0005))
    assert found.keeps[0] == 0


def test_plan_cuts_when_the_goal_cannot_be_reached_says_so_and_sells_what_helps() -> None:
    """A floor under the position: everything above it is sold, and the plan does not claim the goal."""
    held = [holding(1_000, mark=10_000)]
    found = plan(Goal(DISTANCE, 0.5), usdt(300), held, rates(held, 0.0005), lowest=[900])
    assert not found.reached
    assert found.keeps == (900,)


def test_plan_cuts_dearer_than_the_margin_they_free_are_not_made() -> None:
    """A balanced book at 0.5 % that costs 2 % to sell: every cut makes it worse, so none is planned."""
    held = [
        holding(1_000, mark=10_000, tiers=flat_table("0.005")),
        holding(-1_000, mark=10_000, index=1, tiers=flat_table("0.005")),
    ]
    found = plan(Goal(DISTANCE, 0.3), usdt(60), held, rates(held, 0.02, 0.02))
    assert not found.reached
    assert found.keeps == (1_000, 1_000)


@pytest.mark.parametrize("goal", [Goal(DISTANCE, 0.1), Goal(LEVERAGE, 8.0), Goal(RATIO, 0.1)], ids=str)
def test_plan_cuts_of_a_book_that_is_safe_already_cuts_nothing(goal: Goal) -> None:
    """A goal that is met asks for no sale, and a flat account for none either."""
    held = [holding(1_000, mark=10_000)]
    found = plan(goal, usdt(2_000), held, rates(held, 0.001))
    assert (found.keeps, found.estimated_cost, found.reached) == ((1_000,), 0, True)
    assert plan(goal, usdt(2_000), [], rates([])).reached


def test_plan_cuts_keeps_a_rest_smaller_than_a_lot_whole() -> None:
    """Lots bind the plan: three lots and a crumb are sold as whole lots, or all of it."""
    held = [holding(31, mark=10_000, lot=10)]
    found = plan(Goal(DISTANCE, 0.2), usdt(40), held, rates(held, 0.0005))
    assert found.reached
    assert found.keeps[0] in (0, 1, 11, 21)


def test_forecast_level_of_a_plan_is_where_the_margin_sums_put_it() -> None:
    """The forecast pays for the cuts before it measures; without cuts it is the measure of today."""
    held = [holding(1_000, mark=10_000), holding(-2_000, mark=3_000, base="ETH", index=1)]
    goal, cost_of = Goal(DISTANCE, 0.3), rates(held, 0.001, 0.002)
    for keeps in ([1_000, 2_000], [400, 2_000], [400, 1_500]):
        assert forecast_level(goal, usdt(700), held, cost_of, keeps) == level(goal, usdt(700), held, cost_of, keeps)
    assert forecast_level(goal, usdt(700), held, cost_of, [1_000, 2_000]) == measure(goal, usdt(700), held)


def test_measure_is_greater_where_the_account_is_safer() -> None:
    """Ratios are turned round, so that more is safer for every goal; the target is turned with them."""
    held = [holding(1_000, mark=10_000)]
    for goal in (Goal(DISTANCE, 0.1), Goal(LEVERAGE, 5.0), Goal(RATIO, 0.1)):
        assert measure(goal, usdt(2_000), held) > measure(goal, usdt(1_000), held)
    assert [wanted(Goal(kind, 0.25)) for kind in (DISTANCE, RATIO, LEVERAGE)] == [0.25, -0.25, -0.25]


@pytest.mark.parametrize("act", [measure, lambda goal, equity, held: plan(goal, equity, held, rates(held, 0.0))])
def test_goal_without_a_measure_is_refused(act: Callable[[Goal, int, list[Holding]], object]) -> None:
    """To close a position is no ratio; asking for it here is our own mistake and says so."""
    with pytest.raises(ContractError, match="deleverage: has no measure for a goal of kind flat"):
        act(Goal(GoalKind.FLAT, 1.0), usdt(1), [holding(1, mark=100)])


def test_goal_without_a_target_is_refused() -> None:
    """A distance goal needs a distance."""
    with pytest.raises(ContractError, match="goal liquidation_distance needs a target"):
        wanted(Goal(DISTANCE))
