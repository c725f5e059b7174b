"""The brackets that are typed in, and those of whole recorded days, against the files they came from."""

from __future__ import annotations

import gzip
import json

import pytest

from bot.domain.scale import CASH_UNIT, to_fixed
from bot.risk.binance_tiers import is_typed_in, tier_table
from tests.shared_data import shared

BRACKETS = "data/margin_tiers/binance-usdm_leverage_tiers_2024-10-24.json.gz"


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
