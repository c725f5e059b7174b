"""Why the gate refuses an order. Every code has one meaning; the docs are made from these tables.

What a control is, which setting moves it and what it does to an exit stands beside its code: a control that could
hold a reduce-only order up for good would be worse than the order it stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class DenialCode(Enum):
    """SUBJECT_CONDITION; the value is the sentence that the docs print."""

    ACCOUNT_FROZEN = "the account is frozen and the order could raise exposure"
    ACCOUNT_KILLED = "the account is killed and the order is not reduce-only"
    ACCOUNT_UNMEASURED = "the account's margin is not known and the order could raise exposure"
    CHILDREN_ABOVE_MAX = "more orders outside the margin class in the hour or the day than the limits allow"
    COLLAR_BREACHED = "the limit price is further from the mark than the collar allows"
    EQUITY_BELOW_MIN = "equity is not above equity_min and the order could raise exposure"
    HEDGE_RAISES_DELTA = "with what is already working, the order could leave the underlying's delta larger or turned"
    HEDGE_WORSENS_MARGIN = "after the order the account would stand nearer to liquidation, and near to it"
    INSTRUMENT_HALTED = "the venue takes no orders in the instrument"
    INSTRUMENT_POST_ONLY = "the venue takes only post-only orders in the instrument"
    INSTRUMENT_REDUCE_ONLY = "the venue takes only reduce-only orders in the instrument"
    INSTRUMENT_UNKNOWN = "the instrument is not one of the account's"
    LEG_CONTRADICTED = "what is held is of the other sign than its leg, so no order is known to reduce it"
    MARK_UNAVAILABLE = "there is no mark price to judge the order by"
    NAME_NOT_RESERVED = "the order's name lies in no earlier reservation"
    NAME_REUSED = "an order of this name was already sent"
    NOTIONAL_ABOVE_MAX = "the order is worth more than order_notional_max"
    NOTIONAL_BELOW_MIN = "the order is worth less than the venue takes"
    ORDERS_ABOVE_MAX = "as many orders are open in the instrument as the venue allows"
    ORDER_DUPLICATED = "the same order was just sent for another parent"
    PRICES_DIVERGE = "mark, last and index price are further apart than divergence"
    PRICE_ABOVE_MAX = "the price is above the venue's highest"
    PRICE_MISSING = "an order without a limit price is never sent"
    PRICE_OFF_TICK = "the limit price is not a multiple of the tick"
    PRICE_OUTSIDE_BAND = "the limit price is outside the venue's band around the mark"
    QUANTITY_ABOVE_MAX = "the quantity is above the venue's maximum for one order"
    QUANTITY_BELOW_MIN = "the quantity is below the venue's minimum"
    QUANTITY_OFF_LOT = "the quantity is not a multiple of the lot"
    QUOTE_CROSSED = "the best bid is not below the best ask"
    RATE_EXCEEDED = "more orders in the last second than order_rate_max"
    RATE_RESERVED = "what is left of order_rate_max in this second is kept for the margin class, stops and cancels"
    REDUCE_ONLY_FLIPS = "with what is already working, the order would flip the position"
    REDUCE_ONLY_INCREASES = "the order is on the side of the position and would increase it"
    REDUCE_ONLY_MISSING = "an order of this class must be reduce-only"
    TRIGGER_MISPLACED = "the trigger price is not on the losing side of the mark"
    TRIGGER_UNEXPECTED = "only a stop waits for a trigger price, and every stop has one"


@dataclass(frozen=True, slots=True)
class Denied:
    """A refusal: the code, and the input beside its limit in words."""

    code: DenialCode
    detail: str


class Exits(Enum):
    """What a control does to a reduce-only order; the value is what the docs print."""

    PASS = "pass"
    MARGIN_PASS = "pass in the margin class"
    SHAPED = "go smaller, dearer or a little later"
    VENUE = "no: the venue would refuse it too"
    NEVER = "no: it would not be an exit"
    OURS = "no: a bug of ours, and the next one has a good name"


@dataclass(frozen=True, slots=True)
class Control:
    """What stands behind a code: the control's number, its settings (dotted keys), and what exits may do."""

    number: str
    settings: tuple[str, ...]
    exits: Exits
    is_overridable: bool = False     # by a person, for a time


