"""What a parent of the margin class lets go of when survival needs it, in the order of POLICIES, each step journaled.

    passivity -> participation -> depth of the book -> deadline -> collar

A cost parent lets go of nothing: its deadline gives. Steps are never taken back while the parent lives, but for
passivity that was lost with the quotes (``bot.engine.selling.passive``).
"""

from __future__ import annotations

from bot.domain.effects import Relaxation, RelaxParent
from bot.engine.deciding.duties import class_of, first_collar, has_ladder, is_late, is_passive, participation_max
from bot.engine.desk import Desk
from bot.engine.gate import collar_max
from bot.engine.record.book import Parent
from bot.execution.curves import parent_due
from bot.execution.ladder import (
    PARTICIPATION_STEPS,
    collar_at,
    is_widest,
    may_relax,
    participation_at,
    useful_collar,
)
from bot.risk.tiers import PPM

PASSIVE, UNQUOTED, TAKING = range(3)     # levels of passivity: none lost, lost with the quotes, lost for good


class Relaxing:
    """Takes the steps of one engine's parents."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def urgency(self, parent: Parent, need: int, now: int) -> str | None:
        """Return why a parent may relax now, or None when it may not."""
        if not may_relax(class_of(parent)):
            return None
        if need > 0:
            return "survival needs it"
        return "past its deadline" if is_late(parent, now) else None

    def hurry(self, parent: Parent, need: int, why: str, now: int) -> None:
        """Let go of all that holds back an urgent parent but depth, which may not bind, and the collar."""
        if is_passive(parent) and parent.passivity_level < TAKING:
            self.step(parent, Relaxation.PASSIVITY, TAKING, f"{why}; takes what is there", now)
        self.participate(parent, PARTICIPATION_STEPS[-1], why, now)
        due = parent_due(parent.obligations, parent.name, now)
        if parent.deadline_level == 0 and parent.filled + need > due:
            self.step(parent, Relaxation.DEADLINE, 1, f"{why}; what is needed is due now, ahead of the curve", now)

    def participate(self, parent: Parent, share: float, why: str, now: int) -> None:
        """Raise the participation cap to ``share`` in one step; nothing where there is none as low."""
        first = participation_max(parent)
        if first is None:
            return
        level = parent.participation_level
        while (participation_at(level, first=first) or share) < share:
            level += 1
        if level > parent.participation_level:
            self.step(parent, Relaxation.PARTICIPATION, level, f"{why}; participation goes to {share:.0%}", now)

    def step(self, parent: Parent, what: Relaxation, level: int, why: str, now: int) -> None:
        """Take one step and journal it."""
        self.desk.emit(RelaxParent(parent.name, what, level, why, now))

    # The collar --------------------------------------------------------------------------------------------

    def collar(self, parent: Parent) -> float:
        """Return the collar as it is now, a fraction."""
        return self.collar_within(parent, self.widest(parent))

    def collar_within(self, parent: Parent, widest: float) -> float:
        """Return the collar as it is now where ``widest`` is known, a fraction."""
        return collar_at(parent.collar_level, first=first_collar(parent), widest=widest)

    def widest(self, parent: Parent) -> float:
        """Return how far the collar may go: the class's limit, and never where a sale does more harm than good."""
        columns = self.desk.columns
        widest = collar_max(class_of(parent), self.desk.limits)
        if not columns.known[self.desk.layout.keys[parent.position].account]:
            return widest
        useful = useful_collar(
            distance=columns.distance_at(parent.position), maintenance_rate=columns.rate_ppm[parent.position] / PPM
        )
        return min(widest, useful)

    def climb(self, parent: Parent, need: int, now: int) -> bool:
        """Widen the collar one step if the parent may; return whether it did, and so may try at once."""
        is_urgent = has_ladder(parent) or self.urgency(parent, need, now) is not None
        widest = self.widest(parent)
        first = first_collar(parent)
        if not (may_relax(class_of(parent)) and is_urgent):
            return False
        if is_widest(parent.collar_level, first=first, widest=widest):
            return False
        self.hurry(parent, need, "unfilled", now)
        level = parent.collar_level + 1
        wider = collar_at(level, first=first, widest=widest)
        self.step(parent, Relaxation.COLLAR, level, f"unfilled; the collar widens to {wider:.2%}", now)
        return True
