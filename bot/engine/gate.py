"""The only way out: every order becomes ``Approved`` or ``Denied``, an operator's too.

Each control is a small function of the request and the state that returns a denial or nothing; the first
denial counts. Exits are judged too, but no control here can keep a position from being reduced for longer
than a moment: an order that is too large is to be split, one that comes too fast is to come later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.denials import DenialCode, Denied
from bot.domain.instrument import Instrument
from bot.domain.names import NAME_LENGTH_MAX, child_name
from bot.domain.order import Approved, OrderClass, OrderRequest
from bot.domain.scale import CASH_DIGITS, NS_PER_SECOND, cash_text, to_fixed, to_text
from bot.engine.book import Book
from bot.engine.columns import Columns
from bot.engine.spec import LimitsSpec

VALID_FOR = 2 * NS_PER_SECOND        # an order older than this was decided on another market

REDUCING = frozenset({OrderClass.MARGIN, OrderClass.COST})


@dataclass(frozen=True, slots=True)
class _Case:
    """One request and what it is judged by."""

    request: OrderRequest
    instrument: Instrument
    mark: int
    held: int                        # signed
    working: int                     # unsigned, of all our orders on the position
    book: Book
    limits: LimitsSpec
    now: int


class Gate:
    """Judges requests against the limits; stateless but for what it is given to look at."""

    def __init__(self, book: Book, columns: Columns, limits: LimitsSpec) -> None:
        self.book = book
        self.columns = columns
        self.limits = limits

    def judge(self, request: OrderRequest, now: int) -> Approved | Denied:
        """Return the order approved, or the first reason against it."""
        position = self.book.layout.position_index.get(request.key)
        if position is None:
            return Denied(DenialCode.INSTRUMENT_UNKNOWN, f"order {request.name}: no such position, was {request.key}")
        mark = self.columns.mark[request.key.instrument]
        if mark is None:
            return Denied(DenialCode.MARK_UNAVAILABLE, f"order {request.name}: no mark price, or only an old one")
        case = _Case(
            request=request,
            instrument=self.book.layout.instrument_of(position),
            mark=mark,
            held=self.book.quantity[position],
            working=self.book.working[position],
            book=self.book,
            limits=self.limits,
            now=now,
        )
        for control in CONTROLS:
            denied = control(case)
            if denied is not None:
                return denied
        return Approved(request=request, valid_until=now + VALID_FOR, book_version=self.book.seq)


def _name(case: _Case) -> Denied | None:
    """The name must lie in a durable reservation and be new (I6, I8)."""
    name = case.request.name
    parent = name[: -len(child_name("", 0))]
    reservation = case.book.reservations.get(parent)
    if len(name) > NAME_LENGTH_MAX or reservation is None or name >= child_name(parent, reservation.end):
        return Denied(DenialCode.NAME_NOT_RESERVED, f"order {name}: its name was not reserved")
    if reservation.key != case.request.key or reservation.side is not case.request.side:
        return Denied(DenialCode.NAME_NOT_RESERVED, f"order {name}: its name is reserved for another order")
    known = case.book.parents.get(parent)
    used = known is not None and name < child_name(parent, known.next_child)
    if used or name in case.book.orders:
        return Denied(DenialCode.NAME_REUSED, f"order {name}: an order of this name was sent before")
    return None


def _freeze(case: _Case) -> Denied | None:
    if case.book.accounts[case.request.key.account].frozen and not case.request.reduce_only:
        return Denied(DenialCode.ACCOUNT_FROZEN, "order: the account is frozen; only reduce-only orders go out")
    return None


def _reduce_only(case: _Case) -> Denied | None:
    """A reducer is marked so, is on the reducing side, and fits what is held and not yet being sold (I1)."""
    request = case.request
    if not request.reduce_only:
        if request.order_class in REDUCING:
            return Denied(
                DenialCode.REDUCE_ONLY_MISSING, f"order: class {request.order_class.value} must be reduce-only"
            )
        return None
    if case.held * request.side.sign >= 0:
        return Denied(
            DenialCode.REDUCE_ONLY_INCREASES,
            f"order: a {request.side.value} does not reduce a position of {_quantity(case, case.held)}",
        )
    room = abs(case.held) - case.working
    if request.quantity > room:
        return Denied(
            DenialCode.REDUCE_ONLY_FLIPS,
            f"order: quantity was {_quantity(case, request.quantity)}, of {_quantity(case, abs(case.held))} held "
            f"with {_quantity(case, case.working)} already working",
        )
    return None


def _filters(case: _Case) -> Denied | None:
    """The venue would refuse it; an emergency has no time to learn that over the wire."""
    request, filters = case.request, case.instrument.filters
    if request.quantity % filters.lot:
        return Denied(DenialCode.QUANTITY_OFF_LOT, f"order: quantity was {_quantity(case, request.quantity)}")
    if request.quantity < max(filters.quantity_min, 1):
        return Denied(DenialCode.QUANTITY_BELOW_MIN, f"order: quantity was {_quantity(case, request.quantity)}")
    if request.quantity > filters.quantity_max:
        return Denied(DenialCode.QUANTITY_ABOVE_MAX, f"order: quantity was {_quantity(case, request.quantity)}")
    return None


def _price(case: _Case) -> Denied | None:
    """Never without a limit, on tick, and no further from the mark than the class may go (C3)."""
    limit = case.request.limit_price
    if limit is None or limit <= 0:
        return Denied(DenialCode.PRICE_MISSING, f"order: limit price was {limit}")
    if limit % case.instrument.filters.tick:
        return Denied(DenialCode.PRICE_OFF_TICK, f"order: limit price was {_price_text(case, limit)}")
    widest = collar_max(case.request.order_class, case.limits)
    away = (limit - case.mark) * case.request.side.sign / case.mark
    if away > widest:
        return Denied(
            DenialCode.COLLAR_BREACHED,
            f"order: limit was {away:.3%} past the mark {_price_text(case, case.mark)}, the collar is {widest:.3%}",
        )
    return None


def _notional(case: _Case) -> Denied | None:
    """The cap binds each order, reducing or not; the venue's minimum binds those it does not exempt (C1)."""
    request, filters = case.request, case.instrument.filters
    if request.limit_price is None:
        return Denied(DenialCode.PRICE_MISSING, "order: limit price was None")
    value = case.instrument.notional(price=max(request.limit_price, case.mark), quantity=request.quantity)
    cap = notional_max(case.limits)
    if value > cap:
        return Denied(DenialCode.NOTIONAL_ABOVE_MAX, f"order: worth {cash_text(value)}, the cap is {cash_text(cap)}")
    exempt = request.reduce_only and filters.reduce_only_below_notional_min
    if value < filters.notional_min and not exempt:
        return Denied(
            DenialCode.NOTIONAL_BELOW_MIN,
            f"order: worth {cash_text(value)}, the venue takes {cash_text(filters.notional_min)}",
        )
    return None


