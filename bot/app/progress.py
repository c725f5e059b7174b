"""The run while it goes on: a drawing on a terminal, a line per happening everywhere else.

    with LiveView(console) as view:
        ...
        if view.is_due():
            view.update(make_snapshot())

The view draws at most ten times a second, and less often where drawing is slow; the last snapshot is always drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.live import Live

from bot.app.frame import ASCII, LINES, decision_line, frame
from bot.app.snapshot import DecisionKind, ProgressSnapshot

SECONDS_BETWEEN = 0.1                # the eye takes no more
REST_PER_FRAME = 40                  # times what a frame took: drawing costs a run 2.5 % at most, on any terminal
_ESTIMATE_FROM = 0.02                # of the tape: before that, time left is a guess
_CALM_ENOUGH = 0.1                   # of what has passed: less calm than that says little of what is to come


class LiveView:
    """Shows snapshots on ``console``; ``clock`` counts seconds and is there for tests."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._started = self._looked = self._due_at = clock()
        self._fraction = 0.0
        self._was_at_work = False
        self._calm_seconds = 0.0                     # without an order at work, and how much of the tape passed in them
        self._calm_fraction = 0.0
        self._printed: int | None = None
        self._pending: ProgressSnapshot | None = None
        self._is_lost = False
        self._size = console.size
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> LiveView:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            if self._pending is not None:
                self._show(self._pending)
            with suppress(OSError, UnicodeEncodeError):
                self._live.stop()

    def is_due(self) -> bool:
        """Say whether the next snapshot would be shown now; making one for nothing costs time."""
        return self._clock() >= self._due_at

    def update(self, snapshot: ProgressSnapshot) -> None:
        """Show a snapshot. On a terminal one that comes too early waits for the end; its lines are kept."""
        if self._live is not None and not self.is_due():
            self._pending = snapshot
            return
        self._pending = None
        began = self._clock()
        self._show(snapshot)
        ended = self._clock()
        self._due_at = ended + max(SECONDS_BETWEEN, (ended - began) * REST_PER_FRAME)

    def _show(self, snapshot: ProgressSnapshot) -> None:
        if self._is_lost:
            return
        try:
            if self._live is None:
                self._print_new(snapshot)
            else:
                self._draw(self._live, snapshot)
        except (OSError, UnicodeEncodeError):
            # full disk, closed terminal, no such letter: nobody may be left unguarded for want of a screen
            self._is_lost = True

    def _draw(self, live: Live, snapshot: ProgressSnapshot) -> None:
        if self._console.size != self._size:
            self._size = self._console.size
            self._console.clear()                    # the terminal has wrapped the last frame in its own way
        live.update(
            frame(
                snapshot,
                width=self._console.width - 1,       # a full last column makes some terminals wrap
                height=self._console.height,
                glyphs=ASCII if self._console.options.ascii_only else LINES,
                left_seconds=self._left_seconds(snapshot),
            ),
            refresh=True,
        )

    def _left_seconds(self, snapshot: ProgressSnapshot) -> float | None:
        """Return how long the rest takes at the pace of the calm time so far.

        While orders are at work a watched run goes slowly on purpose, which says nothing of the hours after them.
        """
        fraction = snapshot.tape_fraction
        if fraction is None:
            return None
        now = self._clock()
        if not self._was_at_work:
            self._calm_seconds += now - self._looked
            self._calm_fraction += fraction - self._fraction
        self._looked, self._fraction, self._was_at_work = now, fraction, bool(snapshot.parents)
        if not _ESTIMATE_FROM <= fraction < 1:
            return None
        if self._calm_fraction < fraction * _CALM_ENOUGH:
            return (now - self._started) * (1 - fraction) / fraction
        return self._calm_seconds * (1 - fraction) / self._calm_fraction

    def _print_new(self, snapshot: ProgressSnapshot) -> None:
        for decision in snapshot.decisions:
            if self._printed is not None and decision.number <= self._printed:
                continue
            self._printed = decision.number
            if decision.kind is not DecisionKind.NOTE:
                self._console.print(
                    decision_line(decision, pattern="%Y-%m-%d %H:%M:%S"), soft_wrap=True, highlight=False
                )
