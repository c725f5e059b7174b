"""Which orders the venue refuses, with Binance's codes and words.

Source: Binance USD-M futures API, "Error Codes" (read 2026-11) and "Common Definition", symbol filters. PERCENT_PRICE
bounds a buy from above and a sell from below, against the mark; for a market order it is the other side's best price
that counts. A conditional order is judged for its form, its number and its trigger when it arrives, and for the rest
when it is triggered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.domain.copying import replace
from bot.domain.instrument import Filters, TradingState
from bot.domain.order import OrderRequest, Side, TimeInForce
from paper.booking import reduces
from paper.conditional import is_reached
from paper.crossing import fills_whole, touch
from paper.exchange import Exchange
from paper.holdings import closes_only
from paper.margin import affords, notional_asked
from paper.opening import LEGS, backs_with_all_wallets
from paper.spec import AssetMode
from paper.state import Account
from paper.status import PAUSED


@dataclass(frozen=True, slots=True)
class Refusal:
    """The venue's code, as it writes it, and its words."""

    code: str
    detail: str


CLOSED = Refusal("-4141", "Symbol is closed.")
CLOSING_ONLY = Refusal("-4140", "Invalid symbol status for opening position.")
RESTING_ONLY = Refusal("-2010", "New order rejected: the symbol takes post-only orders only.")
NAME_PATTERN = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
NAME_MALFORMED = Refusal("-4015", "Client order id is not valid.")
DUPLICATE_NAME = Refusal("-4116", "ClientOrderId is duplicated.")
UNKNOWN_SYMBOL = Refusal("-1121", "Invalid symbol.")
PRICE_MISSING = Refusal("-1102", "Mandatory parameter 'price' was not sent, was empty/null, or malformed.")
GOOD_UNTIL_MISSING = Refusal("-1102", "Mandatory parameter 'goodTillDate' was not sent, was empty/null, or malformed.")
WRONG_SIDE = Refusal("-4061", "Order's position side does not match user's setting.")
PRICE_TOO_HIGH = Refusal("-4002", "Price greater than max price.")
PRICE_TOO_LOW = Refusal("-4013", "Price less than min price.")
PRICE_OFF_TICK = Refusal("-4014", "Price not increased by tick size.")
PRICE_ABOVE_BAND = Refusal("-4016", "Price is higher than mark price multiplier cap.")
PRICE_BELOW_BAND = Refusal("-4024", "Price is lower than mark price multiplier floor.")
BEST_PRICE_OUTSIDE_BAND = Refusal(
    "-4131", "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
)
TRIGGER_TOO_LOW = Refusal("-4006", "Stop price less than zero.")
TRIGGER_TOO_HIGH = Refusal("-4007", "Stop price greater than max price.")
TRIGGERS_AT_ONCE = Refusal("-2021", "Order would immediately trigger.")
TOO_MANY_ORDERS = Refusal("-2025", "Reach max open order limit.")
TOO_MANY_CONDITIONAL = Refusal("-4045", "Reach max stop order limit.")
QUANTITY_TOO_SMALL = Refusal("-4004", "Quantity less than min quantity.")
QUANTITY_TOO_LARGE = Refusal("-4005", "Quantity greater than max quantity.")
QUANTITY_OFF_LOT = Refusal("-4023", "Quantity not increased by step size.")
NOTIONAL_TOO_SMALL = Refusal(
    "-4164", "Order's notional must be no smaller than the minimum (unless you choose reduce only)."
)
NOTHING_TO_REDUCE = Refusal("-2022", "ReduceOnly Order is rejected.")
NOT_WHOLE = Refusal(
    "-5021", "Due to the order could not be filled immediately, the FOK order has been rejected."
)
WOULD_TAKE = Refusal(
    "-5022", "Due to the order could not be executed as maker, the Post Only order will be rejected."
)
MARGIN_INSUFFICIENT = Refusal("-2019", "Margin is insufficient.")
POSITION_TOO_LARGE = Refusal("-2027", "Exceeded the maximum allowable position at current leverage.")


