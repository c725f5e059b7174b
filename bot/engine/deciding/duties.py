"""What a parent's obligations come to when they are taken together, and how a new one is made from a rule."""

from __future__ import annotations

from bot.domain.obligation import Obligation
from bot.domain.order import OrderClass
from bot.engine.measures.market import Market
from bot.engine.record.book import Parent
from bot.engine.spec import LimitsSpec
from bot.execution.profile import curve_shape, why_no_shape
from bot.execution.spec import Algo, Tactic
from bot.rules.ruleset import Rule

_LADDER, _PASSIVE = Tactic.LADDER.value, Tactic.PASSIVE.value
NO_VOLUME = "no volume is known at these times of day; vwap goes in a straight line"


def new_obligation(
    rule: Rule, *, episode: int, quantity: int, base: int, market: Market, instrument: int, now: int
) -> Obligation:
    """Return the duty to sell ``quantity`` as a rule says, from now on; a vwap's curve is fixed here."""
    execute = rule.execute
    shape, why_linear = None, None
    if execute.algo is Algo.VWAP:
        shape, why_linear = _shape(market, instrument, execute.over, now)
    return Obligation(
        episode=episode,
        rule=rule.name,
        quantity=quantity,
        base=base,
        start=now,
        deadline=now + execute.over,
        interval=execute.interval,
        algo=execute.algo.value,
        tactic=execute.tactic.value,
        order_class=execute.order_class,
        collar=execute.collar,
        participation_max=execute.participation_max,
        shape=shape,
        why_linear=why_linear,
        slippage_budget=execute.budget,
        patience=execute.patience_or_default if execute.tactic is Tactic.PASSIVE else 0,
    )


def _shape(market: Market, instrument: int, over: int, now: int) -> tuple[tuple[int, ...] | None, str | None]:
    usual = market.usual[instrument]
    why = why_no_shape(usual, over)
    if usual is None or why is not None:
        return None, why
    shape = curve_shape(usual, start=now, deadline=now + over, busy=market.busyness(instrument, now))
    return shape, NO_VOLUME if shape is None else None


def class_of(parent: Parent) -> OrderClass:
    """A parent that serves survival among others is one of survival."""
    for duty in parent.obligations:
        if duty.order_class is OrderClass.MARGIN:
            return OrderClass.MARGIN
    return parent.obligations[0].order_class if parent.obligations else OrderClass.COST


def has_ladder(parent: Parent) -> bool:
    """True when some obligation wants the collar to widen whenever an order does not fill."""
    return any(duty.tactic == _LADDER for duty in parent.obligations)


def is_passive(parent: Parent) -> bool:
    """True when all obligations can wait to be taken; the most impatient one decides."""
    return all(duty.tactic == _PASSIVE for duty in parent.obligations)


def patience(parent: Parent) -> int:
    """Return how long the parent may be behind its curve, ns."""
    return min((duty.patience for duty in parent.obligations), default=0)


def is_late(parent: Parent, now: int) -> bool:
    """True when all obligations should be done by now, whatever their tactic may wait for included."""
    return all(now >= duty.deadline + duty.patience for duty in parent.obligations)


def first_collar(parent: Parent) -> float | None:
    """Return the widest collar that any obligation starts with; None where none states one."""
    stated = [duty.collar for duty in parent.obligations if duty.collar is not None]
    return max(stated, default=None)


def participation_max(parent: Parent) -> float | None:
    """Return the share of all volume that the parent may be, or None where some obligation sets no cap."""
    most: float | None = None
    for duty in parent.obligations:
        if duty.participation_max is None:
            return None
        most = duty.participation_max if most is None else max(most, duty.participation_max)
    return most


def slippage_budget(parent: Parent, limits: LimitsSpec) -> float:
    """Return what the parent may lose against its arrival price: the most that any obligation allows, a fraction."""
    stated = [
        limits.slippage_budget if duty.slippage_budget is None else duty.slippage_budget for duty in parent.obligations
    ]
    return max(stated, default=limits.slippage_budget)


def half_slice(parent: Parent) -> int:
    """Return half a slice of the largest curve: what is smaller is a crumb, and pays the spread for little.

    Increases have curves of their own; without this each would send crumbs at its own moments.
    """
    # of two as large, the one that goes in the smaller slices, whichever stands first
    largest = max(parent.obligations, key=lambda duty: (duty.quantity, (duty.deadline - duty.start) // duty.interval))
    slices = max(1, (largest.deadline - largest.start) // largest.interval)
    return largest.quantity // slices // 2


def worth_sending(parent: Parent, now: int) -> int:
    """Return the smallest quantity due that is worth an order: half a slice, and anything after the deadline."""
    for duty in parent.obligations:
        if now < duty.deadline:
            return half_slice(parent)
    return 0
