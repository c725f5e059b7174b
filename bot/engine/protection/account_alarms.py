"""What a person is told of an account's facts, at once and whatever the rules make of them."""

from __future__ import annotations

from bot.domain.effects import RaiseAlarm
from bot.domain.events import (
    AccountFact,
    FillOrigin,
    InstrumentStatus,
    LiquidationStage,
    MarginCall,
    OrderFilled,
    OrderNotFound,
    OrderRejected,
    OrderTriggered,
)
from bot.domain.order import OrderStatus
from bot.domain.scale import cash_text, to_text
from bot.engine.desk import Desk
from bot.engine.record.absence import settles_absence
from bot.engine.record.heard import contradicts
from bot.engine.record.margin_calls import called_at, is_standing


def tell_of(desk: Desk, fact: AccountFact) -> None:
    """Alarm for what others did to an account, a lost order, and what the venue takes; before it is folded."""
    layout = desk.layout
    if isinstance(fact, InstrumentStatus):
        symbol = layout.instruments[fact.instrument].symbol
        code, detail = "instrument_status", f"{symbol}: the venue says {fact.state.value}; orders wait if it takes none"
    elif isinstance(fact, LiquidationStage):
        code, detail = (
            "liquidated",
            f"{layout.position_label(fact.key)}: the venue closed {cash_text(fact.notional)} of it, "
            f"fee {cash_text(fact.fee)}",
        )
    elif isinstance(fact, OrderTriggered | OrderRejected):
        told = _of_stop(desk, fact)
        if told is None:
            return
        code, detail = told
    elif isinstance(fact, OrderFilled) and contradicts(desk.book.accounts[fact.account], fact):
        code, detail = "fill_differs", _of_contradiction(desk, fact)
    elif isinstance(fact, OrderFilled) and fact.origin is not FillOrigin.OURS:
        quantity = to_text(fact.quantity, layout.instruments[fact.key.instrument].quantity_digits)
        code, detail = (
            f"external_{fact.origin.value}",
            f"{layout.position_label(fact.key)}: {fact.side.value} of {quantity} was not ours",
        )
    elif isinstance(fact, MarginCall) and _begins(desk, fact):
        code, detail = (
            "margin_call",
            f"{layout.accounts[fact.account].name}: the venue calls for margin; the account is near liquidation",
        )
    elif isinstance(fact, LiquidationStage):
        code, detail = (
            "liquidated",
            f"{layout.position_label(fact.key)}: the venue closed {cash_text(fact.notional)} of it, "
            f"fee {cash_text(fact.fee)}",
        )
    elif isinstance(fact, OrderNotFound) and _is_lost(desk, fact):
        code, detail = (
            "order_lost",
            f"order {fact.name}: the venue had it and has it no more; what it filled, only the account says",
        )
    else:
        return
    desk.emit(RaiseAlarm(code, detail, desk.book.now))


def _of_contradiction(desk: Desk, fact: OrderFilled) -> str:
    instrument = desk.layout.instruments[fact.key.instrument]
    return (
        f"{desk.layout.position_label(fact.key)}: trade {fact.trade_id} is told as {fact.side.value} of "
        f"{to_text(fact.quantity, instrument.quantity_digits)} at {to_text(fact.price, instrument.price_digits)}, "
        "and was told otherwise before; what was booked stays, and the account is read"
    )


def _of_stop(desk: Desk, fact: OrderTriggered | OrderRejected) -> tuple[str, str] | None:
    """Return what is told of a resting stop; of other orders, and of what was told before, nothing."""
    stop = desk.book.stops.get(fact.name)
    if stop is None:
        return None
    instrument = desk.layout.instrument_of(stop.position)
    label = desk.layout.position_label(desk.layout.keys[stop.position])
    price, quantity = (
        to_text(stop.trigger_price, instrument.price_digits), to_text(stop.quantity, instrument.quantity_digits)
    )
    if isinstance(fact, OrderTriggered):
        return "stop_triggered", f"{label}: the mark reached {price}; the venue closes {quantity} at the market"
    return "stop_refused", f"{label}: the venue takes no stop at {price}, {fact.code}: {fact.detail}"


def _is_lost(desk: Desk, fact: OrderNotFound) -> bool:
    """True when an order that the venue had accepted is believed gone by this fact."""
    return desk.book.orders[fact.name].status is OrderStatus.WORKING if settles_absence(desk.book, fact) else False


def _begins(desk: Desk, fact: MarginCall) -> bool:
    """True unless a call stands already, or this one is so old that it stands no more."""
    grace = desk.layout.accounts[fact.account].margin_call_grace
    return not is_standing(desk.layout, desk.book, fact.account) and fact.now < called_at(fact) + grace
