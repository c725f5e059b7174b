"""From parents to orders: what is due becomes children, by the parent's tactic and inside what it is allowed.

    due = max(curves, filled + survival need)
    waits (passive)   resting orders are tended; what is due joins the touch, what is overdue is taken
    takes             immediate-or-cancel limits at the collar; what does not fill climbs the ladder

The quantity that keeps the account above its survival floor is due at once, whatever any curve says.
"""

from __future__ import annotations

from bot.domain.denials import DenialCode
from bot.domain.effects import Goal, GoalKind
from bot.domain.instrument import Instrument
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.controls.halts import awaits_venue
from bot.engine.deciding.duties import class_of, half_slice, worth_sending
from bot.engine.desk import Desk
from bot.engine.gate import Gate, collar_max, may_send, notional_max
from bot.engine.record.book import Parent
from bot.engine.selling.allowance import Allowance
from bot.engine.selling.budgets import Budgets
from bot.engine.selling.children import Ask, Children
from bot.engine.selling.passive import REPRICE_EVERY, REST_FOR, Passive
from bot.engine.selling.relaxing import Relaxing
from bot.execution.curves import next_due_at, parent_due
from bot.execution.price import taking_price
from bot.execution.slicer import child_quantity, smallest_order

CHILDREN_PER_STEP = 10               # then the market is looked at again
RETRY_AFTER = NS_PER_SECOND          # an order that found nothing at its limit finds nothing sooner
FLOOR_RECHECK = NS_PER_SECOND // 4   # below the floor the need is worked out at most this often per price


