"""Carries everything between our adapter and the exchange at once and unchanged; tests bend one thing of it."""

from __future__ import annotations

from collections.abc import Sequence

from paper.wire.exchange import Request
from paper.wire.faults import Fate, Frame
from paper.wire.hub import Outgoing


class Plain:
    """A ``Carrier`` without faults."""

    def fate(self, now: int, request: Request) -> Fate:
        """Let it be heard once and answered."""
        del now, request
        return Fate()

    def carried(self, now: int, outgoing: Outgoing) -> Sequence[Frame]:
        """Send it."""
        del now
        return (Frame(outgoing.connection, outgoing.body),)
