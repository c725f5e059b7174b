"""Every order that was sent, as the venue's own pages show it: numbers, client ids, states, fills.

The core venue knows an order by a name of our own, so that a client id may be used again once its order is no
longer open, as at Binance. A conditional order has an entry of its own; what it sends when it is triggered is an
ordinary order with the same client id and the same core name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.order import OrderRequest
from paper.wire.contracts import Contract
from paper.wire.values import Row, ms, quotient

KEPT = 20_000                        # of each account; the venue itself forgets unfilled ones after days
FIRST_ORDER = 8_000_000_000          # ids of the venue are long: clients that cut them to 32 bits should notice
FIRST_ALGO = 2_000_000_000_000_000
OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})
ALGO_OPEN = frozenset({"NEW"})
AVERAGE_DIGITS_MORE = 4              # decimals of an average beyond those of a price


@dataclass(frozen=True, slots=True)
class Terms:
    """What a client asked for, in the venue's words."""

    contract: Contract
    client_id: str
    side: str
    position_side: str
    kind: str
    time_in_force: str
    quantity: int
    price: int = 0
    reduce_only: bool = False
    close_position: bool = False
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    self_trade: str = "EXPIRE_MAKER"
    good_till_ms: int = 0
    trigger_price: int = 0
    activate_price: int = 0
    callback_rate: int = 0           # percent at 10^-2; 0 where nothing trails


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order; ``profit`` realised and ``fee`` are cash."""

    number: int
    at: int
    price: int
    quantity: int
    value: int
    fee: int
    profit: int
    is_maker: bool


@dataclass(slots=True)
class Order:
    """An order; ``core`` is its name at the core venue.

    ``accepted_as`` is the execution type by which its stream tells that the core venue took it; empty for none.
    """

    number: int
    core: str
    terms: Terms
    created: int
    updated: int
    status: str = "NEW"
    filled: int = 0
    value: int = 0
    fills: list[Fill] = field(default_factory=list)
    original_kind: str = ""
    accepted_as: str = "NEW"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def average(self) -> str:
        """Return the average price as text; zero before the first fill."""
        contract = self.terms.contract
        digits = contract.price_digits + AVERAGE_DIGITS_MORE
        whole = contract.instrument.value_multiplier * self.filled * 10**contract.price_digits
        return quotient(self.value, whole, digits)


@dataclass(slots=True)
class Algo:
    """A conditional order. ``order`` is what it sent when it was triggered; ``request`` what it will send."""

    number: int
    core: str
    terms: Terms
    request: OrderRequest
    created: int
    updated: int
    status: str = "NEW"
    triggered: int = 0               # ns
    order: Order | None = None

    @property
    def is_open(self) -> bool:
        return self.status in ALGO_OPEN


@dataclass(slots=True)
class Shelf:
    """One account's orders, oldest first; by client id only the newest, since at most that one is open."""

    orders: dict[int, Order] = field(default_factory=dict)
    algos: dict[int, Algo] = field(default_factory=dict)
    open: dict[int, Order] = field(default_factory=dict)
    open_algos: dict[int, Algo] = field(default_factory=dict)
    by_client: dict[str, Order] = field(default_factory=dict)
    algo_by_client: dict[str, Algo] = field(default_factory=dict)


