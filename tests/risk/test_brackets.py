"""Brackets as venues and ccxt hand them out."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from bot.domain.errors import InputError
from bot.domain.scale import CASH_UNIT
from bot.risk.binance_tiers import tier_table
from bot.risk.brackets import tier_table_from
from tests.shared_data import shared

DAYS = ("2023-08-16", "2024-10-24", "2025-07-10")
BINANCE: list[dict[str, Any]] = [
    {"bracket": 1, "initialLeverage": 75, "notionalCap": 10_000, "notionalFloor": 0, "maintMarginRatio": 0.0065,
     "cum": 0},
    {"bracket": 2, "initialLeverage": 50, "notionalCap": 50_000, "notionalFloor": 10_000, "maintMarginRatio": 0.01,
     "cum": 35},
]
COINM: list[dict[str, Any]] = [
    {"initialLeverage": 125, "qtyCap": 5, "qtylFloor": 0, "maintMarginRatio": "0.004", "cum": "0"},
    {"initialLeverage": 100, "qtyCap": 10, "qtylFloor": 5, "maintMarginRatio": "0.005", "cum": "0.005"},
]


def read(rows: list[dict[str, Any]]) -> Any:
    """The table of rows, read on a day."""
    return tier_table_from(rows, where="binance BTCUSDT", source="a test", as_of="2026-11-21")


@pytest.mark.parametrize("day", DAYS)
def test_brackets_of_every_recorded_instrument_are_read(day: str) -> None:
    """Hundreds of instruments, as ccxt handed them out: each table is read, and keeps the venue's deductions."""
    path = shared(f"data/margin_tiers/binance-usdm_leverage_tiers_{day}.json.gz")
    recorded = json.loads(gzip.decompress(path.read_bytes()))
    assert len(recorded) > 100
    for symbol, rows in recorded.items():
        found = tier_table_from(rows, where=symbol, source="recorded", as_of=day)
        assert found.as_of == day
        assert [tier.cum for tier in found.tiers] == [round(float(row["info"]["cum"]) * CASH_UNIT) for row in rows]


def test_brackets_of_a_typed_in_instrument_are_the_recorded_ones() -> None:
    """What the loader makes of the recorded day is the table that is typed in, to the last field."""
    path = shared("data/margin_tiers/binance-usdm_leverage_tiers_2024-10-24.json.gz")
    recorded = json.loads(gzip.decompress(path.read_bytes()))
    typed = tier_table("BTC")
    assert tier_table_from(recorded["BTC/USDT:USDT"], where="", source=typed.source, as_of="2024-10-24") == typed


def test_brackets_in_binances_own_form_are_read_in_any_order() -> None:
    """The endpoint's rows, numbers or text, last first: the same table, the last bracket open."""
    found = read(BINANCE[::-1])
    assert [tier.cap for tier in found.tiers] == [10_000 * CASH_UNIT, None]
    assert found.maintenance(10_000 * CASH_UNIT) == 65 * CASH_UNIT
    assert found.maintenance(10_001 * CASH_UNIT) == round(65.01 * CASH_UNIT)
    assert [tier.leverage_max for tier in found.tiers] == [75, 50]


def test_brackets_of_coin_contracts_are_in_coins() -> None:
    """COIN-M states quantities of the coin; its page spells the floor in its own way."""
    assert read(COINM).maintenance(8 * CASH_UNIT) == round((8 * 0.005 - 0.005) * CASH_UNIT)


def test_brackets_without_a_deduction_have_the_one_that_follows() -> None:
    """Floors and rates are enough."""
    bare = [{key: value for key, value in row.items() if key != "cum"} for row in BINANCE]
    assert read(bare) == read(BINANCE)


@pytest.mark.parametrize(
    ("row", "changes", "message"),
    [
        (0, {"notionalFloor": 1}, "must begin at 0"),
        (1, {"notionalFloor": 10_001}, "must follow on one another"),
        (1, {"maintMarginRatio": 0.0065}, "rates must rise"),
        (1, {"maintMarginRatio": 1}, "rates must rise and stay below 1"),
        (0, {"maintMarginRatio": 0}, "rates must rise"),
        (1, {"cum": 35.11}, "deduction does not fit"),
        (1, {"cum": "NaN"}, "needs a number for cum"),
        (1, {"notionalFloor": None}, "needs a number for notionalFloor"),
        (1, {"maintMarginRatio": -0.01}, "needs a number for maintMarginRatio"),
    ],
)
def test_brackets_that_cannot_be_are_refused_by_name(row: int, changes: dict[str, Any], message: str) -> None:
    """A wrong table would be a wrong distance: where it is from, what is wrong, what it was."""
    rows = [dict(bracket) for bracket in BINANCE]
    rows[row] |= changes
    with pytest.raises(InputError, match=f"^binance BTCUSDT: .*{message}"):
        read(rows)


def test_brackets_that_jump_by_a_rounded_cent_are_read() -> None:
    """Venues print deductions to a cent; what that leaves at a bound is theirs."""
    rows = [dict(bracket) for bracket in BINANCE]
    rows[1]["cum"] = 35.1
    assert read(rows).tiers[1].cum == round(35.1 * CASH_UNIT)


def test_brackets_of_nothing_are_refused() -> None:
    """An empty answer of a venue is no table."""
    with pytest.raises(InputError, match="must begin at 0"):
        read([])
