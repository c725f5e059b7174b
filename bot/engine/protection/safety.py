"""What stands between an account and the day on which we see or do nothing: resting stops, and acting when blind."""

from __future__ import annotations

from bot.domain.effects import LookUpOrder
from bot.engine.desk import Desk
from bot.engine.gate import Gate
from bot.engine.protection.blind import Blind
from bot.engine.protection.protect import Protect
from bot.engine.spec import SafetySpec


class Safety:
    """Both, for one engine."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.protect = Protect(desk)
        self.blind = Blind(desk, self.protect)

    def take(self, specs: tuple[SafetySpec, ...], gate: Gate) -> None:
        """Take what the configuration says, account by account; those beyond its end have no stops."""
        self.protect.take(specs, gate)
        self.blind.specs = specs

    def decide(self, account: int, now: int) -> None:
        """Act where an account is blind, then keep its stops."""
        self.blind.look(account, now)
        self.protect.keep(account, now)

    def ask_for_all(self, now: int) -> None:
        """Ask the venue for every stop that rested before a restart."""
        for stop in list(self.desk.book.stops.values()):
            self.desk.emit(LookUpOrder(self.desk.layout.keys[stop.position].account, stop.name, now))