class Register:
    """The orders of all accounts, and the core's names for them."""

    def __init__(self) -> None:
        self._shelves: dict[int, Shelf] = {}
        self._by_core: dict[str, Order] = {}
        self._algo_by_core: dict[str, Algo] = {}
        self._order_number = FIRST_ORDER
        self._algo_number = FIRST_ALGO

    def shelf(self, account: int) -> Shelf:
        """Return an account's orders."""
        return self._shelves.setdefault(account, Shelf())

    def next_order(self) -> int:
        """Return the number of the next order."""
        self._order_number += 1
        return self._order_number

    def next_algo(self) -> int:
        """Return the number of the next conditional order."""
        self._algo_number += 1
        return self._algo_number

    def enter(self, account: int, order: Order) -> None:
        """Add an order; the oldest one goes when there are too many, unless it is open."""
        shelf = self.shelf(account)
        shelf.orders[order.number] = shelf.open[order.number] = order
        shelf.by_client[order.terms.client_id] = order
        self._by_core[order.core] = order
        if len(shelf.orders) > KEPT and not (oldest := next(iter(shelf.orders.values()))).is_open:
            self.withdraw(account, oldest)

    def enter_algo(self, account: int, algo: Algo) -> None:
        """Add a conditional order; the oldest one goes when there are too many, unless it is open."""
        shelf = self.shelf(account)
        shelf.algos[algo.number] = shelf.open_algos[algo.number] = algo
        shelf.algo_by_client[algo.terms.client_id] = algo
        self._algo_by_core[algo.core] = algo
        if len(shelf.algos) > KEPT and not (oldest := next(iter(shelf.algos.values()))).is_open:
            self.withdraw_algo(account, oldest)

    def withdraw(self, account: int, order: Order) -> None:
        """Take an order out: the venue refused it on arrival, so it never was one, or it is long forgotten."""
        shelf = self.shelf(account)
        shelf.orders.pop(order.number, None)
        shelf.open.pop(order.number, None)
        if shelf.by_client.get(order.terms.client_id) is order:
            del shelf.by_client[order.terms.client_id]
        self._by_core.pop(order.core, None)

    def withdraw_algo(self, account: int, algo: Algo) -> None:
        """Take a conditional order out, as ``withdraw``."""
        shelf = self.shelf(account)
        shelf.algos.pop(algo.number, None)
        shelf.open_algos.pop(algo.number, None)
        if shelf.algo_by_client.get(algo.terms.client_id) is algo:
            del shelf.algo_by_client[algo.terms.client_id]
        self._algo_by_core.pop(algo.core, None)

    def rename(self, order: Order, core: str | None) -> None:
        """Have the core venue know an order by another name, or by none for the moment."""
        self._by_core.pop(order.core, None)
        if core is not None:
            order.core = core
            self._by_core[core] = order

    def turn(self, account: int, order: Order, status: str, *, now: int) -> None:
        """Give an order its new status."""
        order.status, order.updated = status, now
        if not order.is_open:
            self.shelf(account).open.pop(order.number, None)

    def turn_algo(self, account: int, algo: Algo, status: str, *, now: int) -> None:
        """Give a conditional order its new status."""
        algo.status, algo.updated = status, now
        if not algo.is_open:
            self.shelf(account).open_algos.pop(algo.number, None)

    def named(self, core: str) -> Order | None:
        """Return the order that the core knows by a name."""
        return self._by_core.get(core)

    def algo_named(self, core: str) -> Algo | None:
        """Return the conditional order that the core knows by a name."""
        return self._algo_by_core.get(core)

    def has_open(self, account: int, client_id: str) -> bool:
        """True when an open order of the account has that client id."""
        found = self.shelf(account).by_client.get(client_id)
        return found is not None and found.is_open

    def has_open_algo(self, account: int, client_id: str) -> bool:
        """True when an open conditional order of the account has that client id."""
        found = self.shelf(account).algo_by_client.get(client_id)
        return found is not None and found.is_open


def order_row(order: Order) -> Row:
    """Return an order as GET /fapi/v1/order shows it."""
    terms, contract = order.terms, order.terms.contract
    return {
        "orderId": order.number,
        "symbol": contract.symbol,
        "status": order.status,
        "clientOrderId": terms.client_id,
        "price": contract.price(terms.price),
        "avgPrice": order.average,
        "origQty": contract.quantity(terms.quantity),
        "executedQty": contract.quantity(order.filled),
        "cumQuote": _quote(order),
        "timeInForce": terms.time_in_force,
        "type": terms.kind,
        "reduceOnly": terms.reduce_only,
        "closePosition": terms.close_position,
        "side": terms.side,
        "positionSide": terms.position_side,
        "stopPrice": contract.price(0),
        "workingType": terms.working_type,
        "priceProtect": terms.price_protect,
        "origType": order.original_kind or terms.kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": terms.self_trade,
        "goodTillDate": terms.good_till_ms,
        "time": ms(order.created),
        "updateTime": ms(order.updated),
    }


