"""Fold what shuts and opens the gate: latches, overrides, the state of instruments, the counts of orders sent.

Part of ``bot.engine.record.fold``, and called from there only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.domain.effects import PlaceOrder, SetLatch, SetOverride
from bot.domain.events import InstrumentStatus
from bot.domain.order import OrderClass
from bot.domain.scale import NS_PER_HOUR
from bot.engine.record.book import AccountBook, Book, Hour, Sent

HOURS_KEPT = 24                      # what "in the day" looks back over, the hour under way included


def note_sent(book: Book, effect: PlaceOrder) -> None:
    """Count an order towards the limits of its account from the moment it is decided (C5)."""
    request = effect.approved.request
    account = book.accounts[request.key.account]
    account.sends.append(effect.now)
    position = book.layout.position(request.key)
    book.last_sent[position] = Sent(effect.parent, request.side, request.quantity, request.limit_price, effect.now)
    _count(account, effect.now // NS_PER_HOUR, request.order_class in (OrderClass.MARGIN, OrderClass.STOP))


def _count(account: AccountBook, number: int, is_survival: bool) -> None:
    hours = [hour for hour in account.hours if hour.number > number - HOURS_KEPT]
    last = hours.pop() if hours and hours[-1].number == number else Hour(number)
    if is_survival:
        hours.append(Hour(number, last.survival + 1, last.others))
    else:
        hours.append(Hour(number, last.survival, last.others + 1))
    account.hours = hours


def _set_latch(book: Book, effect: SetLatch) -> None:
    book.accounts[effect.account].latch = effect.latch


def _set_override(book: Book, effect: SetOverride) -> None:
    overrides = book.accounts[effect.account].overrides
    if effect.until > effect.now:
        overrides[effect.control.name] = effect.until
    else:
        overrides.pop(effect.control.name, None)


def _instrument_status(book: Book, fact: InstrumentStatus) -> None:
    book.trading[fact.instrument] = fact.state


HALT_FOLDERS: dict[type, Callable[[Book, Any], None]] = {
    SetLatch: _set_latch,
    SetOverride: _set_override,
    InstrumentStatus: _instrument_status,
}
