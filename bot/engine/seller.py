"""From parents to orders: what is due becomes children, the gate judges each, and shortfalls climb the ladder.

The quantity that keeps the account above its survival floor is due at once, whatever any curve says.
"""

from __future__ import annotations

from bot.domain.denials import Denied
from bot.domain.effects import (
    Goal,
    GoalKind,
    Obligation,
    PlaceOrder,
    RaiseAlarm,
    RecordDenial,
    Relaxation,
    RelaxParent,
)
from bot.domain.instrument import Instrument
from bot.domain.names import child_name
from bot.domain.order import OrderClass, OrderRequest, TimeInForce
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.engine.book import Parent
from bot.engine.desk import Desk
from bot.engine.gate import Gate, collar_max, notional_max, sends_left
from bot.engine.market import BUCKET
from bot.execution.curves import next_due_at, parent_due
from bot.execution.ladder import (
    PARTICIPATION_STEPS,
    collar_at,
    is_widest,
    may_relax,
    participation_at,
    useful_collar,
)
from bot.execution.slicer import child_quantity, limit_price, participation_cap, smallest_order
from bot.execution.spec import Tactic
from bot.risk.tiers import PPM

CHILDREN_PER_STEP = 10               # then the market is looked at again
RETRY_AFTER = NS_PER_SECOND          # an order that found nothing at its limit finds nothing sooner
FLOOR_RECHECK = NS_PER_SECOND // 4   # below the floor the need is worked out at most this often per price