def refusal(exchange: Exchange, account: Account, request: OrderRequest) -> Refusal | None:
    """Return why ``request`` is refused on arrival, or None when it is taken.

    A name is refused while the venue remembers it, open or ended (the last 10,000). That is stricter
    than Binance, whose names are unique among open orders only; ``names_reused`` counts the attempts, so
    that strictness hides no second sale.
    """
    name = request.name
    if NAME_PATTERN.fullmatch(name) is None:
        return NAME_MALFORMED
    if name in account.resting or name in account.conditional or name in account.ended:
        exchange.state.names_reused += 1
        return DUPLICATE_NAME
    if not 0 <= request.key.instrument < len(exchange.instruments):
        return UNKNOWN_SYMBOL
    formal = _untaken(exchange, request) or (
        _malformed(request)
        or _other_mode(exchange, account, request)
        or _filtered(exchange, request)
        or _crowded(exchange, account, request)
    )
    if formal is not None:
        return formal
    if request.trigger_price is not None:
        return _unreducing(account, request) or (TRIGGERS_AT_ONCE if is_reached(exchange, request) else None)
    return refusal_at_trigger(exchange, account, request)


def refusal_at_trigger(exchange: Exchange, account: Account, request: OrderRequest) -> Refusal | None:
    """Return why a well-formed order may not be sent to the market now, or None."""
    return (
        _unreducing(account, request)
        or _outside_band(exchange, request)
        or _taking(exchange, request)
        or _incomplete(exchange, account, request)
        or _unfunded(exchange, account, request)
    )


def _untaken(exchange: Exchange, request: OrderRequest) -> Refusal | None:
    """Refuse what the venue takes none of just now; a post-only phase has no code of its own at Binance."""
    state = exchange.markets[request.key.instrument].state
    if state in PAUSED:
        return CLOSED
    if state in (TradingState.REDUCE_ONLY, TradingState.DELISTING) and not closes_only(request):
        return CLOSING_ONLY
    if state is TradingState.POST_ONLY and request.time_in_force is not TimeInForce.POST_ONLY:
        return RESTING_ONLY
    return None


def _malformed(request: OrderRequest) -> Refusal | None:
    if request.limit_price is None and request.time_in_force is TimeInForce.POST_ONLY:
        return PRICE_MISSING
    if request.time_in_force is TimeInForce.GTD and request.good_until is None:
        return GOOD_UNTIL_MISSING
    return None


def _other_mode(exchange: Exchange, account: Account, request: OrderRequest) -> Refusal | None:
    """Refuse an order for a leg, or a margin mode, that the account does not have.

    Binance's orders name no margin mode; one of ours that names the wrong one comes from a client that is wrong
    about its position too, so it is refused with the nearest code.
    """
    key = request.key
    instrument = exchange.instruments[key.instrument]
    if account.asset_mode is AssetMode.MULTI and not backs_with_all_wallets(exchange.spec, account.asset, instrument):
        return UNKNOWN_SYMBOL        # as where contracts of other kinds have accounts of their own
    if key.side not in LEGS[account.position_mode] or key.mode is not account.mode_of(key.instrument):
        return WRONG_SIDE
    return None


def _filtered(exchange: Exchange, request: OrderRequest) -> Refusal | None:
    instrument = exchange.instruments[request.key.instrument]
    filters = instrument.filters
    misplaced = _misplaced(filters, request) or _missized(filters, request)
    if misplaced is not None:
        return misplaced
    price = request.limit_price or request.trigger_price or exchange.mark(request.key.instrument)
    exempt = request.reduce_only and filters.reduce_only_below_notional_min
    if not exempt and price and instrument.value(price=price, quantity=request.quantity) < filters.notional_min:
        return NOTIONAL_TOO_SMALL
    return None


