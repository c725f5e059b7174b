"""What an account holds, as the venue reports it, and the key under which a holding is kept."""

from __future__ import annotations

from enum import Enum

import msgspec


class PositionSide(Enum):
    """Which leg an order acts on: NET in one-way mode, LONG or SHORT in hedge mode."""

    NET = "net"
    LONG = "long"
    SHORT = "short"

    __hash__ = object.__hash__       # an Enum's own hashes its name in Python, and keys are looked up all the time


class MarginMode(Enum):
    CROSS = "cross"
    ISOLATED = "isolated"

    __hash__ = object.__hash__


class PositionKey(msgspec.Struct, frozen=True):
    """One holding: the unit of targets, parents and reservations. Indexes of account and instrument."""

    account: int
    instrument: int
    side: PositionSide = PositionSide.NET
    mode: MarginMode = MarginMode.CROSS


class Balance(msgspec.Struct, frozen=True):
    """Cash of one asset in the wallet, 10^-8; unrealised profit is not in it."""

    asset: str
    amount: int


class MarginReport(msgspec.Struct, frozen=True):
    """The venue's own sums of an account, cash of its settlement currency, and the marks at which it made them.

    All of the account's pools are in them; ``marks`` are (instrument, price) of every position that is held.
    """

    equity: int
    maintenance: int
    marks: tuple[tuple[int, int], ...]


class PositionReport(msgspec.Struct, frozen=True):
    """A holding as the venue states it.

    ``quantity`` is signed; ``entry_value`` is quantity x average entry price in cash units, signed like
    the quantity; ``isolated_margin`` is None for cross. ``adl_rank`` is the place in the venue's queue for
    auto-deleveraging, 1 to 5, of which 5 goes first; None where it does not say.
    """

    key: PositionKey
    quantity: int
    entry_value: int
    isolated_margin: int | None = None
    adl_rank: int | None = None
