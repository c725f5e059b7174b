"""Instruments, filters, brackets and quotas out of ccxt's markets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from bot.adapters.ccxt.instruments import instrument_of, quotas_of, tiers_of, trading_state_of
from bot.adapters.ccxt.limiter import BINANCE_QUOTAS, Unit
from bot.domain.errors import InputError
from bot.domain.instrument import InstrumentKind, TradingState
from bot.domain.scale import CASH_DIGITS, CASH_UNIT, NS_PER_MINUTE, NS_PER_SECOND, to_decimal
from tests.adapters.ccxt.samples import fixture

INFO: dict[str, Any] = {
    "symbol": "BTCUSDT", "pair": "BTCUSDT", "status": "TRADING", "contractType": "PERPETUAL", "baseAsset": "BTC",
    "quoteAsset": "USDT", "marginAsset": "USDT", "orderTypes": ["LIMIT", "MARKET"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.002"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"},
    ],
}


def parsed(info: dict[str, Any]) -> Any:
    """Return what ccxt makes of a row of exchangeInfo."""
    return ccxt.binanceusdm().parse_market(info)


def test_instrument_of_binance_has_the_venues_filters() -> None:
    """Every filter at the instrument's scale, the mark's extra digits included."""
    found = instrument_of(parsed(INFO), 3)
    assert (found.index, found.symbol, found.kind) == (3, "BTC/USDT:USDT", InstrumentKind.LINEAR)
    assert (found.price_digits, found.quantity_digits) == (3, 3)
    filters = found.filters
    assert to_decimal(filters.tick, 3) == Decimal("0.1")
    assert (filters.lot, filters.quantity_min, filters.quantity_max) == (1, 1, 1_000_000)
    assert (filters.market_lot, filters.market_quantity_max) == (2, 120_000)
    assert filters.notional_min == 100 * CASH_UNIT
    assert filters.reduce_only_below_notional_min
    assert filters.price_max == 4_529_764_000
    assert (filters.price_up, filters.price_down) == (Decimal("1.05"), Decimal("0.95"))
    assert (filters.orders_max, filters.conditional_orders_max) == (200, 10)
    assert found.value(price=60_000_000, quantity=1_000) == 60_000 * CASH_UNIT


def test_instruments_of_the_recorded_list_can_all_be_valued() -> None:
    """Every contract that the venue listed when its page was recorded: scales fit, ticks are exact."""
    rows = fixture("http_futures_market_exchange_info.json")["symbols"]
    count = 0
    for row in rows:
        market = parsed(row)
        if not market["contract"]:
            continue
        found = instrument_of(market, count)
        assert found.price_digits + found.quantity_digits <= CASH_DIGITS
        assert found.value_multiplier >= 1
        by_name = {each["filterType"]: each for each in row["filters"]}
        assert to_decimal(found.filters.tick, found.price_digits) == Decimal(by_name["PRICE_FILTER"]["tickSize"])
        assert to_decimal(found.filters.lot, found.quantity_digits) == Decimal(by_name["LOT_SIZE"]["stepSize"])
        count += 1
    assert count


def test_instrument_of_a_venue_in_contracts_is_worth_its_size() -> None:
    """OKX counts contracts of 0.01 BTC: one is worth 600 at 60,000, and nobody exempts its reducers from minimums."""
    market = {
        "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT", "settle": "USDT", "swap": True, "linear": True,
        "contractSize": 0.01, "precision": {"price": 0.1, "amount": 0.01},
        "limits": {"amount": {"min": 0.01, "max": None}}, "info": {"state": "live"}, "active": True,
    }
    found = instrument_of(market, 0)
    assert found.value(price=60_000 * 10**found.price_digits, quantity=100) == 600 * CASH_UNIT
    assert found.filters.quantity_min == 1
    assert not found.filters.reduce_only_below_notional_min


def test_instrument_of_a_dated_inverse_future_keeps_its_expiry() -> None:
    """Contracts of 100 USD that settle in coin on a day."""
    market = {
        "symbol": "BTC/USD:BTC-241227", "base": "BTC", "quote": "USD", "settle": "BTC", "inverse": True,
        "contractSize": 100, "precision": {"price": 0.1, "amount": 1}, "expiry": 1_735_286_400_000,
    }
    found = instrument_of(market, 0)
    assert (found.kind, found.expiry) == (InstrumentKind.INVERSE, 1_735_286_400 * NS_PER_SECOND)


@pytest.mark.parametrize("change", [{"precision": {"price": None, "amount": 1}}, {"quanto": True}])
def test_instrument_that_cannot_be_traded_is_refused_by_name(change: dict[str, Any]) -> None:
    """A market without a tick, or that pays in a third coin, is an error that names it."""
    market = {**parsed(INFO), **change}
    with pytest.raises(InputError, match="BTC/USDT:USDT"):
        instrument_of(market, 0)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("TRADING", TradingState.TRADING), ("SETTLING", TradingState.DELISTING), ("HALT", TradingState.HALTED),
        ("PENDING_TRADING", TradingState.HALTED),
    ],
)
def test_trading_state_is_the_venues_word(status: str, state: TradingState) -> None:
    """What the venue says of the contract; a word of tomorrow is judged by whether the market is active."""
    assert trading_state_of({"info": {"status": status}, "active": True}) is state
    assert trading_state_of({"info": {"status": "NEW_WORD"}, "active": False}) is TradingState.HALTED
    assert trading_state_of({}) is TradingState.TRADING


def test_tiers_of_ccxt_rows_take_the_venues_deduction() -> None:
    """The deduction is under info, where ccxt itself does not look: at 5.99 M it makes a fifth of the margin."""
    exchange = ccxt.binanceusdm()
    exchange.set_markets([parsed(INFO)])
    rows = [
        {"bracket": number, "initialLeverage": leverage, "notionalCap": cap, "notionalFloor": floor,
         "maintMarginRatio": rate, "cum": cum}
        for number, leverage, floor, cap, rate, cum in [
            (1, 125, 0, 50_000, 0.004, 0.0), (2, 100, 50_000, 600_000, 0.005, 50.0),
            (3, 75, 600_000, 3_000_000, 0.0065, 950.0),
        ]
    ]
    tiers = exchange.parse_leverage_tiers([{"symbol": "BTCUSDT", "brackets": rows}], ["BTC/USDT:USDT"], "symbol")
    table = tiers_of(tiers["BTC/USDT:USDT"], symbol="BTC/USDT:USDT", as_of="2026-11-21")
    assert table.as_of == "2026-11-21"
    assert table.maintenance(1_000_000 * CASH_UNIT) == (6_500 - 950) * CASH_UNIT


def test_quotas_are_read_from_the_venues_limits() -> None:
    """Spans, limits and the names of the headers; the page's figures where the venue gives none."""
    rows = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
    ]
    assert quotas_of(rows) == BINANCE_QUOTAS
    assert quotas_of([]) == BINANCE_QUOTAS
    assert quotas_of(rows[:1])[0].span == NS_PER_MINUTE
    assert {quota.unit for quota in quotas_of(rows[:1])} == {Unit.WEIGHT}
