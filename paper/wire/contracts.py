"""Instruments by the venue's symbols, the filters that it states for them, and exchangeInfo.

Filters are those of GET /fapi/v1/exchangeInfo, August 2025, for the symbols typed in; the others have the usual ones.
A tape's prices may be finer than the venue's tick: then its digits are the tick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.domain.errors import Unsupported
from bot.domain.instrument import Instrument, InstrumentKind
from bot.domain.scale import CASH_UNIT, to_fixed
from paper.tiers import Brackets
from paper.wire.params import Params
from paper.wire.refusals import unknown_symbol
from paper.wire.spec import LimitSpec
from paper.wire.values import Json, Row, cash, fixed, ms

ORDER_TYPES = (
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
)
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX", "GTD")
_PERPETUAL_DELIVERY_MS = 4_133_404_800_000       # the venue's word for never
_ONBOARD_MS = 1_569_398_400_000
_BAND_UP, _BAND_DOWN = Decimal("1.05"), Decimal("0.95")
_BAND_DECIMALS = 4
_ORDERS_MOST = 200
_CONDITIONAL_MOST = 10


@dataclass(frozen=True, slots=True)
class _Stated:
    """What the venue states of one symbol: tick, lot, largest order, largest market order, least notional."""

    tick: str
    lot: str
    most: str
    market_most: str
    notional: int


_STATED: Mapping[str, _Stated] = {
    "BTCUSDT": _Stated("0.10", "0.001", "1000", "120", 100),
    "ETHUSDT": _Stated("0.01", "0.001", "10000", "2000", 20),
    "SOLUSDT": _Stated("0.01", "0.01", "1000000", "80000", 5),
}
_USUAL = _Stated("0.0001", "0.1", "10000000", "1000000", 5)


@dataclass(frozen=True, slots=True)
class Contract:
    """A perpetual as the wire knows it: ``symbol`` is the venue's, "BTCUSDT"."""

    instrument: Instrument
    symbol: str
    brackets: Brackets

    @property
    def index(self) -> int:
        return self.instrument.index

    @property
    def price_digits(self) -> int:
        return self.instrument.price_digits

    @property
    def quantity_digits(self) -> int:
        return self.instrument.quantity_digits

    def price(self, value: int | None) -> str:
        """Return a price as text; nothing is 0."""
        return fixed(value or 0, self.price_digits)

    def quantity(self, value: int) -> str:
        """Return a quantity as text."""
        return fixed(value, self.quantity_digits)


class Contracts:
    """All listed contracts, by symbol and by index."""

    def __init__(self, instruments: Sequence[Instrument], brackets: Sequence[Brackets]) -> None:
        self.all = tuple(
            Contract(instrument, wire_symbol(instrument), table)
            for instrument, table in zip(instruments, brackets, strict=True)
        )
        self._by_symbol = {each.symbol: each for each in self.all}

    def named(self, symbol: str) -> Contract:
        """Return the contract of a symbol; refuse one that is not listed."""
        found = self._by_symbol.get(symbol.upper())
        if found is None:
            raise unknown_symbol()
        return found

    def find(self, symbol: str) -> Contract | None:
        """Return the contract of a symbol, or None."""
        return self._by_symbol.get(symbol)

    def asked(self, params: Params) -> Contract:
        """Return the contract that a request must name."""
        return self.named(params.text("symbol"))

    def asked_or_all(self, params: Params) -> Sequence[Contract]:
        """Return the contract that a request names, or all of them."""
        return [self.asked(params)] if params.has("symbol") else self.all


def wire_symbol(instrument: Instrument) -> str:
    """Return the venue's symbol; raises Unsupported for what USD-M does not list."""
    if instrument.kind is not InstrumentKind.LINEAR or instrument.settle != instrument.quote:
        raise Unsupported(f"{instrument.symbol}: binanceusdm lists linear perpetuals only; leave it out")
    if instrument.contract_size != 1 or instrument.venue_unit != 1:
        raise Unsupported(
            f"{instrument.symbol}: binanceusdm counts coins, and this is traded in contracts of "
            f"{(instrument.contract_size * instrument.venue_unit).normalize():f}; leave it out"
        )
    return f"{instrument.base}{instrument.quote}"


