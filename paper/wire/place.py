"""New orders: POST /fapi/v1/order. Form is judged here, with the venue's words; the rest by the core venue.

Source: Binance USDⓈ-M futures API, "New Order" and "Error Codes", read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.account import PositionSide
from bot.domain.events import OrderRejected
from bot.domain.order import OrderClass, OrderRequest, SelfTrade, Side, TimeInForce
from bot.domain.scale import NS_PER_MS
from paper.admission import DUPLICATE_NAME, NAME_MALFORMED, NAME_PATTERN, WRONG_SIDE, Refusal
from paper.messages import SubmitOrder
from paper.spec import PositionMode
from paper.wire.contracts import Contract
from paper.wire.floor import Call, Floor
from paper.wire.params import Params
from paper.wire.refusals import Refused, answer_of, missing, unexpected
from paper.wire.register import Order, Terms, placed_row, received_row
from paper.wire.reports import Facts
from paper.wire.values import Json, Row

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
LEGS = {"BOTH": PositionSide.NET, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
TIMES: Mapping[str, TimeInForce] = {
    "GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "GTX": TimeInForce.POST_ONLY,
    "GTD": TimeInForce.GTD,
}
SELF_TRADES = {
    "NONE": SelfTrade.ALLOW, "EXPIRE_TAKER": SelfTrade.EXPIRE_TAKER, "EXPIRE_MAKER": SelfTrade.EXPIRE_MAKER,
    "EXPIRE_BOTH": SelfTrade.EXPIRE_BOTH,
}
CONDITIONAL_KINDS = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
BAD_SIDE = Refusal("-1117", "Invalid side.")
BAD_KIND = Refusal("-1116", "Invalid orderType.")
BAD_TIME = Refusal("-1115", "Invalid timeInForce.")
QUANTITY_ZERO = Refusal("-4003", "Quantity less than or equal to zero.")
PRICE_ZERO = Refusal("-4001", "Price less than 0.")
ON_OTHER_ENDPOINT = Refusal(
    "-4120", "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
)
ORDER_CLASS = OrderClass.OPERATOR        # of a stranger's order; the venue makes nothing of it


def place(floor: Floor, call: Call) -> Json:
    """Take a new order; the reply shows it as it arrived (ACK, the default) or as it stands (RESULT)."""
    order = submit(floor, call.account, call.params)
    if call.params.text_or("newOrderRespType", "ACK") == "RESULT":
        return placed_row(order)
    return received_row(order)


def place_test(floor: Floor, call: Call) -> Json:
    """Judge the form of an order and send nothing."""
    read_terms(floor, call.account, call.params)
    return {}


def submit(floor: Floor, account: int, params: Params) -> Order:
    """Send an order to the core venue; return it as it stands afterwards, or refuse it."""
    terms, request = read_terms(floor, account, params)
    if floor.register.has_open(account, terms.client_id):
        raise answer_of(DUPLICATE_NAME)
    order = Order(floor.register.next_order(), request.name, terms, created=floor.now, updated=floor.now)
    floor.register.enter(account, order)
    try:
        require_taken(floor.tell(SubmitOrder(request)), request.name)
    except Refused:
        floor.register.withdraw(account, order)
        raise
    return order


def require_taken(facts: Facts, name: str) -> None:
    """Refuse with the core venue's words when it refused the order."""
    for _, fact in facts:
        if isinstance(fact, OrderRejected) and fact.name == name:
            raise Refused(int(fact.code), fact.detail)


def read_terms(floor: Floor, account: int, params: Params) -> tuple[Terms, OrderRequest]:
    """Return what is asked for, in the venue's words and in the core's."""
    contract = floor.contracts.asked(params)
    side = params.one_of("side", SIDES, BAD_SIDE)
    kind = params.text("type")
    if kind in CONDITIONAL_KINDS:
        raise answer_of(ON_OTHER_ENDPOINT)
    if kind not in ("LIMIT", "MARKET"):
        raise answer_of(BAD_KIND)
    leg, reduce_only = read_leg(floor, account, params)
    price = None
    if kind == "LIMIT":
        time_in_force = params.one_of("timeInForce", TIMES, BAD_TIME)
        price = read_price(contract, params, "price")
    else:
        time_in_force = TimeInForce.IOC
        for name in ("price", "timeInForce", "stopPrice"):
            if params.has(name):
                raise unexpected(name.lower())
    quantity = read_quantity(contract, params)
    good_until = read_good_till(floor, params, time_in_force)
    name = floor.next_name()
    terms = Terms(
        contract=contract,
        client_id=read_client_id(params, "newClientOrderId", f"web_{name}"),
        side=side.value.upper(),
        position_side=params.text_or("positionSide", "BOTH"),
        kind=kind,
        time_in_force=params.text_or("timeInForce", "GTC"),
        quantity=quantity,
        price=price or 0,
        reduce_only=reduce_only,
        self_trade=params.text_or("selfTradePreventionMode", "EXPIRE_MAKER"),
        good_till_ms=good_until // NS_PER_MS,
    )
    request = OrderRequest(
        name=name,
        key=floor.key(account, contract, leg),
        side=side,
        quantity=quantity,
        limit_price=price,
        time_in_force=time_in_force,
        reduce_only=reduce_only,
        order_class=ORDER_CLASS,
        good_until=good_until or None,
        self_trade=read_self_trade(params),
    )
    return terms, request


def read_leg(floor: Floor, account: int, params: Params) -> tuple[PositionSide, bool]:
    """Return the leg and whether the order only reduces; refuse what the account's position mode does not have."""
    leg = LEGS.get(params.text_or("positionSide", "BOTH"))
    is_hedged = floor.account(account).position_mode is PositionMode.HEDGE
    if leg is None or (leg is PositionSide.NET) == is_hedged:
        raise answer_of(WRONG_SIDE)
    if is_hedged and params.has("reduceOnly"):
        raise unexpected("reduceonly")
    return leg, params.flag("reduceOnly")


def read_client_id(params: Params, name: str, default: str) -> str:
    """Return the client's id of an order, or ours; refuse one that the venue would not take."""
    found = params.text_or(name, default)
    if NAME_PATTERN.fullmatch(found) is None:
        raise answer_of(NAME_MALFORMED)
    return found


def read_price(contract: Contract, params: Params, name: str) -> int:
    """Return a price above zero."""
    price = params.fixed(name, contract.price_digits)
    if price <= 0:
        raise answer_of(PRICE_ZERO)
    return price


def read_quantity(contract: Contract, params: Params) -> int:
    """Return a quantity above zero."""
    quantity = params.fixed("quantity", contract.quantity_digits)
    if quantity <= 0:
        raise answer_of(QUANTITY_ZERO)
    return quantity


def read_good_till(floor: Floor, params: Params, time_in_force: TimeInForce) -> int:
    """Return when a GTD order dies, ns; 0 for the others."""
    if time_in_force is not TimeInForce.GTD:
        if params.has("goodTillDate"):
            raise unexpected("goodtilldate")
        return 0
    good_until = params.whole("goodTillDate") * NS_PER_MS
    if good_until <= floor.now:
        raise missing("goodTillDate")
    return good_until


def read_self_trade(params: Params) -> SelfTrade:
    """Return what happens when two orders of the account meet."""
    if not params.has("selfTradePreventionMode"):
        return SelfTrade.EXPIRE_MAKER
    return params.one_of("selfTradePreventionMode", SELF_TRADES)


def batch_answer(refused: Refused) -> Row:
    """Return a refusal as one entry of a batch's reply."""
    return {"code": refused.code, "msg": refused.message}
