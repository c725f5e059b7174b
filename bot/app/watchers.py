"""Several observers of a run as one; each is asked at the moments it named itself."""

from __future__ import annotations

from collections.abc import Sequence

from bot.app.session import Observer
from bot.domain.effects import Effect
from bot.domain.events import AccountFact


class Watchers:
    """Passes everything on, in the order in which the observers are given."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self.observers = list(observers)
        self.look_at = [0] * len(self.observers)

    def add(self, observer: Observer) -> None:
        """Pass everything on to one more, after the others."""
        self.observers.append(observer)
        self.look_at.append(0)

    def on_fact(self, fact: AccountFact) -> None:
        for observer in self.observers:
            observer.on_fact(fact)

    def on_effects(self, effects: Sequence[Effect]) -> None:
        for observer in self.observers:
            observer.on_effects(effects)

    def on_moment(self, now: int, consumed: int) -> int:
        """Ask those whose moment has come; return the earliest of the next ones."""
        for place, observer in enumerate(self.observers):
            if now >= self.look_at[place]:
                self.look_at[place] = observer.on_moment(now, consumed)
        return min(self.look_at)

    def on_end(self, now: int, *, tape_ended: int, consumed: int) -> None:
        """Let every one look once more, whatever moment it named."""
        for observer in self.observers:
            observer.on_end(now, tape_ended=tape_ended, consumed=consumed)
