"""Several streams as one, in time order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar


class Timed(Protocol):
    @property
    def now(self) -> int: ...


E = TypeVar("E", bound=Timed)


def merge(streams: Sequence[Iterable[E]]) -> Iterator[E]:
    """Yield the events of all streams by ``now``; at equal times in the order the streams are given.

    Each stream must be in time order itself. One event per stream is held, and the next of a stream is
    asked for only after its event before was consumed. A single stream is passed through untouched.
    """
    return iter(streams[0]) if len(streams) == 1 else _interleave(streams)


def _interleave(streams: Sequence[Iterable[E]]) -> Iterator[E]:
    heads: list[tuple[int, int, E, Iterator[E]]] = []
    for order, stream in enumerate(streams):
        rest = iter(stream)
        for event in rest:
            heads.append((event.now, order, event, rest))
            break
    heapq.heapify(heads)
    while len(heads) > 1:
        _, order, event, rest = heapq.heappop(heads)
        limit = heads[0][:2]
        yield event
        # The same stream often has several events before another's next: the heap is left alone meanwhile.
        for event in rest:
            now = event.now
            if (now, order) > limit:
                heapq.heappush(heads, (now, order, event, rest))
                break
            yield event
    for _, _, event, rest in heads:
        yield event
        yield from rest
