"""How much of an obligation is due by now: pure, cumulative, monotone; nothing due before the start,
everything at the deadline.

A curve has no memory. What an outage, a restart or a partial fill left undone is simply still due.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from bot.domain.obligation import Obligation
from bot.execution.profile import PPM, share_at


def due(obligation: Obligation, parent: str, now: int) -> int:
    """Return the quantity of ``obligation`` that should have been sold by ``now``, from its start."""
    if now < obligation.start:
        return 0
    if now >= obligation.deadline:
        return obligation.quantity
    slices = _slices(obligation)
    passed = _slices_begun(obligation, parent, now)
    if obligation.shape is None:
        return obligation.quantity * passed // slices
    return obligation.quantity * share_at(obligation.shape, passed=passed, slices=slices) // PPM


def parent_due(obligations: Sequence[Obligation], parent: str, now: int) -> int:
    """Return what the parent should have sold in all: the maximum over its episodes, never their sum.

    An episode that asked for more later has a curve of its own for the increase; those do add up.
    """
    by_episode: dict[int, int] = {}
    for obligation in obligations:
        so_far = by_episode.get(obligation.episode, obligation.base)
        by_episode[obligation.episode] = so_far + due(obligation, parent, now)
    return max(by_episode.values(), default=0)


def next_due_at(obligations: Sequence[Obligation], parent: str, now: int) -> int | None:
    """Return the next instant after ``now`` at which some curve steps up or ends, or None when all have ended."""
    moments = [
        moment for obligation in obligations
        if (moment := _next_step(obligation, parent, now)) is not None
    ]
    return min(moments, default=None)


def _slices(obligation: Obligation) -> int:
    span = obligation.deadline - obligation.start
    return max(1, -(-span // obligation.interval))


def _slices_begun(obligation: Obligation, parent: str, now: int) -> int:
    """Count the slices whose jittered moment has come; one per interval, somewhere inside it."""
    slice_now = (now - obligation.start) // obligation.interval
    return slice_now + (1 if now >= _moment(obligation, parent, slice_now) else 0)


def _next_step(obligation: Obligation, parent: str, now: int) -> int | None:
    if now >= obligation.deadline:
        return None
    slice_now = max(0, (now - obligation.start) // obligation.interval)
    for index in (slice_now, slice_now + 1):
        moment = _moment(obligation, parent, index)
        if moment > now:
            return min(moment, obligation.deadline)
    raise AssertionError("the next interval's moment lies after now")


def _moment(obligation: Obligation, parent: str, index: int) -> int:
    """Return when slice ``index`` comes due: jittered inside its interval, so that nobody can wait for it.

    The jitter is a hash of the parent's name and the slice: the same after a restart and in every replay.
    """
    return obligation.start + index * obligation.interval + (
        _jitter(parent, obligation.episode, index) * obligation.interval >> 32
    )


@lru_cache(maxsize=4096)             # each slice is asked for at every look while it is the next one
def _jitter(parent: str, episode: int, index: int) -> int:
    """Return 32 bits that are as good as random."""
    return int.from_bytes(blake2b(f"{parent}/{episode}/{index}".encode(), digest_size=4).digest(), "big")
