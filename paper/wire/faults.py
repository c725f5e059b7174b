"""The one place through which every request, every reply and every frame goes: what may happen to it on its way.

The server asks a ``Carrier`` and does what it says. ``Faithful`` carries everything at once and unchanged.

    heard      how often the exchange hears a request, and after how long
    returned   what of a reply the client gets, and after how long; nothing means that the connection is closed
    carried    which frames go out for one that was to be sent, and after how long each
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paper.wire.exchange import Reply, Request
from paper.wire.hub import Outgoing


@dataclass(frozen=True, slots=True)
class Hearing:
    """``times`` 0 is a request that is lost on its way there; ``delay`` in ns."""

    times: int = 1
    delay: int = 0


@dataclass(frozen=True, slots=True)
class Return:
    """``reply`` None: the connection is closed unanswered. ``cut_at``: it is closed after so many bytes of the body."""

    reply: Reply | None
    delay: int = 0                   # ns
    cut_at: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame to be sent after ``delay`` ns; ``body`` None closes the connection instead."""

    connection: int
    body: bytes | None
    delay: int = 0


class Carrier(Protocol):
    """Decides what happens on the way."""

    def heard(self, now: int, request: Request) -> Hearing:
        """Return how the exchange hears a request."""

    def returned(self, now: int, request: Request, reply: Reply) -> Return:
        """Return what the client gets of a reply."""

    def carried(self, now: int, outgoing: Outgoing) -> Sequence[Frame]:
        """Return the frames that go out for one."""


class Faithful:
    """Carries everything, at once and unchanged."""

    def heard(self, now: int, request: Request) -> Hearing:
        """Let the exchange hear it once."""
        del now, request
        return Hearing()

    def returned(self, now: int, request: Request, reply: Reply) -> Return:
        """Hand the reply over."""
        del now, request
        return Return(reply)

    def carried(self, now: int, outgoing: Outgoing) -> Sequence[Frame]:
        """Send it."""
        del now
        return (Frame(outgoing.connection, outgoing.body),)
