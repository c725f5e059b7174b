"""From plan to parents: per position one desired holding, and one parent order that brings it about.

What is desired comes from ``bot.engine.deciding.arbiter``. The parent is opened, revised, superseded or ended
until what it is to leave is just that. A parent either reduces or, for a hedge, adds; it never does both.
"""

from __future__ import annotations

from bot.domain.copying import replace
from bot.domain.effects import (
    EndParent,
    GoalKind,
    OpenParent,
    ParentEnd,
    ReserveNames,
    ReviseParent,
)
from bot.domain.names import CHILDREN_MAX, parent_name
from bot.domain.obligation import Obligation
from bot.domain.order import Side
from bot.engine.deciding.arbiter import Desired, Want, desired
from bot.engine.deciding.duties import new_obligation
from bot.engine.deciding.fires import end_episode
from bot.engine.desk import Desk
from bot.engine.record.book import Parent
from bot.engine.record.fold import reducing_side
from bot.execution.slicer import is_residual, smallest_order
from bot.execution.spec import Algo
from bot.rules.ruleset import Rule

NAMES_AT_ONCE = 32                   # children reserved ahead; a minute of one-second retries fits in two
NAMES_LEFT_MIN = 12                  # more than the children of one step
CHILDREN_PER_PARENT = CHILDREN_MAX - 2 * NAMES_AT_ONCE   # then the names run out, and another parent goes on
CURVES_MAX = 16                      # per episode and parent; a further increase joins the newest curve


