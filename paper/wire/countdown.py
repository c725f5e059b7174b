"""The dead man's switch: POST /fapi/v1/countdownCancelAll.

At its end all open orders of the symbol are cancelled. Conditional orders stay: the venue's page speaks of open
orders as allOpenOrders does, and a switch that took the protective stop away would protect nobody.
"""

from __future__ import annotations

from bot.domain.scale import NS_PER_MS
from paper.wire.floor import Call, Floor
from paper.wire.refusals import Refused
from paper.wire.values import Json
from paper.wire.working import end_all


def set_countdown(floor: Floor, call: Call) -> Json:
    """Begin a countdown anew, or stop it with 0."""
    contract = floor.contracts.asked(call.params)
    wait_ms = call.params.whole("countdownTime")
    if wait_ms < 0:
        raise Refused(-1130, "Data sent for parameter 'countdownTime' is not valid.")
    if wait_ms:
        floor.deadlines.set(call.account, contract.symbol, floor.now + wait_ms * NS_PER_MS)
    else:
        floor.deadlines.drop(call.account, contract.symbol)
    return {"symbol": contract.symbol, "countdownTime": str(wait_ms)}


def run_out(floor: Floor) -> None:
    """Cancel the orders of the countdowns that have ended by now."""
    for account, symbol in floor.deadlines.due(floor.now):
        end_all(floor, account, floor.contracts.named(symbol))
