"""What the order would make of the position and the book: an exit reduces, anything else must hedge (C5, C8, C10, C26).

Everything that may still fill counts: working, unknown and in flight alike. A reducer fits what is held and not yet
being sold. An order that is not reduce-only is a hedge, whoever sends it:

    its side is against the underlying's delta, and quantity <= |delta| - what already works on that side
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from bot.domain.account import PositionSide
from bot.domain.denials import DenialCode, Denied
from bot.domain.effects import Goal, GoalKind
from bot.domain.order import OrderClass
from bot.domain.scale import CASH_DIGITS, cash_text, to_fixed
from bot.engine.controls.case import REDUCING, Case
from bot.risk.deleverage import measure
from bot.risk.holding import Holding
from bot.risk.pool import Pool, pool_distances

_DISTANCE = Goal(GoalKind.LIQUIDATION_DISTANCE)


def reduce_only(case: Case) -> Denied | None:
    """A reducer is marked so, is on the reducing side, and fits what is held and not yet being sold (I1)."""
    request = case.request
    if not request.reduce_only:
        if request.order_class in REDUCING:
            return case.deny(
                DenialCode.REDUCE_ONLY_MISSING, f"class {request.order_class.value} must be reduce-only"
            )
        return None
    if _is_contradicted(request.key.side, case.held):
        return case.deny(
            DenialCode.LEG_CONTRADICTED, f"the {request.key.side.value} leg holds {case.quantity_text(case.held)}"
        )
    if case.held * request.side.sign >= 0:
        return case.deny(
            DenialCode.REDUCE_ONLY_INCREASES,
            f"a {request.side.value} does not reduce a position of {case.quantity_text(case.held)}",
        )
    working = 0 if case.is_stop else case.working        # a stop waits; the venue caps it at what is held by then
    if request.quantity > abs(case.held) - working:
        return case.deny(
            DenialCode.REDUCE_ONLY_FLIPS,
            f"quantity was {case.quantity_text(request.quantity)}, of {case.quantity_text(abs(case.held))} held "
            f"with {case.quantity_text(working)} already working",
        )
    return None


def _is_contradicted(side: PositionSide, held: int) -> bool:
    return (side is PositionSide.LONG and held < 0) or (side is PositionSide.SHORT and held > 0)


def equity(case: Case) -> Denied | None:
    """Without known margin nothing can be bounded, and an account without equity only gets out."""
    if case.request.reduce_only:
        return None
    account = case.request.key.account
    if not case.columns.known[account]:
        return case.deny(DenialCode.ACCOUNT_UNMEASURED, "the account's cash or a mark of its positions is missing")
    floor = to_fixed(case.limits.equity_min.amount, CASH_DIGITS)
    if case.columns.equity[account] <= floor:
        return case.deny(
            DenialCode.EQUITY_BELOW_MIN,
            f"equity was {cash_text(case.columns.equity[account])}, must be above {cash_text(floor)}",
        )
    return None


def hedge(case: Case) -> Denied | None:
    """|delta| of the underlying falls whatever else fills, and liquidation comes no nearer."""
    request = case.request
    if request.reduce_only or case.mark is None:
        return None
    delta, against = _delta_of(case)
    size = case.instrument.notional(price=case.mark, quantity=request.quantity)
    if delta * request.side.sign >= 0 or size > abs(delta) - against:
        return case.deny(
            DenialCode.HEDGE_RAISES_DELTA,
            f"a {request.side.value} worth {cash_text(size)}, delta of {case.instrument.underlying} is "
            f"{cash_text(delta)} with {cash_text(against)} already working against it",
        )
    before, after = _distances(case, 0), _distances(case, request.quantity * request.side.sign)
    if after < before:
        return case.deny(
            DenialCode.HEDGE_WORSENS_MARGIN, f"the distance to liquidation would go from {before:.3%} to {after:.3%}"
        )
    return None


def _delta_of(case: Case) -> tuple[int, int]:
    """Return the account's delta in the underlying, signed, and what works on the order's side of it, quote cash."""
    layout, book, sign = case.book.layout, case.book, case.request.side.sign
    delta = against = 0
    for position in layout.positions_of[case.request.key.account]:
        instrument = layout.instrument_of(position)
        mark = case.columns.mark[instrument.index]
        if instrument.underlying == case.instrument.underlying and mark is not None:
            delta += instrument.notional(price=mark, quantity=book.quantity[position])
    for order in book.orders.values():
        instrument = layout.instrument_of(order.position)
        mark = case.columns.mark[instrument.index]
        is_same = layout.keys[order.position].account == case.request.key.account
        if not is_same or instrument.underlying != case.instrument.underlying or mark is None:
            continue
        if order.side.sign == sign and order.order_class is not OrderClass.STOP:
            against += instrument.notional(price=mark, quantity=order.leaves)
    return delta, against


def _distances(case: Case, more: int) -> float:
    """Return the distance to liquidation of the pool that the position is in, if it held ``more`` of it."""
    pools = case.columns.pools[case.request.key.account]
    own = _holding(case)
    if pools is not None:
        found = pools.pool_at[case.position].pool
        if found is None:
            return inf
        held = _with(list(found.holdings), own, more)
        return pool_distances(Pool(found.assets, tuple(held))).nearest if held else inf
    _, holdings = case.columns.holdings(case.request.key.account)
    return measure(_DISTANCE, case.columns.equity[case.request.key.account], _with(holdings, own, more))


def _holding(case: Case) -> Holding:
    entry = case.book.entry_value[case.position]
    tiers = case.book.layout.tiers[case.instrument.index]
    return Holding(case.request.key, case.instrument, tiers, case.held, entry, case.mark or 0)


def _with(holdings: list[Holding], own: Holding, more: int) -> list[Holding]:
    """Return the holdings with more of one, entered at the mark."""
    quantity = own.quantity + more
    entry = own.entry_value + own.instrument.value(price=own.mark, quantity=more)
    others = [holding for holding in holdings if holding.key != own.key]
    return [*others, replace(own, quantity=quantity, entry_value=entry)] if quantity else others
