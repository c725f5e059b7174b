"""The page of exchanges is what the installed ccxt says of them, and says which of them were driven."""

from __future__ import annotations

import pytest

from bot.adapters.ccxt.unified import census
from bot.app.reference.exchanges import DRIVEN, exchanges_page
from tests.shared_data import ROOT

PAGE = (ROOT / "docs" / "exchanges.md").read_text(encoding="utf-8")


def test_exchanges_page_that_is_checked_in_is_what_ccxt_says() -> None:
    """`python -m bot.app.reference docs` writes it anew; of another version of ccxt it is another page."""
    if f"version {census.version()} " not in PAGE:
        pytest.skip(f"the page is of another ccxt than the one installed, {census.version()}")
    assert exchanges_page() == PAGE


def test_exchanges_page_claims_to_have_driven_no_more_than_the_tests_do() -> None:
    """Two ids were driven over a wire; every other row says no."""
    rows = [row.split("|") for row in PAGE.partition("## Can be guarded")[2].partition("## Nobody")[0].splitlines()
            if row.startswith("| `")]
    assert {row[1].strip(" `") for row in rows if row[5].strip() != "no"} == set(DRIVEN) == {"binance", "binanceusdm"}
    assert {"bybit", "okx", "bitget", "gate", "kucoinfutures", "hyperliquid"} <= {row[1].strip(" `") for row in rows}


def test_census_finds_what_is_missing_by_ccxts_word() -> None:
    """An exchange without brackets of margin is refused for that, one with all of it for nothing."""
    found = {entry.exchange_id: entry for entry in census.census()}
    assert found["deribit"].missing == ("brackets of maintenance margin",)
    assert found["binancecoinm"].missing == ("linear contracts",)
    assert found["bybit"].missing == () and found["bybit"].is_known and found["bybit"].stops == "mark"
    assert not found["mexc"].is_known