class Parents:
    """Opens, revises and ends the parents of one engine."""

    def __init__(self, desk: Desk, rules: dict[str, Rule]) -> None:
        self.desk = desk
        self.rules = rules

    def reconcile(self, account: int, now: int) -> None:
        """Bring the parents of one account in line with its episodes, and keep names reserved."""
        book = self.desk.book
        for position in self.desk.layout.positions_of[account]:
            if book.episodes or book.parent_of[position] is not None:
                self._meet(position, now)
            self._reserve(position)

    def _meet(self, position: int, now: int) -> None:
        """Bring a position's parent in line with what the episodes want of it."""
        self._end_unsellable(position, now)
        wish = self._desired(position)
        name = self.desk.book.parent_of[position]
        parent = self.desk.book.parents[name] if name is not None else None
        if parent is not None and (wish is None or not _goes_on(parent, wish)):
            self._end(parent, self._reason(parent), now)
            parent = None
        if wish is not None:
            self._fulfil(position, parent, wish, now)

    def cancel_unwanted(self, now: int) -> None:
        """End the parents that no live episode asks for any more: an operator took their rules away."""
        for parent in list(self.desk.book.parents.values()):
            if self._desired(parent.position) is None:
                self._end(parent, ParentEnd.CANCELED, now)

    def _side(self, position: int) -> Side | None:
        """Return the side that reduces what is held, or None when nothing is."""
        held = self.desk.book.quantity[position]
        return reducing_side(held) if held else None

    def _desired(self, position: int) -> Desired | None:
        desk = self.desk
        smallest = smallest_order(desk.layout.instrument_of(position).filters)
        return desired(
            desk.book, self.rules, position, smallest=smallest,
            smallest_added=lambda: smallest_order(desk.adding_filters(position)),
        )

    def _end_unsellable(self, position: int, now: int) -> None:
        """End a position's episodes when the venue takes no order as small as what they still want sold."""
        held = abs(self.desk.book.quantity[position])
        smallest = smallest_order(self.desk.layout.instrument_of(position).filters)
        for episode in list(self.desk.book.episodes.values()):
            is_of_position = episode.goal.kind in (GoalKind.FLAT, GoalKind.REDUCE) and position in episode.keeps
            if is_of_position and 0 < held - episode.keeps[position] < smallest:
                end_episode(self.desk, episode, "residual below the venue's minimum", now)

    def _reason(self, parent: Parent) -> ParentEnd:
        """Say why a parent that nobody wants any more has ended."""
        if parent.filled >= parent.quantity:
            return ParentEnd.FILLED
        if not parent.is_hedge and parent.side is not self._side(parent.position):
            return ParentEnd.POSITION_GONE
        if is_residual(self.desk.book.progress(parent), self.desk.instrument_for(parent).filters):
            return ParentEnd.RESIDUAL
        return ParentEnd.GOAL_MET

    def _fulfil(self, position: int, parent: Parent | None, wish: Desired, now: int) -> None:
        desk = self.desk
        if parent is None:
            obligations = tuple(self._new_obligation(position, want, want.left, 0, now) for want in wish.wants)
            self._open(position, obligations, wish, now)
            return
        obligations = self._revised(parent, wish, now)
        is_used_up = parent.next_child >= CHILDREN_PER_PARENT
        # A snapshot may show a fill before its report comes; a total that was counted in between is too small.
        total = parent.filled + wish.left
        is_enough = wish.keep == parent.keep and total <= parent.quantity
        if obligations == parent.obligations and is_enough and not is_used_up:
            return
        if is_used_up or _is_more_urgent(obligations, parent):
            self._end(parent, ParentEnd.SUPERSEDED, now)
            rebased = tuple(replace(duty, base=duty.base - parent.filled) for duty in obligations)
            self._open(position, rebased, wish, now)
        else:
            hedged_to = wish.holding if wish.is_hedge else None
            desk.emit(ReviseParent(parent.name, total, wish.keep, obligations, now, hedged_to))

    def _open(self, position: int, obligations: tuple[Obligation, ...], wish: Desired, now: int) -> None:
        desk = self.desk
        key = desk.layout.keys[position]
        mark = desk.columns.mark[key.instrument]
        if mark is None:
            return
        self._reserve_next(position, wish.side, wish.left)
        name = desk.book.reserved_for[position]
        if name is None:
            return
        middle = desk.market.middle(key.instrument, now)
        desk.emit(
            OpenParent(
                parent=name,
                key=key,
                side=wish.side,
                quantity=wish.left,
                keep=wish.keep,
                obligations=obligations,
                decision_price=wish.decision_price(position, mark=mark),
                arrival_price=mark if middle is None else middle,
                traded=desk.market.traded[key.instrument],
                turnover=desk.market.turnover[key.instrument],
                now=now,
                hedged_to=wish.holding if wish.is_hedge else None,
            )
        )

    def _end(self, parent: Parent, reason: ParentEnd, now: int) -> None:
        market = self.desk.market
        instrument = self.desk.layout.keys[parent.position].instrument
        self.desk.emit(
            EndParent(
                parent=parent.name,
                reason=reason,
                market_volume=market.traded[instrument] - parent.traded,
                market_turnover=market.turnover[instrument] - parent.turnover,
                now=now,
            )
        )

    def _reserve(self, position: int) -> None:
        """Keep the names of the next parent that reduces, and of the open one's next children, reserved."""
        desk = self.desk
        key = desk.layout.keys[position]
        held = desk.book.quantity[position]
        if held:
            self._reserve_next(position, reducing_side(held), abs(held))
        open_name = desk.book.parent_of[position]
        if open_name is not None:
            parent = desk.book.parents[open_name]
            reservation = desk.book.reservations[open_name]
            if reservation.end - parent.next_child < NAMES_LEFT_MIN:
                desk.emit(
                    ReserveNames(
                        open_name, key, parent.side, reservation.end, NAMES_AT_ONCE, reservation.quantity_max
                    )
                )

    def _reserve_next(self, position: int, side: Side, most: int) -> None:
        """Reserve names for a parent that is not open yet, unless they are; those of another side are given up."""
        desk = self.desk
        key = desk.layout.keys[position]
        name = desk.book.reserved_for[position]
        known = desk.book.reservations.get(name) if name is not None else None
        if known is None or known.side is not side:
            counter = desk.book.accounts[key.account].next_counter
            name = parent_name(desk.marker, key, side, counter)
            desk.emit(ReserveNames(name, key, side, 0, NAMES_AT_ONCE, most))
        elif known.quantity_max < most:
            desk.emit(ReserveNames(known.parent, key, side, 0, NAMES_AT_ONCE, most))

    def _new_obligation(self, position: int, want: Want, quantity: int, base: int, now: int) -> Obligation:
        return new_obligation(
            want.rule,
            episode=want.episode.number,
            quantity=quantity,
            base=base,
            market=self.desk.market,
            instrument=self.desk.layout.keys[position].instrument,
            now=now,
        )

    def _revised(self, parent: Parent, wish: Desired, now: int) -> tuple[Obligation, ...]:
        """Return the obligations of a wish: those that stand, and new curves for what was added.

        Everything is counted from the parent's start, so what is left of a want means filled + left in all.
        """
        revised: list[Obligation] = []
        for want in wish.wants:
            standing = [duty for duty in parent.obligations if duty.episode == want.episode.number]
            total = parent.filled + want.left
            if not standing:
                revised.append(self._new_obligation(parent.position, want, want.left, parent.filled, now))
                continue
            promised = standing[0].base + sum(duty.quantity for duty in standing)
            more = total - promised
            if more > 0 and len(standing) < CURVES_MAX:
                standing.append(self._new_obligation(parent.position, want, more, standing[0].base, now))
            elif more > 0:
                standing[-1] = replace(standing[-1], quantity=standing[-1].quantity + more)
            revised.extend(standing)
        return tuple(revised)


def _goes_on(parent: Parent, wish: Desired) -> bool:
    """True when a parent can bring a wish about: it trades to the same side, for a like purpose."""
    return parent.side is wish.side and parent.is_hedge is wish.is_hedge


def _is_more_urgent(obligations: tuple[Obligation, ...], parent: Parent) -> bool:
    """True when something is to be sold at once that the open parent was taking its time over."""
    now_is = Algo.NOW.value
    return any(duty.algo == now_is for duty in obligations) and all(
        duty.algo != now_is for duty in parent.obligations
    )