def _misplaced(filters: Filters, request: OrderRequest) -> Refusal | None:
    """Judge the prices of an order by the price filter."""
    for price, too_low, too_high in (
        (request.limit_price, PRICE_TOO_LOW, PRICE_TOO_HIGH),
        (request.trigger_price, TRIGGER_TOO_LOW, TRIGGER_TOO_HIGH),
    ):
        if price is None:
            continue
        if price < filters.tick:
            return too_low
        if filters.price_max is not None and price > filters.price_max:
            return too_high
        if price % filters.tick:
            return PRICE_OFF_TICK
    return None


def _missized(filters: Filters, request: OrderRequest) -> Refusal | None:
    """Judge the quantity by the lot filter, that of market orders by their own."""
    lot, most = filters.lot, filters.quantity_max
    if request.limit_price is None:
        lot = filters.market_lot or lot
        most = filters.market_quantity_max or most
    if request.quantity < max(1, filters.quantity_min):
        return QUANTITY_TOO_SMALL
    if request.quantity > most:
        return QUANTITY_TOO_LARGE
    return QUANTITY_OFF_LOT if request.quantity % lot else None


def _crowded(exchange: Exchange, account: Account, request: OrderRequest) -> Refusal | None:
    """Refuse one order more than an account may have open in the instrument."""
    filters = exchange.instruments[request.key.instrument].filters
    if request.trigger_price is None:
        book, most, refused = account.resting, filters.orders_max, TOO_MANY_ORDERS
    else:
        book, most, refused = account.conditional, filters.conditional_orders_max, TOO_MANY_CONDITIONAL
    if most is None:
        return None
    count = sum(order.request.key.instrument == request.key.instrument for order in book.values())
    return refused if count >= most else None


def _unreducing(account: Account, request: OrderRequest) -> Refusal | None:
    if closes_only(request) and reduces(account, request) == 0:
        return NOTHING_TO_REDUCE
    return None


def _outside_band(exchange: Exchange, request: OrderRequest) -> Refusal | None:
    """Refuse a buy above, or a sell below, what the venue allows around the mark."""
    index = request.key.instrument
    filters = exchange.instruments[index].filters
    mark = exchange.mark(index)
    price = touch(exchange, request) if request.limit_price is None else request.limit_price
    if mark is None or price is None:
        return None
    if request.side is Side.BUY and filters.price_up is not None and price > mark * filters.price_up:
        return BEST_PRICE_OUTSIDE_BAND if request.limit_price is None else PRICE_ABOVE_BAND
    if request.side is Side.SELL and filters.price_down is not None and price < mark * filters.price_down:
        return BEST_PRICE_OUTSIDE_BAND if request.limit_price is None else PRICE_BELOW_BAND
    return None


def _taking(exchange: Exchange, request: OrderRequest) -> Refusal | None:
    """Refuse a post-only order whose limit reaches the other side's best price."""
    if request.time_in_force is not TimeInForce.POST_ONLY or request.limit_price is None:
        return None
    best = touch(exchange, request)
    if best is None:
        return None
    return WOULD_TAKE if (request.limit_price - best) * request.side.sign >= 0 else None


def _incomplete(exchange: Exchange, account: Account, request: OrderRequest) -> Refusal | None:
    """Refuse an order that must fill whole at once where the market does not hold as much."""
    if request.time_in_force is not TimeInForce.FOK:
        return None
    return None if fills_whole(exchange, account, request) else NOT_WHOLE


def _unfunded(exchange: Exchange, account: Account, request: OrderRequest) -> Refusal | None:
    """Refuse an order that needs more initial margin than there is equity; closing orders need none.

    Nor may a position grow beyond the bracket that its leverage reaches to. A market order is counted at the other
    side's best price.
    """
    if closes_only(request):
        return None
    price = touch(exchange, request) if request.limit_price is None else request.limit_price
    request = replace(request, limit_price=price, trigger_price=None)    # what waits costs nothing; now it is sent
    index = request.key.instrument
    most = exchange.brackets[index].notional_max(account.leverage_of(index))
    _, before = notional_asked(exchange, account, index)
    _, after = notional_asked(exchange, account, index, request)
    if after > before and after > most:
        return POSITION_TOO_LARGE
    return None if affords(exchange, account, request) else MARGIN_INSUFFICIENT
