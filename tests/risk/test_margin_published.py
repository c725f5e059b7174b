"""Margin sums against numbers that venues printed, each at the tolerance its source allows."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.account import PositionKey
from bot.domain.scale import CASH_UNIT, to_fixed
from bot.risk.binance_tiers import is_typed_in, tier_table
from bot.risk.margin import Holding, account_margin, liquidation_price
from bot.risk.tiers import TierTable, table
from tests.oracles import Case, assert_as_published, cases
from tests.risk.books import flat_table, instrument
from tests.shared_data import shared

FILE = "05_exchange_margin.json"
BRACKETS = "data/margin_tiers/binance-usdm_leverage_tiers_2024-10-24.json.gz"


def exact_holding(
    amount: float, *, entry: float, mark: float, rate: float, cum: float = 0.0, index: int = 0
) -> Holding:
    """A position from the numbers of a printed example, with as many digits as they have."""
    price_digits = max(_digits(entry), _digits(mark))
    quantity_digits = _digits(amount)
    perpetual = instrument(index, price_digits=price_digits, quantity_digits=quantity_digits)
    quantity = to_fixed(str(amount), quantity_digits)
    return Holding(
        key=PositionKey(0, index), instrument=perpetual, tiers=flat_table(str(rate), cum=round(cum * CASH_UNIT)),
        quantity=quantity, mark=to_fixed(str(mark), price_digits),
        entry_value=perpetual.value(price=to_fixed(str(entry), price_digits), quantity=quantity),
    )




def _digits(number: float) -> int:
    exponent = Decimal(str(number)).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def printed_price(wallet: float, holdings: list[Holding]) -> float | None:
    """The liquidation price of the first holding, in quote units."""
    price = liquidation_price(round(wallet * CASH_UNIT), holdings, 0)
    return None if price is None else price / 10 ** holdings[0].instrument.price_digits


def isolated(case: Case, *, margin: float, rate: float, cum: float = 0.0) -> dict[str, Any]:
    """An isolated position is a cross account that holds nothing else and no more than its margin."""
    given = case["inputs"]
    amount = given["size"] if given["side"] == "long" else -given["size"]
    held = exact_holding(amount, entry=given["entry"], mark=given["entry"], rate=rate, cum=cum)
    return {"liquidation_price": printed_price(margin, [held])}


def test_liquidation_price_of_binances_worked_examples_is_theirs() -> None:
    """Binance's own page: an isolated long and a cross account with a second position, to half a cent."""
    for case in cases(FILE, "binance_official"):
        given = case["inputs"]
        if "liquidation_price" not in case["expected"]:
            continue
        amount = given["position"] if given["side"] == "long" else -given["position"]
        holdings = [
            exact_holding(amount, entry=given["entry"], mark=given["mark"], rate=given["mmr"], cum=given["cum"])
        ]
        actual: dict[str, Any] = {"other_maintenance_margin": 0.0, "other_upnl": 0.0}
        other = given["other_position"]
        if other:
            held = exact_holding(
                other["pos"], entry=other["ep"], mark=other["mark"], rate=other["mmr"], cum=other["cum"], index=1
            )
            holdings.append(held)
            actual = {
                "other_maintenance_margin": held.maintenance / CASH_UNIT, "other_upnl": held.unrealised / CASH_UNIT,
            }
        actual["liquidation_price"] = printed_price(given["wallet_balance"], holdings)
        assert_as_published(case, actual)


def test_account_margin_of_binances_worked_example_is_theirs() -> None:
    """Both positions of Binance's example together: maintenance, margin balance and their ratio."""
    checked = 0
    for case in cases(FILE, "binance_official"):
        if "margin_ratio" not in case["expected"]:
            continue
        given = case["inputs"]
        holdings = [
            exact_holding(p["pos"], entry=p["ep"], mark=p["mark"], rate=p["mmr"], cum=p["cum"], index=index)
            for index, p in enumerate(given["positions"])
        ]
        totals = account_margin(round(given["wallet_balance"] * CASH_UNIT), holdings)
        assert_as_published(
            case,
            {
                "maintenance_margin": totals.maintenance / CASH_UNIT,
                "margin_balance": totals.equity / CASH_UNIT,
                "margin_ratio": totals.margin_ratio,
            },
        )
        checked += 1
    assert checked


def test_liquidation_price_of_isolated_binance_positions_is_as_published() -> None:
    """Small isolated positions with a deduction, as a widely used bot asserts them to nine digits."""
    for case in cases(FILE, "binance_isolated"):
        given = case["inputs"]
        assert_as_published(case, isolated(case, margin=given["wallet_balance"], rate=given["mmr"], cum=given["cum"]))


def test_liquidation_price_with_the_fee_in_the_rate_is_gates_and_okx() -> None:
    """Gate and OKX count the closing fee as maintenance: the same sum at a rate higher by the taker's fee."""
    for case in cases(FILE, "gate_okx_isolated"):
        given = case["inputs"]
        margin = given["entry"] * given["size"] / given["leverage"]
        rate = round(given["mmr"] + given["taker_fee"], 6)
        assert_as_published(case, isolated(case, margin=margin, rate=rate))