class Seller:
    """Sends the children of one engine's parents."""

    def __init__(self, desk: Desk, gate: Gate) -> None:
        self.desk = desk
        self.children = Children(desk, gate)
        self.relaxing = Relaxing(desk)
        self.allowance = Allowance(desk, self.relaxing)
        self.budgets = Budgets(desk, self.relaxing)
        self.passive = Passive(desk, self.relaxing)

    def sell(self, account: int, now: int) -> None:
        """Send what is due of all parents of an account, and set the time of the next look."""
        desk = self.desk
        self.passive.cancel_orphans(account, now)
        parents = [
            desk.book.parents[name]
            for position in desk.layout.positions_of[account]
            if (name := desk.book.parent_of[position]) is not None
        ]
        if not parents:
            return
        needs = self._survival_needs(account)
        for parent in parents:
            self._work(parent, needs.get(parent.position, 0), now)
            step = next_due_at(parent.obligations, parent.name, now)
            if step is not None:
                desk.timers.set(account, step)

    def _survival_needs(self, account: int) -> dict[int, int]:
        """Return, per position with a parent, what must be sold now to stand on the survival floor."""
        desk = self.desk
        if not desk.columns.known[account]:
            return {}
        distance = desk.columns.distance[account]
        if distance >= desk.survival[account].distance_max or distance >= (level := desk.survival_level(account)):
            return {}
        case = desk.case(account)
        held = [abs(holding.quantity) for holding in case.holdings]
        lowest = []
        for position, size in zip(case.positions, held, strict=True):
            name = desk.book.parent_of[position]
            lowest.append(min(size, desk.book.parents[name].keep) if name is not None else size)
        plan = desk.plan(Goal(GoalKind.LIQUIDATION_DISTANCE, level), case, keeps=held, lowest=lowest)
        return {
            position: size - keep
            for position, size, keep in zip(case.positions, held, plan.keeps, strict=True) if keep < size
        }

    def _work(self, parent: Parent, need: int, now: int) -> None:
        desk = self.desk
        instrument = desk.instrument_for(parent)
        mark = desk.columns.mark[instrument.index]
        if mark is None or awaits_venue(desk.book, parent):
            return
        if self.budgets.holds_back(parent, now):
            self.passive.cancel(parent, now)
            return
        due = max(parent_due(parent.obligations, parent.name, now), parent.filled + need)
        why = self.relaxing.urgency(parent, need, now)
        if why is not None and due > parent.filled:
            self.relaxing.hurry(parent, need, why, now)
        if self.passive.waits(parent, instrument.index, now):
            self._wait(parent, instrument, due, mark, now)
            due = max(self.passive.overdue(parent, now), parent.filled + need)
        if due > parent.filled and desk.book.working[parent.position]:
            self.passive.cancel(parent, now)
        self._take(parent, instrument, due, need, mark, now)

    def _is_held_up(self, parent: Parent, since: int | None, now: int, wait: int = RETRY_AFTER) -> bool:
        """Say whether it is too soon after something at ``since`` to try again, and set the time when it is not."""
        if since is None or now >= since + wait:
            return False
        self.desk.timers.set(self.desk.layout.keys[parent.position].account, since + wait)
        return True

    def _is_denied_lately(self, parent: Parent, now: int) -> bool:
        """Say whether it is too soon to ask the gate again; a count of the hour does not change in a second."""
        is_counted = parent.denied == DenialCode.CHILDREN_ABOVE_MAX.name
        return self._is_held_up(parent, parent.refused, now, NS_PER_MINUTE if is_counted else RETRY_AFTER)

    # Waiting -----------------------------------------------------------------------------------------------

    def _wait(self, parent: Parent, instrument: Instrument, due: int, mark: int, now: int) -> None:
        """Keep what is due at the touch, and look again soon."""
        self.passive.tend(parent, instrument, now)
        if due <= parent.filled:
            return
        account = self.desk.layout.keys[parent.position].account
        self.desk.timers.set(account, now + REPRICE_EVERY)
        is_overdue = self.passive.overdue(parent, now) > parent.filled
        if is_overdue or self._is_denied_lately(parent, now):
            return
        price = self.passive.price(parent, instrument, now)
        progress = self.desk.book.progress(parent)
        wish = child_quantity(progress, due=due, cap=None, filters=instrument.filters)
        if wish == 0 or wish < worth_sending(parent, now):
            return
        if not may_send(self.desk.book, account, self.desk.limits, now, class_of(parent)):
            return
        cap = self._largest(instrument, max(mark, price))
        allowed = self.allowance.of_volume(parent, wish, now)
        quantity = child_quantity(
            progress, due=due, cap=cap if allowed is None else min(cap, allowed), filters=instrument.filters
        )
        is_crumb = quantity < min(wish, cap, half_slice(parent))     # volume comes trade by trade, orders must not
        if quantity and not (is_crumb and self.passive.rests(parent)):
            self.children.place(parent, Ask(quantity, price, now + REST_FOR), now)

    # Taking ------------------------------------------------------------------------------------------------

    def _take(self, parent: Parent, instrument: Instrument, due: int, need: int, mark: int, now: int) -> None:
        """Send what is due as orders that take what is there; widen the collar when they did not fill."""
        desk = self.desk
        account = desk.layout.keys[parent.position].account
        if due <= parent.filled:
            return
        fell_short = parent.fell_short
        if fell_short is not None and self.relaxing.climb(parent, need, now):
            fell_short = None
        if self._is_held_up(parent, fell_short, now) or self._is_denied_lately(parent, now):
            return
        for _ in range(CHILDREN_PER_STEP):
            progress = desk.book.progress(parent)
            wish = child_quantity(progress, due=due, cap=None, filters=instrument.filters)
            if wish == 0 or (not need and wish < worth_sending(parent, now)):
                return
            limit = self._taking_price(parent, instrument, mark, now)
            cap = self._cap(parent, instrument, wish, need, mark, limit, now)
            # a cap that the wish fits changes nothing of it
            quantity = wish if cap >= wish else child_quantity(progress, due=due, cap=cap, filters=instrument.filters)
            if quantity == 0:
                return
            if not may_send(desk.book, account, desk.limits, now, class_of(parent)):
                desk.timers.set(account, now + NS_PER_SECOND)
                return
            if not self.children.place(parent, Ask(quantity, limit), now):
                desk.timers.set(account, now + RETRY_AFTER)
                return
            if due - progress.filled - progress.working - quantity < instrument.filters.lot:
                return

    def _taking_price(self, parent: Parent, instrument: Instrument, mark: int, now: int) -> int:
        widest = self.relaxing.widest(parent)
        return taking_price(
            mark=mark,
            index=self.desk.market.index_price(instrument.index, now),
            collar=self.relaxing.collar_within(parent, widest),
            widest=widest,
            sign=parent.side.sign,
            filters=instrument.filters,
        )

    def _cap(
        self, parent: Parent, instrument: Instrument, wish: int, need: int, mark: int, limit: int, now: int
    ) -> int:
        """Return the most that the next child may be: allowed by volume and depth, and not above the order cap."""
        dearest = mark if parent.side.sign < 0 else int(mark * (1 + collar_max(class_of(parent), self.desk.limits))) + 1
        cap = self._largest(instrument, dearest)
        by_volume = self.allowance.of_volume(parent, wish, now)
        cap = cap if by_volume is None else min(cap, by_volume)
        is_urgent = self.relaxing.urgency(parent, need, now) is not None
        by_depth = self.allowance.of_depth(
            parent, instrument, wish=min(wish, cap), limit=limit, is_urgent=is_urgent, now=now
        )
        return cap if by_depth is None else min(cap, by_depth)

    def _largest(self, instrument: Instrument, price: int) -> int:
        """Return the largest order that the gate lets out, valued at ``price``.

        Where not even the venue's smallest order fits, the gate refuses it and says so: better than silence.
        """
        largest = notional_max(self.desk.limits) // instrument.notional(price=price, quantity=1)
        return max(largest, smallest_order(instrument.filters))