def placed_row(order: Order) -> Row:
    """Return an order as the reply to a new or cancelled one shows it: with cumQty, without its time."""
    row = order_row(order)
    del row["time"]
    return row | {"cumQty": row["executedQty"]}


def received_row(order: Order) -> Row:
    """Return an order as newOrderRespType=ACK shows it: as it arrived, whatever has become of it since."""
    contract = order.terms.contract
    return placed_row(order) | {
        "status": "NEW", "avgPrice": contract.price(0), "executedQty": contract.quantity(0),
        "cumQty": contract.quantity(0), "cumQuote": contract.price(0),
    }


def algo_row(algo: Algo) -> Row:
    """Return a conditional order as GET /fapi/v1/algoOrder shows it."""
    terms, contract, sent = algo.terms, algo.terms.contract, algo.order
    return {
        "algoId": algo.number,
        "clientAlgoId": terms.client_id,
        "algoType": "CONDITIONAL",
        "orderType": terms.kind,
        "symbol": contract.symbol,
        "side": terms.side,
        "positionSide": terms.position_side,
        "timeInForce": terms.time_in_force,
        "quantity": contract.quantity(0 if terms.close_position else terms.quantity),
        "algoStatus": algo.status,
        "actualOrderId": str(sent.number) if sent else "",
        "actualPrice": sent.average if sent else contract.price(0),
        "triggerPrice": contract.price(terms.trigger_price),
        "price": contract.price(terms.price),
        "icebergQuantity": None,
        "tpTriggerPrice": contract.price(0),
        "tpPrice": contract.price(0),
        "slTriggerPrice": contract.price(0),
        "slPrice": contract.price(0),
        "tpOrderType": "",
        "selfTradePreventionMode": terms.self_trade,
        "workingType": terms.working_type,
        "priceMatch": "NONE",
        "closePosition": terms.close_position,
        "priceProtect": terms.price_protect,
        "reduceOnly": terms.reduce_only,
        "activatePrice": contract.price(terms.activate_price) if terms.activate_price else "",
        "callbackRate": callback_text(terms.callback_rate) if terms.callback_rate else "",
        "createTime": ms(algo.created),
        "updateTime": ms(algo.updated),
        "triggerTime": ms(algo.triggered),
        "goodTillDate": terms.good_till_ms,
    }


def callback_text(rate: int) -> str:
    """Return a callback rate in percent, ``50 -> "0.5"``."""
    return quotient(rate, 100, 1) if rate % 10 == 0 else quotient(rate, 100, 2)


def trade_row(order: Order, fill: Fill) -> Row:
    """Return a fill as GET /fapi/v1/userTrades shows it."""
    terms, contract = order.terms, order.terms.contract
    settle = contract.instrument.settle
    return {
        "symbol": contract.symbol,
        "id": fill.number,
        "orderId": order.number,
        "side": terms.side,
        "price": contract.price(fill.price),
        "qty": contract.quantity(fill.quantity),
        "realizedPnl": quotient(fill.profit, 10**8, 8),
        "marginAsset": settle,
        "quoteQty": quotient(fill.value, 10**8, 8),
        "commission": quotient(fill.fee, 10**8, 8),
        "commissionAsset": settle,
        "time": ms(fill.at),
        "positionSide": terms.position_side,
        "buyer": terms.side == "BUY",
        "maker": fill.is_maker,
    }


def _quote(order: Order) -> str:
    return quotient(order.value, 10**8, order.terms.contract.price_digits + order.terms.contract.quantity_digits)
