"""What the venue knows and the record does not: facts missed on the way, and orders that an older record has lost.

After a kill the newest facts may be gone, and after the restore of a backup the newest orders too. Both are asked
for again. What comes is folded like any report: fills move the position unless a snapshot holds them, and count for
the parent whose name they carry, or that took over. A name that the venue has seen is never used again.
"""

from __future__ import annotations

from bot.domain.effects import CatchUp, PassOverName, RaiseAlarm, ReadAccount
from bot.domain.events import (
    AccountFact,
    OpenOrderGone,
    OpenOrderSeen,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
)
from bot.domain.names import ParsedName, child_name, parse_name
from bot.domain.order import OrderStatus
from bot.engine.cancels import cancel
from bot.engine.desk import Desk
from bot.engine.protection.account_alarms import tell_of
from bot.engine.record.book import Book
from bot.engine.record.fold import fold
from bot.engine.record.fold_open_orders import is_late
from bot.engine.record.fold_stops import is_known_to_rest, is_unrecorded
from bot.engine.record.heard import contradicts, opens_gap, was_heard

_TELLS_OF_ORDER = (OrderAccepted, OrderEnded, OrderFilled)
_CHILD_LETTERS = len(child_name("", 0))


def take(desk: Desk, fact: AccountFact) -> bool:
    """Fold a fact of an account, tell a person what matters, and ask for what is seen to be missing.

    Returns False when there is nothing to decide: the venue has a stop that rests, as it said before.
    """
    if was_heard(desk.book, fact):
        return True
    if isinstance(fact, OrderAccepted) and is_known_to_rest(desk.book, fact):
        fold(desk.book, fact)        # the record has it, and folding the record must give this book
        return False
    account: int = fact.account  # type: ignore[union-attr]  # the engine hands in nothing else
    tell_of(desk, fact)
    if isinstance(fact, _TELLS_OF_ORDER):
        _pass_over_unknown(desk, fact)
    is_behind = opens_gap(desk.book, fact)
    must_read = _leaves_a_doubt(desk, fact)
    fold(desk.book, fact)
    if is_behind:
        catch_up(desk, account)
    if must_read:
        desk.emit(ReadAccount(account, desk.book.now))
    return True


def _leaves_a_doubt(desk: Desk, fact: AccountFact) -> bool:
    """True when only the whole account can say what is: a trade is told in two ways, an order was lost, or open
    orders were told out of turn.
    """
    if isinstance(fact, OrderFilled):
        return contradicts(desk.book.accounts[fact.account], fact)
    if isinstance(fact, OpenOrderSeen | OpenOrderGone):
        return is_late(desk.book.accounts[fact.account], fact)
    return isinstance(fact, OrderNotFound) and _was_working(desk, fact)


def _was_working(desk: Desk, fact: OrderNotFound) -> bool:
    """True of an order that the venue had accepted: what it filled before it was lost, only the account says."""
    order = desk.book.orders.get(fact.name)
    return order is not None and order.status is OrderStatus.WORKING


def catch_up(desk: Desk, account: int) -> None:
    """Ask for all that the venue told of an account since what the book knows for sure."""
    known = desk.book.accounts[account]
    desk.emit(CatchUp(account, known.facts_through, max(known.last_fill, known.snapshot_taken), desk.book.now))


def pass_over_reserved(desk: Desk, account: int) -> None:
    """Use no name that an earlier process had reserved and is not known to have used: its order may be on its way.

    The venue takes a name again once its order has ended, and what was on the wire at a kill is on no page. Where such
    an order fills after all, its fill counts for whoever sells the position then.
    """
    book = desk.book
    for position in desk.layout.positions_of[account]:
        line, open_name = book.stop_lines[position], book.parent_of[position]
        used = {book.reserved_for[position]: 0, line.parent: line.next_child}
        if open_name is not None:
            used[open_name] = book.parents[open_name].next_child
        for name, next_child in used.items():
            reservation = None if name is None else book.reservations.get(name)
            if reservation is None or next_child >= reservation.end:
                continue
            last = parse_name(desk.marker, child_name(reservation.parent, reservation.end - 1))
            assert last is not None, "reserved names are ours"
            desk.emit(PassOverName(account, reservation.parent, last.counter, last.child, book.now))


def _pass_over_unknown(desk: Desk, fact: OrderAccepted | OrderEnded | OrderFilled) -> None:
    """Never use the name of an order that we do not know to have sent, and cancel what rests of ours for nobody."""
    book, account = desk.book, fact.account
    parsed = parse_name(desk.marker, fact.name)
    if parsed is None or parsed.account != account or fact.name in book.orders or fact.name in book.stops:
        return
    parent = fact.name[:-_CHILD_LETTERS]
    is_unknown = _is_unknown(book, account, parent, parsed)
    if is_unknown:
        desk.emit(PassOverName(account, parent, parsed.counter, parsed.child, book.now))
        desk.emit(
            RaiseAlarm(
                "order_unrecorded",
                f"order {fact.name}: is at the venue and not in the journal; an older journal was restored, or another "
                "program uses our marker. Its fills are counted, its name and those before it are passed over",
                book.now,
            )
        )
    if isinstance(fact, OrderAccepted) and (is_unknown or parent not in book.parents):
        cancel(desk, account, fact.name, book.now)


def _is_unknown(book: Book, account: int, parent: str, name: ParsedName) -> bool:
    """True of a name that lies beyond all that we have used; one that was used and is over does not."""
    if name.is_stop:
        return is_unrecorded(book, parent, name)
    if parent in book.parents:
        return name.child >= book.parents[parent].next_child
    return parent in book.reserved_for or name.counter >= book.accounts[account].next_counter
