"""The venue's brackets against published worked numbers and the recorded table of the same day."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from bot.domain.scale import CASH_UNIT
from paper.tiers import RATE_UNIT, Brackets, brackets_of
from tests.paper.builders import perpetual, usd
from tests.shared_data import shared


def _cases() -> list[dict[str, Any]]:
    text = shared("oracles/05_exchange_margin.json").read_text()
    return [case for case in json.loads(text)["cases"] if case["family"] == "binance_tiers"]


def _brackets_of(base: str) -> Brackets:
    return brackets_of(perpetual(base=base))


def _base(case: dict[str, Any]) -> str:
    return str(case["inputs"].get("symbol", "")).partition("/")[0]


def test_brackets_of_typed_in_symbols_have_the_published_cums() -> None:
    """Every cum of BTC and ETH that we typed in is the one that the venue publishes."""
    seen = 0
    for case in _cases():
        if "maintenance_margin" in case["expected"] or _base(case) not in ("BTC", "ETH"):
            continue
        ours = _brackets_of(_base(case))
        published = case["inputs"]["brackets"]
        assert [row["cap"] * CASH_UNIT for row in published] == list(ours.caps)
        assert [row["mmr"] for row in published] == [rate / RATE_UNIT for rate in ours.rates]
        assert [cum * CASH_UNIT for cum in case["expected"]["cum"]] == list(ours.cums)
        seen += 1
    assert seen == 2


def test_maintenance_of_the_worked_notionals_is_as_published() -> None:
    """The worked maintenance margins of the oracle come out to the eighth decimal."""
    seen = 0
    for case in _cases():
        if "maintenance_margin" not in case["expected"] or _base(case) not in ("BTC", "ETH", "SOL"):
            continue
        notional = usd(str(case["inputs"]["notional"]))
        found = _brackets_of(_base(case)).maintenance(notional)
        assert found == usd(str(case["expected"]["maintenance_margin"])), case["id"]
        seen += 1
    assert seen >= 3


@pytest.mark.parametrize("base", ["BTC", "ETH", "SOL", "SUI"])
def test_brackets_of_a_symbol_equal_the_recorded_table_of_their_day(base: str) -> None:
    """What we typed in is what the venue's table of 2024-10-24 says; SUI is the stand-in for the rest."""
    path = shared("data/margin_tiers/binance-usdm_leverage_tiers_2024-10-24.json.gz")
    rows = json.loads(gzip.decompress(path.read_bytes()))[f"{base}/USDT:USDT"]
    ours = _brackets_of(base)
    assert [row["maxNotional"] * CASH_UNIT for row in rows] == list(ours.caps)
    assert [row["maintenanceMarginRate"] for row in rows] == [rate / RATE_UNIT for rate in ours.rates]
    assert [float(row["info"]["cum"]) * CASH_UNIT for row in rows] == list(ours.cums)
    assert [row["maxLeverage"] for row in rows] == list(ours.leverages)


@pytest.mark.parametrize("base", ["BTC", "ETH", "SOL", "anything else"])
def test_maintenance_is_continuous_at_every_cap(base: str) -> None:
    """A position that grows through a cap sees no jump: that is what cum is for."""
    ours = _brackets_of(base)
    for place, cap in enumerate(ours.caps[:-1]):
        at_cap = ours.maintenance(cap)
        next_rate, next_cum = ours.rates[place + 1], ours.cums[place + 1]
        assert at_cap == cap * next_rate // RATE_UNIT - next_cum
        assert 0 <= ours.maintenance(cap + 1) - at_cap <= 1


def test_maintenance_with_a_fraction_of_a_cash_unit_rounds_up() -> None:
    """The venue rounds against the account: 1 unit at 0.4 % is 1 unit, not 0."""
    assert Brackets((1,), (400,), (0,), (125,)).maintenance(1) == 1
    assert Brackets((1,), (400,), (0,), (125,)).maintenance(250) == 1
    assert Brackets((1,), (400,), (0,), (125,)).maintenance(251) == 2
