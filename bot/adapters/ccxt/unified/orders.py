"""Orders as ccxt's unified methods ask for and show them: arguments out, facts in; no I/O.

Amounts are the exchange's own, base coins or contracts of some; our quantities are coins. A market order is never sent
but for a stop that rests. Good-till-date is asked of nobody: the engine ends such an order itself.

Source: ccxt 4.5.90 manual, "Placing Orders", "Order Structure", "Trade Structure".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.fills import facts_of_fill
from bot.adapters.ccxt.names import origin_of
from bot.adapters.ccxt.replies import BrokenReply
from bot.adapters.ccxt.unified.habits import Habits
from bot.adapters.ccxt.unified.numbers import Row, amount, amount_out, as_float, cash_of, price_of, stamp_of
from bot.adapters.ccxt.unified.rehearsal import Abilities
from bot.domain.account import MarginMode
from bot.domain.errors import Unsupported
from bot.domain.events import (
    AccountFact,
    Liquidity,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRejected,
)
from bot.domain.instrument import Instrument
from bot.domain.open_order import OpenOrder
from bot.domain.order import OrderRequest, OrderStatus, Side, TimeInForce, TriggerBy, TriggerKind

STOP = "stop "                       # before the number of an order on the pages of stops, which may have another's


@dataclass(frozen=True, slots=True)
class Arts:
    """How one exchange is spoken to: what was seen of it, and what is known."""

    abilities: Abilities
    habits: Habits


# Out ------------------------------------------------------------------------------------------------------


def place(request: OrderRequest, instrument: Instrument, view: AccountView, arts: Arts) -> tuple[Any, ...]:
    """Return the arguments of ``create_order``; raises Unsupported for what the exchange cannot be asked."""
    named = view.names.parameter if request.trigger_price is None else arts.habits.stop_name or view.names.parameter
    parameters: dict[str, Any] = {named: view.names.encode(request.name)}
    if request.reduce_only:
        parameters["reduceOnly"] = True
    if arts.abilities.margin_mode:
        parameters["marginMode"] = request.key.mode.value
    size = amount_out(request.quantity, instrument)
    side, digits = request.side.value, instrument.price_digits
    if request.trigger_price is not None:
        price = _stop(request, instrument, arts, parameters)
        return instrument.symbol, "market" if request.limit_price is None else "limit", side, size, price, parameters
    if request.limit_price is None:
        raise Unsupported(f"{request.name}: a market order is not sent, was one without a limit price")
    match request.time_in_force:
        case TimeInForce.IOC:
            parameters["timeInForce"] = arts.habits.immediate
        case TimeInForce.FOK:
            parameters["timeInForce"] = "FOK"
        case TimeInForce.POST_ONLY:
            parameters["postOnly"] = True
        case TimeInForce.GTC | TimeInForce.GTD:
            pass
    return instrument.symbol, "limit", side, size, as_float(request.limit_price, digits), parameters


def _stop(request: OrderRequest, instrument: Instrument, arts: Arts, parameters: dict[str, Any]) -> float | None:
    """Add what makes an order wait for its trigger; return its price."""
    way = arts.abilities.stop
    if way is None:
        raise Unsupported(f"{request.name}: the exchange keeps no stop of ours")
    assert request.trigger_price is not None
    trigger = as_float(request.trigger_price, instrument.price_digits)
    is_stop = request.trigger_kind is TriggerKind.STOP
    parameters[way.loss if is_stop else way.profit] = trigger
    if way.directed:
        falls = is_stop is (request.side is Side.SELL)
        parameters["triggerDirection"] = "descending" if falls else "ascending"
    if request.trigger_by is TriggerBy.MARK:
        parameters.update(way.by_mark)
    if request.limit_price is not None:
        return as_float(request.limit_price, instrument.price_digits)
    return trigger if arts.habits.stop_needs_price else None         # ccxt leaves its slippage around it


def asking(arts: Arts, *, is_stop: bool) -> dict[str, Any]:
    """Return what goes with a question for an order, or for the open ones."""
    way = arts.abilities.stop
    apart = {"trigger": True} if is_stop and way is not None and way.apart else {}
    return {**arts.habits.asking, **apart}


# In -------------------------------------------------------------------------------------------------------


def identity_of(row: Row, habits: Habits) -> str:
    """Return the client id of an order, "" where the exchange does not say it."""
    info = row.get("info")
    apart = info.get(habits.stop_name) if habits.stop_name is not None and isinstance(info, Mapping) else None
    return str(apart or row.get("clientOrderId") or "")


def by_name(identity: str, parameter: str, arts: Arts, *, is_stop: bool) -> tuple[str | None, dict[str, Any]]:
    """Return the id and the parameters by which an order is asked for by its name."""
    asked = asking(arts, is_stop=is_stop)
    if arts.habits.name_is_id:
        return identity, asked
    return arts.abilities.no_id, {parameter: identity, **asked}


def number_of(row: Row) -> str:
    """Return the exchange's number of an order; raises BrokenReply where it has none."""
    number = row.get("id")
    if number in (None, ""):
        raise BrokenReply("id: an order has none")
    return str(number)


