"""How large and how many: the venue's filters (C2, C17), the cap on one order (C1), the pace (C4, C6)."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from bot.domain.denials import DenialCode, Denied
from bot.domain.order import OrderClass
from bot.domain.scale import CASH_DIGITS, NS_PER_HOUR, NS_PER_SECOND, cash_text, to_fixed
from bot.engine.controls.case import SURVIVAL, Case
from bot.engine.record.book import AccountBook, Book
from bot.engine.spec import LimitsSpec

ROUNDING = 1e-9                      # 10/s less 90 % is one order, also in floating point


def filters(case: Case) -> Denied | None:
    """The venue would refuse it; an emergency has no time to learn that over the wire."""
    request, filters = case.request, case.instrument.filters
    lot, most = filters.lot, filters.quantity_max
    if request.limit_price is None:                      # a market order, once its trigger is reached
        lot = filters.market_lot or lot
        most = filters.market_quantity_max or most
    if request.quantity % lot:
        code = DenialCode.QUANTITY_OFF_LOT
    elif request.quantity < max(filters.quantity_min, 1):
        code = DenialCode.QUANTITY_BELOW_MIN
    elif request.quantity > most:
        code = DenialCode.QUANTITY_ABOVE_MAX
    else:
        return None
    return case.deny(code, f"quantity was {case.quantity_text(request.quantity)}")


def open_orders(case: Case) -> Denied | None:
    """The venue counts an account's open orders per instrument, those that wait for a trigger apart."""
    filters = case.instrument.filters
    most = filters.conditional_orders_max if case.is_stop else filters.orders_max
    if most is None:
        return None
    layout, key = case.book.layout, case.request.key
    count = 0
    # A stop that was triggered is an order like any other.
    for order in (case.book.stops if case.is_stop else case.book.orders).values():
        other = layout.keys[order.position]
        count += (other.account, other.instrument) == (key.account, key.instrument)
    if count >= most:
        return case.deny(DenialCode.ORDERS_ABOVE_MAX, f"{count} are open in {case.instrument.symbol}, it takes {most}")
    return None


def notional(case: Case) -> Denied | None:
    """The cap binds each order, reducing or not; the venue's minimum binds those it does not exempt (C1).

    A stop is as large as what it protects: no cap.
    """
    request, filters = case.request, case.instrument.filters
    price = max(request.limit_price or request.trigger_price or 0, case.mark or 0)
    if price <= 0:
        return case.deny(DenialCode.PRICE_MISSING, f"limit price was {request.limit_price}")
    value = case.instrument.notional(price=price, quantity=request.quantity)
    cap = notional_max(case.limits)
    if value > cap and not case.is_stop:
        return case.deny(DenialCode.NOTIONAL_ABOVE_MAX, f"worth {cash_text(value)}, the cap is {cash_text(cap)}")
    exempt = request.reduce_only and filters.reduce_only_below_notional_min
    if value < filters.notional_min and not exempt:
        return case.deny(
            DenialCode.NOTIONAL_BELOW_MIN,
            f"worth {cash_text(value)}, the venue takes {cash_text(filters.notional_min)}",
        )
    return None


def rate(case: Case) -> Denied | None:
    """No more than order_rate_max messages in any second, and of those some are for emergencies alone (C4)."""
    account, order_class = case.request.key.account, case.request.order_class
    if may_send(case.book, account, case.limits, case.now, order_class):
        return None
    most = case.limits.order_rate_max
    if not may_send(case.book, account, case.limits, case.now):
        return case.deny(DenialCode.RATE_EXCEEDED, f"{most:g}/s were sent in the last second")
    return case.deny(
        DenialCode.RATE_RESERVED,
        f"{sends_max(case.limits, order_class)} of {most:g}/s were sent in the last second, the rest is kept for "
        "emergencies",
    )


def throttle(case: Case) -> Denied | None:
    """What is automated and does not end stops by itself; survival is told of and goes on (C6)."""
    if case.is_survival:
        return None
    this_hour, day = others_sent(case.account, case.now)
    limits = case.limits
    if this_hour >= limits.orders_per_hour_max:
        return case.deny(
            DenialCode.CHILDREN_ABOVE_MAX, f"{this_hour} were sent in this hour, may {limits.orders_per_hour_max}"
        )
    if day >= limits.orders_per_day_max:
        return case.deny(
            DenialCode.CHILDREN_ABOVE_MAX, f"{day} were sent in 24 hours, may {limits.orders_per_day_max}"
        )
    return None


def others_sent(account: AccountBook, now: int) -> tuple[int, int]:
    """Return the orders outside the margin class in the hour of the clock under way, and with the 23 before it."""
    number = now // NS_PER_HOUR
    day = [hour for hour in account.hours if hour.number > number - 24]
    return sum(hour.others for hour in day if hour.number == number), sum(hour.others for hour in day)


def survival_sent(account: AccountBook, now: int) -> int:
    """Return the orders of the margin class, and stops, in the hour of the clock under way."""
    return sum(hour.survival for hour in account.hours if hour.number == now // NS_PER_HOUR)


def notional_max(limits: LimitsSpec) -> int:
    """Return the cap on one order, cash."""
    return _cash(limits.order_notional_max.amount)


@lru_cache(maxsize=64)               # asked for twice by every order
def _cash(amount: Decimal) -> int:
    return to_fixed(amount, CASH_DIGITS)


def sends_max(limits: LimitsSpec, order_class: OrderClass) -> int:
    """Return up to how many messages of an account in one second an order of a class may still leave.

    Rounded down, at least 1: where the rate is so low that a share of it is no order, none is kept back.
    """
    if order_class in SURVIVAL:
        return int(limits.order_rate_max)
    return max(1, int(limits.order_rate_max * (1 - limits.order_rate_reserve) + ROUNDING))


def may_send(
    book: Book, account: int, limits: LimitsSpec, now: int, order_class: OrderClass = OrderClass.MARGIN
) -> bool:
    """True while an order of a class may still leave in the second that ends at ``now``.

    Orders, stops and cancels of every class count, from the moment they are decided.
    """
    sends, most = book.accounts[account].sends, sends_max(limits, order_class)
    return len(sends) < most or sends[-most] <= now - NS_PER_SECOND
