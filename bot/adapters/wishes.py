"""What a person asks of a running engine once, beside shutting it: lines of JSON at the end of a small file.

A latch says how an account is to stand, so the last word on it holds. A wish is done once: it is heard by the run
that goes on while it is written, and by no later one. Each line is written through to the disk in one piece.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.adapters.append import append_through
from bot.domain.errors import JournalError

WISHES_NAME = "penstock.wishes"
READ_MAX = 1 << 20                   # bytes at one look: thousands of wishes; the rest comes at the next


class WishFile:
    """The wishes of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / WISHES_NAME

    def end(self) -> int:
        """Return how long the file is, bytes; 0 where there is none."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def say(self, wish: Mapping[str, Any]) -> None:
        """Append a wish; raises JournalError when that cannot be done."""
        line = json.dumps(wish).encode() + b"\n"
        try:
            append_through(self.path, line, mode=0o644)
        except OSError as error:
            raise JournalError(
                f"{self.path}: cannot be written, was {error.strerror}; free space on its disk or give permission, and "
                "say it again"
            ) from error

    def read(self, after: int) -> tuple[list[dict[str, Any]], int]:
        """Return the wishes that begin at byte ``after`` or later, and where the next one will.

        A line that is not whole yet waits; one that nobody can read is passed over, as ``{}``.
        """
        try:
            with self.path.open("rb") as stream:
                stream.seek(after)
                body = stream.read(READ_MAX)
        except FileNotFoundError:
            return [], after
        whole = body.rfind(b"\n") + 1
        return [_wish(line) for line in body[:whole].splitlines()], after + whole


def _wish(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
