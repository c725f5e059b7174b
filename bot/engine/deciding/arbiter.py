"""One desired holding per position from all that live episodes want of it, in an order that no file decides.

    keep = the least that any episode may keep            what a parent is to leave
    wants, by the name of their rule                      what its curves are made of, each with its own deadline

Every want keeps its own curve and class; a parent owes the furthest of the curves, never their sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.engine.record.book import Book, Episode
from bot.rules.ruleset import Rule


@dataclass(frozen=True, slots=True)
class Want:
    """What one episode wants of one position: that no more than ``keep`` is held, an unsigned quantity."""

    episode: Episode
    rule: Rule
    keep: int


@dataclass(frozen=True, slots=True)
class Desired:
    """What all episodes together want of one position that is not so yet; ``wants`` is never empty."""

    wants: tuple[Want, ...]

    @property
    def keep(self) -> int:
        """Return the tightest of the wants, an unsigned quantity."""
        return min(want.keep for want in self.wants)

    def decision_price(self, position: int, *, mark: int) -> int:
        """Return the mark when the earliest of the wants arose; ``mark`` where it saw none, price units."""
        earliest = min(self.wants, key=lambda want: (want.episode.opened, want.rule.name))
        return earliest.episode.marks.get(position, mark)


def desired(book: Book, rules: Mapping[str, Rule], position: int, *, smallest: int) -> Desired | None:
    """Return what is wanted of a position, or None when nothing as large as the venue's ``smallest`` order is."""
    held = abs(book.quantity[position])
    wants = [
        Want(episode, rules[episode.rule], episode.keeps[position])
        for episode in book.episodes.values()
        if position in episode.keeps and held - episode.keeps[position] >= smallest
    ]
    if not wants:
        return None
    return Desired(tuple(sorted(wants, key=lambda want: (want.rule.name, want.episode.number))))
