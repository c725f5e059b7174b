"""Orders of Binance USD-M as its REST pages ask for and show them: parameters out, facts in; no I/O.

Numbers leave as exact text. Ordinary orders and conditional ones live on endpoints of their own; what a triggered stop
became is an ordinary order with a number of the venue's. In hedge mode the leg says what an order reduces, and
``reduceOnly`` is refused.

Source: Binance USD-M futures API, "New Order", "New Algo Order", "Query Order", "Account Trade List" (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.fills import facts_of_fill
from bot.adapters.ccxt.names import origin_of
from bot.adapters.ccxt.open_orders import CONDITIONAL
from bot.adapters.ccxt.replies import Row
from bot.adapters.tapes.rows import plausible
from bot.domain.account import PositionSide
from bot.domain.events import (
    AccountFact,
    FillOrigin,
    Liquidity,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
)
from bot.domain.instrument import Instrument
from bot.domain.order import OrderRequest, OrderStatus, SelfTrade, Side, TimeInForce, TriggerBy, TriggerKind
from bot.domain.scale import CASH_DIGITS, NS_PER_MS, to_fixed, to_fixed_rounded, to_text

PAGE = 1_000                         # rows of one page of a list, the most that there may be
GTD_LEAST = 600 * 1_000_000_000      # ns from now: the venue refuses a good-till-date that is nearer


class Ask(msgspec.Struct, frozen=True):
    """One REST call: ccxt's name of the endpoint, its parameters, its weight and whether it counts as an order."""

    method: str
    parameters: dict[str, str]
    weight: int
    orders: int = 0