def test_liquidation_price_of_hyperliquid_positions_is_the_venues() -> None:
    """Real positions of a venue whose rate is half of one over the leverage: its own printed prices."""
    for case in cases(FILE, "hyperliquid"):
        given = case["inputs"]
        margin = given["isolated_margin"]
        rate = round(0.5 / given["max_leverage"], 6)
        assert_as_published(case, isolated(case, margin=margin, rate=rate))


def test_account_margin_of_a_bybit_account_has_its_ratio() -> None:
    """The ratio is maintenance over margin balance, and one means liquidation, at Bybit as elsewhere."""
    for case in cases(FILE, "bybit_account"):
        given = case["inputs"]
        held = exact_holding(1.0, entry=given["total_mm"] * 10, mark=given["total_mm"] * 10, rate=0.1)
        totals = account_margin(given["margin_balance"] * CASH_UNIT, [held])
        assert_as_published(case, {"mm_rate": totals.margin_ratio})
        assert (totals.margin_ratio >= 1) == case["expected"]["liquidate"]


def test_maintenance_of_published_notionals_is_as_printed() -> None:
    """Each printed maintenance margin, also at a bracket's bound and one unit past it, from floors and rates alone."""
    checked = 0
    for family, key in (("binance_tiers", "notional"), ("bybit_tiers", "position_value")):
        for case in cases(FILE, family):
            if "maintenance_margin" not in case["expected"] or isinstance(case["inputs"][key], list):
                continue
            brackets = _brackets(case)
            notional = case["inputs"][key] * CASH_UNIT
            tier = brackets.tiers[brackets.index_of(notional)]
            actual = {"mmr": tier.rate_ppm / 1e6, "maintenance_margin": brackets.maintenance(notional) / CASH_UNIT}
            actual["cum" if family == "binance_tiers" else "mm_deduction"] = tier.cum / CASH_UNIT
            assert_as_published(case, actual)
            checked += 1
    assert checked >= 8


def test_table_from_floors_and_rates_derives_the_venues_deductions() -> None:
    """The deduction of every bracket of BTC, ETH, SOL and of an older table follows from floors and rates."""
    checked = 0
    for case in cases(FILE, "binance_tiers"):
        if "cum" in case["expected"] and isinstance(case["expected"]["cum"], list):
            assert_as_published(case, {"cum": [tier.cum / CASH_UNIT for tier in _brackets(case).tiers]})
            checked += 1
    assert checked


def _brackets(case: Case) -> TierTable:
    given = case["inputs"]
    if "tiers" in given:
        rows = [(int(floor), str(rate), 1) for floor, _, rate in given["tiers"]]
    else:
        rows = [(int(bracket["floor"]), str(bracket["mmr"]), 1) for bracket in given["brackets"]]
    return table(rows, source=case["source"])


@pytest.mark.parametrize("base", ["BTC", "ETH", "SOL", "SUI"])
def test_tier_table_of_a_typed_in_instrument_is_the_recorded_one(base: str) -> None:
    """Every bound, rate, leverage and deduction that was typed in is the one Binance published that day."""
    recorded = json.loads(gzip.decompress(shared(BRACKETS).read_bytes()))[f"{base}/USDT:USDT"]
    typed = tier_table(base)
    assert is_typed_in(base)
    assert len(typed.tiers) == len(recorded)
    for tier, row in zip(typed.tiers, recorded, strict=True):
        assert tier.floor == to_fixed(str(row["minNotional"]), 8)
        assert tier.rate_ppm == to_fixed(str(row["maintenanceMarginRate"]), 6)
        assert tier.leverage_max == row["maxLeverage"]
        assert tier.cum == to_fixed(str(row["info"]["cum"]), 8)
    caps = [None if row is recorded[-1] else to_fixed(str(row["maxNotional"]), 8) for row in recorded]
    assert [tier.cap for tier in typed.tiers] == caps


def test_tier_table_of_an_unknown_instrument_is_the_stand_in_and_says_so() -> None:
    """An instrument that is not typed in is not margined as BTC: it gets stricter brackets, marked as such."""
    stand_in = tier_table("NOSUCH")
    assert not is_typed_in("NOSUCH")
    assert "standing for" in stand_in.source
    assert all(
        stand_in.maintenance(notional * CASH_UNIT) > tier_table("BTC").maintenance(notional * CASH_UNIT)
        for notional in (1_000, 100_000, 10_000_000)
    )


def test_exact_holding_with_another_rate_is_noticed() -> None:
    """The comparison itself can fail: a rate one ten-thousandth off is outside Binance's half cent."""
    for case in cases(FILE, "binance_official")[:1]:
        given = case["inputs"]
        held = exact_holding(
            given["position"], entry=given["entry"], mark=given["mark"], rate=given["mmr"], cum=given["cum"]
        )
        (tier,) = held.tiers.tiers
        wrong = replace(held, tiers=TierTable((replace(tier, rate_ppm=tier.rate_ppm + 100),), ""))
        with pytest.raises(AssertionError, match="liquidation_price was"):
            assert_as_published(case, {"liquidation_price": printed_price(given["wallet_balance"], [wrong])})