def _rate(case: _Case) -> Denied | None:
    """No more than order_rate_max orders in any second (C4)."""
    if sends_left(case.book, case.request.key.account, case.limits, case.now) < 1:
        return Denied(
            DenialCode.RATE_EXCEEDED, f"order: {case.limits.order_rate_max:g}/s were sent in the last second"
        )
    return None


CONTROLS: tuple[Callable[[_Case], Denied | None], ...] = (
    _name, _freeze, _reduce_only, _filters, _price, _notional, _rate,
)


def collar_max(order_class: OrderClass, limits: LimitsSpec) -> float:
    """Return how far past the mark an order of a class may be priced, a fraction."""
    return limits.margin_collar_max if order_class is OrderClass.MARGIN else limits.price_collar


def notional_max(limits: LimitsSpec) -> int:
    """Return the cap on one order, cash."""
    return to_fixed(limits.order_notional_max.amount, CASH_DIGITS)


def sends_left(book: Book, account: int, limits: LimitsSpec, now: int) -> int:
    """Return how many orders may still leave in the second that ends at ``now``."""
    recent = 0
    for sent in reversed(book.accounts[account].sends):
        if sent <= now - NS_PER_SECOND:
            break
        recent += 1
    return int(limits.order_rate_max) - recent


def _quantity(case: _Case, quantity: int) -> str:
    return to_text(quantity, case.instrument.quantity_digits)


def _price_text(case: _Case, price: int) -> str:
    return to_text(price, case.instrument.price_digits)
