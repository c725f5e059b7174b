"""Every published family of margin cases, through ``bot.risk``: run, or listed as not yet.

$PENSTOCK_ORACLES names another folder of cases.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.risk.tiers import TierTable
from tests.oracles import assert_as_published, cases, check_family, families
from tests.risk.margin_families import ADAPTERS, NOT_OURS, NOT_YET, exact_holding, printed_price

FILE = "05_exchange_margin.json"


@pytest.mark.parametrize("family", sorted(ADAPTERS))
def test_family_of_margin_cases_is_as_published(family: str) -> None:
    """Each number of each case, at the tolerance its source allows."""
    check_family(FILE, family, ADAPTERS[family], not_ours=NOT_OURS.get(family, ()))


@pytest.mark.parametrize("family", sorted(NOT_YET))
def test_family_of_margin_cases_is_not_yet(family: str) -> None:
    """What we cannot work out yet is said by name."""
    pytest.skip(f"{family}: not yet, {NOT_YET[family]}")


def test_families_of_margin_cases_are_all_run_or_listed() -> None:
    """No family of the file is left out without a word."""
    assert families(FILE) <= ADAPTERS.keys() | NOT_YET.keys()
    assert not ADAPTERS.keys() & NOT_YET.keys()


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
