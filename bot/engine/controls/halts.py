"""What is shut: the account by a person (C20-C22), the instrument by the venue (C27)."""

from __future__ import annotations

from bot.domain.denials import DenialCode, Denied
from bot.domain.instrument import TradingState
from bot.domain.latch import Latch
from bot.domain.order import OrderClass, TimeInForce
from bot.engine.controls.case import Case
from bot.engine.record.book import Book, Parent

_TAKING_NOTHING = (TradingState.HALTED, TradingState.CANCEL_ONLY)


def latch(case: Case) -> Denied | None:
    """Reduce-only orders always pass; frozen, so do hedges, which other controls bound."""
    shut = case.account.latch
    if case.request.reduce_only or shut is Latch.OPEN:
        return None
    if shut.is_killed:
        return case.deny(DenialCode.ACCOUNT_KILLED, f"the account is {shut.value}; only reduce-only orders go out")
    if case.request.order_class is not OrderClass.HEDGE:
        return case.deny(DenialCode.ACCOUNT_FROZEN, "the account is frozen; only reducers and hedges go out")
    return None


def trading_state(case: Case) -> Denied | None:
    """The intent stays with its parent, and is judged anew when the venue says that the state has changed."""
    state = case.book.trading[case.instrument.index]
    symbol = case.instrument.symbol
    if state in _TAKING_NOTHING:
        return case.deny(DenialCode.INSTRUMENT_HALTED, f"{symbol} is {state.value}")
    if state is TradingState.POST_ONLY and case.request.time_in_force is not TimeInForce.POST_ONLY:
        return case.deny(
            DenialCode.INSTRUMENT_POST_ONLY, f"{symbol} is post-only, was {case.request.time_in_force.value}"
        )
    if state in (TradingState.REDUCE_ONLY, TradingState.DELISTING) and not case.request.reduce_only:
        return case.deny(DenialCode.INSTRUMENT_REDUCE_ONLY, f"{symbol} is {state.value}")
    return None


def awaits_venue(book: Book, parent: Parent) -> bool:
    """True of a parent whose order was refused since the venue takes none, until it says that it does again."""
    state = book.trading[book.layout.keys[parent.position].instrument]
    return state in _TAKING_NOTHING and parent.denied == DenialCode.INSTRUMENT_HALTED.name
