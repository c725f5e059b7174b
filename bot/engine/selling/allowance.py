"""How much of what is due a market may be asked for now: a share of its volume, and of its visible book."""

from __future__ import annotations

from bot.domain.effects import Relaxation
from bot.domain.instrument import Instrument
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.deciding.duties import class_of, has_ladder, is_passive, participation_max
from bot.engine.desk import Desk
from bot.engine.measures.market import BUCKET
from bot.engine.record.book import Parent
from bot.engine.selling.relaxing import TAKING, Relaxing
from bot.execution.ladder import PARTICIPATION_STEPS, may_relax, participation_at
from bot.execution.slicer import participation_cap, smallest_order

DEPTH_AGAIN = NS_PER_SECOND          # a book that was taken from fills up again about as fast


class Allowance:
    """Caps the children of one engine's parents."""

    def __init__(self, desk: Desk, relaxing: Relaxing) -> None:
        self.desk = desk
        self.relaxing = relaxing

    def of_volume(self, parent: Parent, wish: int, now: int) -> int | None:
        """Return what participation allows now, or None where nothing caps it.

        Relaxes one step per slice while a margin parent is held back by it; looks again when volume has come.
        """
        first = participation_max(parent)
        if first is None:
            return None
        interval = min(duty.interval for duty in parent.obligations)
        allowed = self._volume_left(parent, participation_at(parent.participation_level, first=first), interval, now)
        if (
            allowed is not None and allowed < wish and may_relax(class_of(parent))
            and now - max(parent.relaxed, parent.opened) >= interval
        ):
            self._let_go(parent, first, now)
            share = participation_at(parent.participation_level, first=first)
            allowed = self._volume_left(parent, share, interval, now)
        if allowed is not None and allowed < wish:
            self.desk.timers.set(self.desk.layout.keys[parent.position].account, now + BUCKET)
        return allowed

    def _let_go(self, parent: Parent, first: float, now: int) -> None:
        if is_passive(parent) and parent.passivity_level < TAKING:
            self.relaxing.step(parent, Relaxation.PASSIVITY, TAKING, "held back; takes what is there", now)
        elif parent.participation_level < len(PARTICIPATION_STEPS):
            share = participation_at(parent.participation_level + 1, first=first) or 1.0
            self.relaxing.participate(parent, share, "held back", now)

    def _volume_left(self, parent: Parent, share: float | None, interval: int, now: int) -> int | None:
        if share is None or share >= 1:
            return None
        since = now - max(interval, NS_PER_MINUTE)
        instrument = self.desk.layout.keys[parent.position].instrument
        ours = self.desk.book.working[parent.position] + _filled_since(parent, since)
        return participation_cap(share=share, traded=self.desk.market.traded_since(instrument, since), ours=ours)

    def of_depth(
        self, parent: Parent, instrument: Instrument, *, wish: int, limit: int, is_urgent: bool, now: int
    ) -> int | None:
        """Return what the visible book allows now at ``limit`` or better, or None where it is not known or not minded.

        The share is of what shows, less what we took of it in the last second: it may not have been told yet. The
        venue's smallest order is always allowed, or a thin book would end the sale.
        """
        visible = self.desk.market.visible(instrument.index, side=parent.side, limit=limit, now=now)
        if visible is None or parent.depth_level:
            return None
        orders = self.desk.book.orders.values()
        taking = sum(
            order.leaves for order in orders if order.position == parent.position and order.good_until is None
        )
        ours = taking + _filled_since(parent, now - DEPTH_AGAIN)
        least = 0 if ours else smallest_order(instrument.filters)
        allowed = max(int(visible * self.desk.limits.depth_max) - ours, least)
        if allowed >= wish:
            return None
        if may_relax(class_of(parent)) and (is_urgent or has_ladder(parent)):
            why = f"the book shows too little inside the collar; takes more than {self.desk.limits.depth_max:.0%} of it"
            self.relaxing.step(parent, Relaxation.DEPTH, 1, why, now)
            return None
        self.desk.timers.set(self.desk.layout.keys[parent.position].account, now + DEPTH_AGAIN)
        return allowed


def _filled_since(parent: Parent, since: int) -> int:
    return sum(quantity for moment, quantity in parent.fills if moment > since)
