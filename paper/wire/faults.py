"""The one place through which every request, every reply and every frame goes: what may happen to it on its way.

The server asks a ``Carrier`` and does what it says. ``paper.wire.mischief`` is the one that there is: without a plan
it carries everything at once and unchanged.

    fate       of a request: how often the exchange hears it and when, and what the client gets for an answer and when
    carried    which frames go out for one that was to be sent, and after how long each
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from paper.wire.exchange import Reply, Request
from paper.wire.hub import Outgoing


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to a request and its answer; waits in ns.

    ``hearings`` 0: it is lost on its way there. ``heard_as`` is what arrives in its place. ``answer`` is sent instead
    of the exchange's reply, ``rewrite`` changes that one. ``is_hung_up`` closes the connection unanswered, ``cut_at``
    after so many bytes of the body.
    """

    hearings: int = 1
    wait_before: int = 0
    wait_after: int = 0
    heard_as: Request | None = None
    answer: Reply | None = None
    rewrite: Callable[[Reply], Reply] | None = None
    is_hung_up: bool = False
    cut_at: int | None = None

    def reply_for(self, reply: Reply | None) -> Reply | None:
        """Return what the client gets, or None when nobody answers."""
        if self.is_hung_up:
            return None
        if self.answer is not None:
            return self.answer
        return self.rewrite(reply) if reply is not None and self.rewrite is not None else reply


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame to be sent after ``delay`` ns; ``body`` None closes the connection instead."""

    connection: int
    body: bytes | None
    delay: int = 0


class Carrier(Protocol):
    """Decides what happens on the way."""

    def fate(self, now: int, request: Request) -> Fate:
        """Return what happens to a request and its answer."""

    def carried(self, now: int, outgoing: Outgoing) -> Sequence[Frame]:
        """Return the frames that go out for one."""

