"""The passive tactic: join the best price on our own side, follow it, and take what is overdue.

    due                     joins the touch, post-only, for REST_FOR at most
    others offer better     cancelled, and joined again when the venue says so; at most once in REPRICE_EVERY
    refused as a taker      joins again one tick back
    overdue                 resting orders are cancelled, what was due a patience ago is taken
    no quotes, no book      taken like any other, until they are back

A cancel that is under way changes no quantity: until the venue has answered, the order may fill and counts as
working, so that nothing is sold twice while cancel and fill race each other.
"""

from __future__ import annotations

from bot.domain.effects import Relaxation
from bot.domain.instrument import Instrument
from bot.domain.scale import NS_PER_SECOND
from bot.engine.cancels import CANCEL_AGAIN, cancel
from bot.engine.deciding.duties import is_late, is_passive, patience
from bot.engine.desk import Desk
from bot.engine.record.book import Order, Parent
from bot.engine.selling.relaxing import PASSIVE, TAKING, UNQUOTED, Relaxing
from bot.execution.curves import parent_due
from bot.execution.price import is_left_behind, joining_price

REST_FOR = 30 * NS_PER_SECOND        # a dead process leaves nothing at the venue for longer
REPRICE_EVERY = NS_PER_SECOND        # each move gives up the place in the queue, and costs two messages
GRACE = NS_PER_SECOND                # after an order's own end, before we end it: venues without such an end


class Passive:
    """Keeps the resting orders of one engine's passive parents where they belong."""

    def __init__(self, desk: Desk, relaxing: Relaxing) -> None:
        self.desk = desk
        self.relaxing = relaxing

    def waits(self, parent: Parent, instrument: int, now: int) -> bool:
        """Say whether a parent may wait to be taken: it is to, it has not let go of that, and there are quotes."""
        if not is_passive(parent) or parent.passivity_level == TAKING:
            return False
        is_quoted = self.desk.market.best(instrument, now) is not None
        if not is_quoted and parent.passivity_level == PASSIVE:
            self.relaxing.step(parent, Relaxation.PASSIVITY, UNQUOTED, "no quotes, no book; takes what is there", now)
        elif is_quoted and parent.passivity_level == UNQUOTED:
            self.relaxing.step(parent, Relaxation.PASSIVITY, PASSIVE, "quotes are back; waits to be taken", now)
        return is_quoted

    def overdue(self, parent: Parent, now: int) -> int:
        """Return what should have been sold in all by a patience ago; after the deadline, and that much more, all."""
        if is_late(parent, now):
            return parent.quantity
        return parent_due(parent.obligations, parent.name, now - patience(parent))

    def price(self, parent: Parent, instrument: Instrument, now: int) -> int:
        """Return where an order of a parent joins now; only while there are quotes."""
        bid, ask = self._touch(instrument.index, now)
        return joining_price(
            bid=bid, ask=ask, steps_back=parent.steps_back, sign=parent.side.sign, tick=instrument.filters.tick
        )

    def tend(self, parent: Parent, instrument: Instrument, now: int) -> None:
        """Cancel resting orders that others have left behind, that are past their end, or that are too many."""
        bid, ask = self._touch(instrument.index, now)
        progress = self.desk.book.progress(parent)
        is_too_much = progress.working > min(progress.quantity - progress.filled, progress.held - progress.keep)
        may_move = now - parent.joined >= REPRICE_EVERY
        for order in self._resting(parent):
            is_behind = is_left_behind(
                order.limit_price, bid=bid, ask=ask, steps_back=parent.steps_back, sign=order.side.sign,
                tick=instrument.filters.tick,
            )
            if is_too_much or self._is_past_end(order, now) or (is_behind and may_move):
                self._cancel(order, now)

    def cancel(self, parent: Parent, now: int) -> None:
        """Cancel all of a parent's resting orders."""
        for order in self._resting(parent):
            self._cancel(order, now)

    def cancel_orphans(self, account: int, now: int) -> None:
        """Cancel resting orders whose parent has ended: nobody wants them filled any more."""
        for order in list(self.desk.book.orders.values()):
            is_ours = order.good_until is not None and self.desk.layout.keys[order.position].account == account
            if is_ours and order.parent not in self.desk.book.parents:
                self._cancel(order, now)

    def rests(self, parent: Parent) -> bool:
        """Say whether an order of the parent waits at the venue."""
        return bool(self._resting(parent))

    def _resting(self, parent: Parent) -> list[Order]:
        return [
            order for order in self.desk.book.orders.values()
            if order.parent == parent.name and order.good_until is not None
        ]

    def _touch(self, instrument: int, now: int) -> tuple[int, int]:
        best = self.desk.market.best(instrument, now)
        assert best is not None, "a parent waits only where there are quotes"
        return best

    def _is_past_end(self, order: Order, now: int) -> bool:
        return order.good_until is not None and now >= order.good_until + GRACE

    def _cancel(self, order: Order, now: int) -> None:
        if order.cancel_asked is None or now - order.cancel_asked >= CANCEL_AGAIN:
            cancel(self.desk, self.desk.layout.keys[order.position].account, order.name, now)