_TIMES = {
    TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK", TimeInForce.GTC: "GTC", TimeInForce.POST_ONLY: "GTX",
    TimeInForce.GTD: "GTD",
}
_SELF_TRADES = {
    SelfTrade.ALLOW: "NONE", SelfTrade.EXPIRE_TAKER: "EXPIRE_TAKER", SelfTrade.EXPIRE_MAKER: "EXPIRE_MAKER",
    SelfTrade.EXPIRE_BOTH: "EXPIRE_BOTH",
}
_LEGS = {PositionSide.LONG: "LONG", PositionSide.SHORT: "SHORT"}
_TRIGGERS = {TriggerKind.STOP: ("STOP_MARKET", "STOP"), TriggerKind.TAKE_PROFIT: ("TAKE_PROFIT_MARKET", "TAKE_PROFIT")}
_WORKING = {TriggerBy.MARK: "MARK_PRICE", TriggerBy.LAST: "CONTRACT_PRICE"}
_LEG_OF = {"BOTH": PositionSide.NET, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
_ENDINGS = {
    "FILLED": OrderStatus.FILLED, "CANCELED": OrderStatus.CANCELED, "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}


# Out ------------------------------------------------------------------------------------------------------


def place(request: OrderRequest, instrument: Instrument, symbol: str, identity: str, *, now: int) -> Ask:
    """Return the call that places an order; ``identity`` is its name as the venue is told it.

    A good-till-date nearer than ten minutes is left to our own cancel, since the venue refuses it.
    """
    parameters = {
        "symbol": symbol,
        "side": request.side.value.upper(),
        "quantity": to_text(request.quantity, instrument.quantity_digits),
        "selfTradePreventionMode": _SELF_TRADES[request.self_trade],
    }
    if request.key.side in _LEGS:
        parameters["positionSide"] = _LEGS[request.key.side]
    elif request.reduce_only:
        parameters["reduceOnly"] = "true"
    if request.limit_price is not None:
        parameters["price"] = to_text(request.limit_price, instrument.price_digits)
        parameters["timeInForce"] = _TIMES[request.time_in_force]
    if request.time_in_force is TimeInForce.GTD and request.limit_price is not None:
        if request.good_until is None or request.good_until - now < GTD_LEAST:
            parameters["timeInForce"] = "GTC"
        else:
            parameters["goodTillDate"] = str(request.good_until // NS_PER_MS)
    if request.trigger_price is None:
        parameters["type"] = "MARKET" if request.limit_price is None else "LIMIT"
        parameters["newClientOrderId"] = identity
        parameters["newOrderRespType"] = "ACK"
        return Ask("fapiPrivatePostOrder", parameters, 1, orders=1)
    market, limit = _TRIGGERS[request.trigger_kind]
    parameters["type"] = market if request.limit_price is None else limit
    parameters["algoType"] = "CONDITIONAL"
    parameters["triggerPrice"] = to_text(request.trigger_price, instrument.price_digits)
    parameters["workingType"] = _WORKING[request.trigger_by]
    parameters["clientAlgoId"] = identity
    return Ask("fapiPrivatePostAlgoOrder", parameters, 1, orders=1)


def cancel(symbol: str, identity: str, *, is_conditional: bool) -> Ask:
    """Return the call that ends an order; one that was triggered is an ordinary order."""
    if is_conditional:
        return Ask("fapiPrivateDeleteAlgoOrder", {"symbol": symbol, "clientAlgoId": identity}, 1)
    return Ask("fapiPrivateDeleteOrder", {"symbol": symbol, "origClientOrderId": identity}, 1)


def cancel_number(symbol: str, number: str, *, is_conditional: bool) -> Ask:
    """Return the call that ends an order by its id of ``open_orders``, whoever sent it."""
    if is_conditional:
        return Ask("fapiPrivateDeleteAlgoOrder", {"symbol": symbol, "algoId": number.removeprefix(CONDITIONAL)}, 1)
    return Ask("fapiPrivateDeleteOrder", {"symbol": symbol, "orderId": number}, 1)


def query(symbol: str, identity: str, *, is_conditional: bool) -> Ask:
    """Return the call that asks for one order by its name."""
    if is_conditional:
        return Ask("fapiPrivateGetAlgoOrder", {"symbol": symbol, "clientAlgoId": identity}, 1)
    return Ask("fapiPrivateGetOrder", {"symbol": symbol, "origClientOrderId": identity}, 1)


def query_number(symbol: str, number: str) -> Ask:
    """Return the call that asks for one order by the venue's number."""
    return Ask("fapiPrivateGetOrder", {"symbol": symbol, "orderId": number}, 1)


def trades_of(symbol: str, number: str) -> Ask:
    """Return the call that asks for one order's trades."""
    return Ask("fapiPrivateGetUserTrades", {"symbol": symbol, "orderId": number, "limit": "1000"}, 5)


def trades_since(symbol: str, since: int, *, first: int = 0) -> Ask:
    """Return the call for a page of trades from a time on (ns), or from a trade id on."""
    return Ask("fapiPrivateGetUserTrades", {"symbol": symbol, "limit": str(PAGE), **_from("fromId", first, since)}, 5)


def orders_since(symbol: str, since: int, *, first: int = 0) -> Ask:
    """Return the call for a page of the ordinary orders that arrived from a time on (ns), or from an id on."""
    return Ask("fapiPrivateGetAllOrders", {"symbol": symbol, "limit": str(PAGE), **_from("orderId", first, since)}, 5)


def stops_since(symbol: str, since: int) -> Ask:
    """Return the call for the conditional orders of a symbol that arrived from a time on (ns), at most a page."""
    return Ask("fapiPrivateGetAllAlgoOrders", {"symbol": symbol, "limit": str(PAGE), **_from("", 0, since)}, 5)


def _from(name: str, first: int, since: int) -> dict[str, str]:
    return {name: str(first)} if first else {"startTime": str(since // NS_PER_MS)}


def open_of(symbol: str, *, is_conditional: bool) -> Ask:
    """Return the call for the orders of a symbol that are open."""
    return Ask("fapiPrivateGetOpenAlgoOrders" if is_conditional else "fapiPrivateGetOpenOrders", {"symbol": symbol}, 1)


def open_anywhere(*, is_conditional: bool) -> Ask:
    """Return the call for all orders that are open."""
    return Ask("fapiPrivateGetOpenAlgoOrders" if is_conditional else "fapiPrivateGetOpenOrders", {}, 40)


# In -------------------------------------------------------------------------------------------------------


def unified(reply: object) -> dict[str, object]:
    """Return what a reply to a new order says of it, as ccxt calls it."""
    if not isinstance(reply, Mapping):
        return {}
    identity = reply.get("clientAlgoId") if "algoId" in reply else reply.get("clientOrderId")
    return {"id": reply.get("orderId", reply.get("algoId")), "clientOrderId": identity}


def number_of(row: Row) -> str:
    """Return the venue's number of an order, "" of a conditional one that has not become an ordinary one."""
    number = row.get("actualOrderId") if "algoId" in row else row["orderId"]
    return "" if number in (None, "", "0", 0) else str(number)


def identity_of(row: Row) -> str:
    """Return the client id of an order, ordinary or conditional."""
    return str(row["clientAlgoId"] if "algoId" in row else row["clientOrderId"])


def facts_of_order(row: Row, view: AccountView, *, now: int, name: str) -> Iterator[AccountFact]:
    """Yield what an ordinary order's row says of its state, under ``name``; its fills are told by its trades."""
    status = str(row["status"])
    if status in ("NEW", "PARTIALLY_FILLED"):
        yield OrderAccepted(now, view.account, name)
    elif status in _ENDINGS:
        instrument = view.instruments[str(row["symbol"])]
        filled = to_fixed(str(row["executedQty"]), instrument.quantity_digits)
        yield OrderEnded(now, view.account, name, _ENDINGS[status], filled)
    elif status == "REJECTED":
        yield OrderRejected(now, view.account, name, "refused", "the matching engine refused it")


def facts_of_conditional(row: Row, view: AccountView, *, now: int, name: str) -> Iterator[AccountFact]:
    """Yield what a conditional order's row says, before anything is said of the order that it became."""
    match str(row["algoStatus"]):
        case "NEW":
            yield OrderAccepted(now, view.account, name)
        case "CANCELED" | "EXPIRED" as ended:
            yield OrderEnded(now, view.account, name, _ENDINGS[ended], 0)
        case "REJECTED":
            yield OrderRejected(now, view.account, name, "conditional_rejected", str(row.get("failReason", "")))
        case "TRIGGERED" | "FINISHED" if number_of(row):
            yield OrderTriggered(now, view.account, name)


def facts_of_trade(row: Row, view: AccountView, *, now: int, name: str) -> Iterator[AccountFact]:
    """Yield the fill of a row of the trade list, with the id that the stream gives it, too."""
    symbol = str(row["symbol"])
    instrument = view.instruments[symbol]
    price = to_fixed(str(row["price"]), instrument.price_digits)
    quantity = to_fixed(str(row["qty"]), instrument.quantity_digits)
    is_settled = row.get("commissionAsset") == instrument.settle
    fee = to_fixed_rounded(str(row["commission"]), CASH_DIGITS) if is_settled else 0
    key = view.key(instrument, str(row["positionSide"]))
    origin = origin_of(name, marker=view.marker, account=view.account)
    fill = OrderFilled(
        now, plausible(int(row["time"]) * NS_PER_MS), view.account, name, f"{symbol}:{int(row['id'])}", key,
        Side(str(row["side"]).lower()), price, quantity, fee, Liquidity.MAKER if row["maker"] else Liquidity.TAKER,
        origin, False,
    )
    yield from facts_of_fill(fill, instrument)


def facts_since(
    orders: Sequence[Row], conditionals: Sequence[Row], trades: Sequence[Row], view: AccountView, *, now: int
) -> Iterator[AccountFact]:
    """Yield all that lists of one symbol say, each order's fills before its end.

    A stop that was triggered goes on under its own name. Of orders that are not ours only the fills are told.
    """
    names = {number_of(row): view.name_of(identity_of(row)) for row in orders}
    stops = {number_of(row): view.name_of(identity_of(row)) for row in conditionals if number_of(row)}
    names |= stops
    for row in conditionals:
        name = view.name_of(identity_of(row))
        if origin_of(name, marker=view.marker, account=view.account) is FillOrigin.OURS:
            yield from facts_of_conditional(row, view, now=now, name=name)
    for row in sorted(trades, key=lambda each: (int(each["time"]), int(each["id"]))):
        yield from facts_of_trade(row, view, now=now, name=names.get(str(row["orderId"]), f"order {row['orderId']}"))
    for row in orders:
        name = names[number_of(row)]
        if origin_of(name, marker=view.marker, account=view.account) is FillOrigin.OURS:
            yield from facts_of_order(row, view, now=now, name=name)
