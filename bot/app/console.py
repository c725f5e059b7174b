"""The terminal as rich sees it, in the two points where its own habits are not ours."""

from __future__ import annotations

from rich.console import Console

WIDTH_MIN = 72                       # narrower, and the columns of a summary hold one letter each


class PipeConsole(Console):
    """A console whose reader may leave: that ends the program quietly, by the command line's own rule."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, where rich would end the process with 1."""
        raise BrokenPipeError


def table_console() -> PipeConsole:
    """Return a console for tables; on a narrower terminal than they can stand, lines wrap."""
    console = PipeConsole()
    console.width = max(console.width, WIDTH_MIN)
    return console
