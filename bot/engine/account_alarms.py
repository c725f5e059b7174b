"""What a person is told of an account's facts, at once and whatever the rules make of them."""

from __future__ import annotations

from bot.domain.effects import RaiseAlarm
from bot.domain.events import AccountFact, FillOrigin, InstrumentStatus, MarginCall, OrderFilled
from bot.domain.scale import to_text
from bot.engine.desk import Desk
from bot.engine.margin_calls import called_at, is_standing


def tell_of(desk: Desk, fact: AccountFact) -> None:
    """Alarm for a fill that was not ours, a margin call that begins, and what the venue takes; before it is folded."""
    layout = desk.layout
    if isinstance(fact, InstrumentStatus):
        symbol = layout.instruments[fact.instrument].symbol
        code, detail = "instrument_status", f"{symbol}: the venue says {fact.state.value}; orders wait if it takes none"
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
    else:
        return
    desk.emit(RaiseAlarm(code, detail, desk.book.now))


def _begins(desk: Desk, fact: MarginCall) -> bool:
    """True unless a call stands already, or this one is so old that it stands no more."""
    grace = desk.layout.accounts[fact.account].margin_call_grace
    return not is_standing(desk.layout, desk.book, fact.account) and fact.now < called_at(fact) + grace
