"""Where an account would stand with more of a position: what a hedge costs in distance to liquidation."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from bot.domain.goal import Goal, GoalKind
from bot.engine.measures.columns import Columns
from bot.engine.spec import LimitsSpec
from bot.risk.deleverage import measure
from bot.risk.holding import Holding
from bot.risk.pool import Pool, pool_distances

_DISTANCE = Goal(GoalKind.LIQUIDATION_DISTANCE)


def distance_with(columns: Columns, position: int, more: int) -> float:
    """Return the distance to liquidation of the pool that a position is in, if it held ``more`` of it, signed.

    ``more`` is entered at the mark. +inf where nothing is known of the pool; only for a market that has a mark.
    """
    account = columns.account_of[position]
    own = _holding(columns, position)
    pools = columns.pools[account]
    if pools is not None:
        found = pools.pool_at[position].pool
        if found is None:
            return inf
        held = _with(list(found.holdings), own, more)
        return pool_distances(Pool(found.assets, tuple(held))).nearest if held else inf
    equity = columns.equity[account] - columns.withheld[account]
    return measure(_DISTANCE, equity, _with(columns.holdings(account)[1], own, more))


def bears(before: float, after: float, limits: LimitsSpec) -> bool:
    """True when the margin of an account bears a hedge: liquidation is no nearer, or still far."""
    return after >= before or after >= limits.hedge_distance_min


def _holding(columns: Columns, position: int) -> Holding:
    layout, book = columns.layout, columns.book
    key = layout.keys[position]
    return Holding(
        key, layout.instruments[key.instrument], layout.tiers[key.instrument], book.quantity[position],
        book.entry_value[position], columns.mark[key.instrument] or 0,
    )


def _with(holdings: list[Holding], own: Holding, more: int) -> list[Holding]:
    """Return the holdings with more of one, entered at the mark."""
    quantity = own.quantity + more
    entry = own.entry_value + own.instrument.value(price=own.mark, quantity=more)
    others = [holding for holding in holdings if holding.key != own.key]
    return [*others, replace(own, quantity=quantity, entry_value=entry)] if quantity else others
