"""What a goal takes of an account's positions: of a plain account together, of any other pool by pool.

Distance and margin ratio are goals of every pool alone. A cut of an isolated position gives its share of the margin
back to the wallet, so what is left stands as near to liquidation as before: such a position is kept whole while its
pool is where the goal wants it, and closed otherwise. Leverage and exposures are those of the account as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from bot.domain.effects import Goal, GoalKind
from bot.engine.measures.columns import Columns
from bot.engine.measures.pools import AccountPool
from bot.engine.record.book import Book
from bot.risk.deleverage import CostOf, Plan, forecast_level, measure, plan_cuts, wanted
from bot.risk.delta import delta_of
from bot.risk.delta_limit import DeltaLimit
from bot.risk.holding import Holding

BY_POOL = (GoalKind.LIQUIDATION_DISTANCE, GoalKind.MARGIN_RATIO)


@dataclass(frozen=True, slots=True)
class Case:
    """An account's open positions, by column and as the risk sums take them, and what cuts of them would cost.

    ``deltas`` limits what cuts may do to the net delta of an underlying; not to an isolated position's, which is cut
    whole or not at all.
    """

    account: int
    positions: Sequence[int]
    holdings: Sequence[Holding]
    cost_of: CostOf
    deltas: Mapping[str, DeltaLimit] = field(default_factory=dict)


def plan(
    columns: Columns, book: Book, goal: Goal, case: Case, *, keeps: Sequence[int], lowest: Sequence[int]
) -> Plan:
    """Return the cheapest cuts from ``keeps`` on that reach ``goal`` at present marks, as ``plan_cuts`` does."""
    pools = columns.pools[case.account]
    if pools is None or goal.kind not in BY_POOL:
        wallet = _backing(columns, book, goal, case)
        return plan_cuts(
            goal, wallet, case.holdings, case.cost_of, keeps=keeps, lowest=lowest, deltas=case.deltas
        )
    kept = list(keeps)
    cost, reached = 0, True
    places, part = _part(pools.cross, case)
    if places:
        found = plan_cuts(
            goal, _wallet(pools.cross.totals.equity, part.holdings), part.holdings, part.cost_of,
            keeps=[keeps[place] for place in places], lowest=[lowest[place] for place in places],
            moving=sum(pools.moving_values().values()), deltas=_beside(case, places),
        )
        for place, keep in zip(places, found.keeps, strict=True):
            kept[place] = keep
        cost, reached = found.estimated_cost, found.reached
    for pool in pools.isolated:
        for place in _part(pool, case)[0]:
            if standing(pool, goal) < wanted(goal):
                kept[place] = lowest[place]
                reached = reached and lowest[place] == 0
            cut = abs(case.holdings[place].quantity) - kept[place]
            cost += int(case.cost_of(place, cut)) if cut else 0
    return Plan(tuple(kept), cost, reached)


def forecast(columns: Columns, book: Book, goal: Goal, case: Case, keeps: Sequence[int]) -> float:
    """Return where the goal's measure would stand, of the worst pool, if a plan were carried out at present marks."""
    pools = columns.pools[case.account]
    if pools is None or goal.kind not in BY_POOL:
        wallet = _backing(columns, book, goal, case)
        return forecast_level(goal, wallet, case.holdings, case.cost_of, keeps)
    places, part = _part(pools.cross, case)
    worst = forecast_level(
        goal, _wallet(pools.cross.totals.equity, part.holdings), part.holdings, part.cost_of,
        [keeps[place] for place in places], moving=sum(pools.moving_values().values()),
    )
    for pool in pools.isolated:
        if any(keeps[place] for place in _part(pool, case)[0]):
            worst = min(worst, standing(pool, goal))
    return worst


def level(columns: Columns, goal: Goal, account: int, holdings: Sequence[Holding]) -> float:
    """Return where the goal's measure stands now, of the worst pool; more is safer."""
    if goal.kind is GoalKind.LIQUIDATION_DISTANCE:
        return columns.distance[account]
    pools = columns.pools[account]
    if pools is not None and goal.kind is GoalKind.MARGIN_RATIO:
        return -pools.margin_ratio
    withheld = columns.withheld[account] if goal.kind in BY_POOL else 0
    return measure(goal, columns.equity[account] - withheld, holdings)


def standing(pool: AccountPool, goal: Goal) -> float:
    """Return the goal's measure of one pool; more is safer, +inf where nothing is held."""
    if not pool.held:
        return inf
    return pool.distance if goal.kind is GoalKind.LIQUIDATION_DISTANCE else -pool.totals.margin_ratio


def _part(pool: AccountPool, case: Case) -> tuple[list[int], Case]:
    """Return what of a case lies in one pool, and the places that it has in the case."""
    places = [place for place, position in enumerate(case.positions) if position in pool.positions]

    def cost_of(place: int, quantity: int) -> float:
        return case.cost_of(places[place], quantity)

    return places, Case(
        case.account, [case.positions[place] for place in places], [case.holdings[place] for place in places], cost_of
    )


def _beside(case: Case, places: Sequence[int]) -> dict[str, DeltaLimit]:
    """Return the limits for a part of a case: what is not of the part, no cut of it changes."""
    found = dict(case.deltas)
    for place, holding in enumerate(case.holdings):
        limit = found.get(holding.instrument.underlying)
        if place not in places and limit is not None:
            delta = delta_of(holding.instrument, quantity=holding.quantity, mark=holding.mark)
            found[holding.instrument.underlying] = replace(limit, coins=limit.coins + delta)
    return found


def _backing(columns: Columns, book: Book, goal: Goal, case: Case) -> int:
    """Return the wallet that a goal of the account as a whole is counted with: for margin by the worse count."""
    pools = columns.pools[case.account]
    if pools is not None:
        return _wallet(pools.equity, case.holdings)
    return columns.backing(case.account) if goal.kind in BY_POOL else book.accounts[case.account].wallet


def _wallet(equity: int, holdings: Sequence[Holding]) -> int:
    """Return what the equity is without the profit of the holdings."""
    return equity - sum(holding.unrealised for holding in holdings)
