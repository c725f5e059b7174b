"""The tables from which the checker, the docs and ``penstock rules`` are made."""

from __future__ import annotations

import pytest

from bot.rules.language.errors import NotBuiltYet
from bot.rules.language.functions import FUNCTION_ROWS, FUNCTIONS, Function
from bot.rules.language.measures import MEASURES, PLANNED, Measure, MeasureUnit
from bot.rules.language.typed import Compare, Read
from tests.rules.language_builders import BTC, condition

# The first set of the design, by scope.
DESIGNED = {
    "account": "equity wallet available initial_margin maintenance_margin margin_ratio leverage gross_notional "
    "net_notional drawdown liquidation_distance liquidation_distance_worst liquidation_sigmas sigma "
    "collateral_value margin_call var es stress",
    "position": "side amount notional entry_price unrealised_pnl loss_ratio drawdown margin_ratio "
    "liquidation_price liquidation_distance age adl_rank unwind_cost_bps unwind_time",
    "market": "mark_price index_price last_price mid spread_bps depth imbalance order_flow volatility volume "
    "return funding_rate next_funding open_interest liquidations premium cascade_score age",
    "underlying": "net_delta gamma vega theta",
    "time": "between every of_day of_week",
}
NAMES = [f"{scope}.{name}" for scope, names in DESIGNED.items() for name in names.split()]
UNIT_TEXT = {
    MeasureUnit.NUMBER: "number", MeasureUnit.RATIO: "ratio", MeasureUnit.DURATION: "duration",
    MeasureUnit.ACCOUNT_MONEY: "USDT", MeasureUnit.QUOTE_MONEY: "USDT", MeasureUnit.SETTLE_MONEY: "USDT",
    MeasureUnit.BASE_QUANTITY: "BTC", MeasureUnit.PRICE: "USDT per BTC",
}


@pytest.mark.parametrize("name", NAMES)
def test_measure_of_the_design_is_there_or_said_to_come(name: str) -> None:
    """Every name of the design is either a row of the table or known to come later, and never both."""
    subject, _, bare = name.partition(".")
    is_there = name in MEASURES or any(row.name == name for row in FUNCTION_ROWS)
    assert is_there != (bare in PLANNED.get(subject, ()))
    if not is_there:
        with pytest.raises(NotBuiltYet):
            condition(f"{name} > 1")


@pytest.mark.parametrize("row", MEASURES.values(), ids=str)
def test_measure_row_is_complete_and_readable_by_a_rule(row: Measure) -> None:
    """Each row says where it comes from, what it means and what it is at its edges, and can be compared."""
    assert row.source and row.meaning and row.edges
    text = row.example
    root = condition(f"{text} > 0").root
    assert isinstance(root, Compare) and isinstance(root.left, Read)
    assert str(root.left.ref) == text
    assert root.left.dimension.unit == UNIT_TEXT[row.unit]
    assert row.signature.startswith(row.name)


def test_currencies_follow_the_markets_of_the_rule() -> None:
    """An inverse contract is quoted in dollars, settles in its coin, and its account counts in that."""
    units = {
        name: condition(f"{name} > 0", symbols=("BTC/USD:BTC-251226",)).reads[0].dimension.unit
        for name in ("market.mark_price", "position.unrealised_pnl", "position.notional", "account.equity")
    }
    assert units == {
        "market.mark_price": "USD per BTC", "position.unrealised_pnl": "BTC", "position.notional": "USD",
        "account.equity": "BTC",
    }
    assert condition("account.equity > 0", symbols=("BTC/USDT",)).reads[0].dimension.unit == "USDT"
    mixed = condition("account.equity > 0", symbols=(BTC, "BTC/USD:BTC")).reads[0].dimension.unit
    assert mixed == "account currency"


EXAMPLES = {
    "abs(x)": "abs(account.leverage) > 1",
    "clamp(x, low, high)": "clamp(account.leverage, 0, 2) > 1",
    "default(x, value)": "default(market.funding_rate, 0) > 1%",
    "max(a, b, ...)": "max(account.leverage, 2) > 1",
    "min(a, b, ...)": "min(account.leverage, 2) > 1",
    "max(x, window)": "max(account.leverage, 15m) > 1",
    "min(x, window)": "min(account.leverage, 15m) > 1",
    "mean(x, window)": "mean(account.leverage, 15m) > 1",
    "stdev(x, window)": "stdev(account.leverage, 15m) > 1",
    "change(x, window)": "change(account.leverage, 15m) > 1",
    "rate(x, window)": "rate(account.leverage, 15m) > 1 / 1h",
    "ema(x, window)": "ema(account.leverage, 15m) > 1",
    "rsi(market.close, periods, bar)": "rsi(market.close, 14, 1m) > 70",
    "atr(periods, bar)": "atr(14, 1m) > 1 USDT",
    "sma(market.close, periods, bar)": "sma(market.close, 20, 1h) > 1 USDT",
    "bollinger(market.close, periods, width, bar)": "bollinger(market.close, 20, -2, 1d) > 1 USDT",
    "time.between(from, to)": "time.between(09:30, 16:00)",
    "time.every(period)": "time.every(8h)",
}


def test_function_rows_are_told_apart_by_their_signatures() -> None:
    """No two rows are the same call, and each has an example in this test."""
    signatures = [row.signature for row in FUNCTION_ROWS]
    assert len(set(signatures)) == len(signatures)
    assert set(signatures) == set(EXAMPLES)
    assert set(FUNCTIONS) == {"abs", "clamp", "default", "max", "min"}


@pytest.mark.parametrize("row", FUNCTION_ROWS, ids=lambda row: row.signature)
def test_function_row_is_complete_and_its_call_is_taken(row: Function) -> None:
    """What the table shows as a call is a call, with a unit, a meaning and its edges."""
    assert row.signature.startswith(f"{row.name}(") and row.unit and row.meaning and row.edges
    assert condition(EXAMPLES[row.signature]).readings
