"""The one error of the loader, and the small phrases its messages are made of."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from bot.domain.errors import InputError
from bot.domain.units import Place

_SHOWN_MAX = 60          # a whole expression fits; a pasted file does not
_CHOICES_MAX = 40        # more than that is a wall, not a list


class SettingsError(InputError):
    """Something in a settings file or an override is wrong: ``place: problem, was found; cure``."""

    def __init__(self, place: Place | str, problem: str, found: str, cure: str) -> None:
        super().__init__(f"{place}: {problem}, was {found}; {cure}")
        self.place = place
        self.problem = problem
        self.found = found
        self.cure = cure


def show(text: str) -> str:
    """Return ``text`` quoted for a message, on one line, control characters escaped, cut when long."""
    if not text:
        return "empty"
    # repr escapes what a terminal would act on, or could not encode
    return repr(text) if len(text) <= _SHOWN_MAX else repr(text[:_SHOWN_MAX]) + "..."


def listed(choices: Iterable[str]) -> str:
    """Return ``a, b, c``, cut when there are too many to read."""
    names = list(choices)
    shown = ", ".join(names[:_CHOICES_MAX])
    return f"{shown} and {len(names) - _CHOICES_MAX} more" if len(names) > _CHOICES_MAX else shown


def pick_one(found: str, choices: Iterable[str]) -> str:
    """Return the cure for a word that is not among ``choices``: the nearest of them, then all."""
    names = list(choices)
    if not names:
        return "remove it: nothing can stand here"
    nearest = _nearest(found, names)
    hint = f"did you mean {nearest}? " if nearest is not None else ""
    return f"{hint}possible: {listed(names)}"


def _nearest(found: str, names: list[str]) -> str | None:
    """Return the name most like ``found``, letter case aside; None when none is near."""
    by_folded = {name.casefold(): name for name in names}
    matches = difflib.get_close_matches(found.casefold()[:_SHOWN_MAX], list(by_folded), n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None
