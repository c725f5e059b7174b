"""Why the gate refuses an order. Every code has one meaning; the docs are made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class DenialCode(Enum):
    """SUBJECT_CONDITION; the value is the sentence that the docs print."""

    ACCOUNT_FROZEN = "the account is frozen and the order could raise exposure"
    COLLAR_BREACHED = "the limit price is further from the mark than the collar allows"
    INSTRUMENT_UNKNOWN = "the instrument is not one of the account's"
    MARK_UNAVAILABLE = "there is no mark price to judge the order by"
    NAME_NOT_RESERVED = "the order's name lies in no earlier reservation"
    NAME_REUSED = "an order of this name was already sent"
    NOTIONAL_ABOVE_MAX = "the order is worth more than order_notional_max"
    NOTIONAL_BELOW_MIN = "the order is worth less than the venue takes"
    PRICE_MISSING = "an order without a limit price is never sent"
    PRICE_OFF_TICK = "the limit price is not a multiple of the tick"
    QUANTITY_ABOVE_MAX = "the quantity is above the venue's maximum for one order"
    QUANTITY_BELOW_MIN = "the quantity is below the venue's minimum"
    QUANTITY_OFF_LOT = "the quantity is not a multiple of the lot"
    RATE_EXCEEDED = "more orders in the last second than order_rate_max"
    REDUCE_ONLY_FLIPS = "with what is already working, the order would flip the position"
    REDUCE_ONLY_INCREASES = "the order is on the side of the position and would increase it"
    REDUCE_ONLY_MISSING = "an order of this class must be reduce-only"


@dataclass(frozen=True, slots=True)
class Denied:
    """A refusal: the code, and the input beside its limit in words."""

    code: DenialCode
    detail: str
