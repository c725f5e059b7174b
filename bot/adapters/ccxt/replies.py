"""What a reply must be before it is read: ccxt hands on an empty body, or a web page, as if it were an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
TEXT_MAX = 100                       # characters of a broken reply that go into its error


class BrokenReply(ValueError):
    """An answer that is no object, or no list of them: nothing was said, least of all that there is nothing."""


def as_row(reply: object) -> Row:
    """Return a reply that is one object; raises BrokenReply."""
    if not isinstance(reply, Mapping):
        raise BrokenReply(f"an object was expected, was {repr(reply)[:TEXT_MAX]}")
    return reply


def as_rows(reply: object) -> list[Row]:
    """Return a reply that is a list of objects, an empty one, too; raises BrokenReply."""
    if not isinstance(reply, list) or not all(isinstance(row, Mapping) for row in reply):
        raise BrokenReply(f"a list of objects was expected, was {repr(reply)[:TEXT_MAX]}")
    return reply
