"""What one episode wants sold of one position, by when and how: the part of a parent order that a rule owns."""

from __future__ import annotations

import msgspec

from bot.domain.order import OrderClass


class Obligation(msgspec.Struct, frozen=True):
    """A duty to sell ``quantity`` of one key between ``start`` and ``deadline``.

    ``base`` is what its parent had filled when the duty began, so that several duties can be compared on
    one scale. ``interval`` is the length of one slice. ``shape`` is the curve where it is not a straight line: the
    share due by the end of each of so many equal parts of the time, in parts per million, rising to all of them;
    ``why_linear`` says why a vwap has none. ``slippage_budget`` is what the parent's fills may lose against its
    arrival price, of all that it is to sell. Ratios are fractions.
    """

    episode: int
    rule: str
    quantity: int
    base: int
    start: int
    deadline: int
    interval: int
    algo: str
    tactic: str
    order_class: OrderClass
    collar: float | None             # None: what the limits allow
    participation_max: float | None
    shape: tuple[int, ...] | None = None
    why_linear: str | None = None
    slippage_budget: float | None = None     # None: what the limits allow
    patience: int = 0                # ns that a passive tactic may be behind the curve
