"""What the order would make of the position and the book: an exit reduces, anything else must hedge (C5, C8, C10, C26).

Everything that may still fill counts: working, unknown and in flight alike. A reducer fits what is held and not yet
being sold. An order that is not reduce-only is a hedge, whoever sends it:

    its side is against the underlying's delta, and quantity <= |delta| - what already works on that side
    liquidation comes no nearer by it, or stays further off than ``hedge_distance_min``

The delta is that of positions and coins together. A hedge of coins that stand alone is the first position of its
account, so it brings a liquidation into being that was not there: hence the second half of the second line.
"""

from __future__ import annotations

from bot.domain.account import PositionSide
from bot.domain.denials import DenialCode, Denied
from bot.domain.order import OrderClass
from bot.domain.scale import CASH_DIGITS, cash_text, to_fixed
from bot.engine.controls.case import REDUCING, Case
from bot.engine.measures.deltas import net_delta
from bot.engine.measures.distance_with import bears, distance_with
from bot.risk.delta import delta_of


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
    underlying = case.instrument.underlying
    delta = net_delta(case.columns, request.key.account, underlying) or 0
    against = _working_against(case)
    size = delta_of(case.instrument, quantity=request.quantity, mark=case.mark)
    if delta * request.side.sign >= 0 or size > abs(delta) - against:
        return case.deny(
            DenialCode.HEDGE_RAISES_DELTA,
            f"a {request.side.value} of {cash_text(size)} {underlying}, whose delta is {cash_text(delta)} with "
            f"{cash_text(against)} already working against it",
        )
    before = distance_with(case.columns, case.position, 0)
    after = distance_with(case.columns, case.position, request.quantity * request.side.sign)
    if not bears(before, after, case.limits):
        return case.deny(
            DenialCode.HEDGE_WORSENS_MARGIN, f"the distance to liquidation would go from {before:.3%} to {after:.3%}"
        )
    return None


def _working_against(case: Case) -> int:
    """Return the delta of what works on the order's side of the underlying, unsigned."""
    layout, sign = case.book.layout, case.request.side.sign
    against = 0
    for order in case.book.orders.values():
        instrument = layout.instrument_of(order.position)
        mark = case.columns.mark[instrument.index]
        is_same = layout.keys[order.position].account == case.request.key.account
        if not is_same or instrument.underlying != case.instrument.underlying or mark is None:
            continue
        if order.side.sign == sign and order.order_class is not OrderClass.STOP:
            against += delta_of(instrument, quantity=order.leaves, mark=mark)
    return against
