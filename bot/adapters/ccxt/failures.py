"""A message that should have been a fact and was none."""

from __future__ import annotations

import json
from dataclasses import dataclass

TEXT_MAX = 200                       # characters of a bad message that are kept
SHAPES = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError)
"""Everything that reading a field of the wrong shape can raise."""


@dataclass(frozen=True, slots=True)
class DecodeFailed:
    """One bad message; ``kind`` is the venue's word for it, "" where it has none, ``text`` its beginning."""

    now: int
    kind: str
    reason: str
    text: str


def failure(now: int, kind: str, reason: str | Exception, body: object) -> DecodeFailed:
    """Return what to tell of a bad message; never raises."""
    if isinstance(reason, Exception):
        reason = f"a field is missing or of the wrong shape: {type(reason).__name__} {reason}"
    try:
        text = json.dumps(body)
    except (TypeError, ValueError):
        text = repr(body)
    return DecodeFailed(now, kind, reason, text[:TEXT_MAX])
