"""Orders: what we ask for, what the gate passes, and the states one goes through.

The states are a table, not code: ``TRANSITIONS[status][report]`` is the next status. A report that is not
in the row of the current status changes nothing, so that late and doubled reports are harmless, and no
report leads out of a terminal status.

    status      can it still fill?    how it is left
    SENDING     yes                   accepted, filled, ended, rejected, not sent, unknown
    UNKNOWN     yes                   two witnesses of absence, or any report
    WORKING     yes                   filled, ended, two witnesses of absence
    FILLED CANCELED EXPIRED REJECTED NOT_SENT     no      never
"""

from __future__ import annotations

from enum import Enum

import msgspec

from bot.domain.account import PositionKey


class Side(Enum):
    BUY = "buy"
    SELL = "sell"

    __hash__ = object.__hash__       # an Enum's own hashes its name in Python; here and below it is asked per order

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class TimeInForce(Enum):
    IOC = "ioc"                      # fill what crosses now, cancel the rest
    FOK = "fok"                      # fill whole now, or be refused
    GTC = "gtc"
    GTD = "gtd"                      # dies at ``good_until``
    POST_ONLY = "post_only"

    __hash__ = object.__hash__


class TriggerKind(Enum):
    """Which way the price must go for a conditional order to be sent."""

    STOP = "stop"                    # against the position: a sell below, a buy above
    TAKE_PROFIT = "take_profit"      # in its favour: a sell above, a buy below


class TriggerBy(Enum):
    """Which price is watched."""

    MARK = "mark"
    LAST = "last"


class SelfTrade(Enum):
    """What the venue does when two orders of one account would trade with each other."""

    ALLOW = "allow"
    EXPIRE_TAKER = "expire_taker"
    EXPIRE_MAKER = "expire_maker"
    EXPIRE_BOTH = "expire_both"

    __hash__ = object.__hash__


class OrderClass(Enum):
    """Why an order is sent; it decides which controls bind it and what may be relaxed."""

    MARGIN = "margin"                # survival: relaxes passivity, participation, deadline, collar
    COST = "cost"                    # cash and profit: the deadline gives, the rest holds
    HEDGE = "hedge"                  # not reduce-only; must lower the book's delta
    STOP = "stop"                    # the protective stop that rests at the venue
    OPERATOR = "operator"            # a person's command

    __hash__ = object.__hash__


class OrderStatus(Enum):
    SENDING = "sending"
    UNKNOWN = "unknown"
    WORKING = "working"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"

    __hash__ = object.__hash__

    @property
    def can_fill(self) -> bool:
        """True while the venue may still fill it, as far as we know."""
        return self in _LIVE


_LIVE = frozenset({OrderStatus.SENDING, OrderStatus.UNKNOWN, OrderStatus.WORKING})


class Report(Enum):
    """What can be learned of an order."""

    ACCEPTED = "accepted"
    FILLED_WHOLLY = "filled_wholly"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    OUTCOME_UNKNOWN = "outcome_unknown"
    ABSENT = "absent"                # two witnesses: the venue does not have it


_ENDINGS = {
    Report.FILLED_WHOLLY: OrderStatus.FILLED,
    Report.CANCELED: OrderStatus.CANCELED,
    Report.EXPIRED: OrderStatus.EXPIRED,
    Report.REJECTED: OrderStatus.REJECTED,
}

TRANSITIONS: dict[OrderStatus, dict[Report, OrderStatus]] = {
    OrderStatus.SENDING: _ENDINGS | {
        Report.ACCEPTED: OrderStatus.WORKING,
        Report.NOT_SENT: OrderStatus.NOT_SENT,
        Report.OUTCOME_UNKNOWN: OrderStatus.UNKNOWN,
        Report.ABSENT: OrderStatus.NOT_SENT,
    },
    OrderStatus.UNKNOWN: _ENDINGS | {
        Report.ACCEPTED: OrderStatus.WORKING,
        Report.ABSENT: OrderStatus.NOT_SENT,
    },
    OrderStatus.WORKING: {
        Report.FILLED_WHOLLY: OrderStatus.FILLED,
        Report.CANCELED: OrderStatus.CANCELED,
        Report.EXPIRED: OrderStatus.EXPIRED,
        Report.ABSENT: OrderStatus.CANCELED,     # it had it, and ended it without a word
    },
    OrderStatus.FILLED: {},
    OrderStatus.CANCELED: {},
    OrderStatus.EXPIRED: {},
    OrderStatus.REJECTED: {},
    OrderStatus.NOT_SENT: {},
}


def next_status(status: OrderStatus, report: Report) -> OrderStatus:
    """Return the status after ``report``; unchanged when the table has no such transition."""
    return TRANSITIONS[status].get(report, status)


class OrderRequest(msgspec.Struct, frozen=True):
    """What a parent, a stop or an operator wants sent. ``quantity`` is unsigned; never without a price.

    Of ours, ``limit_price`` is None only for a protective stop that rests at the venue, with ``trigger_price``.
    Other clients of the simulated venue may send market orders: neither price.
    """

    name: str
    key: PositionKey
    side: Side
    quantity: int
    limit_price: int | None
    time_in_force: TimeInForce
    reduce_only: bool
    order_class: OrderClass
    good_until: int | None = None    # ns, with GTD
    trigger_price: int | None = None
    trigger_kind: TriggerKind = TriggerKind.STOP
    trigger_by: TriggerBy = TriggerBy.MARK
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER


class Approved(msgspec.Struct, frozen=True):
    """A request that passed the gate. Only ``bot.engine.gate`` makes one; a test reads the source for it.

    The dispatcher drops it when ``valid_until`` has passed, and says ``OrderNotSent``.
    """

    request: OrderRequest
    valid_until: int
    book_version: int
