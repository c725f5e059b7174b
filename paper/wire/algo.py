"""Conditional orders: POST, DELETE and GET /fapi/v1/algoOrder and what goes with it.

The core venue waits for the price of all kinds but the trailing one (``paper.wire.trailing``). ``closePosition`` is
sent as the largest reduce-only order that there may be: it closes what is held, and ends with it.

Source: Binance USDⓈ-M futures API, "New Algo Order", "Cancel Algo Order", "Query Algo Order", read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.order import OrderRequest, TimeInForce, TriggerBy, TriggerKind
from bot.domain.scale import NS_PER_MS
from paper.admission import DUPLICATE_NAME, Refusal
from paper.messages import CancelRequest, SubmitOrder
from paper.wire import trailing
from paper.wire.contracts import Contract
from paper.wire.floor import Call, Floor
from paper.wire.params import Params
from paper.wire.place import (
    BAD_KIND,
    BAD_SIDE,
    BAD_TIME,
    CONDITIONAL_KINDS,
    ORDER_CLASS,
    SIDES,
    TIMES,
    read_client_id,
    read_good_till,
    read_leg,
    read_price,
    read_quantity,
    read_self_trade,
    require_taken,
)
from paper.wire.refusals import Refused, answer_of, invalid, missing, no_such_order, unexpected, unknown_order
from paper.wire.register import Algo, Terms, algo_row
from paper.wire.values import Json
from paper.wire.working import DONE_ALL, page_of

TRAILING = "TRAILING_STOP_MARKET"
WITH_PRICE = ("STOP", "TAKE_PROFIT")
TRIGGERS: Mapping[str, TriggerKind] = {
    "STOP": TriggerKind.STOP, "STOP_MARKET": TriggerKind.STOP, "TRAILING_STOP_MARKET": TriggerKind.STOP,
    "TAKE_PROFIT": TriggerKind.TAKE_PROFIT, "TAKE_PROFIT_MARKET": TriggerKind.TAKE_PROFIT,
}
WORKING = {"CONTRACT_PRICE": TriggerBy.LAST, "MARK_PRICE": TriggerBy.MARK}
CALLBACK_LEAST, CALLBACK_MOST = 10, 1_000        # percent at 10^-2: 0.1 to 10
BAD_CALLBACK = Refusal("-2007", "Invalid callBack rate.")
CLOSES_ALREADY = Refusal(
    "-4130", "An open stop or take profit order with GTE and closePosition in the direction is existing."
)


def place(floor: Floor, call: Call) -> Json:
    """Take a new conditional order."""
    return algo_row(submit(floor, call.account, call.params))


def submit(floor: Floor, account: int, params: Params) -> Algo:
    """Send a conditional order to the core venue, or let it trail; refuse what the venue would not take."""
    if params.text("algoType") != "CONDITIONAL":
        raise invalid("algoType")
    terms, request = _read(floor, account, params)
    if floor.register.has_open_algo(account, terms.client_id):
        raise answer_of(DUPLICATE_NAME)
    if terms.close_position:
        _require_first(floor, account, terms)
    algo = Algo(floor.register.next_algo(), request.name, terms, request, created=floor.now, updated=floor.now)
    floor.register.enter_algo(account, algo)
    try:
        if terms.kind == TRAILING:
            trailing.begin(floor, account, algo)
        else:
            require_taken(floor.tell(SubmitOrder(request)), request.name)
    except Refused:
        floor.register.withdraw_algo(account, algo)
        raise
    return algo


def cancel(floor: Floor, call: Call) -> Json:
    """End a conditional order that waits."""
    algo = _wanted(floor, call, unknown_order())
    if not algo.is_open:
        raise unknown_order()
    end(floor, call.account, algo)
    return {"algoId": algo.number, "clientAlgoId": algo.terms.client_id, "code": "200", "msg": "success"}


def end(floor: Floor, account: int, algo: Algo) -> None:
    """End a conditional order."""
    if algo.terms.kind == TRAILING:
        floor.reports.turn_algo(account, algo, "CANCELED", now=floor.now)
    else:
        floor.tell(CancelRequest(account, algo.core))


def cancel_all(floor: Floor, call: Call) -> Json:
    """End all conditional orders of a symbol."""
    contract = floor.contracts.asked(call.params)
    for algo in [*floor.register.shelf(call.account).open_algos.values()]:
        if algo.terms.contract is contract and algo.is_open:
            end(floor, call.account, algo)
    return {"code": 200, "msg": DONE_ALL}


def query(floor: Floor, call: Call) -> Json:
    """Show a conditional order, whatever has become of it."""
    return algo_row(_wanted(floor, call, no_such_order()))


def list_open(floor: Floor, call: Call) -> Json:
    """Show the conditional orders that wait, of one symbol or of all."""
    contracts = floor.contracts.asked_or_all(call.params)
    return [
        algo_row(algo) for algo in floor.register.shelf(call.account).open_algos.values()
        if algo.terms.contract in contracts
    ]


def list_all(floor: Floor, call: Call) -> Json:
    """Show the conditional orders of a symbol, from an id or a time on, oldest first."""
    algos = floor.register.shelf(call.account).algos.values()
    return [algo_row(algo) for algo in page_of(algos, "algoId", floor, call.params)]


def _read(floor: Floor, account: int, params: Params) -> tuple[Terms, OrderRequest]:
    contract = floor.contracts.asked(params)
    side = params.one_of("side", SIDES, BAD_SIDE)
    kind = params.text("type")
    if kind not in CONDITIONAL_KINDS:
        raise answer_of(BAD_KIND)
    leg, reduce_only = read_leg(floor, account, params)
    closes = _closes_position(params, kind)
    time_in_force = params.one_of("timeInForce", TIMES, BAD_TIME) if params.has("timeInForce") else TimeInForce.GTC
    price = read_price(contract, params, "price") if kind in WITH_PRICE else None
    if kind not in WITH_PRICE and params.has("price"):
        raise unexpected("price")
    good_until = read_good_till(floor, params, time_in_force)
    callback = params.fixed("callbackRate", 2) if kind == TRAILING else 0
    if kind == TRAILING and (not CALLBACK_LEAST <= callback <= CALLBACK_MOST or callback % 10):
        raise answer_of(BAD_CALLBACK)
    working = params.text_or("workingType", "CONTRACT_PRICE")
    if working not in WORKING:
        raise invalid("workingType")
    name = floor.next_name()
    terms = Terms(
        contract=contract,
        client_id=read_client_id(params, "clientAlgoId", f"web_{name}"),
        side=side.value.upper(),
        position_side=params.text_or("positionSide", "BOTH"),
        kind=kind,
        time_in_force=params.text_or("timeInForce", "GTC"),
        quantity=_largest(contract) if closes else read_quantity(contract, params),
        price=price or 0,
        reduce_only=reduce_only or closes,
        close_position=closes,
        working_type=working,
        price_protect=params.flag("priceProtect"),
        self_trade=params.text_or("selfTradePreventionMode", "EXPIRE_MAKER"),
        good_till_ms=good_until // NS_PER_MS,
        trigger_price=0 if kind == TRAILING else read_price(contract, params, "triggerPrice"),
        activate_price=read_price(contract, params, "activatePrice") if params.has("activatePrice") else 0,
        callback_rate=callback,
    )
    request = OrderRequest(
        name=name,
        key=floor.key(account, contract, leg),
        side=side,
        quantity=terms.quantity,
        limit_price=price,
        time_in_force=TimeInForce.IOC if price is None else time_in_force,
        reduce_only=terms.reduce_only,
        order_class=ORDER_CLASS,
        good_until=good_until or None,
        trigger_price=terms.trigger_price or None,
        trigger_kind=TRIGGERS[kind],
        trigger_by=WORKING[working],
        self_trade=read_self_trade(params),
    )
    return terms, request


def _closes_position(params: Params, kind: str) -> bool:
    """Return whether the whole position is to be closed; refuse what does not go with it."""
    if not params.flag("closePosition"):
        return False
    if kind in WITH_PRICE or kind == TRAILING:
        raise Refused(-4136, f"Target strategy invalid for orderType {kind}, closePosition true.")
    for name in ("quantity", "reduceOnly"):
        if params.has(name):
            raise unexpected(name.lower())
    return True


def _largest(contract: Contract) -> int:
    filters = contract.instrument.filters
    lot = filters.market_lot or filters.lot
    most = filters.market_quantity_max or filters.quantity_max
    return most - most % lot


def _require_first(floor: Floor, account: int, terms: Terms) -> None:
    """Refuse a second order that closes the same leg from the same side."""
    for other in floor.register.shelf(account).open_algos.values():
        same = replace(
            other.terms, client_id=terms.client_id, trigger_price=terms.trigger_price, quantity=terms.quantity,
            working_type=terms.working_type, price_protect=terms.price_protect, self_trade=terms.self_trade,
            time_in_force=terms.time_in_force,
        )
        if same == terms:
            raise answer_of(CLOSES_ALREADY)


def _wanted(floor: Floor, call: Call, unknown: Refused) -> Algo:
    """Return the conditional order that is named by its number or by the client's id."""
    shelf, params = floor.register.shelf(call.account), call.params
    if params.has("algoId"):
        found = shelf.algos.get(params.whole("algoId"))
    elif params.has("clientAlgoId"):
        found = shelf.algo_by_client.get(params.text("clientAlgoId"))
    else:
        raise missing("algoId")
    if found is None:
        raise unknown
    return found
