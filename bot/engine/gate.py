"""The only way out: every order becomes ``Approved`` or ``Denied``, an operator's too.

Each control is a small function of the request and the state that returns a denial or nothing; the first
denial counts, unless a person lets that control rest for a time. Exits are judged too, but no control here can keep
a position from being reduced for longer than a moment: an order that is too large is to be split, one that comes too
fast is to come later. What each code does to an exit stands in ``bot.domain.denials``.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.denials import CONTROLS as KNOWN_CONTROLS
from bot.domain.denials import DenialCode, Denied
from bot.domain.order import Approved, OrderRequest
from bot.domain.scale import NS_PER_SECOND
from bot.engine.controls import exposure, halts, identity, prices, sizes
from bot.engine.controls.case import Case
from bot.engine.controls.prices import collar_max
from bot.engine.controls.sizes import may_send, notional_max
from bot.engine.measures.columns import Columns
from bot.engine.measures.market import Market
from bot.engine.record.book import Book
from bot.engine.spec import LimitsSpec

__all__ = ["CONTROLS", "VALID_FOR", "Gate", "collar_max", "may_send", "notional_max"]

VALID_FOR = 2 * NS_PER_SECOND        # an order older than this was decided on another market

CONTROLS: tuple[Callable[[Case], Denied | None], ...] = (
    identity.name, prices.mark_price, halts.latch, halts.trading_state, exposure.reduce_only, sizes.filters,
    prices.trigger, prices.limit_price, sizes.notional, sizes.open_orders, exposure.equity, exposure.hedge,
    prices.plausible, identity.duplicate, sizes.throttle, sizes.rate,
)


class Gate:
    """Judges requests against the limits; stateless but for what it is given to look at."""

    def __init__(self, book: Book, columns: Columns, market: Market, limits: LimitsSpec) -> None:
        self.book = book
        self.columns = columns
        self.market = market
        self.limits = limits

    def judge(self, request: OrderRequest, now: int) -> Approved | Denied:
        """Return the order approved, or the first reason against it."""
        position = self.book.layout.position_index.get(request.key)
        if position is None:
            return Denied(DenialCode.INSTRUMENT_UNKNOWN, f"order {request.name}: no such position, was {request.key}")
        mark = self.columns.mark[request.key.instrument]
        case = Case(
            request=request,
            position=position,
            instrument=self.book.layout.instrument_of(position),
            mark=mark if mark is not None and mark > 0 else None,
            held=self.book.quantity[position],
            working=self.book.working[position],
            book=self.book,
            columns=self.columns,
            market=self.market,
            limits=self.limits,
            now=now,
        )
        for control in CONTROLS:
            denied = control(case)
            if denied is None:
                continue
            if KNOWN_CONTROLS[denied.code].is_overridable and case.is_overridden(denied.code):
                continue
            return denied
        return Approved(request=request, valid_until=now + VALID_FOR, book_version=self.book.seq)
