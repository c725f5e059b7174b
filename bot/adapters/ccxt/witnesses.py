"""Readings of an account, of whatever exchange, and the witnesses by which one is believed; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.account import PositionKey
from bot.domain.events import AccountSnapshot, OrderFilled
from bot.domain.scale import NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class AccountRead:
    """One reading of an account; ``strays`` are positions in markets that are not configured."""

    snapshot: AccountSnapshot
    strays: tuple[str, ...]

    @property
    def held(self) -> dict[PositionKey, int]:
        return {report.key: report.quantity for report in self.snapshot.positions}


@dataclass(slots=True)
class Witnesses:
    """Believes that a position is gone only when two pages say so, and when it was to be expected or lasts.

    Empty is not flat: pages of venues have been empty, or short of a position, for a moment, under load. What fills
    explain is believed at once; the rest only after the same was read ``AGAIN`` later.
    """

    expected: dict[PositionKey, int] = field(default_factory=dict)
    _missing_since: dict[PositionKey, int] = field(default_factory=dict)

    AGAIN = 5 * NS_PER_SECOND            # as the engine asks of two look-ups of an order

    def note(self, fill: OrderFilled) -> None:
        """Take a fill into account: what it closed is expected to be gone."""
        self.expected[fill.key] = self.expected.get(fill.key, 0) + fill.quantity * fill.side.sign

    def doubts(self, read: AccountRead, other: Mapping[PositionKey, int]) -> str | None:
        """Return why a reading must not be believed yet, None when it may be."""
        held = read.held
        if held != dict(other):
            return f"the venue's pages contradict each other: {_told(held)} and {_told(other)}"
        now = read.snapshot.now
        missing = {key for key, quantity in self.expected.items() if quantity and key not in held}
        self._missing_since = {key: self._missing_since.get(key, now) for key in missing}
        if any(now - since < self.AGAIN for since in self._missing_since.values()):
            return f"{len(missing)} of {len(self.expected)} positions are gone from the pages, and no fill says why"
        self.expected = dict(held)
        self._missing_since.clear()
        return None


def _told(held: Mapping[PositionKey, int]) -> str:
    return ", ".join(f"{key.instrument} {key.side.value} {quantity}" for key, quantity in held.items()) or "nothing"
