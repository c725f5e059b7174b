"""What an episode is to reach: a distance, a ratio, an exposure, a share sold, a delta inside its band."""

from __future__ import annotations

from enum import Enum

import msgspec


class GoalKind(Enum):
    """What an episode is to reach."""

    FLAT = "flat"                                        # close: nothing held
    REDUCE = "reduce"                                    # sell a share of what was held at the fire
    LIQUIDATION_DISTANCE = "liquidation_distance"
    MARGIN_RATIO = "margin_ratio"
    LEVERAGE = "leverage"
    GROSS_NOTIONAL = "gross_notional"                    # longs and shorts added, at mark
    NET_NOTIONAL = "net_notional"                        # longs less shorts, whichever is more
    NET_DELTA = "net_delta"                              # of one underlying, inside its band
    CANCEL_OPENING = "cancel_opening"                    # no foreign order is open that could open or add
    CANCEL_ALL = "cancel_all"                            # no foreign order is open at all


class Lacking(Enum):
    """What to do about the part of a delta that its hedge may not take."""

    CUT = "cut"                      # let out as much of the positions that make the delta
    TELL = "tell"                    # leave it, and tell a person why


class HedgeTerms(msgspec.Struct, frozen=True):
    """How a delta outside its band is brought back: by trading ``symbol`` until ``to`` is left of it.

    ``to`` is unsigned, of the goal's currency, and not above the goal's target, which is the band.
    """

    symbol: str
    to: float
    lacking: Lacking = Lacking.CUT


class Goal(msgspec.Struct, frozen=True):
    """``target`` is a fraction, a multiple for leverage, for amounts one of ``currency``; None when flat.

    ``hedge`` is there for a net delta and for nothing else.
    """

    kind: GoalKind
    target: float | None = None
    currency: str | None = None
    hedge: HedgeTerms | None = None
