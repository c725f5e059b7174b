"""ccxt's markets as instruments: scales, filters, states; and the venue's brackets as tier tables.

Scales are finer than ticks where 18 digits allow it: a mark price has more decimals than an order may have, and a venue
may halve its tick while a position is open. Filters come from the venue's own rows where they are Binance's, else from
what ccxt unified of them. Linear quantities are coins, also where the venue's own amounts are contracts of 10 or 0.001
of them (``venue_unit``); inverse ones and options are contracts of ``contract_size``.

Source: Binance USD-M futures API, "Exchange Information" and "Notional and Leverage Brackets" (read 2026-11);
ccxt 4.5.90, market structure, ``precisionMode = TICK_SIZE``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.adapters.ccxt.limiter import BINANCE_QUOTAS, Quota, Unit
from bot.domain.errors import InputError
from bot.domain.instrument import Filters, Instrument, InstrumentKind, OptionRight, TradingState
from bot.domain.scale import CASH_DIGITS, NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND, to_fixed
from bot.risk.brackets import tier_table_from
from bot.risk.tiers import TierTable

Market = Mapping[str, Any]
DIGITS_BEYOND_TICK = 2               # Binance writes marks with 8 decimals; two keep them to a hundredth of a tick
QUANTITY_MOST = 10**12               # where a venue names no largest order: nobody sends more

_STATES = {
    "TRADING": TradingState.TRADING,
    "PRE_SETTLE": TradingState.DELISTING,
    "SETTLING": TradingState.DELISTING,
    "PRE_DELIVERING": TradingState.DELISTING,
    "DELIVERING": TradingState.DELISTING,
    "PENDING_TRADING": TradingState.HALTED,
    "HALT": TradingState.HALTED,
    "BREAK": TradingState.HALTED,
    "DELIVERED": TradingState.HALTED,
    "CLOSE": TradingState.HALTED,
}


def instrument_of(market: Market, index: int) -> Instrument:
    """Return the instrument of a ccxt market; raises InputError, with its symbol, where it cannot be traded by us."""
    symbol = str(market["symbol"])
    kind = _kind(market, symbol)
    size = _decimal(market.get("contractSize")) or Decimal(1)
    unit, size = (size, Decimal(1)) if kind is InstrumentKind.LINEAR else (Decimal(1), size)
    tick, lot = _step(market, "price", symbol), _step(market, "amount", symbol) * unit
    quantity_digits = _digits(lot)
    # Price and quantity scales must fit 10^-8 together, and a contract of 0.0001 coins takes four digits of that.
    room = CASH_DIGITS - quantity_digits - _digits(size)
    price_digits = max(_digits(tick), min(_digits(tick) + DIGITS_BEYOND_TICK, room))
    strike = _decimal(market.get("strike"))
    right = market.get("optionType")
    expiry = market.get("expiry")
    return Instrument(
        index=index,
        symbol=symbol,
        underlying=str(market["base"]),
        kind=kind,
        base=str(market["base"]),
        quote=str(market["quote"]),
        settle=str(market.get("settle") or market["quote"]),
        price_digits=price_digits,
        quantity_digits=quantity_digits,
        filters=_filters(market, tick, lot, unit, price_digits=price_digits, quantity_digits=quantity_digits),
        contract_size=size,
        expiry=None if expiry is None else int(expiry) * NS_PER_MS,
        strike=None if strike is None else to_fixed(strike, price_digits),
        right=None if right is None else OptionRight(right),
        venue_unit=unit,
    )


def trading_state_of(market: Market) -> TradingState:
    """Return what orders the venue takes, by its own word, else by whether ccxt calls the market active."""
    info = market.get("info")
    status = str(info.get("contractStatus", info.get("status", ""))) if isinstance(info, Mapping) else ""
    known = _STATES.get(status.upper())
    if known is not None:
        return known
    return TradingState.HALTED if market.get("active") is False else TradingState.TRADING


def tiers_of(rows: Sequence[Mapping[str, object]], *, symbol: str, as_of: str) -> TierTable:
    """Return the brackets of one symbol as ``fetchLeverageTiers`` gives them, with the venue's deduction.

    ``as_of`` is the day on which they were read. Raises InputError when they contradict themselves.
    """
    return tier_table_from(rows, where=f"{symbol}: leverage brackets", source="the venue, by ccxt", as_of=as_of)


_SPANS = {"SECOND": NS_PER_SECOND, "MINUTE": NS_PER_MINUTE}
_UNITS = {"REQUEST_WEIGHT": (Unit.WEIGHT, "x-mbx-used-weight"), "ORDERS": (Unit.ORDERS, "x-mbx-order-count")}


def quotas_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Quota, ...]:
    """Return the quotas of exchangeInfo's ``rateLimits``; those of its page where it has none."""
    found = []
    for row in rows:
        unit, span = _UNITS.get(str(row.get("rateLimitType"))), _SPANS.get(str(row.get("interval")))
        if unit is not None and span is not None:
            count = int(row["intervalNum"])
            letter = str(row["interval"])[0].lower()
            found.append(Quota(unit[0], count * span, int(row["limit"]), f"{unit[1]}-{count}{letter}"))
    return tuple(found) or BINANCE_QUOTAS


