"""Which orders the venue refuses, with Binance's codes ("Error Codes", USDⓈ-M futures, read 2024)."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.order import OrderRequest, Side, TimeInForce
from paper.exchange import Exchange
from paper.holdings import closes_only, quantity_held
from paper.impact import depth
from paper.margin import affords, notional_asked
from paper.opening import LEGS
from paper.state import Account


@dataclass(frozen=True, slots=True)
class Refusal:
    """The venue's code, as it writes it, and its words."""

    code: str
    detail: str


DUPLICATE_NAME = Refusal("-4116", "ClientOrderId is duplicated.")
UNKNOWN_SYMBOL = Refusal("-1121", "Invalid symbol.")
PRICE_MISSING = Refusal("-1102", "Mandatory parameter 'price' was not sent, was empty/null, or malformed.")
GOOD_UNTIL_MISSING = Refusal("-1102", "Mandatory parameter 'goodTillDate' was not sent, was empty/null, or malformed.")
CONDITIONAL = Refusal("-4120", "Order type not supported for this endpoint. Please use the Algo Order API endpoints.")
WRONG_SIDE = Refusal("-4061", "Order's position side does not match user's setting.")
PRICE_TOO_LOW = Refusal("-4013", "Price less than min price.")
PRICE_OFF_TICK = Refusal("-4014", "Price not increased by tick size.")
QUANTITY_TOO_SMALL = Refusal("-4004", "Quantity less than min quantity.")
QUANTITY_TOO_LARGE = Refusal("-4005", "Quantity greater than max quantity.")
QUANTITY_OFF_LOT = Refusal("-4023", "Quantity not increased by step size.")
NOTIONAL_TOO_SMALL = Refusal(
    "-4164", "Order's notional must be no smaller than the minimum (unless you choose reduce only)."
)
NOTHING_TO_REDUCE = Refusal("-2022", "ReduceOnly Order is rejected.")
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
    if request.name in account.resting or request.name in account.ended:
        exchange.state.names_reused += 1
        return DUPLICATE_NAME
    if not 0 <= request.key.instrument < len(exchange.instruments):
        return UNKNOWN_SYMBOL
    return (
        _malformed(request)
        or _other_mode(account, request)
        or _filtered(exchange, request)
        or _unreducing(account, request)
        or _taking(exchange, request)
        or _unfunded(exchange, account, request)
    )


def reduces(account: Account, request: OrderRequest) -> int:
    """Return how much of the position the order's side can close: 0 when flat or on the same side."""
    held = quantity_held(account, request.key)
    return max(0, -held * request.side.sign)


def _malformed(request: OrderRequest) -> Refusal | None:
    if request.trigger_price is not None:
        return CONDITIONAL
    if request.limit_price is None:
        return PRICE_MISSING
    if request.time_in_force is TimeInForce.GTD and request.good_until is None:
        return GOOD_UNTIL_MISSING
    return None


def _other_mode(account: Account, request: OrderRequest) -> Refusal | None:
    """Refuse an order for a leg, or a margin mode, that the account does not have.

    Binance's orders name no margin mode; one of ours that names the wrong one comes from a client that is wrong
    about its position too, so it is refused with the nearest code.
    """
    key = request.key
    if key.side not in LEGS[account.position_mode] or key.mode is not account.mode_of(key.instrument):
        return WRONG_SIDE
    return None


def _filtered(exchange: Exchange, request: OrderRequest) -> Refusal | None:
    instrument = exchange.instruments[request.key.instrument]
    filters = instrument.filters
    price = request.limit_price or 0
    if price < filters.tick:
        return PRICE_TOO_LOW
    if price % filters.tick:
        return PRICE_OFF_TICK
    if request.quantity < max(1, filters.quantity_min):
        return QUANTITY_TOO_SMALL
    if request.quantity > filters.quantity_max:
        return QUANTITY_TOO_LARGE
    if request.quantity % filters.lot:
        return QUANTITY_OFF_LOT
    exempt = request.reduce_only and filters.reduce_only_below_notional_min
    if not exempt and instrument.value(price=price, quantity=request.quantity) < filters.notional_min:
        return NOTIONAL_TOO_SMALL
    return None


def _unreducing(account: Account, request: OrderRequest) -> Refusal | None:
    if closes_only(request) and reduces(account, request) == 0:
        return NOTHING_TO_REDUCE
    return None


def _taking(exchange: Exchange, request: OrderRequest) -> Refusal | None:
    """Refuse a post-only order whose limit reaches the other side's best price."""
    if request.time_in_force is not TimeInForce.POST_ONLY or request.limit_price is None:
        return None
    index = request.key.instrument
    met = depth(
        exchange.markets[index], exchange.instruments[index], exchange.spec.impact, side=request.side, now=exchange.at
    )
    if met is None:
        return None
    touched = met.base * (1.0 + request.side.sign * met.half_spread)
    reaches = request.limit_price >= touched if request.side is Side.BUY else request.limit_price <= touched
    return WOULD_TAKE if reaches else None


def _unfunded(exchange: Exchange, account: Account, request: OrderRequest) -> Refusal | None:
    """Refuse an order that needs more initial margin than there is equity; closing orders need none.

    Nor may a position grow beyond the bracket that its leverage reaches to.
    """
    if closes_only(request):
        return None
    index = request.key.instrument
    most = exchange.brackets[index].notional_max(account.leverage_of(index))
    _, before = notional_asked(exchange, account, index)
    _, after = notional_asked(exchange, account, index, request)
    if after > before and after > most:
        return POSITION_TOO_LARGE
    return None if affords(exchange, account, request) else MARGIN_INSUFFICIENT
