"""Looks at an account's books after everything that happens at the venue: what is held, and what stops rest for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.domain.account import PositionSide
from paper.wire.exchange import WireExchange
from paper.wire.register import Algo

Leg = tuple[int, PositionSide]
"""Instrument and position side."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one leg was at ``now``, ns: signed lots held, and lots of each stop that would close it, smallest first."""

    now: int
    held: int
    stops: tuple[int, ...]

    @property
    def is_covered(self) -> bool:
        """True when one stop alone closes all that is held."""
        return self.held == 0 or (bool(self.stops) and self.stops[-1] >= abs(self.held))


class Watchman:
    """Notes every change of a leg from now on. ``legs`` has them in the order in which they came about."""

    def __init__(self, exchange: WireExchange, account: int = 0) -> None:
        self._exchange = exchange
        self._account = account
        self.legs: dict[Leg, list[Sighting]] = {}
        for name in ("request", "market", "wake", "api"):
            setattr(exchange, name, self._watched(getattr(exchange, name)))
        self.look()

    def of(self, instrument: int = 0, side: PositionSide = PositionSide.NET) -> list[Sighting]:
        """Return what was seen of a leg."""
        return self.legs.get((instrument, side), [])

    def bare(self, instrument: int = 0, side: PositionSide = PositionSide.NET) -> list[float]:
        """Return how long a leg that once had its stop lay bare, each time, in seconds; what still lasts counts."""
        spans, since, was_covered = [], None, False
        for sighting in self.of(instrument, side):
            if since is not None and sighting.is_covered:
                spans.append((sighting.now - since) / 1e9)
                since = None
            elif since is None and was_covered and not sighting.is_covered:
                since = sighting.now
            was_covered = was_covered or (sighting.is_covered and sighting.held != 0)
        if since is not None:
            spans.append((self._exchange.floor.now - since) / 1e9)
        return spans

    def look(self) -> None:
        """Note what has changed."""
        floor = self._exchange.floor
        account = floor.account(self._account)
        held = {
            (holding.key.instrument, holding.key.side): holding.quantity for holding in account.holdings
        }
        shelf = floor.register.shelf(self._account)
        for leg in {*self.legs, *held}:
            quantity = held.get(leg, 0)
            stops = tuple(sorted(algo.terms.quantity for algo in shelf.open_algos.values() if _closes(algo, leg)))
            seen = self.legs.setdefault(leg, [])
            if not seen or (seen[-1].held, seen[-1].stops) != (quantity, stops):
                seen.append(Sighting(floor.now, quantity, stops))

    def _watched(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            result = method(*arguments, **options)
            self.look()
            return result

        return watched


def _closes(algo: Algo, leg: Leg) -> bool:
    instrument, side = leg
    key = algo.request.key
    return (key.instrument, key.side) == (instrument, side) and algo.is_open
