"""What orders the venue takes in an instrument: it may pause, and say so to everybody.

    halted        none, and nothing trades; a cancel is answered with the order as it stands
    cancel_only   none, and nothing trades; cancels are taken
    post_only     those that would rest
    reduce_only, delisting    those that only close

Prices go on, and with them margin and liquidation: the venue takes over what it closes. What waits for its trigger is
looked at again when trading resumes.
"""

from __future__ import annotations

from bot.domain.events import InstrumentStatus
from bot.domain.instrument import TradingState
from paper.exchange import Exchange
from paper.state import StatusDue

PAUSED = (TradingState.HALTED, TradingState.CANCEL_ONLY)


def is_paused(exchange: Exchange, index: int) -> bool:
    """True while nothing trades in an instrument."""
    return exchange.markets[index].state in PAUSED


def change(exchange: Exchange, index: int, state: TradingState) -> None:
    """Take other orders from now on, and say so unless it is nothing new."""
    market = exchange.markets[index]
    if market.state is state:
        return
    market.state = state
    told = InstrumentStatus(exchange.told, exchange.at, index, state)
    exchange.reports.append((exchange.told, told))


def plan(exchange: Exchange, index: int) -> None:
    """Have the interruptions of an instrument begin and end, counted from now, its first price."""
    for interruption in exchange.spec.interruptions:
        if interruption.instrument == index:
            begins = exchange.at + interruption.after
            exchange.schedule(begins, StatusDue(index, interruption.state))
            exchange.schedule(begins + interruption.lasts, StatusDue(index, TradingState.TRADING))
