"""Fold what is learned and decided of resting stops. Part of ``bot.engine.record.fold``, and called from there only.

``take_of_stop`` runs ahead of the folder of whatever concerns an order by its name: a stop whose trigger was reached
becomes an ordinary order, on which that folder then works; for one that waits still there is nothing left to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.domain.effects import CancelOrder, LookUpOrder, PassOverName, PlaceStop, RecordDenial, ReserveStopNames
from bot.domain.events import (
    FillOrigin,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderTriggered,
)
from bot.domain.names import STOPS_FROM, ParsedName, child_name
from bot.domain.order import OrderClass, Report, next_status
from bot.engine.record.absence import is_second_witness
from bot.engine.record.book import Book, Order, Reservation
from bot.engine.record.stops import Stop, StopLine


def take_of_stop(book: Book, item: Any) -> None:
    """Take what ``item`` says of a resting stop; anything else passes through."""
    folder = _OF_STOPS.get(type(item))
    if folder is not None and item.name in book.stops:
        folder(book, book.stops[item.name], item)


def is_stop_line(book: Book, position: int, parent: str) -> bool:
    """Say whether the orders under a parent's name are the stops of a position."""
    return book.stop_lines[position].parent == parent


def is_unrecorded(book: Book, parent: str, name: ParsedName) -> bool:
    """Say whether a stop that the venue knows is none that the book sent."""
    for line in book.stop_lines:
        if line.parent == parent:
            return name.child >= line.next_child
    return name.counter - STOPS_FROM >= book.accounts[name.account].next_stops


def is_known_to_rest(book: Book, fact: OrderAccepted) -> bool:
    """Say whether a look-up tells nothing new of a stop."""
    stop = book.stops.get(fact.name)
    return stop is not None and stop.is_seen


# Facts ----------------------------------------------------------------------------------------------------


def _accepted(book: Book, stop: Stop, fact: OrderAccepted) -> None:
    del fact
    stop.status = next_status(stop.status, Report.ACCEPTED)
    stop.absent_since = None
    book.stop_lines[stop.position].failures = 0


def _triggered(book: Book, stop: Stop, fact: OrderTriggered | OrderFilled) -> None:
    """From its trigger on it is an order like any other, and what it may fill counts as working."""
    if isinstance(fact, OrderFilled) and fact.origin is not FillOrigin.OURS:
        return
    del book.stops[stop.name]
    order = book.orders[stop.name] = Order(
        name=stop.name,
        parent=stop.name[: -len(child_name("", 0))],
        position=stop.position,
        side=stop.side,
        quantity=stop.quantity,
        limit_price=0,
        sent=stop.sent,
        asked=fact.now,
        order_class=OrderClass.STOP,
        status=next_status(stop.status, Report.ACCEPTED),
    )
    book.working[stop.position] += order.quantity


def _ended(book: Book, stop: Stop, fact: OrderEnded) -> None:
    """One that ended with fills had been triggered, whether we were told or not."""
    if fact.filled:
        _triggered(book, stop, OrderTriggered(fact.now, fact.account, fact.name))
    else:
        del book.stops[stop.name]


def _refused(book: Book, stop: Stop, fact: OrderRejected | OrderNotSent) -> None:
    report = Report.REJECTED if isinstance(fact, OrderRejected) else Report.NOT_SENT
    if next_status(stop.status, report) is not stop.status:
        _failed(book, stop, fact.now)


def _unknown(book: Book, stop: Stop, fact: OrderOutcomeUnknown) -> None:
    del book, fact
    stop.status = next_status(stop.status, Report.OUTCOME_UNKNOWN)


def _not_found(book: Book, stop: Stop, fact: OrderNotFound) -> None:
    """Two witnesses, and it is gone, even one that was accepted: no position must trust in it any longer."""
    if stop.absent_since is None:
        stop.absent_since = fact.now
    elif is_second_witness(fact, stop.absent_since):
        _failed(book, stop, fact.now)


def _failed(book: Book, stop: Stop, now: int) -> None:
    del book.stops[stop.name]
    line = book.stop_lines[stop.position]
    line.failures += 1
    line.failed_at = now


# Effects --------------------------------------------------------------------------------------------------


def _asked(book: Book, stop: Stop, effect: LookUpOrder) -> None:
    del book
    stop.asked = effect.now


def _cancel_asked(book: Book, stop: Stop, effect: CancelOrder) -> None:
    del book
    if stop.cancel_asked is None:
        stop.asked = effect.now      # its answer says what became of the stop; again is no new question
    stop.cancel_asked = effect.now


def _reserve_stop_names(book: Book, effect: ReserveStopNames) -> None:
    end = effect.first_child + effect.count
    known = book.reservations.get(effect.parent)
    if known is not None:
        known.end = end
        known.quantity_max = max(known.quantity_max, effect.quantity_max)
        return
    book.accounts[effect.key.account].next_stops += 1
    book.reservations[effect.parent] = Reservation(effect.parent, effect.key, effect.side, end, effect.quantity_max)
    position = book.layout.position(effect.key)
    line = book.stop_lines[position]
    if line.parent is not None:
        book.reservations.pop(line.parent, None)
    book.stop_lines[position] = StopLine(effect.parent, 0, line.failures, line.failed_at)


def _place_stop(book: Book, effect: PlaceStop) -> None:
    request = effect.approved.request
    position = book.layout.position(request.key)
    book.stops[request.name] = Stop(
        name=request.name,
        position=position,
        side=request.side,
        quantity=request.quantity,
        trigger_price=request.trigger_price or 0,
        sent=effect.now,
        asked=effect.now,
    )
    book.stop_lines[position].next_child = effect.child + 1
    book.accounts[request.key.account].sends.append(effect.now)


def pass_over_stop(book: Book, effect: PassOverName) -> None:
    """Move on behind a stop's name that the venue knows and the book does not."""
    account = book.accounts[effect.account]
    account.next_stops = max(account.next_stops, effect.counter - STOPS_FROM + 1)
    for line in book.stop_lines:
        if line.parent == effect.parent:
            line.next_child = max(line.next_child, effect.child + 1)
            reservation = book.reservations[effect.parent]
            reservation.end = max(reservation.end, effect.child + 1)


def note_denied(book: Book, effect: RecordDenial) -> None:
    """Count a stop that our own gate refused."""
    line = book.stop_lines[book.layout.position(effect.request.key)]
    line.failures += 1
    line.failed_at = effect.now


_OF_STOPS: dict[type, Callable[[Book, Stop, Any], None]] = {
    OrderAccepted: _accepted,
    OrderTriggered: _triggered,
    OrderFilled: _triggered,
    OrderEnded: _ended,
    OrderRejected: _refused,
    OrderNotSent: _refused,
    OrderOutcomeUnknown: _unknown,
    OrderNotFound: _not_found,
    LookUpOrder: _asked,
    CancelOrder: _cancel_asked,
}
STOP_FOLDERS: dict[type, Callable[[Book, Any], None]] = {
    ReserveStopNames: _reserve_stop_names,
    PlaceStop: _place_stop,
}
