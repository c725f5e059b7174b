"""One desired holding per position from all that live episodes want of it, in an order that no file decides.

    holding = the least that any episode may keep         what a parent is to leave
    wants, by the name of their rule                      what its curves are made of, each with its own deadline

Every want keeps its own curve and class; a parent owes the furthest of the curves, never their sum.

A hedge wants a holding, too. Where that is less than what is held, it is a want like any other. It may add to a
position only where nobody wants any of it sold, and never beyond what reducers have let be kept of it since the hedge
began: what was cut is not opened again. What would cross zero is let out first, as a reducer, and opened on the other
side once it is flat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from bot.domain.goal import GoalKind
from bot.domain.order import Side
from bot.engine.record.book import Book, Episode
from bot.engine.record.fold import reducing_side
from bot.rules.ruleset import Rule


class Want(msgspec.Struct, frozen=True):
    """What one episode wants traded of one position in all that is left to do, an unsigned quantity."""

    episode: Episode
    rule: Rule
    left: int


class Desired(msgspec.Struct, frozen=True):
    """What all episodes together want of one position that is not so yet; ``wants`` is never empty.

    ``holding`` is signed. ``is_hedge`` tells what adds to a position from what reduces it.
    """

    wants: tuple[Want, ...]
    holding: int
    side: Side
    is_hedge: bool = False

    @property
    def keep(self) -> int:
        """Return what is held in the end, unsigned."""
        return abs(self.holding)

    @property
    def left(self) -> int:
        """Return the furthest of the wants, an unsigned quantity."""
        return max(want.left for want in self.wants)

    def decision_price(self, position: int, *, mark: int) -> int:
        """Return the mark when the earliest of the wants arose; ``mark`` where it saw none, price units."""
        earliest = min(self.wants, key=lambda want: (want.episode.opened, want.rule.name))
        return earliest.episode.marks.get(position, mark)


def desired(
    book: Book, rules: Mapping[str, Rule], position: int, *, smallest: int, smallest_added: Callable[[], int]
) -> Desired | None:
    """Return what is wanted of a position, or None when nothing as large as the venue's smallest order is.

    ``smallest`` is the least that the venue takes of an order that reduces, ``smallest_added`` says it of any other.
    """
    held = book.quantity[position]
    size = abs(held)
    wants = [
        Want(episode, rules[episode.rule], size - keep)
        for episode in book.episodes.values()
        if (keep := _keep(episode, position, held)) is not None and size - keep >= smallest
    ]
    if not wants:
        return _added(book, rules, position, smallest_added)
    left = max(want.left for want in wants)
    return Desired(_in_order(wants), held - left if held > 0 else held + left, reducing_side(held))


def cap_of(book: Book, position: int) -> int | None:
    """Return the least that a reducer would let be kept of a position, unsigned; None where none speaks of it."""
    return min(
        (
            episode.keeps[position] for episode in book.episodes.values()
            if position in episode.keeps and episode.goal.kind is not GoalKind.NET_DELTA
        ),
        default=None,
    )


def _keep(episode: Episode, position: int, held: int) -> int | None:
    """Return what an episode would keep of what is held, unsigned; None when it has no opinion."""
    planned = episode.holdings.get(position)
    if planned is None:
        return episode.keeps.get(position)
    return abs(planned) if planned * held > 0 else 0


def _added(
    book: Book, rules: Mapping[str, Rule], position: int, smallest_added: Callable[[], int]
) -> Desired | None:
    """Return what hedges want added to a position that nobody wants any less of."""
    held = book.quantity[position]
    planned = {
        episode.number: episode.holdings[position] for episode in book.episodes.values()
        if episode.holdings.get(position, 0) * held >= 0 and episode.holdings.get(position)
    }
    if not planned or min(planned.values()) < 0 < max(planned.values()):
        return None
    side = Side.BUY if max(planned.values()) > 0 else Side.SELL
    smallest = smallest_added()
    wants = []
    for number, holding in planned.items():
        episode = book.episodes[number]
        most = episode.most(position, side)
        size = abs(holding) if most is None else min(abs(holding), most)
        if size - abs(held) >= smallest:
            wants.append(Want(episode, rules[episode.rule], size - abs(held)))
    if not wants:
        return None
    left = max(want.left for want in wants)
    return Desired(_in_order(wants), held + side.sign * left, side, is_hedge=True)


def _in_order(wants: list[Want]) -> tuple[Want, ...]:
    return tuple(sorted(wants, key=lambda want: (want.rule.name, want.episode.number)))
