"""Fold one fact or effect into the book: the only code that changes it, the same live and in recovery.

Folding decides nothing. Facts that were folded already (a doubled fill, a late report, a snapshot older
than the last fill) change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from bot.domain.effects import (
    CancelOrder,
    Effect,
    EndParent,
    LookUpOrder,
    OpenParent,
    PassOverName,
    PauseParent,
    PlaceOrder,
    RecordDenial,
    Relaxation,
    RelaxParent,
    ReserveNames,
    ReviseParent,
)
from bot.domain.events import (
    AccountFact,
    FillOrigin,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
)
from bot.domain.names import STOPS_FROM, parent_of
from bot.domain.order import OrderClass, OrderStatus, Report, Side, next_status
from bot.engine.record.absence import settles_absence
from bot.engine.record.book import TRADE_IDS_KEPT, Book, Order, Parent, Reservation
from bot.engine.record.fold_account import ACCOUNT_FOLDERS, is_in_snapshot, move_position
from bot.engine.record.fold_halts import HALT_FOLDERS, note_sent
from bot.engine.record.fold_lost import credit_lost, lose_parent
from bot.engine.record.fold_rules import RULE_FOLDERS
from bot.engine.record.fold_stops import STOP_FOLDERS, is_stop_line, note_denied, pass_over_stop, take_of_stop
from bot.engine.record.heard import gist_of, hear, is_known
from bot.execution.refusals import PRICE_REFUSED, WOULD_TAKE

_ENDED_AS = {
    OrderStatus.FILLED: Report.FILLED_WHOLLY,
    OrderStatus.CANCELED: Report.CANCELED,
    OrderStatus.EXPIRED: Report.EXPIRED,
}


def fold(book: Book, item: AccountFact | Effect) -> None:
    """Fold ``item``; kinds that change nothing durable (alarms, timers) pass through."""
    if book.stops:
        take_of_stop(book, item)
    folder = _FOLDERS.get(type(item))
    if folder is not None:
        folder(book, item)


# Facts ----------------------------------------------------------------------------------------------------


def _order_filled(book: Book, fact: OrderFilled) -> None:
    account = book.accounts[fact.account]
    hear(account, fact.number)
    was_known = is_known(account, fact)
    account.trade_ids[fact.trade_id] = gist_of(fact)
    if was_known:
        return
    if len(account.trade_ids) > TRADE_IDS_KEPT:
        del account.trade_ids[next(iter(account.trade_ids))]
    account.last_fill = max(account.last_fill, fact.stamp)
    account.fees += fact.fee
    if not is_in_snapshot(account, fact.stamp):
        account.wallet -= fact.fee
        move_position(book, fact)
    if fact.origin is not FillOrigin.OURS:
        return
    order = book.orders.get(fact.name)
    if order is not None:
        _fill_order(book, order, fact.quantity)
    parent = _parent_credited(book, fact)
    if parent is not None:
        parent.filled += fact.quantity
        parent.spent += (fact.price - parent.arrival_price) * fact.side.sign * fact.quantity
        parent.fills.append((fact.now, fact.quantity))
    else:
        credit_lost(book, fact)


def _parent_credited(book: Book, fact: OrderFilled) -> Parent | None:
    """Return the parent of a fill; of a late one the parent that took over, whose total includes it.

    What a stop sold is nobody's: parents see that there is less to sell.
    """
    name = parent_of(fact.name)
    own = book.parents.get(name)
    if own is not None:
        return own
    position = book.layout.position(fact.key)
    if is_stop_line(book, position, name):
        return None
    successor = book.parent_of[position]
    if successor is None or book.parents[successor].side is not fact.side:
        return None
    return book.parents[successor]


def _fill_order(book: Book, order: Order, quantity: int) -> None:
    """Count a fill of a live order; it proves that the venue has it, whatever is said later.

    More than was left frees no more than that: a contradiction must not make room to sell twice.
    """
    book.working[order.position] -= min(quantity, order.leaves)
    order.filled += quantity
    order.status = next_status(order.status, Report.ACCEPTED)
    order.absent_since = None
    if order.leaves <= 0:
        _settle(book, order, Report.FILLED_WHOLLY)


def _order_accepted(book: Book, fact: OrderAccepted) -> None:
    order = book.orders.get(fact.name)
    if order is not None:
        order.status = next_status(order.status, Report.ACCEPTED)
        order.absent_since = None


def _order_ended(book: Book, fact: OrderEnded) -> None:
    order = book.orders.get(fact.name)
    if order is None or order.final is not None:
        return
    if fact.filled < order.quantity and order.good_until is None:
        _fell_short(book, order, fact.now)
    before = order.leaves
    order.final = max(fact.filled, order.filled)
    book.working[order.position] -= before - order.leaves
    if order.leaves == 0:
        _settle(book, order, _ENDED_AS[fact.status])


def _order_rejected(book: Book, fact: OrderRejected) -> None:
    parent = _never_worked(book, fact.name, fact.now, Report.REJECTED)
    if parent is not None and fact.code in PRICE_REFUSED:
        parent.fell_short, parent.refused = fact.now, None
    elif parent is not None and fact.code == WOULD_TAKE:
        parent.steps_back += 1


def _order_not_sent(book: Book, fact: OrderNotSent) -> None:
    _never_worked(book, fact.name, fact.now, Report.NOT_SENT)


def _never_worked(book: Book, name: str, now: int, report: Report) -> Parent | None:
    """Take an order that the venue never took off the book; return its parent, if this was news to it."""
    order = book.orders.get(name)
    if order is None or next_status(order.status, report) is order.status:
        return None
    book.working[order.position] -= order.leaves
    _settle(book, order, report)
    parent = book.parents.get(order.parent)
    if parent is not None:
        parent.refused = now
    return parent


def _outcome_unknown(book: Book, fact: OrderOutcomeUnknown) -> None:
    order = book.orders.get(fact.name)
    if order is not None:
        order.status = next_status(order.status, Report.OUTCOME_UNKNOWN)


def _order_not_found(book: Book, fact: OrderNotFound) -> None:
    order = book.orders.get(fact.name)
    if order is None:
        return
    if settles_absence(book, fact):
        _never_worked(book, fact.name, fact.now, Report.ABSENT)
    elif order.absent_since is None:
        order.absent_since = fact.now


def _settle(book: Book, order: Order, report: Report) -> None:
    """Take an order that can fill no more off the book."""
    order.status = next_status(order.status, report)
    del book.orders[order.name]
    if order.good_until is not None and report is not Report.REJECTED and order.parent in book.parents:
        book.parents[order.parent].steps_back = 0


def _fell_short(book: Book, order: Order, now: int) -> None:
    parent = book.parents.get(order.parent)
    if parent is not None:
        parent.fell_short = now


# Effects --------------------------------------------------------------------------------------------------


def _open_parent(book: Book, effect: OpenParent) -> None:
    position = book.layout.position(effect.key)
    book.parents[effect.parent] = Parent(
        name=effect.parent,
        position=position,
        side=effect.side,
        quantity=effect.quantity,
        keep=effect.keep,
        obligations=effect.obligations,
        opened=effect.now,
        traded=effect.traded,
        turnover=effect.turnover,
        arrival_price=effect.arrival_price,
        hedged_to=effect.hedged_to,
    )
    book.parent_of[position] = effect.parent
    book.reserved_for[position] = None


def _revise_parent(book: Book, effect: ReviseParent) -> None:
    parent = book.parents[effect.parent]
    parent.quantity = effect.quantity
    parent.keep = effect.keep
    parent.hedged_to = effect.hedged_to
    parent.obligations = effect.obligations
    parent.paused = None


def _relax_parent(book: Book, effect: RelaxParent) -> None:
    parent = book.parents[effect.parent]
    match effect.what:
        case Relaxation.COLLAR:
            parent.collar_level = effect.level
            parent.fell_short = None
        case Relaxation.PARTICIPATION:
            parent.participation_level = effect.level
            parent.relaxed = effect.now
        case Relaxation.PASSIVITY:
            parent.passivity_level = effect.level
            parent.relaxed = effect.now
        case Relaxation.DEPTH:
            parent.depth_level = effect.level
        case Relaxation.DEADLINE:
            parent.deadline_level = effect.level
        case Relaxation.BUDGET:
            parent.budget_level = effect.level
            parent.paused = None
        case _:
            assert_never(effect.what)


def _pause_parent(book: Book, effect: PauseParent) -> None:
    book.parents[effect.parent].paused = effect.now


def _end_parent(book: Book, effect: EndParent) -> None:
    parent = book.parents.pop(effect.parent)
    if book.parent_of[parent.position] == effect.parent:
        book.parent_of[parent.position] = None
    book.reservations.pop(effect.parent, None)


def _reserve_names(book: Book, effect: ReserveNames) -> None:
    end = effect.first_child + effect.count
    known = book.reservations.get(effect.parent)
    if known is None:
        account = book.accounts[effect.key.account]
        account.next_counter += 1
        book.reservations[effect.parent] = Reservation(
            effect.parent, effect.key, effect.side, end, effect.quantity_max
        )
        position = book.layout.position(effect.key)
        stale = book.reserved_for[position]
        if stale is not None:
            book.reservations.pop(stale, None)
        book.reserved_for[position] = effect.parent
    else:
        known.end = end
        known.quantity_max = max(known.quantity_max, effect.quantity_max)


def _place_order(book: Book, effect: PlaceOrder) -> None:
    request = effect.approved.request
    position = book.layout.position(request.key)
    book.orders[request.name] = Order(
        name=request.name,
        parent=effect.parent,
        position=position,
        side=request.side,
        quantity=request.quantity,
        limit_price=request.limit_price or 0,
        sent=effect.now,
        asked=effect.now,
        order_class=request.order_class,
        is_reduce_only=request.reduce_only,
        good_until=request.good_until,
    )
    book.working[position] += request.quantity
    note_sent(book, effect)
    parent = book.parents.get(effect.parent)
    if parent is not None:
        parent.next_child = effect.child + 1
        parent.fell_short = None
        parent.refused = None
        parent.denied = None
        if request.good_until is not None:
            parent.joined = effect.now


def _cancel_order(book: Book, effect: CancelOrder) -> None:
    """Note that it was asked, a message like any other (C4); the order works until the venue has answered."""
    book.accounts[effect.account].sends.append(effect.now)
    order = book.orders.get(effect.name)
    if order is None:
        return
    order.cancel_asked = effect.now
    parent = book.parents.get(order.parent)
    if parent is not None:
        parent.joined = effect.now


def _look_up_order(book: Book, effect: LookUpOrder) -> None:
    order = book.orders.get(effect.name)
    if order is not None:
        order.asked = effect.now


def _pass_over_name(book: Book, effect: PassOverName) -> None:
    """Move on behind a name that the venue knows; a parent that has not begun under it never will."""
    if effect.counter >= STOPS_FROM:
        pass_over_stop(book, effect)
        return
    account = book.accounts[effect.account]
    account.next_counter = max(account.next_counter, effect.counter + 1)
    reservation = book.reservations.get(effect.parent)
    parent = book.parents.get(effect.parent)
    if parent is not None:
        parent.next_child = max(parent.next_child, effect.child + 1)
        if reservation is not None:
            reservation.end = max(reservation.end, effect.child + 1)
    elif reservation is not None and effect.parent in book.reserved_for:
        lose_parent(book, reservation, now=effect.now)


def _record_denial(book: Book, effect: RecordDenial) -> None:
    if effect.request.order_class is OrderClass.STOP:
        note_denied(book, effect)
        return
    position = book.layout.position(effect.request.key)
    name = book.parent_of[position]
    if name is not None:
        book.parents[name].refused = effect.now
        book.parents[name].denied = effect.code.name


def reducing_side(quantity: int) -> Side:
    """Return the side that brings a signed position towards zero."""
    return Side.SELL if quantity > 0 else Side.BUY


_FOLDERS: dict[type, Callable[[Book, Any], None]] = {
    OrderFilled: _order_filled,
    OrderAccepted: _order_accepted,
    OrderEnded: _order_ended,
    OrderRejected: _order_rejected,
    OrderNotSent: _order_not_sent,
    OrderOutcomeUnknown: _outcome_unknown,
    OrderNotFound: _order_not_found,
    **ACCOUNT_FOLDERS,
    **RULE_FOLDERS,
    **STOP_FOLDERS,
    **HALT_FOLDERS,
    OpenParent: _open_parent,
    ReviseParent: _revise_parent,
    RelaxParent: _relax_parent,
    EndParent: _end_parent,
    ReserveNames: _reserve_names,
    PauseParent: _pause_parent,
    PlaceOrder: _place_order,
    CancelOrder: _cancel_order,
    LookUpOrder: _look_up_order,
    PassOverName: _pass_over_name,
    RecordDenial: _record_denial,
}