def _limits(*keys: str) -> tuple[str, ...]:
    return tuple(f"limits.{key}" for key in keys)


CONTROLS: dict[DenialCode, Control] = {
    DenialCode.ACCOUNT_FROZEN: Control("C20, C21", (), Exits.PASS),
    DenialCode.ACCOUNT_KILLED: Control("C20, C22", (), Exits.PASS),
    DenialCode.ACCOUNT_UNMEASURED: Control("C8", (), Exits.PASS),
    DenialCode.CHILDREN_ABOVE_MAX: Control(
        "C6", _limits("orders_per_hour_max", "orders_per_day_max"), Exits.MARGIN_PASS, is_overridable=True
    ),
    DenialCode.COLLAR_BREACHED: Control(
        "C3", _limits("price_collar", "margin_collar_max"), Exits.SHAPED
    ),
    DenialCode.EQUITY_BELOW_MIN: Control("C8", _limits("equity_min"), Exits.PASS),
    DenialCode.HEDGE_RAISES_DELTA: Control("C10", (), Exits.PASS),
    DenialCode.HEDGE_WORSENS_MARGIN: Control("C10", _limits("hedge_distance_min"), Exits.PASS),
    DenialCode.INSTRUMENT_HALTED: Control("C27", (), Exits.VENUE),
    DenialCode.INSTRUMENT_POST_ONLY: Control("C27", (), Exits.VENUE),
    DenialCode.INSTRUMENT_REDUCE_ONLY: Control("C27", (), Exits.PASS),
    DenialCode.INSTRUMENT_UNKNOWN: Control("C7", ("accounts.*.instruments",), Exits.NEVER),
    DenialCode.LEG_CONTRADICTED: Control("C26", (), Exits.NEVER),
    DenialCode.MARK_UNAVAILABLE: Control("C13", _limits("stale_after"), Exits.SHAPED),
    DenialCode.NAME_NOT_RESERVED: Control("C20", (), Exits.OURS),
    DenialCode.NAME_REUSED: Control("C9", (), Exits.OURS),
    DenialCode.NOTIONAL_ABOVE_MAX: Control("C1", _limits("order_notional_max"), Exits.SHAPED, is_overridable=True),
    DenialCode.NOTIONAL_BELOW_MIN: Control("C17", (), Exits.VENUE),
    DenialCode.ORDERS_ABOVE_MAX: Control("C17", (), Exits.VENUE),
    DenialCode.ORDER_DUPLICATED: Control("C9", _limits("duplicate_window"), Exits.MARGIN_PASS, is_overridable=True),
    DenialCode.PRICES_DIVERGE: Control("C13", _limits("divergence"), Exits.MARGIN_PASS, is_overridable=True),
    DenialCode.PRICE_ABOVE_MAX: Control("C17", (), Exits.VENUE),
    DenialCode.PRICE_MISSING: Control("C3", (), Exits.SHAPED),
    DenialCode.PRICE_OFF_TICK: Control("C17", (), Exits.VENUE),
    DenialCode.PRICE_OUTSIDE_BAND: Control("C17", (), Exits.VENUE),
    DenialCode.QUANTITY_ABOVE_MAX: Control("C2", (), Exits.VENUE),
    DenialCode.QUANTITY_BELOW_MIN: Control("C17", (), Exits.VENUE),
    DenialCode.QUANTITY_OFF_LOT: Control("C17", (), Exits.VENUE),
    DenialCode.QUOTE_CROSSED: Control("C13", (), Exits.MARGIN_PASS, is_overridable=True),
    DenialCode.RATE_EXCEEDED: Control("C4", _limits("order_rate_max"), Exits.SHAPED),
    DenialCode.RATE_RESERVED: Control("C4", _limits("order_rate_max", "order_rate_reserve"), Exits.MARGIN_PASS),
    DenialCode.REDUCE_ONLY_FLIPS: Control("C5, C10", (), Exits.NEVER),
    DenialCode.REDUCE_ONLY_INCREASES: Control("C10", (), Exits.NEVER),
    DenialCode.REDUCE_ONLY_MISSING: Control("C26", (), Exits.NEVER),
    DenialCode.TRIGGER_MISPLACED: Control("C17", (), Exits.VENUE),
    DenialCode.TRIGGER_UNEXPECTED: Control("C17", (), Exits.NEVER),
}