def stated_digits(symbol: str) -> tuple[int, int]:
    """Return the decimals of the venue's tick and lot for a symbol such as "BTCUSDT"."""
    stated = _STATED.get(symbol, _USUAL)
    return len(stated.tick.partition(".")[2]), len(stated.lot.partition(".")[2])


def as_listed(instrument: Instrument) -> Instrument:
    """Return the instrument with the filters that the venue states for it, at the instrument's own scales."""
    stated = _STATED.get(wire_symbol(instrument), _USUAL)
    tick_decimals, lot_decimals = stated_digits(wire_symbol(instrument))
    price_digits, quantity_digits = instrument.price_digits, instrument.quantity_digits
    tick = to_fixed(stated.tick, price_digits) if tick_decimals <= price_digits else 1
    lot = to_fixed(stated.lot, quantity_digits) if lot_decimals <= quantity_digits else 1
    return replace(
        instrument,
        filters=replace(
            instrument.filters,
            tick=tick,
            lot=lot,
            quantity_min=lot,
            quantity_max=to_fixed(stated.most, quantity_digits),
            notional_min=stated.notional * CASH_UNIT,
            price_max=to_fixed("10000000", price_digits),
            market_lot=lot,
            market_quantity_max=to_fixed(stated.market_most, quantity_digits),
            price_up=_BAND_UP,
            price_down=_BAND_DOWN,
            orders_max=_ORDERS_MOST,
            conditional_orders_max=_CONDITIONAL_MOST,
        ),
    )


def exchange_info(contracts: Contracts, limits: LimitSpec, *, now: int) -> Row:
    """Return the reply to GET /fapi/v1/exchangeInfo."""
    assets = dict.fromkeys(contract.instrument.settle for contract in contracts.all)
    return {
        "timezone": "UTC",
        "serverTime": ms(now),
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_1m),
            _limit("ORDERS", "MINUTE", 1, limits.orders_1m),
            _limit("ORDERS", "SECOND", 10, limits.orders_10s),
        ],
        "exchangeFilters": [],
        "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in assets],
        "symbols": [_symbol(contract) for contract in contracts.all],
    }


def _limit(kind: str, interval: str, count: int, most: int) -> Row:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": most}


def _symbol(contract: Contract) -> Row:
    instrument = contract.instrument
    return {
        "symbol": contract.symbol,
        "pair": contract.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL_DELIVERY_MS,
        "onboardDate": _ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",                # the page says to ignore both; the tiers hold
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle,
        "pricePrecision": contract.price_digits,
        "quantityPrecision": contract.quantity_digits,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"] if instrument.base == "BTC" else [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(contract),
        "orderTypes": list(ORDER_TYPES),
        "timeInForce": list(TIMES_IN_FORCE),
        "permissionSets": [],
    }


def _filters(contract: Contract) -> Json:
    filters = contract.instrument.filters
    market_lot = filters.market_lot or filters.lot
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": contract.price(filters.tick),
            "maxPrice": contract.price(filters.price_max),
            "tickSize": contract.price(filters.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": contract.quantity(filters.quantity_min),
            "maxQty": contract.quantity(filters.quantity_max),
            "stepSize": contract.quantity(filters.lot),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": contract.quantity(market_lot),
            "maxQty": contract.quantity(filters.market_quantity_max or filters.quantity_max),
            "stepSize": contract.quantity(market_lot),
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": filters.orders_max or _ORDERS_MOST},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": filters.conditional_orders_max or _CONDITIONAL_MOST},
        {"filterType": "MIN_NOTIONAL", "notional": cash(filters.notional_min).rstrip("0").rstrip(".")},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{filters.price_up or _BAND_UP:.{_BAND_DECIMALS}f}",
            "multiplierDown": f"{filters.price_down or _BAND_DOWN:.{_BAND_DECIMALS}f}",
            "multiplierDecimal": str(_BAND_DECIMALS),
        },
    ]
