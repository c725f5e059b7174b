"""How far cuts may carry the net delta of an underlying: the cheapest cut must not be the hedge.

Without a band of its own a delta may come to be no larger than it is now, long or short; with one, up to the band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.risk.delta import delta_of, quantity_of
from bot.risk.holding import Holding


@dataclass(frozen=True, slots=True)
class DeltaLimit:
    """``coins`` is what no cut changes, signed; ``band`` is unsigned. Base units at 10^-8."""

    coins: int
    band: int


class Deltas:
    """The net deltas of a book while cuts are planned; of underlyings without a limit it knows nothing."""

    def __init__(self, holdings: Sequence[Holding], keeps: Sequence[int], limits: Mapping[str, DeltaLimit]) -> None:
        self.holdings = holdings
        self.stands = {underlying: limit.coins for underlying, limit in limits.items()}
        self.places: dict[str, list[int]] = {underlying: [] for underlying in limits}
        for place, keep in enumerate(keeps) if limits else ():
            self._count(place, keep)
            if holdings[place].instrument.underlying in self.places:
                self.places[holdings[place].instrument.underlying].append(place)
        self.most = {each: max(limits[each].band, abs(stands)) for each, stands in self.stands.items()}

    def room(self, place: int, quantity: int) -> int:
        """Return how much of ``quantity`` may be cut from one holding, unsigned; whole lots where not all of it."""
        holding = self.holdings[place]
        instrument = holding.instrument
        if instrument.underlying not in self.stands:
            return quantity
        stands = self.stands[instrument.underlying]
        spare = self.most[instrument.underlying] + (stands if holding.quantity > 0 else -stands)
        allowed = quantity_of(instrument, delta=max(0, spare), mark=holding.mark)
        return quantity if allowed >= quantity else allowed // instrument.filters.lot * instrument.filters.lot

    def fellows(self, place: int) -> Sequence[int]:
        """Return the holdings whose room a cut of one changes: all on its underlying, where that is limited."""
        return self.places.get(self.holdings[place].instrument.underlying, ())

    def are_one(self, one: int, other: int) -> bool:
        """True of two holdings on one underlying whose delta is limited."""
        underlying = self.holdings[one].instrument.underlying
        return underlying in self.stands and underlying == self.holdings[other].instrument.underlying

    def allows(self, parts: Sequence[tuple[int, int]]) -> bool:
        """True when cuts of (place, quantity) on one underlying leave its delta within the limit, or a lot past it."""
        underlying = self.holdings[parts[0][0]].instrument.underlying
        stands, slack = self.stands[underlying], 0
        for place, quantity in parts:
            holding = self.holdings[place]
            cut = delta_of(holding.instrument, quantity=quantity, mark=holding.mark)
            stands -= cut if holding.quantity > 0 else -cut
            lot = holding.instrument.filters.lot
            slack = max(slack, delta_of(holding.instrument, quantity=lot, mark=holding.mark))
        return abs(stands) <= self.most[underlying] + slack

    def take(self, place: int, quantity: int) -> None:
        """Count a cut."""
        self._count(place, -quantity)

    def _count(self, place: int, quantity: int) -> None:
        holding = self.holdings[place]
        underlying = holding.instrument.underlying
        if underlying in self.stands:
            delta = delta_of(holding.instrument, quantity=quantity, mark=holding.mark)
            self.stands[underlying] += delta if holding.quantity > 0 else -delta
