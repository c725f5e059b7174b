"""What became of one entry under one strategy."""

from __future__ import annotations

import msgspec


class Outcome(msgspec.Struct, frozen=True):
    """Cash at 10^-8, times in ns. ``is_run`` is False where arithmetic settled it without a run.

    ``liquidated`` is when the venue first took over, ``stopped`` when the resting stop was sent. ``distance_open`` is
    what was left to liquidation before the bar in which the first of them came, and ``bar_move`` how far against the
    position that bar went from its open, both fractions.
    """

    opened: int
    leverage: int
    strategy: str
    is_run: bool
    notional: int
    equity_start: int
    equity_end: int
    fires: tuple[tuple[str, int], ...] = ()
    liquidated: int | None = None
    stopped: int | None = None
    distance_open: float | None = None
    bar_move: float | None = None

    @property
    def is_lost(self) -> bool:
        """True when the venue took over, or when nothing was left: a stop in a gap can cost as much as liquidation."""
        return self.liquidated is not None or self.equity_end <= 0

    @property
    def kept(self) -> float:
        """Equity at the end over equity at the start; not below 0, since a debt is the venue's."""
        return max(0, self.equity_end) / self.equity_start
