"""A terminal without a window: runs a program on a pseudo terminal and keeps the cells of its screen.

It knows what our programs send: text, line ends, colours, moves of the cursor, wiping. Anything else is passed over.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

_SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b\][^\x07]*\x07|\x1b[()][A-Za-z0-9]|[\r\n\b]|[^\x1b\r\n\b]")
_COLOURS = ("#4a5261", "#ff7b72", "#4cc38a", "#f5a524", "#58a6ff", "#d2a8ff", "#3fc7c7", "#c9d1d9")
_PLAIN = "#c9d1d9"
_FAINT = "#6e7885"
_READ_AT_ONCE = 1 << 16
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Ink:
    """How a cell is drawn; colours are CSS, None for the terminal's own."""

    front: str | None = None
    back: str | None = None
    is_bold: bool = False
    is_faint: bool = False

    def style(self) -> str:
        """Return it as CSS."""
        colour = self.front or _PLAIN
        parts = [f"color:{_FAINT if self.is_faint and self.front is None else colour}"]
        if self.is_faint and self.front is not None:
            parts.append("opacity:.6")
        if self.back is not None:
            parts.append(f"background:{self.back}")
        if self.is_bold:
            parts.append("font-weight:700")
        return ";".join(parts)


class Cells:
    """The screen: rows of (letter, ink), and where the cursor stands."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rows = [self._blank() for _ in range(height)]
        self.row = self.column = 0
        self.ink = Ink()

    def _blank(self) -> list[tuple[str, Ink]]:
        return [(" ", Ink())] * self.width

    def text(self) -> str:
        """Return what can be read on the screen."""
        return "\n".join("".join(letter for letter, _ in row).rstrip() for row in self.rows)

    def feed(self, sent: str) -> None:
        """Take what a program sent to the terminal."""
        for found in _SEQUENCE.finditer(sent):
            if found[2] is not None:
                self._control(found[2], found[1])
            elif not found[0].startswith("\x1b"):
                self._letter(found[0])

    def _letter(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self._down()
        elif letter == "\b":
            self.column = max(0, self.column - 1)
        elif letter.isprintable():
            if self.column >= self.width:
                self.column = 0
                self._down()
            self.rows[self.row][self.column] = (letter, self.ink)
            self.column += 1

    def _down(self) -> None:
        if self.row + 1 < self.height:
            self.row += 1
        else:
            self.rows = [*self.rows[1:], self._blank()]

    def _control(self, kind: str, arguments: str) -> None:
        numbers = [int(number) for number in arguments.strip("?").split(";") if number]
        count = numbers[0] if numbers else 1
        match kind:
            case "A":
                self.row = max(0, self.row - count)
            case "B":
                self.row = min(self.height - 1, self.row + count)
            case "H":
                self.row, self.column = ([number - 1 for number in numbers] + [0, 0])[:2]
            case "J":
                self.rows = [self._blank() for _ in range(self.height)]
            case "K":
                self._wipe(numbers[0] if numbers else 0)
            case "m":
                self._paint(numbers or [0])
            case _:
                pass

    def _wipe(self, what: int) -> None:
        """Wipe the line: from the cursor on, up to it, or all of it."""
        start, end = ((self.column, self.width), (0, self.column + 1), (0, self.width))[what]
        self.rows[self.row][start:end] = self._blank()[start:end]

    def _paint(self, codes: Sequence[int]) -> None:
        for code in codes:
            if code == 0:
                self.ink = Ink()
            elif code in (1, 2):
                self.ink = replace(self.ink, is_bold=code == 1 or self.ink.is_bold, is_faint=code == 2)
            elif code == 22:
                self.ink = replace(self.ink, is_bold=False, is_faint=False)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.ink = replace(self.ink, front=_COLOURS[code % 10])
            elif 40 <= code <= 47:
                self.ink = replace(self.ink, back=_COLOURS[code % 10])
            elif code == 39:
                self.ink = replace(self.ink, front=None)
            elif code == 49:
                self.ink = replace(self.ink, back=None)

    def html(self, title: str) -> str:
        """Return the screen as a page of its own, without the empty rows at its end."""
        last = max((place for place, row in enumerate(self.rows) if any(cell[0] != " " for cell in row)), default=0)
        lines = "\n".join(_line(row) for row in self.rows[:last + 1])
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>'
            "html{background:#0d1117}body{margin:0;display:inline-block;padding:14px 18px 16px}"
            f'p{{margin:0 0 10px;color:{_FAINT};font:13px system-ui,"DejaVu Sans",sans-serif}}'
            'pre{margin:0;font:14px/18px "DejaVu Sans Mono",Menlo,Consolas,monospace}'
            f"</style><p>{escape(title)}</p><pre>{lines}</pre></html>"
        )


def _line(row: Sequence[tuple[str, Ink]]) -> str:
    """Return a row as HTML, neighbours of one ink together."""
    parts: list[tuple[Ink, str]] = []
    for letter, ink in row:
        if parts and parts[-1][0] == ink:
            parts[-1] = (ink, parts[-1][1] + letter)
        else:
            parts.append((ink, letter))
    return "".join(f'<span style="{ink.style()}">{escape(text)}</span>' for ink, text in parts)


def watch(
    command: Sequence[str], cells: Cells, *, environ: Mapping[str, str], look: Callable[[Cells], None],
    seconds_max: float, folder: Path | None = None,
) -> int:
    """Run a program in a folder on a pseudo terminal of the cells' size; ``look`` is called when the screen changed.

    Returns its exit code. Raises RuntimeError, and ends it, when it takes longer than ``seconds_max``.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", cells.height, cells.width, 0, 0))
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder,
        env={**environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    left = b""
    until = time.monotonic() + min(seconds_max, _DAY)
    try:
        while True:
            if not select.select([ours], [], [], max(0.0, until - time.monotonic()))[0]:
                raise RuntimeError(f"terminal: {' '.join(command)} is not done after {seconds_max:g} s; try again")
            try:
                chunk = os.read(ours, _READ_AT_ONCE)
            except OSError:                  # Linux says so when the other side is closed
                chunk = b""
            if not chunk:
                return process.wait(timeout=10)
            left += chunk
            text = left.decode("utf-8", "ignore")
            whole = _whole(text)
            left = left[len(text[:whole].encode()):]
            cells.feed(text[:whole])
            look(cells)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def _whole(text: str) -> int:
    """Return how much of a text can be taken: not half of an escape sequence at its end."""
    start = text.rfind("\x1b")
    return len(text) if start < 0 or _SEQUENCE.match(text, start) else start