def _kind(market: Market, symbol: str) -> InstrumentKind:
    if market.get("option"):
        return InstrumentKind.OPTION
    if market.get("spot"):
        return InstrumentKind.SPOT
    if market.get("quanto"):
        raise InputError(f"{symbol}: pays in a coin that is neither of its two; leave it out of instruments")
    return InstrumentKind.INVERSE if market.get("inverse") else InstrumentKind.LINEAR


def _filters(
    market: Market, tick: Decimal, lot: Decimal, unit: Decimal, *, price_digits: int, quantity_digits: int
) -> Filters:
    """Return the filters: of Binance's rows each by its name, and ccxt's limits for what they do not say."""
    rows = _rows(market)
    limits = market.get("limits") or {}
    lots, market_lots = rows.get("LOT_SIZE", {}), rows.get("MARKET_LOT_SIZE", {})
    band = rows.get("PERCENT_PRICE", {})

    def quantity(*values: object) -> int | None:
        return _first(values, quantity_digits, unit)

    price_max = _first((rows.get("PRICE_FILTER", {}).get("maxPrice"), _limit(limits, "price", "max")), price_digits)
    notional = _first((rows.get("MIN_NOTIONAL", {}).get("notional"), _limit(limits, "cost", "min")), CASH_DIGITS)
    lot_units = to_fixed(lot, quantity_digits)
    least = quantity(lots.get("minQty"), _limit(limits, "amount", "min"))
    most = quantity(lots.get("maxQty"), _limit(limits, "amount", "max"))
    return Filters(
        tick=to_fixed(tick, price_digits),
        lot=lot_units,
        quantity_min=least or lot_units,
        quantity_max=most or QUANTITY_MOST,
        notional_min=notional or 0,
        reduce_only_below_notional_min="MIN_NOTIONAL" in rows,      # Binance says so; nobody else is known to
        price_max=price_max,
        market_lot=quantity(market_lots.get("stepSize")),
        market_quantity_max=quantity(market_lots.get("maxQty"), _limit(limits, "market", "max")),
        price_up=_decimal(band.get("multiplierUp")),
        price_down=_decimal(band.get("multiplierDown")),
        orders_max=_count(rows.get("MAX_NUM_ORDERS", {})),
        conditional_orders_max=_count(rows.get("MAX_NUM_ALGO_ORDERS", {})),
    )


def _rows(market: Market) -> dict[str, Mapping[str, Any]]:
    info = market.get("info")
    rows = info.get("filters") if isinstance(info, Mapping) else None
    return {str(row["filterType"]): row for row in rows if "filterType" in row} if isinstance(rows, list) else {}


def _limit(limits: Mapping[str, Any], what: str, end: str) -> object:
    return (limits.get(what) or {}).get(end)


def _count(row: Mapping[str, Any]) -> int | None:
    limit = row.get("limit")
    return None if limit is None else int(limit)


def _first(values: Sequence[object], digits: int, unit: Decimal = Decimal(1)) -> int | None:
    """Return the first value that is a positive number, times ``unit`` at a scale; finer than that is cut off."""
    for value in values:
        number = _decimal(value)
        if number is not None:
            return int((number * unit).scaleb(digits))
    return None


def _decimal(value: object) -> Decimal | None:
    """Return a positive number, None for anything else: 0 and null are how venues say that there is no limit."""
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number > 0 else None


def _step(market: Market, what: str, symbol: str) -> Decimal:
    step = _decimal((market.get("precision") or {}).get(what))
    if step is None:
        raise InputError(f"{symbol}: the venue names no step of its {what}, was {market.get('precision')!r}")
    return step


def _digits(number: Decimal) -> int:
    """Return how many decimals a number has, trailing zeros not counted."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
