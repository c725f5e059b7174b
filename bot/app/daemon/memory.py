"""When Python looks for objects that only refer to each other: in quiet moments, never in the middle of a burst.

    at the start     all that was imported and read is set aside for good (ccxt's markets alone are a million objects)
    each second      what is young, while nothing waits to be decided on
    every 10 minutes all that has come since the start
    in a flood       Python's own count still asks for the young, some twenty times as rarely as it would

Reference counting frees nearly everything at once; what is left are the frames of requests that failed. Left to itself
Python looked at the young after 700 objects, within one order, and at all, markets included, in the middle of a run:
the slowest reactions by far (``python -m bench.reaction``).
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

YOUNG_MAX = 20_000                   # objects; looking at so many takes 2 ms
YOUNG_EVERY = 1.0                    # seconds
ALL_EVERY = 600.0                    # seconds; what a day of orders leaves is looked at in some 10 ms


@contextmanager
def set_aside() -> Iterator[None]:
    """Set aside all that is alive now, until the end; what is not needed of it is freed first."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


async def tidy(beat: Callable[[], None], is_quiet: Callable[[], bool]) -> None:
    """Look for garbage while ``is_quiet``, for ever; ``beat`` is called as long as it goes round."""
    due = time.monotonic() + ALL_EVERY
    while True:
        beat()
        await asyncio.sleep(YOUNG_EVERY)
        if not is_quiet():
            continue
        if time.monotonic() >= due:
            gc.collect()
            due = time.monotonic() + ALL_EVERY
        else:
            gc.collect(1)
