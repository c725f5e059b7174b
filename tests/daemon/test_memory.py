"""Garbage is looked for when nothing waits, and what was there at the start never again."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from bot.app.daemon import memory


class Knot:
    """An object that only refers to itself: reference counting alone never frees it."""

    def __init__(self) -> None:
        self.itself = self


def tied() -> weakref.ref[Knot]:
    return weakref.ref(Knot())


def collections(generation: int) -> int:
    return int(gc.get_stats()[generation]["collections"])


def tidied(monkeypatch: pytest.MonkeyPatch, is_quiet: Callable[[], bool], *, all_every: float = 600.0) -> bool:
    """Tie a knot, let the task go round a few times, and return whether the knot was freed; nothing else frees it."""
    monkeypatch.setattr(memory, "YOUNG_EVERY", 0.001)
    monkeypatch.setattr(memory, "ALL_EVERY", all_every)

    async def run() -> bool:
        beats: list[int] = []
        knot = tied()
        task = asyncio.create_task(memory.tidy(lambda: beats.append(1), is_quiet))
        while len(beats) < 4:
            await asyncio.sleep(0.001)
        is_freed = knot() is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return is_freed

    gc.disable()
    try:
        return asyncio.run(run())
    finally:
        gc.enable()


def test_memory_is_tidied_while_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed requests leave behind is freed within a second or two."""
    assert tidied(monkeypatch, lambda: True)


def test_memory_is_left_alone_while_something_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order under way is not held up by it; the task beats on."""
    assert not tidied(monkeypatch, lambda: False)


def test_memory_is_looked_through_as_a_whole_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has grown old would be there for ever otherwise."""
    before = collections(2)
    tidied(monkeypatch, lambda: True, all_every=0.0)
    assert collections(2) > before
    before = collections(2)
    tidied(monkeypatch, lambda: True)
    assert collections(2) == before


def test_memory_that_is_set_aside_is_not_looked_at_and_comes_back() -> None:
    """Of the start's objects no collection knows any more, until the daemon has ended."""
    usual, kept = gc.get_threshold(), [[number] for number in range(1_000)]
    with memory.set_aside():
        assert gc.get_freeze_count() > len(kept)
        assert gc.get_threshold() == (memory.YOUNG_MAX, *usual[1:])
        knot = tied()
        gc.collect()
        assert knot() is None
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == usual