def became_of(row: Row, habits: Habits) -> str:
    """Return the number of the order that a triggered stop became, "" where that is itself, or not said."""
    info = row.get("info")
    if habits.became is None or not isinstance(info, Mapping):
        return ""
    found = info.get(habits.became)
    return "" if found in (None, "", "0", 0) or str(found) == str(row.get("id")) else str(found)


def is_over(row: Row) -> bool:
    """True of an order that can fill no more, as far as its row says."""
    return row.get("status") in ("closed", "canceled", "expired", "rejected")


def filled_of(row: Row, instrument: Instrument) -> int:
    """Return how much of an order was filled; raises BrokenReply where it is not said."""
    return amount(row, "filled", instrument)


def facts_of_order(
    row: Row, instrument: Instrument, view: AccountView, *, now: int, name: str
) -> Iterator[AccountFact]:
    """Yield what a row says of an order's state; its fills are told by its trades."""
    match row.get("status"):
        case "open" | "canceling" | None:        # a sparse row: the exchange has it, and that is all it says
            yield OrderAccepted(now, view.account, name)
        case "rejected":
            yield OrderRejected(now, view.account, name, "refused", "the matching engine refused it")
        case "closed" | "canceled" | "expired" as ended:
            filled = filled_of(row, instrument)
            is_whole = row.get("amount") is not None and filled >= amount(row, "amount", instrument)
            status = OrderStatus.EXPIRED if ended == "expired" else OrderStatus.CANCELED
            yield OrderEnded(now, view.account, name, OrderStatus.FILLED if is_whole else status, filled)
        case other:
            raise BrokenReply(f"status: a state of ccxt's was expected, was {other!r}")


def facts_of_trade(
    row: Row, instrument: Instrument, view: AccountView, *, now: int, name: str
) -> Iterator[AccountFact]:
    """Yield the fill of a row of the trade list; raises BrokenReply for one without a number of its own."""
    if row.get("id") in (None, ""):
        raise BrokenReply("id: a trade has none, so it could be counted twice")
    origin = origin_of(name, marker=view.marker, account=view.account, words=_words(row))
    key = view.whole(instrument)
    price = price_of(row.get("price"), instrument.price_digits)
    quantity = amount(row, "amount", instrument)
    if quantity <= 0:
        raise BrokenReply(f"amount: a trade has none, was {row.get('amount')!r}")
    fill = OrderFilled(
        now, stamp_of(row), view.account, name, f"{row['symbol']}:{row['id']}", key, Side(str(row["side"])), price,
        quantity, _fee(row, instrument), Liquidity.MAKER if row.get("takerOrMaker") == "maker" else Liquidity.TAKER,
        origin, False,
    )
    yield from facts_of_fill(fill, instrument)


def open_order_of(
    row: Row, instrument: Instrument, view: AccountView, habits: Habits, *, is_stop: bool
) -> OpenOrder:
    """Return an order of the pages of open ones, whoever sent it; raises BrokenReply."""
    leaves = amount(row, "amount" if row.get("remaining") is None else "remaining", instrument)
    trigger = row.get("triggerPrice")
    if is_stop:                                  # of an ordinary order they are of what is attached to it
        trigger = trigger or row.get("stopLossPrice") or row.get("takeProfitPrice")
    number, price = number_of(row), row.get("price")
    return OpenOrder(
        venue_id=f"{STOP}{number}" if is_stop else number,
        name=view.name_of(identity_of(row, habits)),
        key=view.whole(instrument),
        side=Side(str(row["side"])),
        leaves=leaves,
        limit_price=price_of(price, instrument.price_digits) if price else None,
        trigger_price=price_of(trigger, instrument.price_digits) if trigger else None,
        reduce_only=row.get("reduceOnly") is True,
    )


def _fee(row: Row, instrument: Instrument) -> int:
    """Return what was paid in the settlement currency; a fee in another coin is in that coin's balance."""
    fees = row.get("fees") or [row.get("fee") or {}]
    return sum(cash_of(fee["cost"]) for fee in fees if fee.get("currency") == instrument.settle and fee.get("cost"))


def _words(row: Row) -> tuple[str, ...]:
    """Return the exchange's own words on a trade, among which may be one for liquidation."""
    info = row.get("info")
    return tuple(str(value) for value in info.values() if isinstance(value, str)) if isinstance(info, Mapping) else ()


def mode_named(word: object) -> MarginMode | None:
    """Return ccxt's margin mode, None where it says none."""
    return {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}.get(str(word))
