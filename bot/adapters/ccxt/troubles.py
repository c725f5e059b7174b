"""What the rim of a venue has to say that is no fact of the account: a stream that was lost, a page not believed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """For a person. ``code`` is stable, for filters; ``detail`` is for reading."""

    now: int
    code: str
    detail: str