class Seller:
    """Sends the children of one engine's parents."""

    def __init__(self, desk: Desk, gate: Gate) -> None:
        self.desk = desk
        self.gate = gate

    def sell(self, account: int, now: int) -> None:
        """Send what is due of all parents of an account, and set the time of the next look."""
        desk = self.desk
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
        level = desk.survival_level(account)
        if desk.columns.distance[account] >= level:
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
        account = desk.layout.keys[parent.position].account
        instrument = desk.layout.instrument_of(parent.position)
        mark = desk.columns.mark[instrument.index]
        if mark is None:
            return
        due = max(parent_due(parent.obligations, parent.name, now), parent.filled + need)
        if parent.fell_short is not None and due > parent.filled and not self._climb(parent, need, now):
            retry = parent.fell_short + RETRY_AFTER
            if now < retry:
                desk.timers.set(account, retry)
                return
        for _ in range(CHILDREN_PER_STEP):
            quantity = self._next_quantity(parent, instrument, due, need, mark, now)
            if quantity == 0:
                return
            if sends_left(desk.book, account, desk.limits, now) < 1:
                desk.timers.set(account, now + NS_PER_SECOND)
                return
            if not self._place(parent, instrument, quantity, mark, now):
                desk.timers.set(account, now + RETRY_AFTER)
                return

    def _next_quantity(
        self, parent: Parent, instrument: Instrument, due: int, need: int, mark: int, now: int
    ) -> int:
        """Return the size of the next child: due, allowed by participation, and not above the order cap."""
        desk = self.desk
        progress = desk.book.progress(parent)
        wish = child_quantity(progress, due=due, cap=None, filters=instrument.filters)
        if wish == 0 or (not need and wish < _worth_sending(parent, now)):
            return 0
        allowed = None if need else self._participation(parent, wish, now)
        largest = notional_max(desk.limits) // instrument.notional(price=_dearer(mark, desk, parent), quantity=1)
        # Where not even the venue's smallest order fits, the gate refuses it and says so: better than silence.
        largest = max(largest, smallest_order(instrument.filters))
        cap = largest if allowed is None else min(largest, allowed)
        return child_quantity(progress, due=due, cap=cap, filters=instrument.filters)

    def _place(self, parent: Parent, instrument: Instrument, quantity: int, mark: int, now: int) -> bool:
        """Put one child through the gate; return whether it passed."""
        desk = self.desk
        request = OrderRequest(
            name=child_name(parent.name, parent.next_child),
            key=desk.layout.keys[parent.position],
            side=parent.side,
            quantity=quantity,
            limit_price=limit_price(
                mark=mark, collar=self._collar(parent), sign=parent.side.sign, tick=instrument.filters.tick
            ),
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            order_class=_class(parent),
        )
        verdict = self.gate.judge(request, now)
        if isinstance(verdict, Denied):
            desk.emit(RecordDenial(request, verdict.code, verdict.detail, now))
            desk.emit(RaiseAlarm("order_denied", verdict.detail, now))
            return False
        desk.emit(PlaceOrder(verdict, parent.name, parent.next_child, now))
        return True

    # The ladder --------------------------------------------------------------------------------------------

    def _collar(self, parent: Parent) -> float:
        return collar_at(parent.collar_level, first=_first_collar(parent), widest=self._widest(parent))

    def _widest(self, parent: Parent) -> float:
        """Return how far the collar may go: the class's limit, and never where a sale does more harm than good."""
        columns = self.desk.columns
        account = self.desk.layout.keys[parent.position].account
        widest = collar_max(_class(parent), self.desk.limits)
        if not columns.known[account]:
            return widest
        useful = useful_collar(
            distance=columns.distance_at(parent.position), maintenance_rate=columns.rate_ppm[parent.position] / PPM
        )
        return min(widest, useful)

    def _climb(self, parent: Parent, need: int, now: int) -> bool:
        """Widen the collar one step if the parent may; return whether it did, and so may try at once."""
        order_class = _class(parent)
        is_urgent = (
            need > 0
            or any(duty.tactic == Tactic.LADDER.value for duty in parent.obligations)
            or all(now >= duty.deadline for duty in parent.obligations)
        )
        widest = self._widest(parent)
        first = _first_collar(parent)
        if not (may_relax(order_class) and is_urgent) or is_widest(parent.collar_level, first=first, widest=widest):
            return False
        level = parent.collar_level + 1
        wider = collar_at(level, first=first, widest=widest)
        self.desk.emit(
            RelaxParent(
                parent.name, Relaxation.COLLAR, level, f"unfilled; the collar widens to {wider:.2%}", now
            )
        )
        return True

    def _participation(self, parent: Parent, wish: int, now: int) -> int | None:
        """Return what participation allows now, or None where nothing caps it.

        Relaxes one step per slice while a margin parent is held back by it; looks again when volume has come.
        """
        caps = [duty.participation_max for duty in parent.obligations]
        if any(cap is None for cap in caps):
            return None
        is_late = all(now >= duty.deadline for duty in parent.obligations)
        if is_late and may_relax(_class(parent)):
            return None
        first = max(cap for cap in caps if cap is not None)
        interval = min(duty.interval for duty in parent.obligations)
        share = participation_at(parent.participation_level, first=first)
        allowed = self._allowed(parent, share, interval, now)
        if (
            allowed is not None and allowed < wish and may_relax(_class(parent))
            and parent.participation_level < len(PARTICIPATION_STEPS)
            and now - max(parent.participation_relaxed, parent.opened) >= interval
        ):
            level = parent.participation_level + 1
            share = participation_at(level, first=first)
            self.desk.emit(
                RelaxParent(
                    parent.name, Relaxation.PARTICIPATION, level, f"held back; participation goes to {share:.0%}", now
                )
            )
            allowed = self._allowed(parent, share, interval, now)
        if allowed is not None and allowed < wish:
            self.desk.timers.set(self.desk.layout.keys[parent.position].account, now + BUCKET)
        return allowed

    def _allowed(self, parent: Parent, share: float | None, interval: int, now: int) -> int | None:
        if share is None or share >= 1:
            return None
        since = now - max(interval, NS_PER_MINUTE)
        instrument = self.desk.layout.keys[parent.position].instrument
        ours = self.desk.book.working[parent.position]
        for moment, quantity in parent.fills:
            if moment > since:
                ours += quantity
        return participation_cap(share=share, traded=self.desk.market.traded_since(instrument, since), ours=ours)


def _worth_sending(parent: Parent, now: int) -> int:
    """Return the smallest child worth its spread: half a slice of the largest curve, until the deadline.

    Increases have curves of their own; without this each would send crumbs at its own moments.
    """
    largest = max(parent.obligations, key=lambda duty: duty.quantity)
    if now >= max(duty.deadline for duty in parent.obligations):
        return 0
    slices = max(1, (largest.deadline - largest.start) // largest.interval)
    return largest.quantity // slices // 2


def _first_collar(parent: Parent) -> float | None:
    """Return the widest collar that any obligation starts with; None where none states one."""
    stated = [duty.collar for duty in parent.obligations if duty.collar is not None]
    return max(stated, default=None)


def _class(parent: Parent) -> OrderClass:
    """A parent that serves survival among others is one of survival."""
    if any(duty.order_class is OrderClass.MARGIN for duty in parent.obligations):
        return OrderClass.MARGIN
    return _only(parent.obligations)


def _only(obligations: tuple[Obligation, ...]) -> OrderClass:
    return obligations[0].order_class if obligations else OrderClass.COST


def _dearer(mark: int, desk: Desk, parent: Parent) -> int:
    """Return the highest price at which the gate may value a child: a buy's limit lies above the mark."""
    widest = collar_max(_class(parent), desk.limits)
    return mark if parent.side.sign < 0 else int(mark * (1 + widest)) + 1
