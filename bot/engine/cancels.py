"""The one door by which cancels leave. None needs the gate's word, since no cancel can raise exposure.

    ours       at once, whatever the rate: what still works may fill
    foreign    as many as the rate of orders lets out, the rest a second later: a person may have hundreds resting

Both count towards the rate, and both are in the record before they leave.
"""

from __future__ import annotations

from bot.domain.effects import CancelOrder
from bot.domain.open_order import CancelForeignOrder, OpenOrder
from bot.domain.scale import NS_PER_SECOND
from bot.engine.controls.sizes import may_send
from bot.engine.desk import Desk

CANCEL_AGAIN = 5 * NS_PER_SECOND     # an unanswered cancel was lost; asking twice harms nothing


def cancel(desk: Desk, account: int, name: str, now: int) -> None:
    """Have an order of ours cancelled."""
    desk.emit(CancelOrder(account, name, now))


def cancel_foreign(desk: Desk, account: int, order: OpenOrder, why: str, now: int) -> bool:
    """Have somebody else's order cancelled; return False where it was asked lately, or must wait for its turn."""
    asked = desk.book.accounts[account].cancels_asked.get(order.venue_id)
    if asked is not None and now < asked + CANCEL_AGAIN:
        desk.timers.set(account, asked + CANCEL_AGAIN)
        return False
    if not may_send(desk.book, account, desk.limits, now):
        desk.timers.set(account, now + NS_PER_SECOND)
        return False
    desk.emit(CancelForeignOrder(account, order, why, now))
    desk.timers.set(account, now + CANCEL_AGAIN)
    return True
