"""Trailing stops: from the activation price on the best price is followed, and a fall back by the callback rate sells.

    a sell   activated at or above its price, follows the highest, sent at highest x (1 - rate)
    a buy    activated at or below its price, follows the lowest, sent at lowest x (1 + rate)

Without an activation price it follows from the start. It is looked at with every price that the venue learns. One that
only reduces ends with its position. Source: Binance USDⓈ-M futures API, "New Algo Order", read 2026-11.
"""

from __future__ import annotations

from bot.domain.events import OrderRejected
from bot.domain.order import Side, TriggerBy
from paper.admission import NOTHING_TO_REDUCE, TRIGGERS_AT_ONCE
from paper.booking import reduces
from paper.holdings import closes_only
from paper.messages import SubmitOrder
from paper.wire.floor import Floor
from paper.wire.refusals import answer_of
from paper.wire.register import Algo
from paper.wire.trail import Trail


def begin(floor: Floor, account: int, algo: Algo) -> None:
    """Let an order trail from now on; refuse one that is activated already, or has nothing to reduce."""
    price, activate = watched(floor, algo), algo.terms.activate_price
    if price and activate:
        is_sell = algo.request.side is Side.SELL
        if (price >= activate) if is_sell else (price <= activate):
            raise answer_of(TRIGGERS_AT_ONCE)
    trail = Trail(account, algo)
    if _is_idle(floor, trail):
        raise answer_of(NOTHING_TO_REDUCE)
    if price:
        trail.is_due(price)
    floor.trails.append(trail)
    floor.reports.turn_algo(account, algo, "NEW", now=floor.now)


def follow(floor: Floor, index: int) -> None:
    """Take in the present price of an instrument; send the orders that are due, end those without a position."""
    for trail in [*floor.trails]:
        algo = trail.algo
        if algo.terms.contract.index != index:
            continue
        if not algo.is_open:
            floor.trails.remove(trail)
        elif _is_idle(floor, trail):
            floor.trails.remove(trail)
            floor.reports.turn_algo(trail.account, algo, "EXPIRED", now=floor.now)
        elif (price := watched(floor, algo)) and trail.is_due(price):
            floor.trails.remove(trail)
            _send(floor, trail)


def watched(floor: Floor, algo: Algo) -> int:
    """Return the price that an order watches, 0 before there is one."""
    index = algo.terms.contract.index
    if algo.request.trigger_by is TriggerBy.MARK:
        return floor.exchange.mark(index) or 0
    return floor.exchange.markets[index].last or 0


def _is_idle(floor: Floor, trail: Trail) -> bool:
    request = trail.algo.request
    return closes_only(request) and reduces(floor.account(trail.account), request) == 0


def _send(floor: Floor, trail: Trail) -> None:
    algo = trail.algo
    algo.triggered = floor.now
    floor.reports.turn_algo(trail.account, algo, "TRIGGERING", now=floor.now)
    order = floor.reports.send_triggered(trail.account, algo, now=floor.now)
    facts = floor.tell(SubmitOrder(algo.request))
    if any(isinstance(fact, OrderRejected) and fact.name == algo.core for _, fact in facts):
        floor.register.withdraw(trail.account, order)
        algo.order = None
        floor.reports.turn_algo(trail.account, algo, "REJECTED", now=floor.now)
