"""The core venue, looked into: balances, positions and books are read from its state, and changed only by messages."""

from __future__ import annotations

from paper.exchange import Exchange
from paper.venue import PaperVenue


class CoreVenue(PaperVenue):
    """A paper venue whose inside can be read."""

    @property
    def exchange(self) -> Exchange:
        """Return what the venue's parts share; never to be changed from outside."""
        return self._exchange
